"""`mandate dev`: a chain with the contracts, a cloud with a KMS, and people, on this machine."""

from __future__ import annotations

import shlex
from typing import Any

import click

from ..errors import UsageError
from ..models import Subject
from ._command import Call, TeachingGroup, command
from ._output import Answer, progress
from ._target import DurationType, describe_duration


@click.group(
    "dev",
    cls=TeachingGroup,
    short_help="A chain, a cloud and people to try it with.",
    examples=("mandate dev start", "mandate dev advance 3d", "mandate dev stop"),
)
def dev() -> None:
    """A development chain, cloud, KMS and people on this machine.

    Everything listens on loopback and keeps its state, so `stop` and `start` lose nothing.
    """


@command(
    "start",
    "Start it, or find it running.",
    examples=("mandate dev start", 'eval "$(mandate dev start --env)"'),
)
@click.option("--env", "as_shell", is_flag=True, help="Print shell exports instead of a report.")
def start(call: Call, as_shell: bool) -> Answer:
    """Start it, or find it running; the first time, deploy the contracts and write the trust file.

    The people are ana (engineer, proposes), bo, chi and dee (token holders), rae (runner) and gus
    (guardian). The executor's key is made inside the KMS and never leaves it.
    """
    from ..dev import supervisor

    running = supervisor.start(progress=progress)
    if as_shell:
        exports = [
            f"export {name}={shlex.quote(value)}"
            for name, value in sorted(running.environment.items())
        ]
        return Answer(_facts(running), "\n".join(exports))
    return Answer(_facts(running), _report(running))


@command("stop", "Stop the processes; the state stays.", examples=("mandate dev stop",))
def stop(call: Call) -> Answer:
    """Stop the processes; the state stays."""
    from ..dev import supervisor

    was_running = supervisor.stop()
    return Answer({"stopped": was_running}, "stopped" if was_running else "nothing was running")


@command("status", "What runs, and where.", examples=("mandate dev status",))
def dev_status(call: Call) -> Answer:
    """Say what runs and where."""
    from ..dev import supervisor

    running = supervisor.status()
    if running is None:
        return Answer({"running": False}, "not running; start it: mandate dev start")
    return Answer(_facts(running), _report(running))


@command(
    "advance",
    "Move the chain's clock forward.",
    examples=("mandate dev advance 3d", "mandate dev advance 12h"),
)
@click.argument("duration", type=DurationType())
def dev_advance(call: Call, duration: int) -> Answer:
    """Move the chain's clock forward, so that a voting period of days takes no time."""
    from ..dev import supervisor

    now = supervisor.advance(duration)
    return Answer(
        {"advancedSeconds": duration, "chainTime": now},
        f"the chain's clock moved {describe_duration(duration)} ahead",
    )


@command(
    "enrol",
    "Govern another stack here, by a vote.",
    examples=("mandate dev enrol shop/staging",),
)
@click.argument("stack", metavar="PROJECT/STACK")
def dev_enrol(call: Call, stack: str) -> Answer:
    """Govern another stack on the development chain: the demo's people propose and vote for it.

    Moves the chain's clock by the delays of that vote. `shop/prod` is governed from the start.
    """
    from ..chain import ChainClient, load_trust
    from ..dev.enrol import enrol_subject
    from ..governance import Registry
    from ..models import subject_hash

    running, subject = _running(), _subject(stack)
    registry = Registry(ChainClient(load_trust(running.trust_file)))
    version = registry.subject_config(subject_hash(subject)).version
    if not version:
        progress("proposing, voting, waiting on the chain's clock")
        version = enrol_subject(running, subject)
    return Answer(
        {"subject": str(subject), "version": version},
        f"{subject} is governed\n"
        f"next: mandate dev key {stack} | pulumi config set --secret mandate:commitmentKey",
    )


@command(
    "key",
    "Print a stack's commitment key, for a pipe.",
    examples=("mandate dev key shop/prod | pulumi config set --secret mandate:commitmentKey",),
)
@click.argument("stack", metavar="PROJECT/STACK")
def dev_key(call: Call, stack: str) -> Answer:
    """Print the key by which a stack's secrets appear in plans as commitments.

    It is a secret: give it to `pulumi config set --secret` by a pipe, as below.
    """
    from ..dev.subjects import commitment_key

    text = commitment_key(_running().home, _subject(stack)).secret.hex()
    return Answer({"commitmentKey": text}, text)


def _running() -> Any:
    """Raises `UsageError` where nothing runs."""
    from ..dev import supervisor

    running = supervisor.status()
    if running is None:
        raise UsageError("no development chain runs here", next_step="mandate dev start")
    return running


def _subject(stack: str) -> Subject:
    """Raises `UsageError`."""
    from ..dev.subjects import BACKEND_ID, ORGANISATION

    project, _, name = stack.partition("/")
    if not project or not name or "/" in name:
        raise UsageError(f"{stack!r} is not of the form PROJECT/STACK")
    return Subject(BACKEND_ID, ORGANISATION, project, name)


for _subcommand in (start, stop, dev_status, dev_advance, dev_enrol, dev_key):
    dev.add_command(_subcommand)


def _facts(running: Any) -> dict[str, Any]:
    return {
        "running": True,
        "rpc": running.rpc,
        "cloud": running.cloud,
        "kms": running.kms,
        "trust": str(running.trust_file),
        "environment": dict(running.environment),
    }


def _report(running: Any) -> str:
    return "\n".join(
        [
            f"chain   {running.rpc}",
            f"cloud   {running.cloud}",
            f"KMS     {running.kms}",
            f"trust   {running.trust_file}",
            'shell   eval "$(mandate dev start --env)"',
        ]
    )
