"""`mandate ballots`: votes that are signed here and carried to the chain by somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import MandateError, UsageError
from ..models import to_hex
from ._command import Call, TeachingGroup, command
from ._lookup import find_proposal
from ._output import Answer
from ._target import Target, TargetType
from .vote import CHOICES

if TYPE_CHECKING:
    from ..governance.ballots import SignedBallot

_ENDING = ".ballot.json"


@click.group(
    "ballots",
    cls=TeachingGroup,
    short_help="Votes that somebody else carries to the chain.",
    examples=(
        "mandate ballots sign 1 for --as bo --out bo.ballot.json",
        "mandate ballots collect box bo.ballot.json chi.ballot.json",
        "mandate ballots relay box --as rae",
    ),
)
def ballots() -> None:
    """Voters sign, somebody else pays.

    A signed ballot is a small file, sent by whatever way people like. It is good for one proposal,
    one choice and one voter, so whoever carries it can drop it and nothing else. Dropped ballots
    are seen with `mandate status`; a voter can always `mandate vote` himself.
    """


@command(
    "sign",
    "Sign a ballot without sending it.",
    signs=True,
    examples=("mandate ballots sign 1 for --as bo --out bo.ballot.json",),
)
@click.argument("target", type=TargetType(), metavar="PROPOSAL|PLAN-HASH")
@click.argument("support", type=click.Choice(list(CHOICES)))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Where to write the ballot.",
)
def sign(call: Call, target: Target, support: str, out: Path) -> Answer:
    """Sign for, against or abstain. Costs nothing and sends nothing."""
    from ..governance import Support
    from ..governance.ballots import Ballots
    from ..signing import VoterKey, open_signer

    session = call.session
    proposal = find_proposal(session, target)
    key = session.trust.accounts[session.account_name]
    voter = VoterKey(open_signer(key.uri, key.address))
    signed = Ballots(session.client).sign(proposal.number, Support[CHOICES[support]], voter)
    out.write_text(signed.text(), encoding="utf-8")
    data = {
        "proposal": proposal.number,
        "support": support,
        "voter": voter.address,
        "file": str(out),
    }
    said = f"{session.account_name} signed {support} proposal {proposal.number}: {out}"
    return Answer(data, f"{said}\nnext: give the file to whoever collects ballots")


@command(
    "collect",
    "Check ballots and put them into a box.",
    examples=("mandate ballots collect box bo.ballot.json chi.ballot.json",),
)
@click.argument("box", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER")
@click.argument(
    "files",
    type=click.Path(path_type=Path, dir_okay=False),
    nargs=-1,
    required=True,
    metavar="FILE...",
)
def collect(call: Call, box: Path, files: tuple[Path, ...]) -> Answer:
    """Check each ballot as the chain would, and keep what it would count.

    One that is refused does not stop the others; the answer says what its voter can do.
    """
    from ..governance.ballots import Ballots

    checker = Ballots(call.session.client)
    box.mkdir(parents=True, exist_ok=True)
    taken: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for file in files:
        try:
            signed = _read(file)
            made = checker.check(signed)
        except MandateError as error:
            refused.append({"file": str(file), "because": error.happened, "next": error.next_step})
            continue
        voter = signed.ballot.voter
        (box / f"{made.number}-{voter.lower()}{_ENDING}").write_text(signed.text(), "utf-8")
        taken.append({"file": str(file), "proposal": made.number, "voter": voter})
    lines = [f"taken    {one['voter']} on proposal {one['proposal']}" for one in taken]
    lines += [f"refused  {one['file']}: {one['because']}\n  {one['next']}" for one in refused]
    lines.append(f"next: mandate ballots relay {box}" if taken else "nothing was taken")
    return Answer({"taken": taken, "refused": refused}, "\n".join(lines))


@command(
    "relay",
    "Carry the ballots of a box to the chain.",
    signs=True,
    examples=("mandate ballots relay box --as rae",),
)
@click.argument("box", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER")
def relay(call: Call, box: Path) -> Answer:
    """Send what the box holds, many in a transaction, and empty it of what was sent.

    Whoever sends pays. Ballots are checked again first; what the chain would refuse by now stays in
    the box, and is named.
    """
    from ..governance.ballots import Ballots

    session = call.session
    carrier = Ballots(session.client)
    files = sorted(box.glob(f"*{_ENDING}"))
    if not files:
        raise UsageError(
            f"there is no ballot in {box}", next_step="mandate ballots collect FOLDER FILE..."
        )
    good, kept = _sorted_out(carrier, files)
    receipts = carrier.relay(list(good.values()), session.account)
    late = dict(carrier.refused(receipts))
    for file in good:
        file.unlink()
    counted = [one.ballot.voter for one in good.values() if one.ballot.voter not in late]
    lines = [f"{len(counted)} ballots counted, in {len(receipts)} transactions"]
    lines += [f"refused  {voter}: the governor said {reason}" for voter, reason in late.items()]
    lines += [f"kept     {file.name}: {because}" for file, because in kept.items()]
    data = {
        "counted": counted,
        "refused": late,
        "kept": {file.name: because for file, because in kept.items()},
        "transactions": [to_hex(receipt.transaction) for receipt in receipts],
    }
    return Answer(data, "\n".join(lines))


def _read(file: Path) -> SignedBallot:
    from ..governance.ballots import read_ballot

    try:
        return read_ballot(file.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", next_step="look at the name"
        ) from error


def _sorted_out(
    carrier: Any, files: list[Path]
) -> tuple[dict[Path, SignedBallot], dict[Path, str]]:
    """What would be counted now, and why the rest would not."""
    good: dict[Path, SignedBallot] = {}
    kept: dict[Path, str] = {}
    for file in files:
        try:
            signed = _read(file)
            carrier.check(signed)
            good[file] = signed
        except MandateError as error:
            kept[file] = error.happened
    return good, kept


ballots.add_command(sign)
ballots.add_command(collect)
ballots.add_command(relay)
