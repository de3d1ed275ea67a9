"""Signed envelopes: DSSE v1. Source: https://github.com/secure-systems-lab/dsse

The signature covers the pre-authentication encoding of type and payload, so a payload of one type
cannot be passed off as another. The bytes that were signed are the bytes that are parsed.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import orjson

from pulumi_mandate.errors import InvalidDocument, Refused, UsageError

from .bundle import LIMITS, Bundle
from .keys import PublicKey, SigningKey, is_signature

PAYLOAD_TYPE = "application/vnd.pulumi-mandate.edge-bundle.v1+json"
MAX_SIGNATURES = 16


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """`DSSEv1 LEN(type) type LEN(payload) payload`, lengths in bytes as decimal ASCII."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_bundle(bundle: Bundle, *keys: SigningKey) -> bytes:
    """The envelope as JSON. Raises `UsageError` without a key."""
    if not keys:
        raise UsageError("a bundle needs at least one signature")
    payload = bundle.to_bytes()
    message = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    signatures = [{"keyid": key.key_id, "sig": _encode(key.sign(message))} for key in keys]
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": _encode(payload),
        "signatures": signatures,
    }
    return json.dumps(envelope, sort_keys=True, indent=1).encode()


def open_bundle(envelope: bytes, trusted: Mapping[str, PublicKey], threshold: int = 1) -> Bundle:
    """Check the signatures, then read the payload.

    `threshold`: how many different trusted keys must have signed, at least 1.

    Raises `Refused` (step 0) for too few signatures, `InvalidDocument` for a malformed envelope,
    `UsageError` for a threshold that would let nothing or anything pass.
    """
    if not 1 <= threshold <= len(trusted):
        raise UsageError(
            f"a threshold of {threshold} cannot be met by {len(trusted)} trusted keys",
            meaning="It must be at least one, and no more than there are keys.",
        )
    payload_type, payload, signatures = _taken_apart(envelope)
    if payload_type != PAYLOAD_TYPE:
        raise InvalidDocument("the envelope holds something else than an edge bundle")
    message = pre_authentication_encoding(payload_type, payload)
    signers = {
        name
        for name, signature in signatures
        if name in trusted and is_signature(trusted[name], signature, message)
    }
    if len(signers) < threshold:
        raise Refused(
            0,
            "the bundle is not signed by enough trusted keys",
            field="signatures",
            expected=f"at least {threshold}",
            found=str(len(signers)),
            meaning="It was altered, or its signer is not one that this site trusts.",
            next_step="deliver it again from the machine that holds the signing key",
        )
    return Bundle.from_bytes(payload)


def _taken_apart(envelope: bytes) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    if len(envelope) > 2 * LIMITS.size:
        raise InvalidDocument("the envelope is too large for an edge site")
    try:
        value: Any = orjson.loads(envelope)  # bounds the depth by itself, json does not
        signatures = [(str(s["keyid"]), _decode(s["sig"])) for s in value["signatures"]]
        payload_type, payload = str(value["payloadType"]), _decode(value["payload"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise InvalidDocument("this is not a DSSE envelope") from None
    if len(signatures) > MAX_SIGNATURES:
        raise InvalidDocument(f"the envelope has more than {MAX_SIGNATURES} signatures")
    return payload_type, payload, signatures


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
