"""The engine's values: converted, committed, escaped or refused, never passed through."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from pulumi_mandate.errors import IncompletePlan
from pulumi_mandate.plan.values import UNKNOWNS, Reader, masked, same_json
from tests.plan.samples import KEY, SIGNATURE, UNKNOWN, secret

READER = Reader(KEY, "urn:pulumi:dev::p::t::n", {})
DEPLOYED = Reader(KEY, "urn:pulumi:dev::p::t::n", {}, deployed=True)
ASSET = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17"}
ARCHIVE = {SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7"}


def convert(value: Any) -> Any:
    return READER.value(value, ["p"])


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "", "é\U0001f600", [], {}, [[{"a": [1]}]]])
def test_plain_values_stay_as_they_are(value: object) -> None:
    assert same_json(value, convert(value))


def test_an_integer_beyond_a_double_becomes_the_double_it_already_is() -> None:
    assert convert(9007199254740993) == 9007199254740992.0
    assert type(convert(9007199254740993)) is float


@pytest.mark.parametrize("sentinel", sorted(UNKNOWNS))
def test_every_sentinel_is_an_unknown_and_never_a_deployed_value(sentinel: str) -> None:
    assert convert([sentinel]) == [{"mandate:v1": "unknown", "secret": False}]
    with pytest.raises(IncompletePlan, match="sentinel"):
        DEPLOYED.value(sentinel, ["p"])


@pytest.mark.parametrize(
    "value",
    [f"x{UNKNOWN}", f"{UNKNOWN}\n", {UNKNOWN: 1}, {f"a{SIGNATURE}": 1}, [{"a": SIGNATURE}],
     secret(f"-{UNKNOWN}")],
    ids=repr,
)  # fmt: skip
def test_a_typed_sentinel_is_refused(value: object) -> None:
    with pytest.raises(IncompletePlan, match="sentinel"):
        convert(value)


@pytest.mark.parametrize(
    "value",
    [
        {"mandate:v1": "unknown", "secret": False},
        {"mandate:v1": "secret", "commitment": "0x" + "00" * 32},
        {"mandate:v1": "escaped", "entries": []},
        {"mandate:v1": {"mandate:v1": "unknown"}},
        {"mandate:v1": None, "a": 1},
    ],
    ids=repr,
)
def test_a_typed_marker_is_escaped(value: dict[str, Any]) -> None:
    converted = convert(value)

    assert converted["mandate:v1"] == "escaped"
    assert [key for key, _ in converted["entries"]] == sorted(value)
    assert READER.properties(value)["mandate:v1"] == "escaped"


def test_secrets_are_committed_at_their_own_place() -> None:
    converted = READER.properties({"a": secret("x"), "b": secret("x"), "c": {"d": secret("x")}})
    commitments = [converted["a"], converted["b"], converted["c"]["d"]]

    assert {item["mandate:v1"] for item in commitments} == {"secret"}
    assert len({item["commitment"] for item in commitments}) == 3


def test_a_secret_inside_a_secret_is_the_same_secret() -> None:
    assert convert(secret({"a": ["x"]})) == convert(secret({"a": [secret("x")]}))
    assert convert(secret({"a": ["x"]})) != convert(secret({"a": ["y"]}))


def test_a_secret_that_is_not_known_yet_stays_an_unknown_secret() -> None:
    unknown_secret = {"mandate:v1": "unknown", "secret": True}

    assert convert(secret(UNKNOWN)) == unknown_secret
    assert convert(secret({"a": 1, "b": [UNKNOWN]})) == unknown_secret


@pytest.mark.parametrize(
    "value",
    [
        {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"},
        {SIGNATURE: "8ad145fe-0d11-4827-bfd7-1abcbf086f5c", "value": "7ff8000000000001"},
        {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": 1},
        {SIGNATURE: "something newer"},
        {SIGNATURE: None},
    ],
    ids=repr,
)
def test_a_special_value_of_an_unknown_kind_is_refused(value: object) -> None:
    with pytest.raises(IncompletePlan, match="special kind"):
        convert(value)


def test_assets_are_bound_by_content() -> None:
    text = hashlib.sha256(b"hello").hexdigest()

    assert convert(ASSET | {"text": "hello"})["hash"] == text
    assert convert(ASSET | {"text": "other", "hash": text, "path": "/any"})["hash"] == text
    assert convert(ASSET | {"text": "hello"}) != convert(ARCHIVE | {"text": "hello"})
    nested = convert(ARCHIVE | {"assets": {"a.txt": ASSET | {"text": "hello"}}})
    assert nested["entries"]["a.txt"]["hash"] == text
    assert convert(ASSET | {"text": UNKNOWN})["mandate:v1"] == "unknown"
    assert convert(ASSET | {"path": "./dir/a"})["path"] == "dir/a"


@pytest.mark.parametrize(
    "where",
    [{"path": "/etc/passwd"}, {"path": "../x"}, {"uri": "https://x"}, {"path": ".git/config"},
     {"path": "app/node_modules/x.js"}, {"path": "venv"}, {"path": "./Pulumi.dev.yaml"}],
    ids=repr,
)  # fmt: skip
def test_an_asset_nobody_can_check_is_refused(where: dict[str, str]) -> None:
    with pytest.raises(IncompletePlan, match="content is not known"):
        convert(ASSET | where)


@pytest.mark.parametrize(
    ("path", "digested"),
    [("app", False), ("app/lib", False), ("site/app", False), (".", False), ("ap", True),
     ("app/lib/x", True), ("other", True)],
)  # fmt: skip
def test_an_archive_with_something_in_it_that_is_not_digested_is_refused(
    path: str, digested: bool
) -> None:
    reader = Reader(KEY, READER.urn, {}, left_out=("site/app/lib/node_modules",))
    archive = {"x": secret([ARCHIVE | {"path": path}])}

    # What is deployed already is not taken from the folder again.
    assert DEPLOYED.properties({"x": [ARCHIVE | {"path": "venv"}]})
    if digested:
        assert reader.properties(archive)
    else:
        with pytest.raises(IncompletePlan, match="content is not known"):
            reader.properties(archive)


def test_what_is_closed_does_not_look_like_a_secret_input_of_that_name() -> None:
    values = {"a": 1}

    assert READER.properties({"outputs": secret(values)})["outputs"] != READER.closed(
        "outputs", values
    )


def test_equal_secrets_look_different_as_input_output_and_option() -> None:
    """A component that passes a secret on would else show that it does."""
    values = {"token": secret("hunter2")}

    shown = [READER.part(part, values)["token"] for part in ("inputs", "outputs", "options")]

    assert len({str(one) for one in shown}) == 3
    hidden = {"$options": {"token": secret("hunter2")}}
    assert READER.properties(hidden)["$options"]["token"] not in shown


def test_references_and_bytes_have_markers() -> None:
    reference = {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "urn:x", "id": UNKNOWN}
    raw = {SIGNATURE: "803fd3297a5875dc03ca845dda5d2a98", "value": "/w=="}

    assert convert(reference)["id"]["mandate:v1"] == "unknown"
    # The engine writes an empty id for what is not there yet, and none for a component.
    assert convert(reference | {"id": ""})["id"]["mandate:v1"] == "unknown"
    assert convert({key: reference[key] for key in (SIGNATURE, "urn")})["id"] is None
    assert convert(raw) == {"mandate:v1": "bytes", "base64": "/w=="}


def test_masking_is_what_the_json_steps_do() -> None:
    value = {"a": secret("x"), "b": [1, secret({"c": 1})], "d": {"e": None}}

    assert masked(value) == {"a": "[secret]", "b": [1, "[secret]"], "d": {"e": None}}


def test_json_equality_knows_types() -> None:
    assert not same_json({"a": True}, {"a": 1})
    assert same_json({"a": 1, "b": 2}, {"b": 2, "a": 1})
