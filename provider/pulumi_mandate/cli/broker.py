"""`mandate broker`: the process that signs and gives credentials, and its log."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from ..errors import Refused, UsageError
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


@command(
    "identity",
    "Show who it is, and whether that was voted on.",
    examples=(f"mandate broker identity --config {CONFIG}",),
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The broker's own file.",
)
def identity(call: Call, config: Path) -> Answer:
    """Show what a `BrokerIdentity` has to say of these files, and what the chain says of them.

    Exits with 3 where the newest completed plan names something else.
    """
    from ..broker.identity import Standing, running_with
    from ..broker.settings import load_settings
    from ..gate.machine import open_machine
    from ..svid import server_context

    settings = load_settings(config)
    found = running_with(settings, server_context(settings.files))
    data: dict[str, object] = asdict(found)
    text = "\n".join(f'{name}="{value}",' for name, value in asdict(found).items())
    try:
        Standing(open_machine(settings.trust), settings.identity, lambda: found).require()
    except Refused as error:
        differs = f": {error.field} is {error.expected} there" if error.field else ""
        told = {"votedOn": False, "reason": error.happened + differs}
        text = f"{text}\nnot voted on: {told['reason']}"
        return Answer(data | told, text, exit_code=Refused.exit_code)
    return Answer(data | {"votedOn": True, "reason": ""}, f"{text}\nvoted on")


_SHOWN = ("kind", "service", "access", "plan", "run", "session", "reason")

for _subcommand in (serve, identity, log):
    broker.add_command(_subcommand)
