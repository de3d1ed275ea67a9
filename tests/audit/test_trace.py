"""Every link holds for a true history; each one breaks where its evidence is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.audit.calldata import decode_begin, decode_close
from pulumi_mandate.audit.collect import collect_run, last_plan_touching
from pulumi_mandate.audit.evidence import ProposalEvidence, RunEvidence
from pulumi_mandate.audit.links import Link, broken, run_checks
from pulumi_mandate.audit.proposal import verify_proposal
from pulumi_mandate.audit.trace import progress_of, trace
from pulumi_mandate.checks import Rules
from pulumi_mandate.checks.tables import HealthChoice
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.governance import ProposalState, Tally
from pulumi_mandate.governance.registry import solidity
from pulumi_mandate.models import Digest, Tier, keccak
from pulumi_mandate.plan.canonical import canonical_bytes, parse
from pulumi_mandate.plan.source import SCHEMA, Source
from tests.audit.cases import ORDERS, URN, History, configure

pytestmark = pytest.mark.chain

PROPOSAL = [
    "document",
    "effect",
    "tier",
    "plan hash",
    "call",
    "identity",
    "text",
    "proposer",
    "registry",
    "source",
]
RUN = ["votes", "approval", "order", "signature", "begin", "outcome", "receipt"]
OTHER = keccak(b"other")


def bad(links: list[Link]) -> list[str]:
    return [link.name for link in links if not link.ok]


def test_every_link_of_a_true_history_holds(evidence: RunEvidence) -> None:
    links = trace(evidence)

    assert [link.name for link in links] == ["resource", "operation", "proof", *PROPOSAL, *RUN]
    assert bad(links) == []
    assert progress_of(evidence) == "completed"


def test_a_voter_reads_what_is_asked_after_the_run(evidence: RunEvidence) -> None:
    proposal = evidence.proposal
    assert proposal.rules is not None
    mine = HealthChoice("front", "http", {}, within=90)
    theirs = HealthChoice("there", "http", {}, subjects=("another/*/*",))
    asked = replace(proposal, rules=replace(proposal.rules, health=(mine, theirs)))

    (tier,) = [link for link in verify_proposal(asked) if link.name == "tier"]

    said = {name: text for name, text in tier.evidence.items() if name.startswith("health")}
    assert said == {"health front": "front (http), within 90 s after the run"}


def test_a_plan_is_traced_without_a_resource(evidence: RunEvidence) -> None:
    links = trace(replace(evidence, urn=None))

    assert [link.name for link in links] == [*PROPOSAL, *RUN]
    assert bad(links) == []


def test_a_resource_is_found_by_its_urn(history: History) -> None:
    assert last_plan_touching(history.sources, ORDERS) == history.plan  # type: ignore[arg-type]

    with pytest.raises(UsageError, match="no run on this chain touched"):
        last_plan_touching(history.sources, URN.format("ghost"))  # type: ignore[arg-type]


# -- one change, one broken link --------------------------------------------------------------


def _log(event: Any, **changes: Any) -> Any:
    return replace(event, arguments={**event.arguments, **changes})


def _sent(sent: Any, function: str, evidence: RunEvidence, *arguments: Any) -> Any:
    abi = evidence.proposal.registry_abi
    return replace(sent, data=abi.encode_call(function, arguments))


def _begin_with(evidence: RunEvidence, **changes: Any) -> RunEvidence:
    """The begin transaction, with another order; the signature stays."""
    call = decode_begin(evidence.proposal.registry_abi, evidence.begin.data)  # type: ignore[union-attr]
    order = replace(call.order, **changes)
    sent = _sent(
        evidence.begin, "begin", evidence, solidity(call.plan), solidity(order), call.signature
    )
    return replace(evidence, begin=sent)


def _signed_otherwise(evidence: RunEvidence) -> RunEvidence:
    call = decode_begin(evidence.proposal.registry_abi, evidence.begin.data)  # type: ignore[union-attr]
    flipped = bytes([call.signature[0] ^ 1]) + call.signature[1:]
    sent = _sent(
        evidence.begin, "begin", evidence, solidity(call.plan), solidity(call.order), flipped
    )
    return replace(evidence, begin=sent)


def _other_plan(evidence: RunEvidence) -> RunEvidence:
    call = decode_begin(evidence.proposal.registry_abi, evidence.begin.data)  # type: ignore[union-attr]
    plan = replace(call.plan, salt=OTHER)
    sent = _sent(
        evidence.begin, "begin", evidence, solidity(plan), solidity(call.order), call.signature
    )
    return replace(evidence, begin=sent)


def _close_with(evidence: RunEvidence, **changes: Any) -> RunEvidence:
    call = decode_close(evidence.proposal.registry_abi, evidence.close.data)  # type: ignore[union-attr]
    outcome = replace(call.outcome, **changes)
    sent = _sent(
        evidence.close, "complete", evidence, call.plan_hash, solidity(outcome), call.signature
    )
    return replace(evidence, close=sent)


def _receipt_edit(evidence: RunEvidence, **changes: Any) -> RunEvidence:
    content = parse(evidence.receipt or b"")
    return replace(evidence, receipt=canonical_bytes(content | changes))


def _undone(evidence: RunEvidence) -> RunEvidence:
    content = parse(evidence.receipt or b"")
    content["results"][1]["outcome"] = "not-done"
    return replace(evidence, receipt=canonical_bytes(content))


def _votes(evidence: RunEvidence, tally: Tally) -> RunEvidence:
    proposal = replace(evidence.proposal.proposal, votes=tally)
    return replace(evidence, proposal=replace(evidence.proposal, voted=proposal))


RUN_CASES: dict[str, tuple[Callable[[RunEvidence], RunEvidence], set[str]]] = {
    "a resource that the plan does not hold": (
        lambda e: replace(e, urn=URN.format("ghost")),
        {"resource", "operation", "proof"},
    ),
    "a ballot that nobody cast": (lambda e: replace(e, votes=e.votes[:1]), {"votes"}),
    "a ballot counted twice": (lambda e: replace(e, votes=(*e.votes, e.votes[0])), {"votes"}),
    "a tally that nobody voted": (lambda e: _votes(e, Tally(1, 2, 3)), {"votes"}),
    "an approval of another plan": (
        lambda e: replace(e, approved=_log(e.approved, planHash=OTHER)),
        {"approval"},
    ),
    "no approval": (
        lambda e: replace(e, approved=None, approval=None),
        {"approval", "order"},
    ),
    "an approval that failed": (
        lambda e: replace(e, approval=replace(e.approval, succeeded=False)),
        {"approval"},
    ),
    "an approval that the governor did not execute": (
        lambda e: replace(e, executed=None),
        {"approval"},
    ),
    "an approval by another transaction": (
        lambda e: replace(e, executed=replace(e.executed, transaction=OTHER)),
        {"approval"},
    ),
    "begun after the window": (
        lambda e: replace(e, approved=_log(e.approved, expiresAt=1)),
        {"order"},
    ),
    "an order for another run": (lambda e: _begin_with(e, run_id=OTHER), {"order", "signature"}),
    "an order that came too late": (lambda e: _begin_with(e, deadline=1), {"order", "signature"}),
    "an order for another plan": (
        lambda e: _begin_with(e, plan_hash=OTHER),
        {"order", "signature"},
    ),
    "an order under another epoch": (lambda e: _begin_with(e, key_epoch=2), {"signature"}),
    "another plan presented": (_other_plan, {"order"}),
    "another signature": (_signed_otherwise, {"signature"}),
    "a key that was never enrolled": (
        lambda e: replace(e, executor_events=()),
        {"signature"},
    ),
    "a key that was revoked before": (
        lambda e: replace(
            e,
            executor_events=(
                *e.executor_events,
                replace(e.executor_events[0], name="ExecutorRevoked"),
            ),
        ),
        {"signature"},
    ),
    "begin failed": (lambda e: replace(e, begin=replace(e.begin, succeeded=False)), {"begin"}),
    "begin sent elsewhere": (
        lambda e: replace(e, begin=replace(e.begin, to=e.begun.arguments["executor"])),
        {"begin"},
    ),
    "begin sent by another": (
        lambda e: replace(e, begin=replace(e.begin, sender=e.begun.arguments["executor"])),
        {"begin"},
    ),
    "an event about another document": (
        lambda e: replace(e, begun=_log(e.begun, document=OTHER)),
        {"begin"},
    ),
    "an outcome of another run": (lambda e: _close_with(e, run_id=OTHER), {"outcome", "receipt"}),
    "an outcome with another receipt": (
        lambda e: _close_with(e, receipt_root=OTHER),
        {"outcome", "receipt"},
    ),
    "an outcome that failed": (
        lambda e: replace(e, close=replace(e.close, succeeded=False)),
        {"outcome"},
    ),
    "an outcome sent elsewhere": (
        lambda e: replace(e, close=replace(e.close, to=e.begun.arguments["executor"])),
        {"outcome"},
    ),
    "no receipt": (lambda e: replace(e, receipt=None), {"receipt"}),
    "a receipt of another state": (
        lambda e: _receipt_edit(e, postState="0x" + "11" * 32),
        {"receipt"},
    ),
    "a receipt of another run": (lambda e: _receipt_edit(e, run="0x" + "11" * 32), {"receipt"}),
    "a receipt of another plan": (lambda e: _receipt_edit(e, plan="0x" + "11" * 32), {"receipt"}),
    "a receipt that says not done": (_undone, {"receipt"}),
}


@pytest.mark.parametrize("case", RUN_CASES)
def test_a_changed_history_breaks_its_own_links_only(case: str, evidence: RunEvidence) -> None:
    change, expected = RUN_CASES[case]

    assert set(bad(trace(change(evidence)))) == expected


def _content(evidence: ProposalEvidence, **changes: Any) -> ProposalEvidence:
    content = parse(evidence.document)
    return replace(evidence, document=canonical_bytes(content | changes))


def _made(evidence: ProposalEvidence, **changes: Any) -> ProposalEvidence:
    created = replace(evidence.proposal.created, **changes)
    return replace(evidence, voted=replace(evidence.proposal, created=created))


def _calls(evidence: ProposalEvidence, function: str, *arguments: Any) -> ProposalEvidence:
    return _made(evidence, calldata=evidence.registry_abi.encode_call(function, arguments))


PROPOSAL_CASES: dict[str, tuple[Callable[[ProposalEvidence], ProposalEvidence], set[str]]] = {
    "a document of another salt": (
        lambda e: _content(e, salt="0x" + "11" * 32),
        {"plan hash", "text"},
    ),
    "a document by another proposer": (
        lambda e: _content(e, proposer="0x" + "11" * 20),
        {"plan hash", "text", "proposer"},
    ),
    "a padded document": (
        lambda e: replace(e, document=e.document + b" "),
        {
            *("document", "effect", "tier", "plan hash", "call"),
            *("text", "proposer", "registry", "source"),
        },
    ),
    "other rules on chain": (
        lambda e: replace(e, config=replace(e.config, rules=OTHER)),
        {"tier"},
    ),
    "rules that are nowhere": (lambda e: replace(e, rules=None), {"tier"}),
    "other rules than those on chain": (
        lambda e: replace(e, rules=Rules.of({"version": 1, "rule": []})),
        {"tier"},
    ),
    "rules that judge otherwise": (
        lambda e: replace(e, rules=replace(e.rules, rules=())),
        {"tier"},
    ),
    "no config on chain": (lambda e: replace(e, config=replace(e.config, version=0)), {"tier"}),
    "another chain": (
        lambda e: replace(e, domain=replace(e.domain, chain_id=1)),
        {"plan hash"},
    ),
    "a call to another contract": (
        lambda e: _made(e, target=e.proposal.created.proposer),
        {"call", "identity"},
    ),
    "a call that approves another plan": (
        lambda e: _calls(e, "approveHigh", OTHER),
        {"call", "identity"},
    ),
    "a call to another electorate": (
        lambda e: _calls(e, "approveMedium", e.plan_hash),
        {"call", "identity"},
    ),
    "a call that revokes": (lambda e: _calls(e, "revoke", e.plan_hash), {"call", "identity"}),
    "a call with bytes behind it": (
        lambda e: _made(e, calldata=e.proposal.created.calldata + b"\0"),
        {"call", "identity"},
    ),
    "a second call behind the id": (
        lambda e: _made(e, id=e.proposal.created.id + 1),
        {"identity"},
    ),
    "another text": (lambda e: _made(e, text="trust me"), {"identity"}),
    "a text with a warning": (lambda e: _made(e, warnings=("names another plan",)), {"text"}),
    "a text of no form": (lambda e: _made(e, description=None), {"text"}),
    "a proposer who is not enrolled": (
        lambda e: replace(e, config=replace(e.config, proposers=())),
        {"proposer"},
    ),
    "somebody else proposed": (
        lambda e: _made(e, proposer=e.domain.registry),
        {"proposer"},
    ),
    "a registry that hashes otherwise": (
        lambda e: replace(e, registry_hash=Digest(OTHER)),
        {"registry"},
    ),
    "approved at another tier": (
        lambda e: replace(e, mandate=replace(e.mandate, tier=Tier.MEDIUM)),
        {"registry"},
    ),
    "no change of the source": (
        lambda e: _content(e, source=None),
        {"plan hash", "text", "source"},
    ),
    "a change of the source in other words": (
        lambda e: _source_edit(e, diff="+nothing of importance\n"),
        {"plan hash", "text", "source"},
    ),
    "a change of the source that is hidden": (
        lambda e: _source_edit(e, diff=None, withheld="may hold a secret"),
        {"plan hash", "text", "source"},
    ),
    "a change since the beginning, after a plan was completed": (
        lambda e: replace(e, completed=Digest(OTHER)),
        {"source"},
    ),
    "a change since a plan that nobody completed": (
        lambda e: _source_since(e, "0x" + "11" * 32),
        {"plan hash", "text", "source"},
    ),
    "texts that nobody kept": (lambda e: replace(e, texts=(None, None)), {"source"}),
    "texts of another program": (
        lambda e: replace(e, texts=(None, Source((), {}).data)),
        {"source"},
    ),
    "texts that were not digested": (
        lambda e: replace(
            e, texts=(None, canonical_bytes({"schema": SCHEMA, "texts": {"__main__.py": "evil"}}))
        ),
        {"source"},
    ),
}


def _source_edit(evidence: ProposalEvidence, **changes: Any) -> ProposalEvidence:
    source = parse(evidence.document)["source"]
    return _content(evidence, source=source | {"changes": [source["changes"][0] | changes]})


def _source_since(evidence: ProposalEvidence, plan: str) -> ProposalEvidence:
    return _content(evidence, source=parse(evidence.document)["source"] | {"since": plan})


@pytest.mark.parametrize("case", PROPOSAL_CASES)
def test_a_changed_proposal_breaks_its_own_links_only(case: str, evidence: RunEvidence) -> None:
    change, expected = PROPOSAL_CASES[case]

    assert set(bad(verify_proposal(change(evidence.proposal)))) == expected


def test_the_unchanged_proposal_holds(evidence: RunEvidence) -> None:
    links = verify_proposal(evidence.proposal)

    assert [link.name for link in links] == PROPOSAL
    assert broken(links) is None


def test_every_link_is_broken_by_some_case() -> None:
    covered = set().union(*(names for _, names in [*RUN_CASES.values(), *PROPOSAL_CASES.values()]))

    assert covered == {"resource", "operation", "proof", *PROPOSAL, *RUN}


def test_nothing_to_check_is_not_good_news() -> None:
    assert broken([]) is not None


def test_a_check_that_cannot_be_made_does_not_hold() -> None:
    def fails(evidence: object) -> Any:
        raise KeyError("secret value")

    [link] = run_checks([("odd", fails)], object())

    assert not link.ok
    assert "secret value" not in link.detail


# -- history that is not over -----------------------------------------------------------------


def test_history_is_followed_as_far_as_it_goes(chain_service: Any, tmp_path: Any) -> None:
    made = History.start(chain_service, tmp_path / "store")

    def names() -> tuple[str, list[str], list[str]]:
        found = collect_run(made.sources, made.plan, None)
        links = trace(found)
        return progress_of(found), [link.name for link in links][len(PROPOSAL) :], bad(links)

    with pytest.raises(Refused, match="has no document"):
        collect_run(made.sources, made.plan, None)

    made.propose()
    assert names() == ("proposed", ["votes"], [])

    made.approve()
    assert names() == ("approved", ["votes", "approval"], [])

    order = made.begin()
    assert names() == ("running", ["votes", "approval", "order", "signature", "begin"], [])

    made.complete(order)
    assert names() == ("completed", RUN, [])


def test_an_executed_proposal_without_a_mandate_is_broken(evidence: RunEvidence) -> None:
    from pulumi_mandate.models import MandateState

    proposal = evidence.proposal
    assert proposal.proposal.state is ProposalState.EXECUTED

    unknown = replace(proposal, mandate=replace(proposal.mandate, state=MandateState.NONE))

    assert bad(verify_proposal(unknown)) == ["registry"]


def test_a_later_change_of_the_rules_does_not_break_an_old_history(
    chain_service: ChainService, tmp_path: Path
) -> None:
    made = History.start(chain_service, tmp_path / "store")
    made.propose()
    made.approve()
    made.complete(made.begin())
    rules_then = made.document.fields().rules

    configure(made, rules=OTHER)

    found = collect_run(made.sources, made.plan, None)
    assert made.sources.registry.subject_config(made.document.fields().subject).rules == OTHER
    assert found.proposal.config.rules == rules_then
    assert bad(trace(found)) == []
