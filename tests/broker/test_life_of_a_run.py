"""What the broker gives on the way of a run, from before `begin` to after its end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.governance import Registry
from pulumi_mandate.models import Digest, Outcome, OutcomeKind, Renewal, keccak, to_hex
from tests.broker.stage import (
    CONTROLLER,
    ELSEWHERE,
    OTHER,
    READ,
    SHELL,
    WRITE,
    Stage,
    bucket,
    documented,
    hex_of,
)
from tests.gate.cases import RUN

pytestmark = pytest.mark.chain


def last_events(stage: Stage, event: str) -> list[dict[str, Any]]:
    return [found for line in stage.events() if (found := json.loads(line))["event"] == event]


def test_only_a_final_begin_gives_the_right_to_write(stage: Stage) -> None:
    seen = stage.seen

    assert [seen[one]["access"] for one in ("approved", "not final", "final")] == [
        "read",
        "read",
        "write",
    ]
    assert {one: role.role_arn for one, role in stage.roles.items()} == {
        "approved": READ,
        "not final": READ,
        "final": WRITE,
    }


def test_an_order_that_does_not_fit_the_mandate_is_not_signed(stage: Stage) -> None:
    said = {
        "a shell": "never from a shell",
        "another stack's runner": "is not enrolled for",
        "another account": "does not fit the mandate",
        "another epoch": "does not fit the mandate",
        "a long lease": "later than a run of this tier",
        "a late deadline": "later than a run of this tier",
        "no run": "does not fit the mandate",
        "an unknown plan": "not in the broker's store",
    }

    assert stage.refused.keys() == said.keys()
    assert {name for name, words in said.items() if words not in stage.refused[name]} == set()
    assert len(last_events(stage, "signed")) >= 1


def test_the_session_leads_back_to_plan_and_run(stage: Stage) -> None:
    made = stage.roles["final"]
    plan, run = hex_of(stage)[2:], to_hex(RUN)[2:]

    assert made.session_name == f"mandate-{plan[:28]}-{run[:27]}"
    assert len(made.session_name) == 64
    assert json.loads(made.policy)["Statement"][0]["Resource"] == [
        "arn:aws:s3:::logs",
        "arn:aws:s3:::logs/*",
    ]


def test_everything_given_is_written_down_and_nothing_secret_is(stage: Stage) -> None:
    log = "\n".join(stage.events())
    written = last_events(stage, "credentials")

    assert {one["accessKeyId"] for one in stage.seen.values()} <= {
        one.get("accessKeyId") for one in written
    }
    assert last_events(stage, "signed")[0]["plan"] == hex_of(stage)
    for given in stage.seen.values():
        assert given["secretAccessKey"] not in log
        assert given["sessionToken"] not in log


def test_a_shell_gets_nothing_at_this_tier(stage: Stage) -> None:
    with pytest.raises(Refused, match="never from a shell"):
        stage.credentials(SHELL)
    assert last_events(stage, "refused")[-1]["caller"] == str(SHELL)


@pytest.mark.parametrize("asked", [(CONTROLLER, ELSEWHERE), (OTHER, None)])
def test_a_runner_of_one_stack_is_nobody_at_another(stage: Stage, asked: Any) -> None:
    identity, subject = asked
    about = {} if subject is None else {"subject": subject}

    with pytest.raises(Refused, match="is not enrolled for"):
        stage.credentials(identity, **about)


def test_nothing_is_given_where_only_writing_was_enrolled(stage: Stage) -> None:
    with pytest.raises(Refused, match="no run of yours is final"):
        stage.credentials(OTHER, subject=ELSEWHERE)


def test_a_document_that_was_swapped_in_the_store_ends_it(stage: Stage) -> None:
    """The store belongs to somebody else: the same stack, another bucket."""
    store, plan = stage.machine.store, bytes.fromhex(hex_of(stage)[2:])
    link = next(store._links.glob(plan.hex()))  # type: ignore[attr-defined]
    honest = link.read_text()
    begins = stage.document.fields().not_before
    theirs = documented(stage.deployment, bucket("theirs"), now=begins)
    link.write_text(to_hex(store.put(theirs.data)))
    try:
        with pytest.raises(Refused, match="does not hash to the approved plan") as caught:
            stage.credentials()
    finally:
        link.write_text(honest)

    assert caught.value.step == 4
    assert stage.credentials()["access"] == "write"


def test_a_run_is_renewed_and_no_other(stage: Stage) -> None:
    now, executor = stage.deployment.client.now(), stage.executor()
    renewal = Renewal(RUN, now + 3600, 1, now + 600)

    assert len(executor.sign_renewal(stage.deployment.domain, renewal)) == 65
    for wrong, what in (
        (Renewal(keccak(b"another"), now + 3600, 1, now + 600), "no final run"),
        (Renewal(RUN, now + 40_000, 1, now + 600), "later than a run of this tier"),
        (Renewal(RUN, now + 3600, 1, now + 40_000), "later than a run of this tier"),
    ):
        with pytest.raises(Refused, match=what):
            executor.sign_renewal(stage.deployment.domain, wrong)


def test_a_spent_mandate_is_not_spent_again(stage: Stage) -> None:
    """A replay: the same order, and another of the same plan."""
    for order in (stage.order(), stage.order(run_id=keccak(b"again"))):
        with pytest.raises(Refused, match="the mandate is running"):
            stage.executor().sign_order(stage.deployment.domain, order)


def test_an_outcome_is_of_a_run_of_ones_own(stage: Stage) -> None:
    outcome = Outcome(keccak(b"another"), OutcomeKind.FAILED, keccak(b"r"), keccak(b"p"), 1)

    with pytest.raises(Refused, match="no final run of this caller"):
        stage.executor().sign_outcome(stage.deployment.domain, outcome)


def test_a_revoked_run_gets_nothing_and_may_say_how_it_ended(own_stage: Stage) -> None:
    stage, people = own_stage, own_stage.deployment.people
    registry = Registry(stage.deployment.client)
    plan = Digest(bytes.fromhex(hex_of(stage)[2:]))
    final = stage.deployment.client.final_block().number
    stage.holding.number = final  # the denial is not final: it counts at once
    registry.revoke(plan, people["guardian"])

    for held in (final, None):
        stage.holding.number = held
        with pytest.raises(Refused, match="the mandate is stopping"):
            stage.credentials()
    outcome = Outcome(RUN, OutcomeKind.FAILED, keccak(b"receipts"), keccak(b"after"), 1)
    signature = stage.executor().sign_outcome(stage.deployment.domain, outcome)
    registry.fail(plan, outcome, signature, people["runner"])

    assert stage.credentials()["access"] == "read"
    with pytest.raises(Refused, match="the mandate is failed"):
        stage.executor().sign_order(stage.deployment.domain, stage.order(run_id=keccak(b"2")))
