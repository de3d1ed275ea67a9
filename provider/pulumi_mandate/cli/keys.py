"""`mandate keys`: read a key's address, enrol it, make a development keystore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from ._command import Call, TeachingGroup, command
from ._output import Answer

if TYPE_CHECKING:
    from ..chain.trust import Key


@click.group(
    "keys",
    cls=TeachingGroup,
    short_help="Read, enrol and make keys.",
    examples=(
        "mandate keys show",
        "mandate keys enrol 'awskms:///alias/mandate-executor?region=eu-central-1'",
    ),
)
def keys() -> None:
    """Keys by URI: `awskms:` and `pkcs11:` for executors, `keystore:` for development.

    A key's private part never leaves its home; only its address is ever written down.
    """


@command(
    "show",
    "Check each key against its address.",
    examples=("mandate keys show", "mandate keys show executor"),
)
@click.argument("name", required=False)
def show(call: Call, name: str | None) -> Answer:
    """Open the trust file's keys and check that each has the address that was enrolled."""
    from ..signing import open_signer

    known = _known(call)
    if name is not None:
        if name not in known:
            raise UsageError(
                f"the trust file has no key {name!r}", meaning=f"It has: {', '.join(known)}."
            )
        known = {name: known[name]}
    addresses = {
        which: str(open_signer(key.uri, key.address).address) for which, key in known.items()
    }
    text = "\n".join(f"{which:<10} {address}" for which, address in addresses.items())
    return Answer({"keys": addresses}, text or "the trust file names no key")


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


for _subcommand in (show, enrol, new):
    keys.add_command(_subcommand)


def _known(call: Call) -> dict[str, Key]:
    trust = call.session.trust
    special = {"executor": trust.executor, "runner": trust.runner}
    found = {name: key for name, key in special.items() if key is not None}
    return found | dict(sorted(trust.accounts.items()))
