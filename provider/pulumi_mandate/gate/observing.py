"""What an observer sees after a run: nothing differs, and one digest of what the plan touched.

(1) the program is the one that ran
(2) the cloud is as the state says: a refresh would change nothing
(3) the same command would change nothing more, of the part that the plan is about
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pulumi_mandate.chain import Trust
from pulumi_mandate.errors import EmptyPlan, Refused
from pulumi_mandate.models import ZERO, Digest
from pulumi_mandate.plan.document import Document
from pulumi_mandate.plan.inverse import touched_by

from .flags import flags_of, once_done
from .prepare import Prepared, RulesOf, document_of, prepare
from .rebuild import check_same_program
from .state import post_state
from .where import ProgramAt

_NAMES = {"refresh": "a refresh", "up": "an update", "destroy": "a destroy"}


def seen_state(
    document: Document,
    program: ProgramAt,
    trust: Trust,
    rules: RulesOf,
    environment: Mapping[str, str] | None = None,
) -> Digest:
    """(1) to (3). The digest that the run's outcome must have.

    Raises `Refused` at the first difference, `EngineError`, `UsageError`.
    """
    check_same_program(document, program)  # (1)
    for kind, at in (("refresh", program), *_once_more(document, program)):  # (2), (3)
        prepared = prepare(at, trust, kind=kind, rules=rules, environment=environment)
        _require_nothing(document, prepared, kind)
    touched = set(touched_by(document.operations))
    return post_state(prepared.raw.before.get("deployment") or {}, touched, prepared.values_of)


def _once_more(document: Document, program: ProgramAt) -> list[tuple[str, ProgramAt]]:
    """What is previewed for (3). Where it is nothing, the digest alone says what is left.

    After a refresh, an import or an edit of the state the program may rightly want something; and
    the engine knows no target that is gone.
    """
    kind, flags = document.content["kind"], flags_of(document.content)
    if kind == "up":
        return [(kind, replace(program, flags=once_done(flags)))]
    return [(kind, program)] if kind == "destroy" and not flags else []


def _require_nothing(document: Document, prepared: Prepared, kind: str) -> None:
    fields = document.fields()
    try:
        found = document_of(
            prepared,
            proposer=fields.proposer,
            window=(fields.not_before, fields.expires_at),
            salt=ZERO,
        )
    except EmptyPlan:
        return
    first = found.operations[0]
    raise Refused(
        13,
        f"{_NAMES[kind]} would still change {len(found.operations)} resources",
        field="result",
        expected="nothing to do",
        found=f"{first['op']} of {first['urn']}",
        meaning="The result is not what the run says. Do not confirm it.",
        next_step="mandate preview",
    )
