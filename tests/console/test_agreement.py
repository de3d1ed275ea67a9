"""Python and JavaScript over whatever Hypothesis draws; one Node process answers all of it.

`rfc8785` is no second opinion on doubles, because Python's canonical form uses it for them: Node's
own number formatting is.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_mandate.errors import InvalidDocument
from pulumi_mandate.models import keccak, plan_hash, to_hex
from pulumi_mandate.plan.canonical import canonical_bytes, parse
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.markers import KEY, PARTS, malformed
from tests.console.node import Ask
from tests.plan.samples import creation
from tests.properties.strategies import JSON, OBJECTS, places
from tests.vectors.documents import DOMAIN
from tests.vectors.whole import build

BITS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
POWERS = st.builds(
    lambda power, steps, sign: sign * struct.unpack(
        "<d", struct.pack("<q", struct.unpack("<q", struct.pack("<d", 10.0**power))[0] + steps)
    )[0],
    st.integers(-307, 308), st.integers(-3, 3), st.sampled_from([-1, 1]),
)  # fmt: skip
EDGES = st.sampled_from(
    [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0**53, 2.0**53 + 2, 2.0**63,
     2.0**64, 1e21, 1e-6, 1e-7, 0.1 + 0.2, -0.0, 999999999999999900000.0, 9.5e-7]
)  # fmt: skip
DOUBLES = (BITS | POWERS | EDGES).filter(math.isfinite)
ORDER = st.text(st.sampled_from('a\u007f\ud7ff\ue000\uffff\U00010000\U0010ffff\u2028"\\\x00'))
VALUES = st.recursive(
    JSON | DOUBLES | ORDER,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ORDER, inner, max_size=4),
    max_leaves=10,
)
PAIRS = st.lists(
    st.tuples(st.sampled_from([KEY, "a", "z", "\ue000", "\U0001f600"]), st.just(1)), max_size=3
)
PART = st.sampled_from([True, "x", None, {}, 1]) | PAIRS.map(lambda pairs: list(map(list, pairs)))
WHOLE = st.sampled_from(sorted(PARTS)).flatmap(
    lambda name: st.fixed_dictionaries(
        {KEY: st.just(name), **dict.fromkeys(PARTS[name], PART)}, optional={"more": st.just(1)}
    )
)
ENTRIES = st.fixed_dictionaries({KEY: st.just("escaped"), "entries": PART})
MARKERS = WHOLE | ENTRIES | st.dictionaries(st.just(KEY), PART, min_size=1)


def python(compute: Callable[[], Any]) -> Any:
    try:
        return compute()
    except InvalidDocument:
        return InvalidDocument


@settings(deadline=None)
@given(VALUES)
def test_both_write_the_same_bytes(ask: Ask, value: Any) -> None:
    # Their readers of other people's JSON differ; numbers are doubles on both sides.
    text = json.dumps(value, ensure_ascii=False).encode()

    assert ask("write", text) == to_hex(canonical_bytes(value))


@settings(deadline=None)
@given(st.dictionaries(ORDER, st.integers(0, 9), min_size=2))
def test_both_sort_keys_alike(ask: Ask, value: dict[str, int]) -> None:
    assert ask("write", json.dumps(value).encode()) == to_hex(canonical_bytes(value))


@settings(deadline=None)
@given(VALUES, st.data())
def test_both_read_and_refuse_the_same_bytes(ask: Ask, value: Any, data: st.DataObject) -> None:
    whole = canonical_bytes(value)
    at = data.draw(st.integers(0, len(whole)))
    put = data.draw(st.binary(max_size=2) | st.sampled_from([b" ", b",", b'"', b"0", b"\\", b"]"]))
    spoilt = whole[:at] + put + whole[at + data.draw(st.integers(0, 2)) :]

    for candidate in (whole, spoilt):
        expected = python(lambda candidate=candidate: to_hex(canonical_bytes(parse(candidate))))
        assert ask("parse", candidate) == expected
    assert ask("parse", whole) == to_hex(whole)


@settings(deadline=None)
@given(st.binary(max_size=700))
def test_both_hash_the_same(ask: Ask, data: bytes) -> None:
    assert ask("keccak", data) == to_hex(keccak(data))


@pytest.mark.parametrize("size", [0, 1, 135, 136, 137, 271, 272, 273, 5000])
def test_both_hash_the_same_where_blocks_end(ask: Ask, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)

    assert ask("keccak", data[:size]) == to_hex(keccak(data[:size]))


@settings(deadline=None)
@given(MARKERS)
def test_both_know_the_same_markers(ask: Ask, value: Any) -> None:
    assert ask("whole", canonical_bytes([value])) is not malformed(value)


@settings(deadline=None, max_examples=50)
@given(OBJECTS, st.data())
def test_both_hash_and_refuse_the_same_documents(
    ask: Ask, inputs: dict[str, Any], data: st.DataObject
) -> None:
    document = build(creation("x", json.loads(json.dumps(inputs))))
    domain = {"chainId": DOMAIN.chain_id, "registry": DOMAIN.registry}

    assert ask("verify", document.data, domain=domain) == to_hex(
        plan_hash(DOMAIN, document.fields())
    )
    content = parse(document.data)
    place = data.draw(st.sampled_from(places(content)))
    target = content
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = data.draw(st.sampled_from([None, 0, 1, 2, "", "0x" + "22" * 32, {}, []]))
    changed = canonical_bytes(content)
    theirs = ask("verify", changed, domain=domain)
    ours = python(lambda: to_hex(plan_hash(DOMAIN, Document.load(changed).fields())))
    assert theirs == ours
