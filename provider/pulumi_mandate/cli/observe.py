"""`mandate observe`: say that the result of a run is what the run says."""

from __future__ import annotations

from pathlib import Path

import click

from ..models import Observed, to_hex
from ._command import Call, command
from ._lookup import load_document, plan_of
from ._output import Answer, progress
from ._program import ProgramChoice, program_options
from ._target import Target, TargetType


@command(
    "observe",
    "Confirm the result of a run.",
    signs=True,
    examples=("mandate observe 1 --as dee",),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@program_options
def observe(call: Call, target: Target, folder: Path, stack: str | None) -> Answer:
    """Look at what a completed run left, and confirm it on chain if it is what the run states.

    Runs previews that change nothing: whether the cloud is as the state says, and whether the same
    update or destroy would still change something. Only an attestor of the stack may confirm who
    neither proposed nor ran the plan. What nobody confirms in time becomes an obligation.
    """
    from ..gate.observing import seen_state

    session = call.session
    plan = plan_of(session, target)
    document = load_document(session, plan)
    executor = session.registry.mandate(plan).executor
    key = session.attestor((document.fields().proposer, executor))
    progress("previewing, to see that nothing differs")
    at = ProgramChoice(folder, stack).place()
    state = seen_state(document, at, session.trust, session.machine.rules_of)
    seen = Observed(plan, state, session.client.now())
    signature = key.sign_observed(session.domain, seen)
    receipt = session.consent.observe(document.fields(), seen, signature, session.account)
    data = {
        "planHash": to_hex(plan),
        "postState": to_hex(state),
        "observer": key.address,
        "transaction": to_hex(receipt.transaction),
    }
    return Answer(data, f"confirmed by {key.address}: nothing differs")
