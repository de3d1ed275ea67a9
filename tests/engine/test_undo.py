"""A plan and then the former program, on the real engine: what was there is there again, or was
named before the vote. The provider is a stand-in (`tests/plugins/echo_provider.py`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pulumi_mandate.errors import EngineError
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.undo import undo_differences
from tests.engine.checkouts import Checkout
from tests.engine.echo import write_echo

pytestmark = pytest.mark.engine

BEFORE = """
group = Group("group", {"said": "a"})
base = Thing("base", {"kind": "a"})
gone = Thing("gone", {"label": "g"})
Thing("update", {"label": "a", "gone": "x", "deep": {"list": [1, {"a": None}]}})
Thing("secret", {"label": config.require_secret("first")})
Thing("option", {"label": "o"}, Opts(ignore_changes=["other"]))
Thing("takes", {"from": base.arn, "and": gone.arn, "who": "us"})
Thing("waits", {"label": "w"}, Opts(depends_on=[gone]))
pulumi.export("arn", base.arn)
"""
AFTER = """
group = Group("group", {"said": "b"})
base = Thing("base", {"kind": "b"})
made = Thing("made", {"label": "m"})
Thing("update", {"label": "b", "new": made.arn})
Thing("secret", {"label": config.require_secret("second")})
Thing("option", {"label": "o"}, Opts(protect=True))
Thing("takes", {"from": base.arn, "who": "us"})
Thing("waits", {"label": "w"}, Opts(depends_on=[made]))
pulumi.export("arn", made.arn)
"""
ONE_WAY_BEFORE = """
Thing("let-go", {"label": "l"}, Opts(retain_on_delete=True))
Thing("old-name", {"label": "n"})
"""
ONE_WAY_AFTER = """
Thing("taken-over", {"label": "ext-1"}, Opts(import_="ext-1"))
Thing("new-name", {"label": "n"}, Opts(aliases=[pulumi.Alias(name="old-name")]))
"""

KEPT = """
Thing("kept", {"label": "k"}, Opts(protect=True))
"""
PARTS = ("type", "inputs", "protect", "ignoreChanges", "dependencies", "parent")

State = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Round:
    """A plan, and the plan of the former program after it."""

    done: Document
    undo: Document
    before: State
    between: State
    after: State

    @property
    def lost(self) -> set[str]:
        """Names of resources that the plan says are not undone."""
        return {
            entry["urn"].rpartition("::")[2]
            for entry in self.done.content["rollback"]["irreversible"]
        }


def state_of(checkout: Checkout) -> State:
    """Inputs and options by name, and what programs say as outputs; ids are another matter."""
    resources = json.loads(checkout.state())["deployment"]["resources"]
    for resource in resources:  # their order is the engine's mood
        resource["dependencies"] = sorted(resource.get("dependencies") or ())
    return {
        resource["urn"].rpartition("::")[2]: {
            part: resource.get(part)
            for part in (*PARTS, *(() if resource["custom"] else ("outputs",)))
        }
        for resource in resources
    }


def changed(one: State, other: State) -> set[str]:
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}


@pytest.fixture(scope="module")
def round_trip(echo_checkout: Callable[[], Checkout]) -> Round:
    checkout = write_echo(echo_checkout(), BEFORE).init(first="hunter2", second="hunter3")
    checkout.up()
    before = state_of(checkout)
    done = write_echo(checkout, AFTER).document()
    checkout.up()
    between = state_of(checkout)
    undo = write_echo(checkout, BEFORE).document()
    checkout.up()
    return Round(done, undo, before, between, state_of(checkout))


def test_the_former_program_is_the_inverse(round_trip: Round) -> None:
    assert undo_differences(round_trip.done, round_trip.undo) == []
    assert undo_differences(round_trip.undo, round_trip.done) == []  # and the other way round
    assert undo_differences(round_trip.done, round_trip.done) != []


def test_the_same_inputs_and_options_are_there_again(round_trip: Round) -> None:
    assert len(changed(round_trip.before, round_trip.between)) == 10
    assert changed(round_trip.before, round_trip.after) == set()


def test_what_has_another_past_now_was_named(round_trip: Round) -> None:
    assert round_trip.lost == {"base", "gone", "takes"}


def test_any_other_program_is_no_inverse(
    round_trip: Round, echo_checkout: Callable[[], Checkout]
) -> None:
    checkout = write_echo(echo_checkout(), BEFORE).init(first="hunter2", second="hunter3")
    checkout.up()
    done = write_echo(checkout, AFTER).document()
    checkout.up()

    for change in (
        ('"label": "a"', '"label": "z"'),
        ('"who": "us"', '"who": "them"'),
        ('ignore_changes=["other"]', "protect=True"),
        ('config.require_secret("first")', 'config.require_secret("second")'),
        ('"from": base.arn', '"from": gone.arn'),
    ):
        undo = write_echo(checkout, BEFORE.replace(*change)).document()
        assert undo_differences(done, undo), change


def test_what_does_not_come_back_was_named(echo_checkout: Callable[[], Checkout]) -> None:
    checkout = write_echo(echo_checkout(), ONE_WAY_BEFORE).init()
    checkout.up()
    before = state_of(checkout)
    done = write_echo(checkout, ONE_WAY_AFTER + KEPT).document()
    lost = {entry["urn"].rpartition("::")[2] for entry in done.content["rollback"]["irreversible"]}
    checkout.up()
    between = state_of(checkout)
    with pytest.raises(EngineError, match="it is protected"):
        write_echo(checkout, ONE_WAY_BEFORE).document()
    again = write_echo(checkout, ONE_WAY_BEFORE + KEPT).document()

    assert lost == {"let-go", "kept", "taken-over", "new-name"}
    assert changed(before, between) == lost | {"old-name"}
    # The former program would make a second one of what was let go, and delete what was there.
    assert {one["op"] for one in again.operations} >= {"create", "delete"}
    different = {one.field.rpartition("::")[2] for one in undo_differences(done, again)}
    assert {"let-go", "taken-over", "new-name"} <= different
