from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.edge import Binding, Bundle
from pulumi_mandate.errors import InvalidDocument, UsageError
from pulumi_mandate.models import keccak

BINDING = Binding(keccak(b"plan"), keccak(b"run"), 31337, "0x" + "ab" * 20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.integers(1, 2**53 - 1),
    st.dictionaries(st.text(max_size=6), JSON, max_size=4),
    st.none() | st.just(BINDING),
)
def test_a_bundle_survives_its_own_bytes(revision, config, binding):
    bundle = Bundle("store-17", revision, {"a/b.txt": "hé"}, config, binding=binding)

    assert Bundle.from_bytes(bundle.to_bytes()) == bundle


def test_the_order_of_keys_never_reaches_the_bytes():
    one = Bundle("s", 1, {"a": "1", "b": "2"}, {"x": 1, "y": 2})
    two = Bundle("s", 1, {"b": "2", "a": "1"}, {"y": 2, "x": 1})

    assert one.to_bytes() == two.to_bytes()


def test_the_content_digest_ignores_the_mandate_and_nothing_else():
    plain = Bundle("s", 1, config={"x": 1}, expires_at=9)
    bound = Bundle("s", 1, config={"x": 1}, expires_at=9, binding=BINDING)
    others = [
        Bundle("t", 1, config={"x": 1}, expires_at=9),
        Bundle("s", 2, config={"x": 1}, expires_at=9),
        Bundle("s", 1, config={"x": 2}, expires_at=9),
        Bundle("s", 1, {"f": ""}, {"x": 1}, expires_at=9),
        Bundle("s", 1, config={"x": 1}, expires_at=8),
        Bundle("s", 1, config={"x": 1}, not_before=1, expires_at=9),
    ]

    assert plain.content_digest == bound.content_digest
    assert plain.to_bytes() != bound.to_bytes()
    assert plain.content_digest not in {other.content_digest for other in others}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "", ".", "a\\b", "a\x00b", ".."],
)
def test_no_file_leads_out_of_the_agents_folder(path):
    with pytest.raises(UsageError):
        Bundle("s", 1, {path: ""})


@pytest.mark.parametrize("site", ["", "A", "a_b", "-a", "a-", "a/b", "..", "a" * 64, "a\n"])
def test_a_site_is_a_name(site):
    with pytest.raises(UsageError, match="site is not a name"):
        Bundle(site, 1)


@pytest.mark.parametrize("revision", [0, -1, 2**53, True, 1.0, "1", None])
def test_a_revision_is_a_whole_number_from_one(revision):
    with pytest.raises(UsageError, match="revision"):
        Bundle("s", revision)


def test_a_window_that_never_opens_is_a_mistake():
    with pytest.raises(UsageError, match="not after"):
        Bundle("s", 1, not_before=10, expires_at=10)


@pytest.mark.parametrize(
    ("now", "usable"), [(9, False), (10, True), (19, True), (20, False), (21, False)]
)
def test_the_window_holds_its_first_second_and_not_its_last(now, usable):
    assert Bundle("s", 1, not_before=10, expires_at=20).usable_at(now) is usable


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "mandate/edge-bundle/v2"},
        {"site": "Not a name"},
        {"revision": 0},
        {"files": []},
        {"files": {"x": 1}},
        {"config": None},
        {"binding": {}},
        {"binding": {"planHash": "0x12", "runId": "0x", "chainId": 1, "registry": ""}},
        {"more": 1},
    ],
)
def test_what_is_signed_must_still_be_a_bundle(change):
    value = json.loads(Bundle("s", 1).to_bytes()) | change
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    with pytest.raises(InvalidDocument):
        Bundle.from_bytes(data)


def test_a_missing_field_refuses():
    value = json.loads(Bundle("s", 1).to_bytes())
    del value["notBefore"]
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    with pytest.raises(InvalidDocument, match="lacks a field"):
        Bundle.from_bytes(data)
