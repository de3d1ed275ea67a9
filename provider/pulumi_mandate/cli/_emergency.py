"""What an emergency owes and until when: one telling for every command that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..models import Digest, to_hex
from ._target import describe_duration

if TYPE_CHECKING:
    from ..governance import EmergencyPath, Incident
    from ._session import Session

MISSING, CANCELLED = "missing", "cancelled"
"""Then anybody may bring it before the voters."""


@dataclass(frozen=True, slots=True)
class Ratification:
    """An obligation of the incident, and where its ratification stands."""

    obligation: Digest
    due_at: int
    owed: bool
    proposal: int | None
    """Its number; None where it is not before the voters."""
    state: str
    """The proposal's, as `mandate status` says it; `missing`, or `cleared`."""

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "obligation": to_hex(self.obligation),
            "dueAt": self.due_at,
            "owed": self.owed,
            "proposal": self.proposal,
            "state": self.state,
        }

    def line(self, now: int) -> str:
        """For people."""
        name = to_hex(self.obligation)
        if not self.owed:
            return f"ratification of {name}: paid"
        where = f"proposal {self.proposal} is {self.state}"
        command = f"mandate status {self.proposal}"
        if self.proposal is None:
            where = "not before the voters"
        if self.state in (MISSING, CANCELLED):
            command = f"mandate ratify {name} --as NAME"
        elif self.state == "defeated":
            command = f"mandate propose --clears {name}   (a corrective plan)"
        return f"ratification {_due(self.due_at, now)}, {where}: {name}\n    next: {command}"


def path_of(session: Session) -> EmergencyPath:
    """The gate of this chain."""
    from ..governance import EmergencyPath

    return EmergencyPath(session.client)


def ratifications(session: Session, incident: Incident) -> list[Ratification]:
    """Of every obligation of an incident, oldest first."""
    path = path_of(session)
    made = {one.id: one for one in session.governor.all() if one.function == "ratify"}
    found = []
    for obligation in dict.fromkeys(one.obligation for one in path.declared(incident=incident.id)):
        owed = session.consent.obligation(obligation)
        proposal = made.get(path.ratification(obligation))
        state = MISSING if proposal is None else _state(session, proposal.number)
        found.append(
            Ratification(
                obligation,
                owed.due_at,
                owed.cleared_by is None,
                proposal.number if proposal else None,
                "cleared" if owed.cleared_by else state,
            )
        )
    return found


def _state(session: Session, number: int) -> str:
    from ._lookup import standing_of

    return standing_of(session, session.governor.proposal(number)).state


def told(session: Session) -> tuple[dict[str, Any], list[str]]:
    """The path for `--json`, and what is worth a line: nothing where nothing is owed or amiss."""
    incident, now = path_of(session).incident(), session.client.now()
    owed = ratifications(session, incident) if incident.declared else []
    data = {
        "incident": incident.name or None,
        "open": incident.open,
        "overdue": incident.overdue,
        "plans": incident.declared,
        "report": to_hex(incident.report) if incident.report else None,
        "reportDue": incident.report_due or None,
        "ratifyDue": incident.ratify_due or None,
        "ratifications": [one.data() for one in owed],
        "onUntil": incident.on_until,
    }
    return data, list(_lines(incident, owed, now))


def _lines(incident: Incident, owed: list[Ratification], now: int) -> list[str]:
    lines = []
    if incident.open:
        count = f"{incident.declared} plan" + "s" * (incident.declared > 1)
        lines.append(f"EMERGENCY {incident.name}: {count} declared")
        if incident.report is None:
            lines.append(
                f"report {_due(incident.report_due, now)}\n"
                "    next: mandate emergency report FILE --as SEAT"
            )
        lines += [one.line(now) for one in owed if one.owed]
    if incident.overdue or now >= incident.on_until:
        why = "something was overdue" if incident.overdue else "its year is over, or it was ended"
        lines.append(
            f"the emergency path is off: {why}\n    next: mandate emergency renew --as NAME"
        )
    return lines


def _due(at: int, now: int) -> str:
    return f"due in {describe_duration(at - now)}" if now < at else "OVERDUE"
