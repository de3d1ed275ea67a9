from __future__ import annotations

import base64
import json

import pytest

from pulumi_mandate.edge import Bundle, open_bundle, sign_bundle
from pulumi_mandate.edge.envelope import PAYLOAD_TYPE, pre_authentication_encoding
from pulumi_mandate.edge.keys import load_trusted_keys
from pulumi_mandate.errors import InvalidDocument, Refused, UsageError

BUNDLE = Bundle("store-17", 3, {"agent.toml": "x = 1"}, {"shelf": 3})


@pytest.fixture
def trusted(machine):
    return load_trusted_keys(machine.trusted)


def changed(envelope: bytes, **members) -> bytes:
    return json.dumps(json.loads(envelope) | members).encode()


def test_the_encoding_is_the_one_of_the_specification():
    # The example of the DSSE v1 protocol text.
    assert (
        pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_what_was_signed_comes_out(key, trusted):
    assert open_bundle(sign_bundle(BUNDLE, key), trusted) == BUNDLE


def test_a_strangers_signature_refuses(stranger, trusted):
    with pytest.raises(Refused, match="not signed by enough trusted keys"):
        open_bundle(sign_bundle(BUNDLE, stranger), trusted)


def test_a_strangers_signature_under_a_trusted_name_refuses(key, stranger, trusted):
    envelope = json.loads(sign_bundle(BUNDLE, stranger))
    envelope["signatures"][0]["keyid"] = key.key_id

    with pytest.raises(Refused):
        open_bundle(json.dumps(envelope).encode(), trusted)


def test_one_changed_byte_refuses(key, trusted):
    payload = BUNDLE.to_bytes().replace(b'"shelf":3', b'"shelf":4')
    assert payload != BUNDLE.to_bytes()
    envelope = changed(sign_bundle(BUNDLE, key), payload=base64.b64encode(payload).decode())

    with pytest.raises(Refused):
        open_bundle(envelope, trusted)


def test_another_payload_type_refuses(key, trusted):
    with pytest.raises(InvalidDocument, match="something else"):
        open_bundle(changed(sign_bundle(BUNDLE, key), payloadType="text/plain"), trusted)


def test_the_same_key_twice_counts_once(key, stranger, trusted, machine):
    (machine.trusted / "second.pem").write_bytes(stranger.public_pem())
    both = load_trusted_keys(machine.trusted)

    with pytest.raises(Refused):
        open_bundle(sign_bundle(BUNDLE, key, key), both, threshold=2)
    assert open_bundle(sign_bundle(BUNDLE, key, stranger), both, threshold=2) == BUNDLE


@pytest.mark.parametrize("threshold", [0, -1, 2])
def test_a_threshold_nobody_could_or_anybody_would_meet_refuses(key, trusted, threshold):
    with pytest.raises(UsageError, match="threshold"):
        open_bundle(sign_bundle(BUNDLE, key), trusted, threshold)


def test_no_key_at_all_signs_nothing_and_trusts_nothing(key):
    with pytest.raises(UsageError):
        sign_bundle(BUNDLE)
    with pytest.raises(UsageError):
        open_bundle(sign_bundle(BUNDLE, key), {})


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 200_000,
        b'{"payload":' * 200_000,
        b'{"payload": "!", "payloadType": "x", "signatures": []}',
        json.dumps({"payload": "", "payloadType": PAYLOAD_TYPE, "signatures": 1}).encode(),
        json.dumps({"payload": "", "payloadType": PAYLOAD_TYPE, "signatures": [{}]}).encode(),
        json.dumps(
            {
                "payload": "",
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"keyid": "a", "sig": ""}] * 17,
            }
        ).encode(),
    ],
)
def test_bytes_that_are_no_envelope_refuse(envelope, trusted):
    with pytest.raises(InvalidDocument):
        open_bundle(envelope, trusted)
