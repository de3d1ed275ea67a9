"""Vectors for canonical bytes: values with one form, and bytes that every reader must refuse."""

from __future__ import annotations

import json

from pulumi_mandate.models import keccak, to_hex
from pulumi_mandate.plan.canonical import canonical_bytes

POSITIVE: dict[str, object] = {
    "empty object": {},
    "empty array": [],
    "null, true, false": [None, True, False],
    "keys are sorted": {"b": 1, "a": 2, "": 3},
    "keys are sorted at every depth": {"z": {"b": [{"d": 1, "c": 2}], "a": 0}},
    "upper case before lower case": {"a": 1, "B": 2, "_": 3},
    "a key that is a prefix of another": {"ab": 1, "a": 2, "abc": 3},
    "digits sort as text": {"10": 1, "9": 2, "1": 3},
    "control characters": "\x00\x01\x08\t\n\x0b\x0c\r\x1f\x7f",
    "quotes and slashes": '"\\/',
    "text is kept as it is": "é e\u0301 \u2028 \u2029 \ufeff ß",
    "two normal forms are two keys": {"é": 1, "e\u0301": 2},
    "an astral character": "\U0001f4a1",
    "an astral key sorts by its surrogates": {"\ue000": 1, "\U0001f600": 2, "\ud7ff": 3},
    "the last character": "\U0010ffff",
    "small integers": [0, -1, 1, 255, -256],
    "the largest safe integers": [2**53 - 1, -(2**53 - 1)],
    "doubles beyond them": [2.0**53, 2.0**64, -(2.0**63)],
    "integral doubles": [1.0, -0.0, 1e20],
    "where exponents begin": [1e21, 1e-6, 1e-7, 123456789012345680000.0],
    "the edges of doubles": [5e-324, 1.7976931348623157e308, 2.2250738585072014e-308],
    "fractions": [0.1, 0.2, 0.30000000000000004, 1.5, -2.25, 333333333.3333333],
    "ten deep": [[[[[[[[[["x"]]]]]]]]]],
    "sixty-four deep": json.loads("[" * 64 + "]" * 64),
    "an unknown": {"mandate:v1": "unknown", "secret": False},
    "an escaped object": {"mandate:v1": "escaped", "entries": [["mandate:v1", "unknown"]]},
}

NEGATIVE: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" ",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a space after a colon": b'{"a": 1}',
    "a line end": b"{}\n",
    "a space before": b" {}",
    "two values": b"{}{}",
    "an open object": b'{"a":1',
    "a comma too many": b"[1,]",
    "single quotes": b"{'a':1}",
    "a comment": b"[1/**/]",
    "keys out of order": b'{"b":1,"a":2}',
    "keys out of order inside": b'{"a":[{"d":1,"c":2}]}',
    "a key twice": b'{"a":1,"a":1}',
    "a key twice, escaped once": b'{"a":1,"\\u0061":1}',
    "a key twice with another value": b'{"a":1,"a":2}',
    "code point order instead of UTF-16": '{"\ue000":1,"\U0001f600":2}'.encode(),
    "a key that is no text": b"{1:2}",
    "an escaped letter": b'["\\u00e9"]',
    "an escaped slash": b'["\\/"]',
    "an upper case escape": b'["\\u001F"]',
    "a long escape for a line end": b'["\\u000a"]',
    "a raw control character": b'["\x01"]',
    "a lone high surrogate": b'["\\ud800"]',
    "a lone low surrogate": b'["\\udc00"]',
    "an astral character as two escapes": b'["\\ud83d\\ude00"]',
    "bytes that are not UTF-8": b'["\xff"]',
    "a surrogate in UTF-8": b'["\xed\xa0\x80"]',
    "an overlong slash": b'["\xc0\xaf"]',
    "a decimal point too many": b"[1.0]",
    "a trailing zero": b"[1.50]",
    "minus zero": b"[-0]",
    "minus zero with a point": b"[-0.0]",
    "a leading zero": b"[01]",
    "a plus sign": b"[+1]",
    "no digit before the point": b"[.5]",
    "no digit after the point": b"[5.]",
    "an exponent for an integer": b"[1e5]",
    "an exponent in upper case": b"[1E+21]",
    "an exponent without its sign": b"[1e21]",
    "an exponent too early": b"[1e-06]",
    "NaN": b"[NaN]",
    "infinity": b"[Infinity]",
    "beyond every double": b"[1e400]",
    "2^53 + 1": b"[9007199254740993]",
    "2^64 in full": b"[18446744073709551616]",
    "more digits than a double has": b"[0.1000000000000000055]",
    "hexadecimal": b"[0x10]",
    "sixty-five deep": b"[" * 65 + b"]" * 65,
    "a thousand deep": b"[" * 1000 + b"]" * 1000,
}


def vectors() -> dict[str, object]:
    """`{positive: [{name, canonical, keccak}], negative: [{name, bytes}]}`; bytes are hex."""
    return {
        "positive": [
            {
                "name": name,
                "canonical": canonical_bytes(value).decode(),
                "keccak": to_hex(keccak(canonical_bytes(value))),
            }
            for name, value in POSITIVE.items()
        ],
        "negative": [{"name": name, "bytes": to_hex(data)} for name, data in NEGATIVE.items()],
    }
