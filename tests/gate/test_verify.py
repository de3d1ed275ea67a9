"""Each numbered check refuses for its own reason, with its own number, and only then."""

from __future__ import annotations

import dataclasses

import pytest

from pulumi_mandate.checks.judgement import misjudged
from pulumi_mandate.errors import InvalidDocument, Refused
from pulumi_mandate.gate.verify import CHECKS, verify, verify_effects, verify_order
from pulumi_mandate.models import (
    ZERO,
    Domain,
    ExecutionOrder,
    MandateState,
    Tier,
    keccak,
    subject_hash,
)
from tests.gate.cases import (
    DOMAIN,
    EXECUTOR,
    PROPOSER,
    RULES,
    RUN,
    RUNNER,
    SUBJECT,
    TOOLCHAIN,
    document,
    evidence,
    hash_of,
    operation,
    resuming,
)


def test_everything_in_order_is_allowed():
    plan = document(operation("a"), operation("b", "update"))

    assert verify(evidence(plan)) == plan
    assert verify(resuming(plan)) == plan


OTHER = keccak(b"other")
REFUSALS = [
    ("no config", 2, {"config_version": 0}),
    ("other stack", 2, {"subject": OTHER}),
    ("other backend", 2, {"backend": OTHER}),
    ("other commitment key", 2, {"secret_key_id": OTHER}),
    ("key not enrolled or revoked", 2, {"executor_active": False}),
    ("runner not enrolled", 2, {"runner_enrolled": False}),
    ("proposer is executor", 2, {"executor": PROPOSER}),
    ("runner is executor", 2, {"runner": EXECUTOR}),
    ("running already", 3, {"granted": MandateState.RUNNING, "denied": MandateState.RUNNING}),
    ("only approved at the newest block", 3, {"granted": MandateState.NONE}),
    ("revoked at the newest block", 3, {"denied": MandateState.REVOKED}),
    ("before its window", 3, {"now": 99}),
    ("after the plan's window", 3, {"latest": 1000}),
    ("after the approval's end", 3, {"expires_at": 501}),
    ("another run on the stack", 3, {"running": OTHER}),
    ("swapped document", 4, {"document_digest": OTHER}),
    ("truncated document", 4, {"stored": b"{}"}),
    ("other chain", 4, {"domain": Domain(1, DOMAIN.registry)}),
    ("other registry", 4, {"domain": Domain(31337, PROPOSER)}),
    ("other plan hash", 4, {"approved": OTHER}),
    ("rules changed on chain", 5, {"rules": OTHER}),
    ("rules changed here", 5, {"rules_here": OTHER}),
    ("judged otherwise here", 5, {"misjudged": "operation 0 is high"}),
    ("approved by another tier's voters", 5, {"tier": Tier.LOW}),
    ("program edited", 6, {"program": OTHER}),
    ("package swapped", 6, {"toolchain": OTHER}),
]


@pytest.mark.parametrize(
    ("step", "changes"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_one_thing_wrong_refuses_with_its_number(step, changes):
    with pytest.raises(Refused) as refusal:
        verify(evidence(**changes))

    assert refusal.value.step == step
    assert refusal.value.next_step


@pytest.mark.parametrize(
    "state", [state for state in MandateState if state is not MandateState.APPROVED]
)
def test_no_other_state_begins_a_run(state):
    for field in ("granted", "denied"):
        with pytest.raises(Refused, match=state.name.lower()) as refusal:
            verify(evidence(**{field: state}))
        assert refusal.value.step == 3


@pytest.mark.parametrize(
    ("step", "changes"),
    [
        (3, {"chain_run": OTHER}),
        (3, {"denied": MandateState.STOPPING}),
        (3, {"granted": MandateState.APPROVED}),
        (3, {"latest": 900}),
        (3, {"running": ZERO}),
        (3, {"running": OTHER}),
        (6, {"program": OTHER}),
    ],
    ids=["other run", "stopping", "reorganised", "lease over", "closed", "other", "edited"],
)
def test_a_run_is_resumed_only_while_it_is_ours(step, changes):
    with pytest.raises(Refused) as refusal:
        verify(resuming(**changes))

    assert refusal.value.step == step


def test_no_check_is_refusal_and_not_success():
    with pytest.raises(Refused, match="no check"):
        verify(evidence(), ())


def test_every_check_is_needed():
    """For each check there is a case above that only it refuses."""
    for check in CHECKS:
        others = [other for other in CHECKS if other is not check]
        noticed = 0
        for _, _, changes in REFUSALS:
            try:
                verify(evidence(**changes), others)
            except Refused:
                continue
            noticed += 1
        assert noticed, check.__name__


def test_a_document_that_is_not_one_is_refused_at_step_4():
    with pytest.raises(InvalidDocument) as refusal:
        verify(evidence(stored=b"{}", document_digest=keccak(b"{}")))

    assert refusal.value.step == 4


def test_a_tier_written_down_too_low_is_found():
    """The leaf and the plan say medium; the rules here say otherwise."""
    plan = document(operation("a", "delete", tier=int(Tier.MEDIUM)))
    wrong = misjudged(RULES, plan.content)

    with pytest.raises(Refused, match="operation 0 is high by replace-or-delete") as refusal:
        verify(evidence(plan, misjudged=wrong))

    assert refusal.value.step == 5


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"engine": "v9"}, "toolchain.engine"),
        ({"flags": ["AWS_ENDPOINT_URL=http://x"]}, "toolchain.flags"),
        ({"packages": []}, "toolchain.pulumi"),
    ],
)
def test_a_changed_toolchain_names_what_changed(changes, field):
    with pytest.raises(Refused) as refusal:
        verify(evidence(toolchain=OTHER, toolchain_content=TOOLCHAIN | changes))

    assert refusal.value.field == field
    assert refusal.value.expected != refusal.value.found


def test_the_same_effects_are_allowed_and_others_are_not():
    plan = document(operation("a"))

    verify_effects(plan, document(operation("a"), salt="0x" + "99" * 32))
    for other in (
        document(operation("a"), operation("b")),
        document(operation("b")),
        document(operation("a", after={"inputs": {"text": "evil"}})),
        document(operation("a"), config={"a": "b"}),
    ):
        with pytest.raises(Refused) as refusal:
            verify_effects(plan, other)
        assert refusal.value.step == 7
        assert refusal.value.field


def test_less_is_lawful_only_while_resuming():
    plan, rest = document(operation("a"), operation("b")), document(operation("b"))

    verify_effects(plan, rest, resuming=True)
    with pytest.raises(Refused):
        verify_effects(plan, rest)


def test_an_order_for_anything_else_is_not_signed():
    plan = document()
    good = ExecutionOrder(hash_of(plan), RUN, RUNNER, 900, 1, 600)
    verify_order(evidence(plan), good, 1)

    for changes in (
        {"plan_hash": OTHER},
        {"runner": PROPOSER},
        {"key_epoch": 2},
        {"run_id": ZERO},
    ):
        with pytest.raises(Refused) as refusal:
            verify_order(evidence(plan), dataclasses.replace(good, **changes), 1)
        assert refusal.value.step == 8


def test_the_subject_is_the_one_on_chain():
    assert evidence().subject == subject_hash(SUBJECT)
