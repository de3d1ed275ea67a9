"""RFC 8785: the same bytes as the reference implementation, and only those bytes back."""

from __future__ import annotations

import pytest
import rfc8785

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.plan import canonical
from pulumi_mandate.plan.canonical import Limits, canonical_bytes, parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, b"{}"),
        ([], b"[]"),
        ({"b": 1, "a": [True, None, "x"]}, b'{"a":[true,null,"x"],"b":1}'),
        (1.0, b"1"),
        (-0.0, b"0"),
        (1e21, b"1e+21"),
        (1e20, b"100000000000000000000"),
        (0.000001, b"0.000001"),
        (1e-7, b"1e-7"),
        (9007199254740992.0, b"9007199254740992"),
        (-(2**53 - 1), b"-9007199254740991"),
        ('\x00\x1f\x7f"\\/\u2028é', '"\\u0000\\u001f\x7f\\"\\\\/\u2028é"'.encode()),
        # UTF-16 order: an astral key (surrogates from D800) sorts before U+E000 and later.
        ({"\ue000": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ue000":1}'.encode()),
        ({"é": 1, "e\u0301": 2}, '{"e\u0301":2,"é":1}'.encode()),
    ],
)
def test_bytes_of_a_value(value: object, expected: bytes) -> None:
    assert canonical_bytes(value) == expected
    assert canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"), float("inf"), 2**53, -(2**53), b"bytes", (1, 2), {1: "x"}, {"a": {1}},
        "\ud800", {"\udc00": 1}, {"a": ["\udfff"]}, ...,
    ],
    ids=repr,
)  # fmt: skip
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(InvalidDocument, match="canonical form"):
        canonical_bytes(value)


def test_a_refusal_never_quotes_the_value() -> None:
    with pytest.raises(InvalidDocument) as caught:
        canonical_bytes({"password": "hunter2\ud800"})

    assert "hunter2" not in caught.value.diagnostics()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[NaN]", b"[Infinity]", b'{"a":1,"a":1}', b'{"b":1,"a":2}', b'{"a": 1}',
        b"[1]\n", b"\xef\xbb\xbf[]", b"[1.0]", b"[-0]", b"[1e5]", b"[1E+21]", b"[01]", b"[1.50]",
        b"[9007199254740993]", b"[18446744073709551616]", b'["\\u00e9"]', b'["\\/"]',
        b'["\\ud800"]', b'["\xff"]', b"[1,]", b"'a'",
        b'{"\xee\x80\x80":1,"\xf0\x9f\x98\x80":2}', b"[0.1000000000000000055]",
    ],
    ids=repr,
)  # fmt: skip
def test_bytes_that_are_not_canonical_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidDocument):
        parse(data)


@pytest.mark.parametrize(
    "data", [b"[9007199254740992]", b"[18446744073709552000]", b"[1e+21]", b"[5e-324]"]
)
def test_doubles_beyond_the_integers_come_back_as_they_went(data: bytes) -> None:
    assert canonical_bytes(parse(data)) == data


def test_limits_are_part_of_reading() -> None:
    nested = b"[" * 65 + b"]" * 65
    with pytest.raises(InvalidDocument, match="nested deeper than 64"):
        parse(nested)
    with pytest.raises(InvalidDocument, match="nested deeper"):
        canonical_bytes([[[1]]], Limits(depth=2))
    with pytest.raises(InvalidDocument, match="has 3 bytes"):
        parse(b"[1]", Limits(size=2))

    assert parse(nested[1:-1]) is not None


def test_the_fast_path_is_taken_where_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(value: object) -> bytes:
        raise AssertionError("the slow path was taken")

    monkeypatch.setattr(canonical.rfc8785, "dumps", refuse)

    assert canonical_bytes({"é": [1, "\U0001f600", {"\ud7ff": None}]}) is not None
    with pytest.raises(AssertionError):
        canonical_bytes({"\U0001f600": 1})
    with pytest.raises(AssertionError):
        canonical_bytes([0.5])
