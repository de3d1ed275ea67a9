"""`mandate emergency`: what cannot wait for a vote, and what is owed for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import Refused, UsageError
from ..models import Digest, Tier, keccak, to_hex
from ._command import Call, TeachingGroup, command
from ._emergency import path_of, told
from ._lookup import load_document, plan_of
from ._output import Answer
from ._seat import bytes_of, file_option, seat_of, text_of
from ._target import Target, TargetType, describe_duration

if TYPE_CHECKING:
    from ..governance import Declared
    from ..plan.document import Document
    from ._session import Session


@click.group(
    "emergency",
    cls=TeachingGroup,
    short_help="What cannot wait for a vote, and its price.",
    examples=(
        'mandate propose --as ana --emergency INC-2041 --reason "the disk is full"',
        "mandate emergency declare 0x5a…c3 --as bo --file INC-2041.json",
        "mandate emergency declare 0x5a…c3 --as chi --file INC-2041.json",
        "mandate up",
        "mandate emergency report report.md --as bo",
        "mandate ratify",
    ),
)
def emergency() -> None:
    """Two thirds of the council approve a plan at once, for six hours, and owe for it.

    A report within 72 hours, a ratification by the critical electorate or a corrective plan within
    21 days. Whatever comes late ends the path until a critical vote renews it.
    """


@command(
    "show",
    "The open incident, what is owed, until when.",
    examples=("mandate emergency show", "mandate emergency show --json"),
)
def show(call: Call) -> Answer:
    """Show the last incident: its plans, what is owed for it, and who has seen the notice."""
    session = call.session
    data, lines = told(session)
    path, now = path_of(session), session.client.now()
    incident = path.incident()
    plans = path.declared(incident=incident.id) if incident.declared else []
    seen = path.acknowledged(incident.id) if incident.declared else []
    data |= {
        "declared": [
            {
                "planHash": to_hex(one.plan_hash),
                "seats": one.seats,
                "outOf": one.out_of,
                "state": session.registry.mandate(one.plan_hash).state.name.lower(),
            }
            for one in plans
        ],
        "acknowledged": list(seen),
    }
    lines += [
        f"plan {one['planHash']}: {one['state']}, by {one['seats']} of {one['outOf']} seats"
        for one in data["declared"]
    ]
    lines += [f"seen by {account}" for account in seen]
    if not data["open"]:
        lines.insert(0, "no emergency is open")
    if now < incident.on_until and not incident.overdue:
        lines.append(f"the path is on for {describe_duration(incident.on_until - now)} more")
    return Answer(data, "\n".join(lines))


@command(
    "declare",
    "One seat's yes; the last one sends it.",
    signs=True,
    examples=(
        "mandate emergency declare 0x5a…c3 --as bo --file INC-2041.json",
        "mandate emergency declare 0x5a…c3 --as chi --file INC-2041.json",
    ),
)
@click.argument("target", type=TargetType(), metavar="PLAN-HASH")
@file_option
def declare(call: Call, target: Target, file: Path | None) -> Answer:
    """Sign an emergency for one's seat of the council. Read the plan before: `mandate show`.

    Nothing is signed that `mandate verify` would not pass; the document says incident and reason
    itself. Each seat signs the file in turn; the one whose signature is enough sends it: the plan
    is approved, the obligation opened and the ratification proposed, in one transaction.
    """
    from ..gate.proposal import require_kinds
    from ..governance.emergency import read_declaration
    from ..plan.assessment import incident_of

    session = call.session
    if file is None:
        raise UsageError("the council's yes needs --file FILE", next_step="name a file")
    document, path = load_document(session, plan_of(session, target)), path_of(session)
    fields, tier = document.fields(), document.content["tier"]
    incident, reason = incident_of(tier) if fields.tier is Tier.EMERGENCY else ("", "")
    wanted = path.ordering(fields, incident, reason)
    require_kinds(document, session.machine)
    _require_verified(session, wanted.order.plan_hash)
    given = read_declaration(text_of(file)) if file.exists() else None
    signed = path.agree(wanted, given, seat_of(session))
    needed, have = path.needed(wanted.order.incident), len(signed.signatures)
    data: dict[str, Any] = {
        "incident": incident,
        "reason": reason,
        "planHash": to_hex(wanted.order.plan_hash),
        "seats": sorted(signed.signatures),
        "needed": needed,
        "file": str(file),
        "declared": have >= needed,
    }
    if have >= needed:
        made = path.declare(fields, signed, session.account)
        file.unlink(missing_ok=True)
        return _declared(session, made, document, data)
    file.write_text(signed.text(), encoding="utf-8")
    lines = [
        f"{have} of {needed} seats have signed for incident {incident}: {file}",
        "next: the same with another seat's --as",
    ]
    return Answer(data, "\n".join(lines))


def _require_verified(session: Session, plan: Digest) -> None:
    """Whatever is signed would begin, and is what the seat has read. Raises `Refused`."""
    from ..audit.collect import collect_proposal
    from ..audit.links import broken
    from ..audit.proposal import verify_proposal

    bad = broken(verify_proposal(collect_proposal(session.sources, plan)))
    if bad is not None:
        raise Refused(
            5,
            f"do not sign: {bad.name} is broken: {bad.detail}",
            next_step=f"mandate verify {to_hex(plan)}",
        )


def _declared(session: Session, made: Declared, document: Document, data: dict[str, Any]) -> Answer:
    from ..gate.flags import flags_of
    from ..gate.standing import is_hooked_plan, run_by

    now, found = session.client.now(), session.registry.mandate(made.plan_hash)
    owed, lines = told(session)
    data |= {
        "transaction": to_hex(made.transaction),
        "obligation": to_hex(made.obligation),
        "expiresAt": found.expires_at,
        **{name: owed[name] for name in ("reportDue", "ratifyDue", "ratifications")},
    }
    head = f"declared by {made.seats} of {made.out_of} seats: it may be used for "
    text = [head + describe_duration(found.expires_at - now), *lines]
    kind, flags = document.content["kind"], flags_of(document.content)
    command = run_by(kind, flags, hooked=is_hooked_plan(document))
    return Answer(data, "\n".join([*text, f"next: {command}"]))


@command(
    "report",
    "File what happened, within 72 hours.",
    signs=True,
    examples=("mandate emergency report report.md --as bo",),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
def report(call: Call, file: Path) -> Answer:
    """File the report of the open incident: its digest goes on chain, its text to the plan store.

    A seat of the council does. A report that comes late ends the emergency path.
    """
    session = call.session
    content = bytes_of(file)
    if not content.strip():
        raise UsageError(
            f"{file} is empty", next_step="write what happened, and why it could not wait"
        )
    found = keccak(content)
    receipt = path_of(session).report(found, session.account)
    session.store.put(content)
    data = {"report": to_hex(found), "transaction": to_hex(receipt.transaction)}
    return Answer(data, f"reported: {to_hex(found)}\nnext: mandate ratify")


@command(
    "acknowledge",
    "Say that you have seen the notice.",
    signs=True,
    examples=("mandate emergency acknowledge --as dee",),
)
def acknowledge(call: Call) -> Answer:
    """Put on record that this account has seen the newest plan of the open incident.

    Nothing waits for it: whoever does not say so cannot stop a fix.
    """
    path = path_of(call.session)
    incident = path.incident()
    if not incident.declared:
        raise UsageError("there never was an emergency on this chain")
    notice: Digest = path.declared(incident=incident.id)[-1].plan_hash
    receipt = path.acknowledge(incident.id, notice, call.session.account)
    data = {
        "incident": incident.name,
        "planHash": to_hex(notice),
        "transaction": to_hex(receipt.transaction),
    }
    return Answer(data, f"on record: {incident.name} was seen")


@command(
    "switch-off",
    "End the path where something is overdue.",
    signs=True,
    examples=("mandate emergency switch-off --as dee",),
)
def switch_off(call: Call) -> Answer:
    """End the emergency path for all to see. Anybody may, where something is or was overdue.

    The gate takes no plan then with or without it; the event is for whoever watches the chain.
    """
    path = path_of(call.session)
    if not path.incident().overdue:
        raise UsageError("nothing is overdue", next_step="mandate emergency show")
    receipt = path.switch_off(call.session.account)
    data = {"onUntil": path.incident().on_until, "transaction": to_hex(receipt.transaction)}
    return Answer(data, "the emergency path is off\nnext: mandate emergency renew --as NAME")


@command(
    "renew",
    "Propose the path for another year.",
    signs=True,
    examples=("mandate emergency renew --as ana",),
)
def renew(call: Call) -> Answer:
    """Propose, at the critical tier, that the path is on for another year from then."""
    from ..governance.proposals import RENEWAL

    session = call.session
    words = f"Renew the emergency path\n\nAsked for at {session.client.now()}, chain time."
    made = session.governor.propose_call(RENEWAL, description=words, account=session.account)
    text = f"proposal {made.number}: renew the emergency path\nnext: mandate status {made.number}"
    return Answer({"proposal": made.number}, text)


for _subcommand in (declare, show, report, acknowledge, switch_off, renew):
    emergency.add_command(_subcommand)
