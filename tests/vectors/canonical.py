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
    "keys that every object has": {"__proto__": {"a": 1}, "constructor": 2, "toString": 3},
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

NEGATIVE: dict[str, dict[str, bytes]] = {
    "it is not JSON": {
        "nothing": b"",
        "white space": b" ",
        "two values": b"{}{}",
        "an open object": b'{"a":1',
        "a comma too many": b"[1,]",
        "single quotes": b"{'a':1}",
        "a comment": b"[1/**/]",
        "a key that is no text": b"{1:2}",
        "a leading zero": b"[01]",
        "a plus sign": b"[+1]",
        "no digit before the point": b"[.5]",
        "no digit after the point": b"[5.]",
        "NaN": b"[NaN]",
        "infinity": b"[Infinity]",
        "hexadecimal": b"[0x10]",
        "a letter after the value": b"{}x",
        "a zero byte after the value": b"{}\x00",
        "UTF-16": b'{\x00"\x00a\x00"\x00:\x001\x00}\x00',
        "true in Python's words": b"[True]",
        "undefined": b"[undefined]",
        "a comma before nothing": b'{"a":1,}',
        "a key without a value": b'{"a"}',
        "an open text": b'["a]',
        "a vertical tab for a space": b"[\x0b1]",
    },
    "it is not the one form of its white space": {
        "a byte order mark": b"\xef\xbb\xbf{}",
        "a space after a colon": b'{"a": 1}',
        "a line end": b"{}\n",
        "a space before": b" {}",
        "a line of a pretty printer": b'{\n "a": 1\n}',
        "a carriage return": b"{}\r\n",
        "a tab inside": b"[\t1]",
    },
    "two readers would see two values": {
        "a key twice": b'{"a":1,"a":1}',
        "a key twice, escaped once": b'{"a":1,"\\u0061":1}',
        "a key twice with another value": b'{"a":1,"a":2}',
        "a key of every object twice": b'{"__proto__":1,"__proto__":2}',
    },
    "keys have one order": {
        "keys out of order": b'{"b":1,"a":2}',
        "keys out of order inside": b'{"a":[{"d":1,"c":2}]}',
        "code point order instead of UTF-16": b'{"\xee\x80\x80":1,"\xf0\x9f\x98\x80":2}',
        "numbers first, as JavaScript lists them": b'{"9":1,"10":1}',
        "case forgotten": b'{"a":1,"B":1}',
    },
    "text has one form": {
        "an escaped letter": b'["\\u00e9"]',
        "an escaped slash": b'["\\/"]',
        "an upper case escape": b'["\\u001F"]',
        "a long escape for a line end": b'["\\u000a"]',
        "a raw control character": b'["\x01"]',
        "an astral character as two escapes": b'["\\ud83d\\ude00"]',
        "an escaped delete": b'["\\u007f"]',
        "an escaped line separator": b'["\\u2028"]',
        "an escaped quote in four digits": b'["\\u0022"]',
    },
    "it is not text": {
        "a lone high surrogate": b'["\\ud800"]',
        "a lone low surrogate": b'["\\udc00"]',
        "bytes that are not UTF-8": b'["\xff"]',
        "a surrogate in UTF-8": b'["\xed\xa0\x80"]',
        "an overlong slash": b'["\xc0\xaf"]',
        "surrogates the wrong way round": b'["\\ude00\\ud83d"]',
        "a lone surrogate as a key": b'{"\\ud800":1}',
        "beyond the last character": b'["\xf4\x90\x80\x80"]',
        "half a character": b'["\xf0\x9f\x98"]',
    },
    "a number has one form": {
        "a decimal point too many": b"[1.0]",
        "a trailing zero": b"[1.50]",
        "minus zero": b"[-0]",
        "minus zero with a point": b"[-0.0]",
        "an exponent for an integer": b"[1e5]",
        "an exponent in upper case": b"[1E+21]",
        "an exponent without its sign": b"[1e21]",
        "an exponent too early": b"[1e-06]",
        "a point after zero": b"[0.0]",
        "the smallest double in full": b"[4.9406564584124654e-324]",
        "a large double in full": b"[1e+20]",
        "a double with too few digits of an exponent": b"[1e-7,1.0e-7]",
        "an integer with a fraction": b"[9007199254740992.0]",
    },
    "a number is a double": {
        "beyond every double": b"[1e400]",
        "2^53 + 1": b"[9007199254740993]",
        "2^64 in full": b"[18446744073709551616]",
        "more digits than a double has": b"[0.1000000000000000055]",
        "beneath every double": b"[1e-400]",
        "beyond every negative double": b"[-1e400]",
        "between two doubles": b"[0.30000000000000001]",
    },
    "readers have a limit": {
        "sixty-five deep": b"[" * 65 + b"]" * 65,
        "a thousand deep": b"[" * 1000 + b"]" * 1000,
        "sixty-five deep with keys": b'{"a":' * 65 + b"1" + b"}" * 65,
        "five thousand deep": b"[" * 5000,
    },
}
"""Bytes that every reader refuses, by the reason."""


def vectors() -> dict[str, object]:
    """`{positive: [{name, canonical, keccak}], negative: [{name, reason, bytes in hex}]}`."""
    return {
        "positive": [
            {
                "name": name,
                "canonical": canonical_bytes(value).decode(),
                "keccak": to_hex(keccak(canonical_bytes(value))),
            }
            for name, value in POSITIVE.items()
        ],
        "negative": [
            {"name": name, "reason": reason, "bytes": to_hex(data)}
            for reason, cases in NEGATIVE.items()
            for name, data in cases.items()
        ],
    }
