"""`mandate keys`: read an address, enrol it, change it, have a key answer, make a keystore."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import SignerError, UsageError
from ._command import Call, TeachingGroup, command
from ._output import Answer
from .executors import revoke, rotate

if TYPE_CHECKING:
    from ..chain.trust import Key
    from ..models import Address

_challenge = click.option(
    "--challenge",
    required=True,
    metavar="WORDS",
    help="What is signed; chosen by who wants the proof, anew each time.",
)


@click.group(
    "keys",
    cls=TeachingGroup,
    short_help="Read, enrol and make keys.",
    examples=(
        "mandate keys show",
        "mandate keys enrol 'awskms:///alias/mandate-executor?region=eu-central-1'",
        f"mandate keys revoke 0x{'9' * 40} --as gus",
    ),
)
def keys() -> None:
    """Keys by URI: `awskms:` and `pkcs11:` for executors, `keystore:` for development.

    `gcpkms:` and `azurekeyvault:` are unproven. A key's private part never leaves its home; only
    its address is ever written down. Which keys may order runs is decided on chain: `rotate` and
    `revoke` are those of `mandate executors`, which has the other half, the council's yes.
    """


@command(
    "show",
    "Check each key against its address.",
    examples=("mandate keys show", "mandate keys show executor"),
)
@click.argument("name", required=False)
def show(call: Call, name: str | None) -> Answer:
    """Open the trust file's keys and check that each has the address that was enrolled."""
    from ..signing import UNPROVEN, open_signer

    known = _known(call)
    if name is not None:
        known = {name: _named(known, name)}
    addresses = {
        which: str(open_signer(key.uri, key.address).address) for which, key in known.items()
    }
    unproven = [which for which in addresses if known[which].uri.partition(":")[0] in UNPROVEN]
    text = "\n".join(
        f"{which:<10} {address}" + ("  (unproven key store)" if which in unproven else "")
        for which, address in addresses.items()
    )
    return Answer({"keys": addresses, "unproven": unproven}, text or "the trust file names no key")


@command(
    "enrol",
    "Read a key's address for the trust file.",
    examples=(
        "mandate keys enrol 'awskms:///alias/mandate-executor?region=eu-central-1'",
        "mandate keys enrol 'keystore:///etc/mandate/ana.json?passphrase-file=/etc/mandate/ana.pass'",
    ),
)
@click.argument("uri")
@click.option("--name", default="NAME", help="Name of the account in the printed lines.")
def enrol(call: Call, uri: str, name: str) -> Answer:
    """Read a key's address once and print the lines for the trust file.

    Writing them is yours to do: nothing that runs from a checkout may change whom a machine trusts.
    """
    from ..signing import enrol as read_once

    uri, address = read_once(uri)
    table = "executor" if name == "executor" else f"accounts.{name}"
    text = f'[{table}]\nuri = "{uri}"\naddress = "{address}"'
    return Answer({"uri": uri, "address": address}, text)


@command(
    "new",
    "Make a keystore for development.",
    examples=("mandate keys new key.json --passphrase-file ~/.config/mandate/passphrase",),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="Its first line is the passphrase; it is never an argument.",
)
def new(call: Call, file: Path, passphrase_file: Path) -> Answer:
    """Make an encrypted keystore with a new key, for development chains."""
    from ..signing import create_keystore

    if file.exists():
        raise UsageError(f"{file} exists already", meaning="A keystore is never overwritten.")
    passphrase = passphrase_file.read_text(encoding="utf-8").partition("\n")[0]
    address = create_keystore(file, passphrase)
    uri = f"keystore://{file.absolute()}?passphrase-file={passphrase_file.absolute()}"
    return Answer({"address": address, "uri": uri}, f"{address}\nnext: mandate keys enrol '{uri}'")


@command(
    "prove",
    "Sign a challenge: the key is here, and works.",
    examples=(
        "mandate keys prove executor --challenge 'rotation 2027-01-15, 4f91c2' --out proof.json",
    ),
)
@click.argument("name")
@_challenge
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the proof there; else it is printed.",
)
def prove(call: Call, name: str, challenge: str, out: Path | None) -> Answer:
    """Have a key of the trust file sign what somebody else chose.

    Worth doing before a key is voted for, and from time to time after: a key that may not sign any
    more is else found out when a run begins. What is signed means nothing to any contract.
    """
    from ..signing import ProofKey, open_signer

    key = _named(_known(call), name)
    proof = ProofKey(open_signer(key.uri, key.address)).prove(challenge)
    data = {"address": str(key.address), "challenge": challenge, "signature": "0x" + proof.hex()}
    text = json.dumps(data, indent=1)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
        text = f"{key.address} answered: {out}\nnext: mandate keys proven {out} --challenge WORDS"
    return Answer(data, text)


@command(
    "proven",
    "Check another's proof.",
    examples=("mandate keys proven proof.json --challenge 'rotation 2027-01-15, 4f91c2'",),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_challenge
def proven(call: Call, file: Path, challenge: str) -> Answer:
    """Check a proof against the challenge that you chose, and say whose key it is here.

    An old proof answers an old challenge: choose words that nobody could have known.
    """
    from ..models import possession_digest
    from ..signing import recover

    address, said, signature = _proof(file)
    if said != challenge:
        raise UsageError(
            "the proof answers another challenge",
            meaning="It may be an old one, or made for somebody else.",
            next_step="send your own words to whoever has the key: mandate keys prove",
        )
    found = recover(possession_digest(address, challenge), signature)
    if found.lower() != address.lower():
        raise SignerError(
            f"the proof is not by {address}",
            meaning="Whoever made it does not have that key.",
            next_step="do not enrol it",
        )
    names = sorted(name for name, key in _known(call).items() if key.address == found)
    whose = f"here: {', '.join(names)}" if names else "no key of this trust file"
    return Answer({"address": found, "names": names}, f"{found} answered ({whose})")


for _subcommand in (show, enrol, rotate.under("keys"), revoke.under("keys"), prove, proven, new):
    keys.add_command(_subcommand)


def _known(call: Call) -> dict[str, Key]:
    trust = call.session.trust
    special = {"executor": trust.executor, "runner": trust.runner}
    found = {name: key for name, key in special.items() if key is not None}
    return found | dict(sorted(trust.accounts.items()))


def _named(known: Mapping[str, Key], name: str) -> Key:
    if name not in known:
        raise UsageError(
            f"the trust file has no key {name!r}", meaning=f"It has: {', '.join(known)}."
        )
    return known[name]


def _proof(file: Path) -> tuple[Address, str, bytes]:
    """(address, challenge, signature). Raises `UsageError` for a file that is no proof."""
    from ..models import checksum

    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        signature = bytes.fromhex(content["signature"].removeprefix("0x"))
        return checksum(content["address"]), str(content["challenge"]), signature
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} is no proof: {type(error).__name__}",
            next_step="have it made anew: mandate keys prove NAME --challenge WORDS",
        ) from None
