"""`mandate ratify`: whether the electorate has taken an emergency on, and what that still takes."""

from __future__ import annotations

import click

from ..errors import UsageError
from ..models import Digest, digest, to_hex
from ._command import Call, command
from ._emergency import path_of, ratifications
from ._output import Answer


@command(
    "ratify",
    "Where an emergency's ratification stands.",
    signs=True,
    examples=("mandate ratify", "mandate ratify 0x7b…01 --as dee"),
)
@click.argument("obligation", required=False, metavar="[OBLIGATION]")
def ratify(call: Call, obligation: str | None) -> Answer:
    """Say where each ratification that is owed stands; with an OBLIGATION, bring it to the voters.

    The gate proposes it when the emergency is declared. Where that failed, or the guardian took it
    back, anybody may try again: it takes no tokens. Then it is voted on like any critical proposal.
    """
    session, path = call.session, path_of(call.session)
    sent = None
    if obligation is not None:
        sent = path.propose_ratification(_digest(obligation), session.account)
    incident = path.incident()
    found = ratifications(session, incident) if incident.declared else []
    now = session.client.now()
    text = "\n".join(one.line(now) for one in found) or "nothing is to be ratified"
    data = {
        "incident": incident.name or None,
        "ratifications": [one.data() for one in found],
        "transaction": to_hex(sent.transaction) if sent else None,
    }
    return Answer(data, text)


def _digest(text: str) -> Digest:
    try:
        return digest(text)
    except ValueError as error:
        raise UsageError(f"OBLIGATION: {error}", next_step="mandate ratify") from None
