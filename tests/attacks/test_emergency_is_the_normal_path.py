"""Attack: what nobody would vote for is called an emergency; then everything is.

To say so in a plan gives nothing, and one seat declares nothing. Two seats declare one incident,
which is owed for on chain. The next change is no incident of theirs, under the same one it takes
the full council, and it was judged as what it is: what cannot be taken back is no emergency. The
defender sees step 3 until it is declared, step 5 for what it may not do, and the debt.
"""

from __future__ import annotations

import dataclasses

import pytest

from pulumi_mandate.errors import ContractRefused, Refused
from pulumi_mandate.gate.proposal import keep_document
from pulumi_mandate.governance.council import in_order
from pulumi_mandate.governance.emergency import EmergencyPath
from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import MandateState, plan_hash
from pulumi_mandate.plan.document import Document
from tests.audit.test_emergency import Key
from tests.chain.genesis import SEATS
from tests.plugins.attack_fixtures import PROGRAM, Attacked

pytestmark = [pytest.mark.engine, pytest.mark.chain]
INCIDENT, REASON = "INC-2041", "it is faster"
NEXT = PROGRAM + 'Note("next", "also urgent")\n'


def urgent(stack: Attacked, incident: str = INCIDENT) -> Document:
    """Its document is where everybody reads it, as `mandate propose --emergency` puts it."""
    document = stack.plan(emergency=(incident, REASON))
    keep_document(document, stack.machine, folder=stack.folder)
    stack.plan_hash = plan_hash(stack.deployment.domain, document.fields())
    return document


def declare(
    stack: Attacked, document: Document, seats: tuple[str, ...], incident: str = INCIDENT
) -> None:
    """Around what our own command would say first: the chain is asked."""
    path, fields = EmergencyPath(stack.deployment.client), document.fields()
    order = path.ordering(fields, incident, REASON)
    signed = {Key(name).address: Key(name).sign_emergency(order.order) for name in seats}
    path._transact(
        stack.people["stranger"],
        "declare",
        solidity(fields),
        dataclasses.astuple(order.order)[2:],
        *in_order(signed),
    )


def nobody_approved_it(stack: Attacked) -> None:
    done = stack.calls()
    assert "refused at step 3: the mandate is " in stack.up(ok=False)
    assert stack.mandate(stack.plan_hash).state is MandateState.NONE
    assert stack.calls() == done


def test_it_is_none(approved: Attacked) -> None:
    approved.registry.revoke(approved.plan_hash, approved.people["guardian"])
    first = urgent(approved)
    nobody_approved_it(approved)
    with pytest.raises(ContractRefused, match="TooFewSeats"):
        declare(approved, first, SEATS[:1])
    nobody_approved_it(approved)
    assert approved.calls() == []

    declare(approved, first, SEATS[:2])
    approved.completes()
    done = approved.calls()

    approved.program(NEXT)
    second = urgent(approved)
    with pytest.raises(ContractRefused, match="TooFewSeats"):
        declare(approved, second, SEATS[:2])
    other = urgent(approved, "INC-2042")
    with pytest.raises(ContractRefused, match="OtherIncident"):
        declare(approved, other, SEATS, "INC-2042")
    nobody_approved_it(approved)

    approved.program(PROGRAM.replace('second = Note("second"', 'Note("other"'))
    with pytest.raises(Refused, match="an emergency may not delete"):
        urgent(approved)

    assert approved.calls() == done
    assert EmergencyPath(approved.deployment.client).incident().open, "it is owed for"
