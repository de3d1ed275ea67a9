"""`mandate council`: who sits there, how that changes, and everything that it has said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..models import Address, to_hex
from ._command import Call, TeachingGroup, command
from ._output import Answer
from ._seat import council_of, file_option, say
from ._target import describe_duration
from .executors import AddressType

if TYPE_CHECKING:
    from ..chain import Log

ACCOUNT = "0x" + "9" * 40


@click.group(
    "council",
    cls=TeachingGroup,
    short_help="Who sits there, and what it has said.",
    examples=(
        "mandate council show",
        f"mandate council rotate --add {ACCOUNT} --as bo --file seats.json",
        "mandate council rotate --as ana",
        "mandate council cancel --as bo --file seats.json",
    ),
)
def council() -> None:
    """Cosigns high plans, admits executors, declares emergencies; it alone changes its seats."""


@command(
    "show",
    "Seats, and the trail of its calls.",
    examples=("mandate council show", "mandate council show --json"),
)
def show(call: Call) -> Answer:
    """Show the seats, how many act, what is announced, and every call and rotation so far."""
    session = call.session
    found = council_of(session)
    members, rotation, now = found.members(), found.rotation(), session.client.now()
    trail = found.trail()
    lines = [f"{found.threshold} of {len(members)} seats act:", *(f"  {one}" for one in members)]
    if rotation is not None:
        left = rotation.ready_at - now
        when = f"in {describe_duration(left)}" if left > 0 else "now"
        lines.append(
            f"a rotation is announced, to be made {when}: mandate council rotate --as NAME"
        )
    lines += [_line(log) for log in trail]
    data = {
        "seats": members,
        "threshold": found.threshold,
        "rotationReadyAt": rotation.ready_at if rotation else None,
        "trail": [
            {"event": log.name, "block": log.block_number, **_words(log.arguments)} for log in trail
        ],
    }
    return Answer(data, "\n".join(lines))


@command(
    "rotate",
    "Announce other seats; then make it so.",
    signs=True,
    examples=(
        f"mandate council rotate --add {ACCOUNT} --as bo --file seats.json",
        f"mandate council rotate --add {ACCOUNT} --as chi --file seats.json",
        "mandate council rotate --as ana",
    ),
)
@click.option(
    "--add", "added", type=AddressType(), multiple=True, metavar="ADDRESS", help="A new seat."
)
@click.option(
    "--remove",
    "removed",
    type=AddressType(),
    multiple=True,
    metavar="ADDRESS",
    help="One that goes.",
)
@click.option(
    "--threshold", type=click.IntRange(1), metavar="N", help="How many act then (default: as now)."
)
@file_option
def rotate(
    call: Call,
    added: tuple[Address, ...],
    removed: tuple[Address, ...],
    threshold: int | None,
    file: Path | None,
) -> Answer:
    """Announce other seats, signed by enough of the present ones in a file that goes around.

    After the rotation's delay anybody makes what was announced: the same command without options.
    Until then the present seats act, and may `mandate council cancel`.
    """
    session = call.session
    found = council_of(session)
    if not (added or removed or threshold):
        if file is not None:
            raise UsageError("--file is for an announcement: say who comes and who goes")
        receipt = found.rotate(session.account)
        data = {"seats": found.members(), "threshold": found.threshold}
        data["transaction"] = to_hex(receipt.transaction)
        return Answer(data, f"{found.threshold} of {len(found.members())} seats act now")
    wanted = found.announcing(added, removed, threshold or found.threshold)
    return say(session, found, wanted, file, "announced\nnext: mandate council show")


@command(
    "cancel",
    "Take an announced rotation back.",
    signs=True,
    examples=("mandate council cancel --as bo --file seats.json",),
)
@file_option
def cancel(call: Call, file: Path | None) -> Answer:
    """Say one seat's yes to keeping the seats as they are; enough of them end what is announced."""
    found = council_of(call.session)
    return say(call.session, found, found.cancelling(), file, "cancelled")


def _line(log: Log) -> str:
    words = _words(log.arguments)
    if log.name == "Acted":
        said = f"call {words['nonce']} to {words['target']} by {', '.join(words['signers'])}"
    elif log.name == "RotationCancelled":
        said = "rotation cancelled"
    else:
        changes = [f"+{one}" for one in words["added"]] + [f"-{one}" for one in words["removed"]]
        done = "made" if log.name == "RotationMade" else "announced"
        said = f"rotation {done}: {' '.join(changes)}, {words['threshold']} act"
    return f"block {log.block_number}: {said}"


def _words(arguments: Any) -> dict[str, Any]:
    """An event's values, bytes in hexadecimal."""

    def word(value: Any) -> Any:
        if isinstance(value, bytes):
            return to_hex(value)
        return [word(one) for one in value] if isinstance(value, list | tuple) else value

    return {name: word(value) for name, value in arguments.items()}


for _subcommand in (show, rotate, cancel):
    council.add_command(_subcommand)
