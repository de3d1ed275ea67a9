"""The people of a development chain sign transactions; its executor does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.chain.trust import CONTRACTS, Governors, Key, Trust
from pulumi_mandate.dev.enrol import _account
from pulumi_mandate.errors import SignerError
from pulumi_mandate.models import Address
from pulumi_mandate.signing import create_keystore

NOBODY = Address("0x" + "00" * 20)


def test_the_executor_is_nobodys_account(tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("correct horse")
    address = Address(create_keystore(tmp_path / "ana.json", "correct horse", scrypt_n=2))
    ana = Key(f"keystore://{tmp_path}/ana.json?passphrase-file={passphrase}", address)

    def trust(executor: str) -> Trust:
        contracts = [*[NOBODY] * len(CONTRACTS), Governors(*[NOBODY] * 3)]
        return Trust(31337, ("http://x",), *contracts, 0, executor=Key("", Address(executor)))

    assert _account(trust("0x" + "11" * 20), ana).address == address
    with pytest.raises(SignerError, match="cannot send transactions"):
        _account(trust(address), ana)
