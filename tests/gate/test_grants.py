"""A grant is for one operation, with its very values, once, and only while nothing was refused."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.grants import Grant, Grants
from pulumi_mandate.gate.journal import Journal
from pulumi_mandate.gate.operations import OperationCheck
from pulumi_mandate.gate.wire import SECRET, SIGNATURE, HookCall
from tests.gate.cases import document, operation, urn

INPUTS = {"__provider": "code", "text": "new", "count": 3, "none": None, "list": [{"a": 1.5}]}
CREATE = HookCall("create", urn("a"), "", "test:index:Thing", INPUTS, None, None, None)
DELETE = HookCall("delete", urn("a"), "7", "t", None, INPUTS, None, None, INPUTS | {"arn": "x"})


@pytest.fixture
def grants(tmp_path):
    made = Grants(tmp_path)
    made.renew()
    return made


def wire(inputs: dict[str, Any]) -> dict[str, Any]:
    """What a provider is told: doubles, and no nulls."""
    return {"__provider": "code", "text": "new", "count": 3.0, "list": [{"a": 1.5}]} | inputs


def test_what_was_allowed_is_taken_once(grants):
    grants.give(CREATE, 4)

    assert grants.take("create", "", wire({})) == Grant(urn("a"), 4)
    with pytest.raises(Refused, match="or it was done already"):
        grants.take("create", "", wire({}))


@pytest.mark.parametrize(
    ("moment", "id_", "props"),
    [
        ("create", "", wire({"text": "evil"})),
        ("create", "", wire({"more": 1})),
        ("create", "", wire({"count": 4.0})),
        ("create", "", wire({"__provider": "other code"})),
        ("create", "", {}),
        ("create", "", wire({"asset": object()})),
        ("create", "", wire({"count": float("nan")})),
        ("update", "", wire({})),
        ("delete", "", wire({})),
    ],
)
def test_anything_else_is_refused_and_takes_nothing(grants, moment, id_, props):
    grants.give(CREATE, 0)

    with pytest.raises(Refused, match="has not allowed this"):
        grants.take(moment, id_, props)
    assert grants.take("create", "", wire({}))


@pytest.mark.parametrize("change", [{"id_": "8"}, {"arn": "y"}, {"arn": None}])
def test_a_delete_is_of_this_thing_as_it_was(grants, change):
    grants.give(DELETE, 0)
    id_ = change.pop("id_", "7")

    with pytest.raises(Refused):
        grants.take("delete", id_, wire({"arn": "x"} | change))
    assert grants.take("delete", "7", wire({"arn": "x"})).index == 0


def test_a_secret_is_compared_in_plain_and_written_nowhere(grants, tmp_path):
    hidden = {SIGNATURE: SECRET, "plaintext": json.dumps({"pin": "1234", "none": None})}
    grants.give(replace(CREATE, new_inputs=INPUTS | {"token": hidden}), 0)

    kept = [file.name + file.read_text() for file in (tmp_path / "grants").glob("*-*")]
    assert len(kept) == 1
    assert "1234" not in kept[0]
    assert grants.take("create", "", wire({"token": {"pin": "1234"}}))


def test_the_name_of_a_grant_cannot_be_computed_without_the_runs_key(tmp_path):
    names = []
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        grants = Grants(tmp_path / run)
        grants.renew()
        grants.give(CREATE, 0)
        names += [file.name for file in (tmp_path / run / "grants").glob("*-0")]

    assert len(set(names)) == 2
    assert (tmp_path / "one" / "grants" / "key").stat().st_mode & 0o777 == 0o600


def test_another_runs_grant_is_none(grants, tmp_path):
    (tmp_path / "other").mkdir()
    other = Grants(tmp_path / "other")
    other.renew()
    other.give(CREATE, 0)
    [file] = (tmp_path / "other" / "grants").glob("*-0")
    file.rename(tmp_path / "grants" / file.name)

    with pytest.raises(Refused):
        grants.take("create", "", wire({}))


@pytest.mark.parametrize("how", ["renew", "withdraw"])
def test_what_an_earlier_engine_left_is_void(grants, how):
    grants.give(CREATE, 0)

    getattr(grants, how)()

    with pytest.raises(Refused):
        grants.take("create", "", wire({}))


def test_two_that_look_alike_are_refused_rather_than_mixed_up(grants):
    grants.give(CREATE, 0)
    grants.give(replace(CREATE, urn=urn("b")), 1)

    with pytest.raises(Refused, match="GovernedResource"):
        grants.take("create", "", wire({}))


def test_of_many_takers_one_gets_it(grants):
    grants.give(CREATE, 0)
    got: list[Grant] = []
    barrier = threading.Barrier(8)

    def take() -> None:
        barrier.wait()
        with suppress(Refused):
            got.append(grants.take("create", "", wire({})))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 1


def test_other_peoples_providers_get_no_file(grants, tmp_path):
    grants.give(replace(CREATE, new_inputs={"text": "new"}), 0)

    assert [file.name for file in (tmp_path / "grants").iterdir()] == ["key"]


def test_the_check_gives_what_it_allows_and_a_refusal_takes_all_back(grants, tmp_path):
    plan = document(operation("a"), operation("b"))
    check = OperationCheck(
        plan,
        Journal(tmp_path / "journal.jsonl"),
        denials=lambda: None,
        inputs_of=lambda _, inputs: {k: v for k, v in inputs.items() if k != "__provider"},
        grants=grants,
        indices=[5, 6],
    )
    inputs = {"text": "new", "__provider": "code"}
    call = HookCall("create", urn("a"), "", "test:index:Thing", inputs, None, None, None)

    check(call)
    assert grants.take("create", "", inputs) == Grant(urn("a"), 5)

    check(replace(call, urn=urn("b")))
    with pytest.raises(Refused):
        check(replace(call, urn=urn("c")))
    with pytest.raises(Refused):
        grants.take("create", "", inputs)


@pytest.mark.parametrize(
    ("op", "side", "moment"),
    [("create", "after", "create"), ("update", "after", "update"), ("delete", "before", "delete")],
)
def test_the_time_that_was_voted_on_goes_with_the_grant(grants, tmp_path, op, side, moment):
    """Of this moment, on the side that the engine would take it from."""
    timeouts = {"create": 1.5, "update": 2, "delete": 3}
    approved = operation("a", op, id=None if op == "create" else "7")
    approved["options"][side] = {**approved["options"][side], "customTimeouts": timeouts}
    check = OperationCheck(
        document(approved),
        Journal(tmp_path / "journal.jsonl"),
        denials=lambda: None,
        inputs_of=lambda _, inputs: {k: v for k, v in inputs.items() if k != "__provider"},
        grants=grants,
    )
    new, old = {"text": "new", "__provider": "code"}, {"text": "old", "__provider": "code"}
    id_ = "" if op == "create" else "7"
    check(
        HookCall(
            moment, urn("a"), id_, "test:index:Thing",
            None if op == "delete" else new, None if op == "create" else old, None, None, old,
        )
    )  # fmt: skip

    given = grants.take(moment, id_, old if op == "delete" else new)
    assert given == Grant(urn("a"), 0, timeouts[moment])


def test_a_grant_that_cannot_be_written_latches(tmp_path):
    check = OperationCheck(
        document(operation("a")),
        Journal(tmp_path / "journal.jsonl"),
        denials=lambda: None,
        inputs_of=lambda _, inputs: {k: v for k, v in inputs.items() if k != "__provider"},
        grants=Grants(tmp_path / "nowhere"),
    )
    inputs = {"text": "new", "__provider": "code"}

    with pytest.raises(OSError, match="No such file"):
        check(HookCall("create", urn("a"), "", "test:index:Thing", inputs, None, None, None))
    assert check.latched
