"""A pull request that brings its own rules: the chain names the rules, all judge by them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_mandate.audit.collect import Sources, collect_proposal
from pulumi_mandate.audit.links import broken
from pulumi_mandate.audit.proposal import verify_proposal
from pulumi_mandate.checks import Rules
from pulumi_mandate.errors import Refused
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
tier = "medium"
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


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("his own", "the plan was judged under other rules than those of the registry"),
        ("the subject's", "the plan is judged otherwise here: operation 0 is high by no-rule"),
    ],
)
def test_proposed_by_hand_and_voted_for_it_still_does_not_run(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, named: str, told: str
) -> None:
    """Whether it names its own rules or claims to be judged by the subject's."""
    monkeypatch.setattr(opening, "require_proposable", lambda *_: None)
    document = lowered(governed)
    if named == "the subject's":
        rules = to_hex(Rules.load().digest)
        document = Document.of({**document.content, "rules": rules})
    plan = governed.approve(document)

    machine = governed.machine
    sources = Sources(machine.client, machine.registry, Governor(machine.client), machine.store)
    first = broken(verify_proposal(collect_proposal(sources, plan)))
    assert first is not None
    assert first.name == "tier"
    output = governed.up(ok=False)
    assert "refused at step 5" in output
    assert told in output
    assert governed.calls() == []
