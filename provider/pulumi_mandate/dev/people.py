"""The people of the development chain: one keystore each, so that nobody acts for another.

Their keys are as good as their files: whoever can read this folder can vote as all of them. That is
why a vote here proves nothing to a third party.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from pulumi_mandate.chain.trust import Key
from pulumi_mandate.models import Address

from .home import DevHome, write_private

TOKEN = 10**18
GAS_MONEY = 1_000 * TOKEN
"""Of the chain's own money, for each: transactions never fail for lack of it."""
_SCRYPT_N = 1 << 12
"""Cheap: the passphrases are random and lie beside the files anyway."""


@dataclass(frozen=True, slots=True)
class Person:
    """A part in the play."""

    name: str
    part: str
    tokens: int = 0
    """Whole tokens at genesis: the vote's weight."""


PEOPLE = (
    Person("ana", "engineer: previews, proposes"),
    Person("bo", "token holder", 400_000),
    Person("chi", "token holder", 350_000),
    Person("dee", "token holder", 250_000),
    Person("rae", "runner: begins runs and pays for them"),
    Person("gus", "guardian: may revoke and cancel"),
    Person("deployer", "built the contracts and then let go"),
)


def keys_of_people(home: DevHome) -> Mapping[str, Key]:
    """Everybody's key URI and address; makes what is missing. Raises `SignerError`."""
    return {person.name: _key(home, person.name) for person in PEOPLE}


def holders(keys: Mapping[str, Key]) -> list[dict[str, str]]:
    """The electorate as the governance stack wants it: smallest units as decimal text."""
    return [
        {"holder": keys[person.name].address, "amount": str(person.tokens * TOKEN)}
        for person in PEOPLE
        if person.tokens
    ]


def _key(home: DevHome, name: str) -> Key:
    from pulumi_mandate.signing import create_keystore, enrol

    store, passphrase, address = (home.keys / f"{name}{end}" for end in (".json", ".pass", ".addr"))
    uri = f"keystore://{quote(str(store))}?passphrase-file={quote(str(passphrase))}"
    if not passphrase.exists():
        write_private(passphrase, secrets.token_urlsafe(32))
    if not store.exists():
        create_keystore(store, passphrase.read_text(), scrypt_n=_SCRYPT_N)
        address.unlink(missing_ok=True)
    if not address.exists():
        # Read back through the same door that will open it to sign.
        write_private(address, enrol(uri)[1])
    return Key(uri, Address(address.read_text()))
