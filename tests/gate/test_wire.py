"""The hook message is pinned: another shape needs another reader, not a guess."""

import json

import pytest
from google.protobuf.json_format import ParseDict
from pulumi.runtime.proto import resource_pb2

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.wire import (
    ARCHIVE,
    ASSET,
    OUTPUT,
    RESOURCE,
    SECRET,
    SIGNATURE,
    read_call,
    read_struct,
    with_hashes,
)
from pulumi_mandate.plan import markers


def struct(value):
    message = resource_pb2.ResourceHookRequest()
    ParseDict({"newInputs": value}, message)
    return read_struct(message.new_inputs)


def test_the_message_has_exactly_the_fields_that_are_read():
    """A new field may carry a new meaning: read the engine's change notes, then extend `wire`."""
    fields = {f.name: f.number for f in resource_pb2.ResourceHookRequest.DESCRIPTOR.fields}

    assert fields == {
        "urn": 1, "id": 2, "name": 3, "type": 4, "new_inputs": 5, "old_inputs": 6,
        "new_outputs": 7, "old_outputs": 8, "old_options": 9, "new_options": 10,
    }  # fmt: skip


def test_the_options_have_the_fields_that_are_read():
    message = resource_pb2.ResourceHookRequest.DESCRIPTOR.fields_by_name["new_options"]
    fields = {f.name for f in message.message_type.fields}

    assert {"provider", "parent", "protect", "retain_on_delete"} <= fields


def test_plain_values_survive():
    value = {"a": 1, "b": 1.5, "c": [True, None, "x"], "d": {"e": {}}, "f": 2**60}

    found = struct(value)

    assert found == value | {"f": float(2**60)}
    assert type(found["a"]) is int
    assert found["c"][0] is True


def test_secrets_take_the_form_of_a_plan_with_shown_secrets():
    found = struct(
        {
            "direct": {SIGNATURE: SECRET, "value": {"x": ["hidden", 1]}},
            "output": {SIGNATURE: OUTPUT, "value": "z", "secret": True},
            "plain": {SIGNATURE: OUTPUT, "value": "z", "secret": False},
        }
    )

    assert found["direct"] == {SIGNATURE: SECRET, "plaintext": json.dumps({"x": ["hidden", 1]})}
    assert found["output"] == {SIGNATURE: SECRET, "plaintext": '"z"'}
    assert found["plain"] == "z"


def test_a_value_still_unknown_refuses():
    with pytest.raises(Refused, match="still unknown"):
        struct({"a": {SIGNATURE: OUTPUT, "secret": False}})


def test_a_new_file_is_read_and_hashed_as_the_engine_does(tmp_path):
    file = tmp_path / "file"
    file.write_text("hello")
    hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    given = struct({"a": {SIGNATURE: ASSET, "path": str(file)}})
    approved = {"a": markers.asset(archive=False, content="approved")}

    assert with_hashes(approved, given, read_files=True)["a"]["hash"] == hello
    # The file of an old input may be another one by now.
    assert with_hashes(approved, given, read_files=False)["a"]["hash"] == "approved"


def test_only_old_archives_take_the_approved_hash():
    archive, told = {SIGNATURE: ARCHIVE, "path": "d"}, {SIGNATURE: ASSET, "hash": "told"}
    text = {SIGNATURE: ASSET, "text": "hello"}
    by_hash = markers.asset(archive=True, content="approved")
    by_path = markers.asset(archive=True, path="d")
    by_entries = markers.asset(archive=True, entries={"e": by_hash})
    given = {
        "a": archive, "b": [told], "c": {"d": archive}, "e": archive, "f": [archive], "g": text,
        "h": archive, "i": {SIGNATURE: ARCHIVE, "assets": {"e": archive}},
    }  # fmt: skip
    approved = {
        "a": by_hash, "b": [by_hash], "c": {"d": by_hash}, "e": "text", "g": by_hash,
        "h": by_path, "i": by_entries,
    }  # fmt: skip

    found = with_hashes(approved, struct(given), read_files=False)

    assert found["a"]["hash"] == found["c"]["d"]["hash"] == "approved"
    assert found["b"][0]["hash"] == "told"
    assert found["i"]["assets"]["e"]["hash"] == "approved"
    for key in ("e", "g", "h"):
        assert found[key] == given[key]
    assert found["f"] == [archive]


@pytest.mark.parametrize(
    "given",
    [
        {SIGNATURE: ARCHIVE, "path": "other"},
        {SIGNATURE: ARCHIVE, "uri": "https://example.com/other.zip"},
        {SIGNATURE: ASSET, "uri": "https://example.com/other"},
    ],
)
def test_a_new_archive_or_remote_file_without_a_hash_refuses(given):
    approved = {"a": [markers.asset(archive=given[SIGNATURE] == ARCHIVE, content="approved")]}

    with pytest.raises(Refused, match="without its hash"):
        with_hashes(approved, struct({"a": [given]}), read_files=True)


def test_resource_references_pass_and_unknown_signatures_refuse():
    assert struct({"r": {SIGNATURE: RESOURCE, "urn": "u"}}) == {
        "r": {SIGNATURE: RESOURCE, "urn": "u"}
    }
    with pytest.raises(Refused, match="does not know"):
        struct({"a": {SIGNATURE: "f" * 32}})


def test_a_whole_call():
    request = resource_pb2.ResourceHookRequest(urn="u", id="i", type="t", name="n")
    ParseDict({"k": "v"}, request.old_inputs)
    request.old_options.provider = "p::1"
    request.old_options.protect = True

    call = read_call("delete", request.SerializeToString())

    assert (call.moment, call.urn, call.id, call.type) == ("delete", "u", "i", "t")
    assert call.new_inputs is None
    assert call.new_options is None
    assert call.old_inputs == {"k": "v"}
    assert call.old_options.provider == "p::1"
    assert call.old_options.protect
    assert "'v'" not in repr(call)
