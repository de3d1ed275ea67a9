"""What may become of a key, made to happen in each key store at its own border.

A file is deleted, a token logged out of, a request to the KMS refused on its way. Where a store
knows no such state, `NO_NOTION_OF` says why; nothing else may be left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import SessionCount

from pulumi_mandate.signing import _gcpkms, _pkcs11, create_keystore
from pulumi_mandate.signing._uri import parse_key_uri
from tests.plugins.azure_key_vault import AzureKeyVault
from tests.plugins.cloud_front import CloudFront
from tests.plugins.gcp_kms import GcpKms
from tests.plugins.hsm_fixtures import Token

PASSPHRASE = "correct horse"
FAST_SCRYPT = 2
PATIENCE = 1.0
"""Seconds that a store is waited for here: an answer takes less, also on a busy machine."""

BACKENDS = ("keystore", "awskms", "pkcs11", "gcpkms", "azurekeyvault")
"""`broker:` signs no bare digest: tests/broker/test_conformance.py."""
MISHAPS = (
    "disabled",
    "pending deletion",
    "gone",
    "denied",
    "another under its name",
    "throttle",
    "time-out",
    "dry run",
)
_NO_CALL = "none of its calls runs dry; `mandate keys prove` is the dry run that every store has"
_A_FILE = "a file is there or not, readable or not"
NO_NOTION_OF: Mapping[tuple[str, str], str] = {
    ("keystore", "disabled"): _A_FILE,
    ("keystore", "pending deletion"): _A_FILE,
    ("keystore", "throttle"): "nobody serves it, so nobody can have too much to do",
    ("keystore", "dry run"): _NO_CALL,
    ("pkcs11", "pending deletion"): "a token deletes at once",
    ("pkcs11", "dry run"): _NO_CALL,
    ("gcpkms", "dry run"): _NO_CALL,
    ("azurekeyvault", "dry run"): _NO_CALL,
    ("broker", "dry run"): "it signs no proof either; whether its key works is the broker's to ask",
}
"""Key store and mishap → why the one does not know the other."""
CASES = [
    (backend, mishap)
    for backend in BACKENDS
    for mishap in MISHAPS
    if (backend, mishap) not in NO_NOTION_OF
]
SIGNS_ON = {
    *(("keystore", mishap) for mishap in MISHAPS),
    ("pkcs11", "throttle"),
}
"""Where a key that was open before may go on: it is in memory, or has its session."""
Mishap = Callable[[str], Any]


@dataclass(frozen=True)
class Harness:
    """A key store under test."""

    name: str
    new_key: Callable[[], str]
    """Make a fresh key, give its URI."""
    mishaps: Mapping[str, Mishap]
    """Has one of `MISHAPS` happen to a key, by its URI."""


def _path(uri: str) -> str:
    return parse_key_uri(uri).path


def of_a_keystore(passphrase_file: Path) -> dict[str, Mishap]:
    """A pipe in the file's place is what could be waited for."""

    def another(uri: str) -> None:
        Path(_path(uri)).unlink()
        create_keystore(Path(_path(uri)), PASSPHRASE, scrypt_n=FAST_SCRYPT)

    def pipe(uri: str) -> None:
        Path(_path(uri)).unlink()
        os.mkfifo(_path(uri), mode=0o600)

    return {
        "gone": lambda uri: Path(_path(uri)).unlink(),
        "denied": lambda _: passphrase_file.write_text("another one\n"),
        "another under its name": another,
        "time-out": pipe,
    }


def of_a_token(
    token: Token, pin: Path, patch: pytest.MonkeyPatch, afterwards: Callable[[Any], None]
) -> dict[str, Mishap]:
    """All but two are SoftHSM's own answers. It is never busy and never slow: a session that could
    not be opened, and a call that hangs, are put in the place of the library's."""

    def label(uri: str) -> str:
        return _path(uri).rpartition("object=")[2]

    def gone(uri: str) -> None:
        with token.session() as session:
            for key in list(session.get_objects({Attribute.LABEL: label(uri)})):
                key.destroy()

    def another(uri: str) -> None:
        gone(uri)
        token.new_key(label(uri))

    def disabled(uri: str) -> None:
        with token.session() as session:
            key = session.get_key(ObjectClass.PRIVATE_KEY, label=label(uri))
            key[Attribute.SIGN] = False

    def denied(_: str) -> None:
        token.log_out()
        pin.write_text("0000-1111")

    def throttle(_: str) -> None:
        def full(place: object) -> None:
            raise SessionCount

        patch.setattr(_pkcs11, "_sessions", {})
        patch.setattr(_pkcs11, "_log_in", full)

    def hang(_: str) -> None:
        [session] = [one for key, one in _pkcs11._sessions.items() if key[2] == token.label]
        patch.setattr(_pkcs11, "TIMEOUT", PATIENCE)
        session.lock.acquire()
        afterwards(session.lock.release)

    return {
        "disabled": disabled,
        "gone": gone,
        "denied": denied,
        "another under its name": another,
        "throttle": throttle,
        "time-out": hang,
    }


def of_gcp(kms: GcpKms, patch: pytest.MonkeyPatch) -> dict[str, Mishap]:
    """A version's name never leads to another key; the stand-in can be made to lie."""
    codes = grpc.StatusCode

    def name(uri: str) -> str:
        return _path(uri).removeprefix("/")

    def fault(code: grpc.StatusCode) -> Mishap:
        return lambda uri: kms.faults.update({name(uri): code})

    def hang(_: str) -> None:
        patch.setattr(_gcpkms, "TIMEOUT", PATIENCE)
        kms.hang.clear()

    return {
        "disabled": fault(codes.FAILED_PRECONDITION),
        "pending deletion": fault(codes.FAILED_PRECONDITION),
        "gone": lambda uri: kms.keys.pop(name(uri)),
        "denied": fault(codes.PERMISSION_DENIED),
        "another under its name": lambda uri: kms.new_key(name(uri).split("/")[7]),
        "throttle": fault(codes.RESOURCE_EXHAUSTED),
        "time-out": hang,
    }


def of_a_vault(vault: AzureKeyVault) -> dict[str, Mishap]:
    """A version never leads to another key; the stand-in can be made to lie."""

    def place(uri: str) -> str:
        return _path(uri).split("/", 2)[2]

    def fault(status: int) -> Mishap:
        return lambda uri: vault.faults.update({place(uri): status})

    def another(uri: str) -> None:
        vault.keys[place(uri)] = ec.generate_private_key(ec.SECP256K1())

    return {
        "disabled": fault(403),
        "pending deletion": fault(409),
        "gone": lambda uri: vault.keys.pop(place(uri)),
        "denied": fault(403),
        "another under its name": another,
        "throttle": fault(429),
        "time-out": lambda _: vault.hang.clear(),
    }


def of_kms(kms: Any, front: CloudFront, new_key: Callable[[], str]) -> dict[str, Mishap]:
    """moto grants everybody everything, has time for all and knows no dry run: what AWS would say
    instead is said on the way."""

    def key(uri: str) -> str:
        return _path(uri).removeprefix("/")

    def target(uri: str) -> str:
        return str(kms.describe_key(KeyId=key(uri))["KeyMetadata"]["KeyId"])

    def said(code: str) -> Mishap:
        def happens(_: str) -> None:
            front.said = (400, f'{{"__type":"{code}","message":"SECRET"}}'.encode())

        return happens

    def deletion(uri: str) -> None:
        kms.schedule_key_deletion(KeyId=target(uri), PendingWindowInDays=7)

    def another(uri: str) -> None:
        kms.update_alias(AliasName=key(uri), TargetKeyId=target(new_key()))

    def hang(_: str) -> None:
        front.silent = True

    return {
        "disabled": lambda uri: kms.disable_key(KeyId=target(uri)),
        "pending deletion": deletion,
        "gone": lambda uri: kms.delete_alias(AliasName=key(uri)),
        "denied": said("AccessDeniedException"),
        "another under its name": another,
        "throttle": said("ThrottlingException"),
        "time-out": hang,
        "dry run": said("DryRunOperationException"),
    }
