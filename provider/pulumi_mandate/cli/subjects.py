"""`mandate subjects`: what each stack is judged by, and who plays which part there."""

from __future__ import annotations

from typing import Any

from ..models import digest, to_hex
from ._command import Call, command
from ._output import Answer


@command("subjects", "What each stack is judged by.", examples=("mandate subjects",))
def subjects(call: Call) -> Answer:
    """List the configured stacks: rules, mode, and who proposes, attests, runs and pays.

    Only a critical vote changes a config, and only for the next plan.
    """
    from ..governance.registry import NO_CAP

    session = call.session
    known = dict.fromkeys(
        digest(log.arguments["subject"])
        for log in session.client.logs("subjects", "SubjectConfigured")
    )
    rows: list[dict[str, Any]] = []
    for subject in known:
        found = session.registry.subject_config(subject)
        rows.append(
            {
                "subject": to_hex(subject),
                "version": found.version,
                "rules": to_hex(found.rules),
                "mode": found.mode.name.lower(),
                "proposers": list(found.proposers),
                "attestors": list(found.attestors),
                "runners": list(found.runners),
                "financeCosigner": found.finance_cosigner,
                "costCap": None if found.cost_cap == NO_CAP else found.cost_cap,
            }
        )
    lines = []
    for row in rows:
        lines.append(f"{row['subject']} version {row['version']}, {row['mode']}")
        lines += [f"  {part:<10} {', '.join(row[part])}" for part in _PARTS if row[part]]
    return Answer({"subjects": rows}, "\n".join(lines) or "no stack is configured")


_PARTS = ("proposers", "attestors", "runners")
