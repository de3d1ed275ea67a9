"""Attack: what was approved on one chain, or by one registry, is offered to another.

The people, the keys, the store, the stack and the program are the same, and on the other chain even
the registry's address is. A plan's hash holds the chain's id and the registry's address: the
defender sees step 3, for the other one knows no such mandate. The executor's signature of a true
order is no order there either.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pulumi_mandate.chain.trust import Trust
from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.governance import Registry
from pulumi_mandate.models import MandateState, plan_hash, signing_digest
from tests.chain.bare_chain import BareChain
from tests.chain.genesis import Deployment, deploy
from tests.governance.cases import an_order
from tests.plugins.attack_fixtures import Attacked
from tests.plugins.gate_fixtures import write_trust

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def test_another_chain_and_another_registry_know_nothing(
    approved: Attacked, tmp_path: Path
) -> None:
    mine = approved.deployment
    with BareChain(tmp_path, chain_id=8453, finality=2) as chain:
        elsewhere = deploy(chain, mine.terms)  # type: ignore[arg-type]  # it has what genesis needs
        assert elsewhere.trust.chain_id != mine.trust.chain_id
        offered_to(approved, elsewhere)
    beside = deploy(mine.service, mine.terms)
    assert beside.trust.registry != mine.trust.registry
    offered_to(approved, beside)

    write_trust(Path(approved.environment["MANDATE_TRUST"]), here(approved, mine))
    approved.completes()


def here(stack: Attacked, there: Deployment) -> Trust:
    """This machine's trust file, but for the chain and the contracts."""
    mine = stack.machine.trust
    return dataclasses.replace(
        there.trust,
        store_uri=mine.store_uri,
        executor=mine.executor,
        runner=mine.runner,
        backend_ids=mine.backend_ids,
    )


def offered_to(stack: Attacked, there: Deployment) -> None:
    write_trust(Path(stack.environment["MANDATE_TRUST"]), here(stack, there))
    fields = stack.fields()
    assert plan_hash(there.domain, fields) != stack.plan_hash

    stack.refused(3, "there is no mandate")

    registry = Registry(there.client)
    assert registry.mandate(stack.plan_hash).state is MandateState.NONE
    order = an_order(stack.deployment, fields)
    signature = stack.people["executor"].sign_digest(signing_digest(stack.deployment.domain, order))
    with pytest.raises(ContractRefused):
        registry.begin(fields, order, signature, there.people["runner"])
