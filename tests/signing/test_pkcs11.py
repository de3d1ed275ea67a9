"""Keys on a token (a real SoftHSM): what the module lets pass, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from pulumi_mandate.errors import SignerError, UsageError
from pulumi_mandate.models import keccak
from pulumi_mandate.signing import ExecutorKey, _pkcs11, enrol, open_signer, recover
from pulumi_mandate.signing._uri import parse_key_uri
from tests.plugins.hsm_fixtures import LABEL, OTHER, PIN, Token

DIGEST = keccak(b"anything")
GOOD = "pkcs11:token=t;object=o?module-path=/m.so&pin-source=file:/pin"


@pytest.fixture
def name(token: Token) -> str:
    return token.new_key(uuid4().hex)


def refused(uri: str) -> SignerError:
    with pytest.raises(SignerError) as refusal:
        enrol(uri)
    assert PIN not in str(refusal.value) + refusal.value.diagnostics()
    assert refusal.value.next_step
    return refusal.value


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (GOOD.replace("token=t;", ""), "no token"),
        (GOOD.replace(";object=o", ""), "no key on it"),
        (GOOD.replace("object=o", "object="), "empty attribute"),
        (GOOD.replace("object=o", "object"), "empty attribute"),
        (GOOD.replace("object=o", "object=o;object=p"), "repeated"),
        (GOOD.replace("object=o", "object=o;manufacturer=x"), "unknown"),
        (GOOD.replace("module-path=/m.so&", ""), "module-path=FILE"),
        (GOOD.replace("/m.so", "m.so"), "module-path=FILE"),
        (GOOD.replace("&pin-source=file:/pin", ""), "pin-source=file:FILE"),
        (GOOD.replace("file:/pin", "/pin"), "pin-source=file:FILE"),
        (GOOD.replace("file:/pin", "file:pin"), "pin-source=file:FILE"),
        (GOOD.replace("pin-source=file:/pin", "pin-value=1234"), "holds a PIN"),
        (GOOD + "&x=1", "unknown options: x"),
        (GOOD.replace("pkcs11:", "pkcs11:/"), "has a host"),
        (GOOD.replace("pkcs11:", "pkcs11://host/"), "has a host"),
        ("pkcs11:", "no path"),
    ],
)
def test_a_uri_of_another_form_is_refused_before_the_token_is_asked(uri: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refusal:
        enrol(uri)

    assert "1234" not in str(refusal.value) + refusal.value.diagnostics()


def test_attributes_are_decoded_one_by_one() -> None:
    uri = "pkcs11:token=a%3Bb%20c;id=%00%ff;serial=01?module-path=/m.so&pin-source=file:/p%2Fq"
    place = _pkcs11._place(parse_key_uri(uri))

    assert (place.token, place.id, place.serial, place.label) == ("a;b c", b"\0\xff", b"01", None)
    assert place.pin_file == Path("/p/q")


def test_a_key_is_found_by_its_id_as_well(token: Token, name: str) -> None:
    by_id = token.uri(name).replace("object=", "id=")

    assert enrol(by_id)[1] == enrol(token.uri(name))[1]


@pytest.mark.parametrize("size", [31, 33, 64])
def test_the_mechanism_takes_any_length_and_the_gate_does_not(
    token: Token, name: str, size: int
) -> None:
    """The reason for the gate: if a module begins to refuse it itself, this says so."""
    uri, address = enrol(token.uri(name))
    with token.session() as session:
        key = session.get_key(ObjectClass.PRIVATE_KEY, label=name)
        assert len(key.sign(b"\7" * size, mechanism=Mechanism.ECDSA)) == 64

    with pytest.raises(SignerError, match="32 bytes"):
        open_signer(uri, address).sign(b"\7" * size)  # type: ignore[arg-type]


def test_no_key_of_that_name(token: Token) -> None:
    assert "NoSuchKey" in str(refused(token.uri("nobody")))


def test_two_keys_of_one_name(token: Token, name: str) -> None:
    token.new_key(name)

    assert "MultipleObjectsReturned" in str(refused(token.uri(name)))


def test_a_key_on_another_curve(token: Token) -> None:
    p256 = token.new_key(uuid4().hex, curve="1.2.840.10045.3.1.7")

    assert "not on the curve secp256k1" in str(refused(token.uri(p256)))


def test_no_such_token(token: Token) -> None:
    assert "NoSuchToken" in str(refused(token.uri("any", token="elsewhere")))


def test_a_module_that_is_none(token: Token, tmp_path: Path) -> None:
    file = tmp_path / "module.so"
    file.write_text("not a module")

    for path in (file, tmp_path / "missing.so"):
        assert "The module cannot be used" in refused(token.uri("any", module=str(path))).meaning


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_pin_file_without_a_pin(token: Token, tmp_path: Path, content: bytes) -> None:
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_bytes(content)

    with pytest.raises(SignerError, match="the PIN file is"):
        enrol(token.uri("any", token=OTHER, pin=f"file:{pin}"))


def test_a_wrong_pin(token: Token, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_text("0000-1111")

    found = refused(token.uri("any", token=OTHER, pin=f"file:{pin}"))

    assert "PinIncorrect" in str(found)
    assert "0000" not in str(found) + found.diagnostics()


def test_a_pin_file_that_others_may_read(token: Token, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.touch(mode=0o644)

    assert "open to others" in str(refused(token.uri("any", token=OTHER, pin=f"file:{pin}")))


def test_a_key_that_is_removed_while_it_is_open(token: Token, name: str) -> None:
    signer = open_signer(*enrol(token.uri(name)))
    signer.sign(DIGEST)
    with token.session() as session:
        for key in list(session.get_objects({Attribute.LABEL: name})):
            key.destroy()

    with pytest.raises(SignerError, match="cannot sign on the token"):
        signer.sign(DIGEST)


def test_another_key_under_the_old_name_is_found_out(token: Token, name: str) -> None:
    """A rotation that nobody enrolled."""
    uri, address = enrol(token.uri(name))
    with token.session() as session:
        for key in list(session.get_objects({Attribute.LABEL: name})):
            key.destroy()
    token.new_key(name)

    with pytest.raises(SignerError, match="was enrolled"):
        open_signer(uri, address)


def test_a_module_that_hashes_again_is_found_out(
    token: Token, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, address = enrol(token.uri(name))
    honest = _pkcs11.Pkcs11Backend.sign_raw
    monkeypatch.setattr(
        _pkcs11.Pkcs11Backend, "sign_raw", lambda self, digest: honest(self, keccak(digest))
    )

    with pytest.raises(SignerError, match="not by"):
        open_signer(uri, address).sign(DIGEST)


class _HardwareToken:
    """Stands in for a token of hardware: only what it says of itself differs from SoftHSM's."""

    manufacturer_id = "A maker of HSMs"


@pytest.mark.parametrize(
    ("template", "development"),
    [({}, False), ({"EXTRACTABLE": True}, True), ({"SENSITIVE": False}, True)],
)
def test_only_a_key_that_never_was_outside_is_an_executors(
    token: Token, monkeypatch: pytest.MonkeyPatch, template: dict[str, Any], development: bool
) -> None:
    backend = _pkcs11.Pkcs11Backend.from_uri(
        parse_key_uri(token.uri(token.new_key(uuid4().hex, **template)))
    )
    assert backend.development_only, "SoftHSM keeps its keys in files"

    class Session:
        token = _HardwareToken
        get_objects = backend._session.session.get_objects

    made = _pkcs11._Session(Session, backend._session.lock)
    monkeypatch.setattr(_pkcs11, "_session", lambda _: made)
    again = _pkcs11.Pkcs11Backend(backend._place)

    assert again.development_only is development


def test_an_imported_key_is_for_development(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever brought it may have kept a copy."""
    name = token.new_key(uuid4().hex)
    curve = bytes.fromhex("06052b8104000a")
    with token.session() as session:
        for key in list(session.get_objects({Attribute.LABEL: name})):
            if key.object_class is ObjectClass.PRIVATE_KEY:
                key.destroy()
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                Attribute.KEY_TYPE: KeyType.EC,
                Attribute.EC_PARAMS: curve,
                Attribute.VALUE: b"\1" * 32,
                Attribute.LABEL: name,
                Attribute.TOKEN: True,
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.SIGN: True,
            }
        )
    monkeypatch.setattr(_pkcs11, "EMULATORS", ("nobody",))

    assert _pkcs11.Pkcs11Backend.from_uri(parse_key_uri(token.uri(name))).development_only


@pytest.mark.parametrize("said", ["LOCAL", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE"])
def test_each_attribute_alone_makes_a_key_one_for_development(
    token: Token, name: str, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """SoftHSM denies all three of an imported key; another module may deny one of them only."""
    monkeypatch.setattr(_pkcs11, "EMULATORS", ("nobody",))
    backend = _pkcs11.Pkcs11Backend.from_uri(parse_key_uri(token.uri(name)))
    names = ("LOCAL", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE")
    backend._private = {Attribute[one]: one != said for one in names}

    assert backend.development_only


def test_a_key_that_never_was_outside_signs_orders_where_its_token_is_hardware(
    token: Token, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pkcs11, "EMULATORS", ("nobody",))

    ExecutorKey(open_signer(*enrol(token.uri(name))))


IN_A_CHILD = """
import sys
from pulumi_mandate.models import keccak
from pulumi_mandate.signing import enrol, open_signer
uri, address = enrol(sys.argv[1])
print(address, open_signer(uri, address).sign(keccak(b"x")).to_bytes().hex())
"""


def test_another_process_signs_with_the_same_key(token: Token, name: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", IN_A_CHILD, token.uri(name)],
        check=True, capture_output=True, text=True, timeout=60, env=dict(os.environ),
    )  # fmt: skip

    address, signature = found.stdout.split()
    assert address == enrol(token.uri(name))[1]
    assert len(bytes.fromhex(signature)) == 65


def test_neither_the_pin_nor_the_key_shows(token: Token, name: str) -> None:
    backend = _pkcs11.Pkcs11Backend.from_uri(parse_key_uri(token.uri(name)))

    assert repr(backend) == f"Pkcs11Backend({LABEL}, {name!r})"
    assert PIN not in repr(_pkcs11._sessions) + repr(backend._place)


def test_without_its_package_the_error_says_what_to_install(
    token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11.exceptions", None)

    assert "pulumi-mandate[pkcs11]" in refused(token.uri("any", token="new")).next_step


def test_every_kind_of_failure_names_itself_and_what_to_do(
    token: Token, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pkcs11 import exceptions

    backend = _pkcs11.Pkcs11Backend.from_uri(parse_key_uri(token.uri(name)))
    for kind in (*_pkcs11._ACTIONS, "GeneralError"):
        error = TimeoutError if kind == "TimeoutError" else getattr(exceptions, kind)

        def fail(error: Callable[[str], Exception] = error) -> None:
            raise error("0x" + DIGEST.hex())

        with pytest.raises(SignerError, match=kind) as refusal:
            backend._ask("sign", fail)
        assert DIGEST.hex() not in str(refusal.value) + refusal.value.diagnostics()
        assert refusal.value.next_step


def test_what_it_signs_is_the_digest_itself(token: Token, name: str) -> None:
    uri, address = enrol(token.uri(name))

    assert recover(DIGEST, open_signer(uri, address).sign(DIGEST)) == address


def test_a_call_that_hangs_is_not_waited_for_and_not_made_later(
    token: Token, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The HSM is out of reach and its module waits: who asked is told, and so are those behind."""
    backend = _pkcs11.Pkcs11Backend.from_uri(parse_key_uri(token.uri(name)))
    monkeypatch.setattr(_pkcs11, "TIMEOUT", 0.1)
    hangs, asked = threading.Event(), []
    before = set(threading.enumerate())

    for question in (hangs.wait, lambda: asked.append("later")):
        with pytest.raises(SignerError, match="TimeoutError") as refusal:
            backend._ask("sign", question)
        assert "did not answer" in refusal.value.meaning
    hangs.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert asked == []
    monkeypatch.undo()
    assert len(backend.sign_raw(DIGEST)) == 2
