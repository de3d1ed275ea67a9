"""One seat's yes for the council: a file that goes from seat to seat, sent by the last of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..models import to_hex
from ._output import Answer

if TYPE_CHECKING:
    from ..governance.council import Agreement, Council
    from ..signing import SeatKey
    from ._session import Session

file_option = click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Goes from seat to seat; made where it is not there yet.",
)


def council_of(session: Session) -> Council:
    """The council of this chain."""
    from ..governance.council import Council

    return Council(session.client)


def say(
    session: Session, council: Council, wanted: Agreement, file: Path | None, done: str
) -> Answer:
    """Sign for one's seat; write the file, or send where enough seats have signed.

    `done` says what has happened then. Raises `UsageError` without a file, `Refused`.
    """
    from ..governance.council import read_agreement

    if file is None:
        raise UsageError(
            "the council's yes needs --file FILE",
            meaning="Enough of its seats have to sign one file; the last of them sends it.",
            next_step="name a file, and give it to the next seat",
        )
    given = read_agreement(text_of(file)) if file.exists() else None
    signed = council.agree(wanted, given, seat_of(session))
    needed, have = council.threshold, len(signed.signatures)
    data: dict[str, Any] = {"seats": sorted(signed.signatures), "needed": needed, "file": str(file)}
    if have < needed:
        file.write_text(signed.text(), encoding="utf-8")
        text = (
            f"{have} of {needed} seats have signed: {file}\nnext: the same with another seat's --as"
        )
        return Answer(data | {"transaction": None}, text)
    receipt = council.act(signed, session.account)
    file.unlink(missing_ok=True)
    return Answer(data | {"transaction": to_hex(receipt.transaction)}, done)


def seat_of(session: Session) -> SeatKey:
    """The account's key, for what only a seat signs. Raises `UsageError`, `SignerError`."""
    from ..signing import SeatKey, open_signer

    key = session.trust.accounts[session.account_name]
    return SeatKey(open_signer(key.uri, key.address))


def text_of(file: Path) -> str:
    """What stands in a file that goes around. Raises `UsageError`."""
    return bytes_of(file).decode("utf-8", errors="replace")


def bytes_of(file: Path) -> bytes:
    """A file's content. Raises `UsageError`."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", next_step="look at the name"
        ) from error
