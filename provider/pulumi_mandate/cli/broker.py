"""`mandate broker`: the process that signs and gives credentials, and its log."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..errors import UsageError
from ._command import Call, TeachingGroup, command
from ._output import Answer, progress

CONFIG = "/etc/pulumi-mandate/broker.toml"


@click.group(
    "broker",
    cls=TeachingGroup,
    short_help="Sign orders and give credentials for runs.",
    examples=(f"mandate broker serve --config {CONFIG}",),
)
def broker() -> None:
    """Hold the executor's key and the cloud's roles, and give for mandates that stand.

    It runs on a machine of its own, as a user of its own; docs/reference/broker.md says what its
    file holds, and what whoever owns it can do.
    """


@command(
    "serve",
    "Answer callers until it is told to stop.",
    examples=(f"mandate broker serve --config {CONFIG}",),
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The broker's own file.",
)
def serve(call: Call, config: Path) -> Answer:
    """Answer enrolled callers, over mutual TLS, until SIGTERM.

    Whether a mandate stands it reads from the chain itself; before a run is final it gives at most
    what is good for reading.
    """
    from ..broker.service import serve as run

    run(config, progress)
    return Answer({"stopped": True}, "the broker has stopped")


@command(
    "log",
    "Show what was given and refused.",
    examples=("mandate broker log /var/lib/mandate/broker/log.jsonl",),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def log(call: Call, file: Path) -> Answer:
    """Check that each line follows from the one before it, and show them."""
    from ..broker.events import last_of

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    last = last_of(data)
    events = [json.loads(line) for line in data.splitlines()]
    text = "\n".join(
        " ".join(str(event.get(name, "")) for name in ("at", "event", "caller", "subject")).rstrip()
        + "".join(f" {name}={event[name]}" for name in _SHOWN if name in event)
        for event in events
    )
    return Answer({"events": events, "last": last}, f"{text}\nlast {last}".lstrip())


_SHOWN = ("kind", "service", "access", "plan", "run", "session", "reason")

for _subcommand in (serve, log):
    broker.add_command(_subcommand)
