"""What is stale is withdrawn only for something that may be proposed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pulumi_mandate.cli import revalidate
from pulumi_mandate.cli._program import ProgramChoice
from pulumi_mandate.errors import Refused
from pulumi_mandate.gate import proposal
from pulumi_mandate.gate.pending import Pending
from pulumi_mandate.plan.revalidation import Revalidation, Verdict
from tests.gate.cases import PROPOSER, document


@pytest.mark.parametrize("proposable", [True, False])
def test_nothing_is_withdrawn_for_a_plan_that_may_not_be_proposed(
    proposable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[str] = []
    session: Any = SimpleNamespace(
        account=SimpleNamespace(address=PROPOSER),
        machine=None,
        registry=SimpleNamespace(withdraw=lambda *_: did.append("withdrawn")),
    )
    plan = document()
    pending = Pending(cast(Any, SimpleNamespace(number=7)), plan)
    stale = revalidate._Row(pending, Revalidation(Verdict.REPLACE, ()))

    def judge(*_: object) -> None:
        if not proposable:
            raise Refused(5, "a check fails")

    monkeypatch.setattr(proposal, "require_proposable", judge)
    monkeypatch.setattr(revalidate, "_propose", lambda *_, **__: did.append("proposed") or 8)

    def apply() -> None:
        revalidate._apply(session, [stale], plan, ProgramChoice(Path(), None))

    if proposable:
        apply()
        assert did == ["withdrawn", "proposed"]
    else:
        with pytest.raises(Refused, match="a check fails"):
            apply()
        assert did == []
