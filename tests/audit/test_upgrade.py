"""An upgrade is a second set of contracts, approved by the hardest plan of the first.

Nothing moves over: the history of the first stays where it is and is still traced, its mandates
mean nothing to the second, and the second begins with an electorate and a history of its own.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pulumi_mandate.audit.collect import collect_run
from pulumi_mandate.audit.release import check_code, own_release
from pulumi_mandate.audit.roles import check_roles
from pulumi_mandate.audit.trace import progress_of, trace
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.errors import ContractRefused
from pulumi_mandate.governance import Support
from pulumi_mandate.governance.wiring import HOLDINGS
from pulumi_mandate.models import Digest, MandateState, Tier, keccak, plan_hash, to_hex
from pulumi_mandate.plan.source import Since, source_part
from tests.audit.cases import ORDERS, SOURCE, History, document
from tests.chain.genesis import DAY
from tests.governance.cases import an_order, signed

pytestmark = pytest.mark.chain


def another_plan(history: History, salt: str, after: Digest | None = None) -> History:
    """The same deployment with another document, made when `after` was completed last."""
    now = history.deployment.client.now()
    proposer = history.deployment.people["proposer"].address
    window = (now, now + 60 * DAY)
    since = Since(after, SOURCE) if after is not None else None
    made = document(
        proposer, window, salt=to_hex(keccak(salt.encode())), source=source_part(SOURCE, since)
    )
    return dataclasses.replace(history, document=made)


def approved(history: History) -> History:
    history.propose()
    history.approve()
    return history


def run(history: History) -> History:
    history.complete(history.begin())
    return history


def approved_together(*histories: History) -> None:
    """Voted on at the same time, so that all of them are fresh."""
    governor, deployment = histories[0].sources.governor, histories[0].deployment
    for one in histories:
        one.propose()
    found = [governor.find(one.plan) for one in histories]
    numbers = [proposal.number for proposal in found if proposal is not None]
    assert len(numbers) == len(histories)
    deployment.advance(deployment.terms.voting_delay + 1)
    for number in numbers:
        for name in ("ana", "ben"):
            governor.vote(number, Support.FOR, deployment.people[name])
    deployment.advance(deployment.terms.voting_period_of(Tier.HIGH) + 1)
    for number in numbers:
        governor.queue(number, deployment.people["stranger"])
    deployment.advance(deployment.terms.high_delay + 1)
    for number in numbers:
        governor.execute(number, deployment.people["stranger"])


def untraced(history: History) -> list[str]:
    """The links of its trace that do not hold, and how far it got where not to the end."""
    evidence = collect_run(history.sources, history.plan, ORDERS)  # type: ignore[arg-type]
    progress = progress_of(evidence)
    bad = [f"{link.name}: {link.detail}" for link in trace(evidence) if not link.ok]
    return bad if progress == "completed" else [*bad, progress]


def test_an_upgrade_from_end_to_end(chain_service: ChainService, tmp_path: Path) -> None:
    old = run(approved(History.start(chain_service, tmp_path / "old")))

    # The plan of the old contracts that deploys the new ones, and what it deploys.
    waiting = another_plan(old, "approved under the old contracts, and not begun", old.plan)
    upgrade = another_plan(old, "upgrade", old.plan)
    approved_together(waiting, upgrade)
    assert upgrade.document.fields().tier >= Tier.HIGH
    order = upgrade.begin()
    new = History.start(chain_service, tmp_path / "new")
    upgrade.complete(order)
    # Its last act: the guardian revokes the keys that spent the old mandates.
    people, executor = old.deployment.people, old.deployment.people["executor"]
    old.deployment.client.transact(
        people["guardian"], "executor_registry", "revoke", executor.address
    )

    # Both are whole, each by itself.
    assert old.deployment.trust.registry != new.deployment.trust.registry
    for one in (old, new):
        assert check_code(one.deployment.client, own_release()) == []
        assert check_roles(one.deployment.client) == len(HOLDINGS)

    # Old history: still traced, by whoever still names the old contracts.
    assert untraced(old) == []
    assert untraced(upgrade) == []

    # Old mandates: dead. The new registry has never heard of them, whichever way they are named.
    fields, runner = waiting.document.fields(), people["runner"]
    assert old.sources.registry.mandate(waiting.plan).state is MandateState.APPROVED
    renamed = plan_hash(new.deployment.domain, fields)
    assert renamed != waiting.plan
    for digest in (waiting.plan, renamed):
        assert new.sources.registry.mandate(digest).state is MandateState.NONE
    order = an_order(old.deployment, fields)
    signature = signed(old.deployment, order)
    for name, registry in (("new", new.sources.registry), ("old", old.sources.registry)):
        with pytest.raises(ContractRefused):
            registry.begin(fields, order, signature, runner)
        assert registry.running(fields.subject) is None, name

    # New mandates: work, and are traced.
    first = run(approved(another_plan(new, "the first of the new contracts")))
    assert untraced(first) == []
