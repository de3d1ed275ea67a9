"""A governed stack on the development backend: made, and given what a plan of it needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pulumi_mandate.models import Subject
from pulumi_mandate.plan.raw import KEY_NAME

from .engine import Engine
from .subjects import BACKEND_ID, ORGANISATION, commitment_key
from .supervisor import Running


def init_stack(
    running: Running,
    folder: Path,
    stack: str = "prod",
    *,
    config: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Subject:
    """Make and select the stack of the program in `folder`, or find it; set its configuration.

    Among the secrets is the commitment key whose id genesis enrolled. `Pulumi.STACK.yaml` is
    written into `folder`. Raises `EngineError`.
    """
    engine = Engine(folder, running.environment, running.home.root / "pulumi.log")
    engine.run("stack", "select", "--create", stack)
    project = engine.project()
    subject = Subject(BACKEND_ID, ORGANISATION, project, stack)
    key = commitment_key(running.home, subject).secret.hex()
    for name, value in {**(secrets or {}), KEY_NAME: key}.items():
        engine.run("config", "set", "--secret", name, "--stack", stack, secret=value)
    for name, value in (config or {}).items():
        engine.run("config", "set", name, value, "--stack", stack)
    return subject
