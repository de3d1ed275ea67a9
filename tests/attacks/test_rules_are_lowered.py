"""A pull request that brings its own rules: the chain names the rules, all judge by them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.audit.collect import Sources, collect_proposal
from pulumi_mandate.audit.links import broken
from pulumi_mandate.audit.proposal import verify_proposal
from pulumi_mandate.checks import Rules
from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.gate import proposal as opening
from pulumi_mandate.governance import Governor
from pulumi_mandate.models import Tier, to_hex
from pulumi_mandate.plan.document import Document
from tests.plugins.gate_fixtures import Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]

MINE = """
version = 1
[[rule]]
id = "any"
reason = "nothing to see here"
tier = "low"
[unknowns]
sensitive = ["nothing"]
"""


def lowered(governed: Governed) -> Document:
    """The program's plan, judged by rules that came with it."""
    file = Path(governed.folder) / "rules.toml"
    file.write_text(MINE)
    return governed.plan(rules=lambda _: Rules.load(file))


def test_it_cannot_be_proposed(governed: Governed) -> None:
    assert governed.plan().tier is Tier.HIGH
    mine = lowered(governed)
    assert mine.tier is Tier.MEDIUM

    with pytest.raises(Refused, match="judged under other rules") as refusal:
        governed.propose(mine)

    assert refusal.value.step == 5


def test_proposed_by_hand_and_voted_for_it_still_does_not_run(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under its own digest the registry refuses it; under the subject's every verifier does."""
    monkeypatch.setattr(opening, "_require_judged", lambda *_: None)
    mine = lowered(governed)
    with pytest.raises(MandateError, match=r"(?i)rules"):
        governed.approve(mine)

    rules = to_hex(Rules.load().digest)
    forged = Document.of({**mine.content, "rules": rules})
    plan = governed.approve(forged)

    machine = governed.machine
    sources = Sources(machine.client, machine.registry, Governor(machine.client), machine.store)
    first = broken(verify_proposal(collect_proposal(sources, plan)))
    assert first is not None
    assert first.name == "tier"
    assert "it says medium by any" in first.detail
    output = governed.up(ok=False)
    assert "refused at step 5" in output
    assert "the plan is judged otherwise here" in output
    assert governed.calls() == []
