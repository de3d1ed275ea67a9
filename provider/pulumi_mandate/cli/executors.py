"""`mandate executors`: who may spend mandates, and how a key comes and goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from ..models import Address, to_hex
from ._command import Call, TeachingGroup, command
from ._output import Answer
from ._seat import council_of, file_option, say


class AddressType(click.ParamType[Address]):
    """0x and 40 hex digits."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ..models import checksum

        try:
            return checksum(value)
        except ValueError:
            raise UsageError(f"{value!r} is no address: write 0x and 40 hex digits") from None


@click.group(
    "executors",
    cls=TeachingGroup,
    short_help="The keys that may spend mandates.",
    examples=(
        "mandate executors list",
        f"mandate executors add 0x{'9' * 40} --as ana",
        f"mandate executors admit 0x{'9' * 40} --as bo --file admit.json",
    ),
)
def executors() -> None:
    """Two say yes to an executor's key, a critical vote and the council; one says no."""


def _address(function: Any) -> Any:
    return click.argument("address", type=AddressType(), metavar="ADDRESS")(function)


@command("list", "Every key that was ever enrolled.", examples=("mandate executors list",))
def list_(call: Call) -> Answer:
    """List the keys, whether each may sign now, and under which epoch."""
    session = call.session
    voted = session.client.logs("executor_registry", "ExecutorVoted")
    rows = []
    for address in dict.fromkeys(str(log.arguments["executor"]) for log in voted):
        status = session.registry.executor(Address(address))
        rows.append({"address": address, "active": status.active, "epoch": status.epoch})
    text = "\n".join(
        f"{row['address']} {'active' if row['active'] else 'inactive'}, epoch {row['epoch']}"
        for row in rows
    )
    return Answer({"executors": rows}, text or "no key was ever voted for")


@command(
    "add",
    "Propose a key beside the others.",
    signs=True,
    examples=(f"mandate executors add 0x{'9' * 40} --as ana",),
)
@_address
def add(call: Call, address: Address) -> Answer:
    """Propose, at the critical tier, that a key may sign. The council has to admit it then."""
    return _propose(call, "enrolExecutor", (address,), f"Enrol the executor {address}")


@command(
    "rotate",
    "Propose a key in another's place.",
    signs=True,
    examples=(f"mandate executors rotate 0x{'8' * 40} 0x{'9' * 40} --as ana",),
)
@click.argument("former", type=AddressType(), metavar="FORMER")
@_address
def rotate(call: Call, former: Address, address: Address) -> Answer:
    """Propose a key that takes another's place in the moment in which the council admits it.

    Two say yes: a critical vote, then the council by `mandate executors admit`. Make the new key,
    have it answer (`mandate keys prove`) and write it into the trust file before.
    """
    words = f"Replace the executor {former} by {address}"
    return _propose(call, "rotateExecutor", (former, address), words)


@command(
    "admit",
    "The council's yes to a key.",
    signs=True,
    examples=(
        f"mandate executors admit 0x{'9' * 40} --as bo --file admit.json",
        f"mandate executors admit 0x{'9' * 40} --as chi --file admit.json",
    ),
)
@_address
@file_option
def admit(call: Call, address: Address, file: Path | None) -> Answer:
    """Say one seat's yes to a key that the vote has passed; with enough of them it may sign."""
    council = council_of(call.session)
    return say(call.session, council, council.admitting(address), file, f"{address} may sign")


@command(
    "revoke",
    "The guardian's no to a key.",
    signs=True,
    examples=(f"mandate executors revoke 0x{'9' * 40} --as gus",),
)
@_address
def revoke(call: Call, address: Address) -> Answer:
    """Revoke a key at once. Runs that it began are stated by any other active key.

    One says no, without a vote. Whoever wants the key back enrols it as a new one.
    """
    receipt = call.session.consent.revoke_executor(address, call.session.account)
    data = {"executor": address, "transaction": to_hex(receipt.transaction)}
    return Answer(data, f"{address} signs nothing any more")


def _propose(call: Call, function: str, words: tuple[Address, ...], title: str) -> Answer:
    session = call.session
    proposal = session.governor.propose_call(
        function, *words, description=title, account=session.account
    )
    data = {"proposal": proposal.number}
    return Answer(data, f"proposal {proposal.number}: {title}\nnext: mandate status")


for _subcommand in (list_, add, rotate, admit, revoke):
    executors.add_command(_subcommand)
