"""What became of a run, from its journal and the state: complete, failed, or open to be resumed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mandate.gate import observing
from pulumi_mandate.gate.journal import ALLOWED, LATCHED, REFUSED, Entry
from pulumi_mandate.gate.judging import (
    COMPLETED,
    FAILED,
    OPEN,
    judge_run,
)
from pulumi_mandate.gate.state import resource_digests
from pulumi_mandate.gate.where import ProgramAt
from pulumi_mandate.models import keccak, to_hex
from pulumi_mandate.plan.markers import unknown
from pulumi_mandate.plan.receipt import DONE, NOT_DONE
from tests.gate.a_run import AFTER, ASKED, BEFORE, PLAN
from tests.gate.cases import (
    HOOKS,
    STACK,
    deployment,
    document,
    operation,
    record,
    resource,
    urn,
    values_of,
)


def judge(  # everything that decides, each with its usual value
    after: Any = AFTER,
    entries=ASKED,
    before: Any = BEFORE,
    plan=PLAN,
    *,
    give_up=False,
    succeeded=False,
):
    began = record(plan, before=resource_digests(before, values_of))
    return judge_run(
        began, plan, entries, after, values_of, give_up=give_up, succeeded=lambda: succeeded
    )


def test_everything_done_is_complete():
    ending = judge()

    assert (ending.status, ending.reasons) == (COMPLETED, ())
    assert ending.receipt.complete
    assert [r.outcome for r in ending.receipt.results] == [DONE, DONE]


def test_half_done_stays_open_until_somebody_gives_up():
    half = deployment(resource("a"), resource("b", "old"))

    ending = judge(half, ASKED[:1])
    assert ending.status == OPEN
    assert "delete of" in ending.reasons[0]
    assert [r.outcome for r in ending.receipt.results] == [DONE, NOT_DONE]
    assert judge(half, ASKED[:1], give_up=True).status == FAILED


def test_nothing_done_stays_open():
    assert judge(BEFORE, []).status == OPEN


def test_a_change_nobody_asked_about_fails_the_run():
    ending = judge(deployment(resource("a"), resource("c")))

    assert ending.status == FAILED
    assert f"{urn('c')} changed and no check was asked" in ending.reasons


def test_an_approved_change_without_its_hook_fails_the_run():
    assert judge(entries=ASKED[1:]).status == FAILED


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "other"}, {"provider": "urn:p::2"}, {"protect": True}, {"outputs": {"text": "x"}},
        {"parent": "urn:other"}, {"inputs": {"text": "x"}},
    ],
)  # fmt: skip
def test_any_part_of_a_resource_counts_as_change(changed):
    before = deployment(resource("b", "old"), resource("c"))
    after = deployment(resource("a"), resource("c", **changed))

    assert judge(after, before=before).status == FAILED


def test_a_change_that_has_no_hook_is_covered_by_the_plan():
    plan = document(operation("a", "metadata", before={"inputs": {"text": "new"}}))
    before = deployment(resource("a", protect=True))

    assert judge(AFTER, [], before, plan).status == COMPLETED


def test_default_providers_ask_no_hook_but_must_be_in_the_plan():
    kind = "pulumi:providers:aws"
    provider = operation("default_7", urn=urn("default_7", kind), type=kind)
    made = resource("default_7", urn=urn("default_7", kind), type=kind)
    after = deployment(resource("a"), made)
    began = document(operation("a"), operation("b", "delete"), provider)

    assert judge(after, plan=began, entries=ASKED).status == COMPLETED
    assert judge(after).status == FAILED


@pytest.mark.parametrize(("error", "status"), [("Refused", FAILED), ("ChainUnreachable", OPEN)])
def test_a_judgement_fails_and_not_knowing_does_not(error, status):
    entries = [ASKED[0], Entry(REFUSED, "delete", urn("b"), 1, "because", error)]
    entries += [Entry(REFUSED, "delete", urn("x"), -1, "earlier", LATCHED)]
    half = deployment(resource("a"), resource("b", "old"))

    assert judge(half, entries).status == status


@pytest.mark.parametrize(
    "after",
    [
        deployment(resource("a", "evil")),
        deployment(resource("a", type="test:index:Other")),
        deployment(resource("a", delete=True)),
        deployment(resource("a"), pending=(urn("a"),)),
        deployment(resource("a"), resource("b", "old", delete=True)),
        deployment(),
    ],
    ids=["other value", "other type", "old copy", "cut off", "not deleted", "gone"],
)
def test_what_the_state_does_not_show_was_not_done(after):
    assert judge(after).status != COMPLETED


def test_an_update_reached_another_physical_resource():
    plan = document(operation("a", "update"))
    before = deployment(resource("a", "old"))
    asked = [Entry(ALLOWED, "update", urn("a"), 0)]

    assert judge(deployment(resource("a")), asked, before, plan).status == COMPLETED
    assert judge(deployment(resource("a", id="x")), asked, before, plan).status == OPEN


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ([resource("a")], COMPLETED),
        ([resource("a"), resource("a", "old", delete=True)], OPEN),
        ([resource("a", "old")], OPEN),
        ([], OPEN),
    ],
    ids=["replaced", "old copy left", "not replaced", "only deleted"],
)
def test_a_replacement_may_have_the_id_of_what_it_replaced(after, status):
    """A bucket is named by its id: deleted first, it comes back under the same one."""
    plan = document(
        operation("a", "create-replacement", id=None), operation("a", "delete-replaced")
    )
    asked = [Entry(ALLOWED, moment, urn("a"), 0) for moment in ("create", "delete")]

    ending = judge(deployment(*after), asked, deployment(resource("a", "old")), plan)

    assert ending.status == status


def test_unknowns_are_in_the_receipt():
    plan = document(operation("a", after={"inputs": {"text": unknown()}}))
    entry = Entry(ALLOWED, "create", urn("a"), 0, resolved=((".text", to_hex(keccak(b"v"))),))

    ending = judge(AFTER, [entry], deployment(), plan)

    assert ending.status == COMPLETED
    assert ending.receipt.results[0].resolved == ((".text", keccak(b"v")),)


MORE = HOOKS | {"AfterCreate": ["theirs"]}
VAGUE = document(operation("a", "update", after={"inputs": {"text": unknown()}}))
UPDATED = [Entry(ALLOWED, "update", urn("a"), 0)]


def options(**more: Any) -> dict[str, Any]:
    before = {"parent": STACK, "resourceHooks": HOOKS}
    return {"before": before, "after": before | more}


@pytest.mark.parametrize(
    ("entries", "after", "succeeded", "status"),
    [
        ([], "old", False, OPEN),  # nothing happened: the old value fits an unknown as well
        (UPDATED, "old", False, OPEN),  # asked, and then the provider failed
        (UPDATED, "new", False, COMPLETED),
        ([], "old", True, COMPLETED),  # the unknown became what it was, so the engine asked nobody
        ([], "new", True, FAILED),
    ],
)
def test_an_update_that_waits_for_an_unknown_is_not_done_by_its_old_value(
    entries, after, succeeded, status
):
    before = deployment(resource("a", "old"))
    found = judge(deployment(resource("a", after)), entries, before, VAGUE, succeeded=succeeded)

    assert found.status == status


def test_what_the_state_showed_before_anyway_needs_its_hook():
    plan = document(operation("a", "update"))

    assert judge(AFTER, [], AFTER, plan).status == OPEN
    assert judge(AFTER, UPDATED, AFTER, plan).status == COMPLETED


def test_an_earlier_attempt_of_a_resumed_run_counts():
    """The rest of a create that was cut off comes back as an update, under the same URN."""
    plan = document(operation("a"))
    entries = [Entry(ALLOWED, "create", urn("a"), 0), Entry(ALLOWED, "update", urn("a"), 0)]

    assert judge(AFTER, entries, deployment(), plan).status == COMPLETED
    assert judge(AFTER, entries[1:], deployment(), plan).status == OPEN


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ({"options": options(protect=True)}, {"protect": True}),
        ({"options": options(retainOnDelete=True)}, {"retainOnDelete": True}),
        ({"options": options(resourceHooks=MORE)}, {"resourceHooks": MORE}),
        (
            {"provider": {"before": None, "after": {"urn": "urn:q", "id": unknown()}}},
            {"provider": "urn:q::1"},
        ),
        ({"options": options(parent="urn:x")},
         {"parent": "urn:x"}),
        ({"dependencies": {"before": [], "after": ["urn:b", "urn:c"]}},
         {"dependencies": ["urn:c", "urn:b"]}),
    ],
)  # fmt: skip
def test_a_change_without_a_hook_is_done_when_the_state_has_all_of_it(wanted, reached):
    plan = document(operation("a", "metadata", **wanted))
    before = deployment(resource("a"))

    assert judge(before, [], before, plan).status == OPEN
    assert judge(deployment(resource("a", **reached)), [], before, plan).status == COMPLETED


@pytest.mark.parametrize(
    "changed",
    [
        {"resourceHooks": {}}, {"resourceHooks": HOOKS | {"BeforeDelete": []}},
        {"resourceHooks": HOOKS, "deletedWith": "urn:x"}, {"resourceHooks": HOOKS, "taint": True},
        {"resourceHooks": HOOKS, "dependencies": ["urn:x"]},
        {"resourceHooks": HOOKS, "aliases": ["urn:x"]},
    ],
)  # fmt: skip
def test_options_that_change_unasked_fail_the_run(changed):
    """Without its hooks a resource could be deleted tomorrow and nobody would be asked."""
    before = deployment(resource("b", "old"), resource("c", resourceHooks=HOOKS))

    same = deployment(resource("a"), resource("c", resourceHooks=HOOKS, aliases=[], protect=False))
    assert judge(same, before=before).status == COMPLETED
    after = deployment(resource("a"), resource("c", **changed))
    assert judge(after, before=before).status == FAILED


def test_an_approved_create_that_loses_a_hook_fails_the_run():
    plan = document(operation("a", options={"before": None, "after": {"resourceHooks": HOOKS}}))
    lost = resource("a", resourceHooks=HOOKS | {"BeforeDelete": []})

    kept = deployment(resource("a", resourceHooks=HOOKS))
    assert judge(kept, ASKED[:1], deployment(), plan).status == COMPLETED
    ending = judge(deployment(lost), ASKED[:1], deployment(), plan)
    assert (ending.status, "hooks" in ending.reasons[0]) == (FAILED, True)


@pytest.mark.parametrize(
    "given",
    [{"deletedWith": "urn:x"}, {"ignoreChanges": ["text"]}, {"customTimeouts": {"delete": 1}},
     {"aliases": ["urn:x"]}],
    ids=repr,
)  # fmt: skip
def test_an_approved_create_under_another_option_fails_the_run(given):
    """No hook is told of these, and the engine keeps them for the next time."""
    plan = document(operation("a", options=options(**given) | {"before": None}))
    made, bare = deployment(resource("a", **given)), deployment(resource("a"))

    assert judge(made, ASKED[:1], deployment(), plan).status == COMPLETED
    for wanted, found in ((plan, bare), (document(operation("a")), made)):
        ending = judge(found, ASKED[:1], deployment(), wanted)
        reason = f"{urn('a')} was given another {next(iter(given))} than was approved"
        assert (ending.status, ending.reasons) == (FAILED, (reason,))


def test_what_a_read_resource_answers_may_drift():
    before = deployment(resource("b", "old"), resource("c", external=True))
    drifted = resource("c", external=True, outputs={"text": "drifted"})

    assert judge(deployment(resource("a"), drifted), before=before).status == COMPLETED
    other = resource("c", external=True, id="another")
    assert judge(deployment(resource("a"), other), before=before).status == FAILED


def test_only_a_resource_older_than_the_gate_is_deleted_unasked():
    assert judge(entries=ASKED[:1]).status == FAILED
    assert judge().status == COMPLETED
    bare = {"before": {"parent": STACK}, "after": None}
    plan = document(operation("a"), operation("b", "delete", options=bare))
    assert judge(entries=ASKED[:1], plan=plan).status == COMPLETED


BARE = {"resourceHooks": {}}
UNASKED = [
    operation("a", options={"before": None, "after": {"parent": STACK}}),
    operation("b", "delete", options={"before": {"parent": STACK}, "after": None}),
]


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ([resource("a", **BARE)], COMPLETED),
        ([resource("a", **BARE), resource("b", "old", **BARE)], OPEN),
        ([resource("a", "evil", **BARE)], OPEN),
        ([resource("a", **BARE, protect=True)], FAILED),
        ([resource("a", **BARE), resource("c", **BARE)], FAILED),
    ],
    ids=["done", "half", "otherwise", "another option", "more"],
)
def test_a_program_without_hooks_is_judged_by_the_state_alone(after, status):
    """In YAML nobody asks: the state shows exactly the approved change, or the run is not done."""
    before = deployment(resource("b", "old", **BARE))

    ending = judge(deployment(*after), [], before, document(*UNASKED))

    assert ending.status == status


@pytest.mark.parametrize(("now", "succeeded", "status"), [
    ("old", False, OPEN), ("old", True, COMPLETED), ("new", False, COMPLETED),
])  # fmt: skip
def test_an_update_that_waits_for_an_unknown_needs_the_engines_word(now, succeeded, status):
    sides = {"before": {"parent": STACK}, "after": {"parent": STACK}}
    plan = document(operation("a", "update", options=sides, after={"inputs": {"text": unknown()}}))
    before = deployment(resource("a", "old", **BARE))

    ending = judge(deployment(resource("a", now, **BARE)), [], before, plan, succeeded=succeeded)

    assert ending.status == status


def renaming(**changes: Any) -> dict[str, Any]:
    """An operation by which `a` becomes `b`."""
    sides = {side: {"inputs": {"text": "new"}} for side in ("before", "after")}
    sides["before"]["urn"] = urn("a")
    return operation("b", "metadata", id="id-a", **sides, **changes)


def test_no_program_runs_beside_an_edit_of_the_state() -> None:
    """What it takes out may carry our hooks, and nobody asks them."""
    plan = document(operation("b", "abandon"), kind="state")

    assert judge(deployment(), [], BEFORE, plan).status == COMPLETED
    assert judge(BEFORE, [], BEFORE, plan).status == OPEN
    unlike = deployment(resource("c"))
    assert judge(unlike, [], BEFORE, plan).reasons == (
        f"{urn('c')} changed and no check was asked",
    )
    asked = document(operation("b", "abandon"))
    assert judge(deployment(), [], BEFORE, asked).status == FAILED, "an update asks"


@pytest.mark.parametrize("kind", ["state", "up"])
def test_a_resource_with_another_name_leaves_its_former_one(kind: str) -> None:
    plan, before = document(renaming(), kind=kind), deployment(resource("a"))
    moved = resource("b") | {"id": "id-a"}

    ending = judge(deployment(moved), [], before, plan)
    assert (ending.status, ending.reasons) == (COMPLETED, ())

    both = judge(deployment(moved, resource("a", "edited")), [], before, plan)
    assert both.status == FAILED
    assert f"{urn('a')} changed and no check was asked" in both.reasons
    assert judge(deployment(), [], before, plan).status == OPEN


def test_an_observer_of_a_rename_digests_what_the_run_did(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, before = document(renaming(), kind="state"), deployment(resource("a"))
    after = deployment(resource("b") | {"id": "id-a"})
    seen = SimpleNamespace(raw=SimpleNamespace(before={"deployment": after}), values_of=values_of)
    for name, answer in (
        ("check_same_program", None),
        ("prepare", seen),
        ("_require_nothing", None),
    ):
        monkeypatch.setattr(observing, name, lambda *_, answer=answer, **__: answer)
    nowhere: Any = None

    found = observing.seen_state(plan, ProgramAt(Path(), "prod"), nowhere, nowhere)

    assert found == judge(after, [], before, plan).receipt.post_state
