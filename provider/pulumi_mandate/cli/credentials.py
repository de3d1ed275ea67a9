"""`mandate credentials`: the cloud's own doors, behind which the broker stands."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..errors import SignerError, UsageError
from ..models import Subject
from ._command import Call, Callback, TeachingGroup, command
from ._output import Answer, progress


@click.group(
    "credentials",
    cls=TeachingGroup,
    short_help="Credentials for the run that is going on.",
    examples=("mandate credentials aws organization/shop/prod --backend production",),
)
def credentials() -> None:
    """Ask the broker for what this machine may have of a stack's cloud now.

    While a run of this machine is final on chain: the right to write, for that run. Else what is
    good for reading, or nothing. Meant to be called by AWS's and Kubernetes' own tools, and their
    answer, on standard output, holds a secret.
    """


def _about(function: Callback) -> Callback:
    for decorate in (
        click.argument("stack", metavar="ORGANISATION/PROJECT/STACK"),
        click.option("--backend", required=True, help="The backend's enrolled id."),
        click.option(
            "--broker",
            "client",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Where the broker is, and who asks (or MANDATE_BROKER).",
        ),
    ):
        function = decorate(function)
    return function


@command(
    "aws",
    "For credential_process in ~/.aws/config.",
    examples=("mandate credentials aws organization/shop/prod --backend production",),
)
@_about
def aws(call: Call, stack: str, backend: str, client: Path | None) -> Answer:
    """Answer as AWS's `credential_process` wants it.

    In ~/.aws/config: credential_process = mandate credentials aws ORGANISATION/PROJECT/STACK
    --backend ID
    """
    found = _ask("aws", stack, backend, client)
    return _printed(
        {
            "Version": 1,
            "AccessKeyId": _text(found, "accessKeyId"),
            "SecretAccessKey": _text(found, "secretAccessKey"),
            "SessionToken": _text(found, "sessionToken"),
            "Expiration": _text(found, "expiration"),
        }
    )


@command(
    "kubernetes",
    "For exec in a kubeconfig.",
    examples=("mandate credentials kubernetes organization/shop/prod --backend production",),
)
@_about
def kubernetes(call: Call, stack: str, backend: str, client: Path | None) -> Answer:
    """Answer as kubectl's exec plugins do (client.authentication.k8s.io/v1)."""
    found = _ask("kubernetes", stack, backend, client)
    status = {
        "token": _text(found, "token"),
        "expirationTimestamp": _text(found, "expiration"),
    }
    return _printed(
        {
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": status,
        }
    )


for _subcommand in (aws, kubernetes):
    credentials.add_command(_subcommand)


def _printed(answer: dict[str, Any]) -> Answer:
    """The one JSON object that the tool reads, with `--json` or without."""
    return Answer(answer, json.dumps(answer))


def _ask(service: str, stack: str, backend: str, client: Path | None) -> dict[str, Any]:
    from ..svid import BrokerCaller, read_client

    parts = stack.split("/")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"{stack!r} is not ORGANISATION/PROJECT/STACK")
    question = {"service": service, "subject": asdict(Subject(backend, *parts))}
    found = BrokerCaller(read_client(client)).ask("/v1/credentials", question)
    progress(f"the broker gives {_text(found, 'access')}: {_text(found, 'scope')}")
    return found


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise SignerError(f"the broker's answer has no {name}")
    return value
