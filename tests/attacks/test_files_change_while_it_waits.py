"""A file is swapped while an update waits: its engine or its program goes on with another one.

The engine reads the stack's configuration once, at its start, and the program imports its modules
after `begin` is final. The defender compares what runs, not what lies in the folder at some moment.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_mandate.gate.folder import SubjectLock
from pulumi_mandate.models import MandateState
from tests.plugins.gate_fixtures import PROVIDER, SUBJECT, Governed

pytestmark = [pytest.mark.engine, pytest.mark.chain]


def started_with_another_configuration(governed: Governed) -> str:
    """An update that read `aws:region` elsewhere, and waited until the file was back."""
    file = governed.folder / "Pulumi.test.yaml"
    approved = file.read_text()
    governed.pulumi("config", "set", "aws:region", "eu-evil-9")
    lock = SubjectLock(SUBJECT, Path(governed.environment["MANDATE_HOME"]))
    lock.take(wait=60)
    try:
        engine = governed.start("up", "--yes", "--skip-preview")

        def put_back() -> None:
            file.write_text(approved)
            lock.release()

        output = when_it_says(engine, "waiting for the last run", put_back)
    finally:
        lock.release()
    assert engine.returncode != 0, output
    assert "eu-evil-9" not in output
    return output


def when_it_says(engine: subprocess.Popen[str], line: str, act: Callable[[], None]) -> str:
    """Do something at a line of the engine's output; all of the output, when it has ended."""
    seen: list[str] = []
    assert engine.stdout is not None
    for said in engine.stdout:
        seen.append(said)
        if line in said:
            act()
            break
    rest = engine.communicate(timeout=120)[0]
    output = "".join(seen) + rest
    assert line in output, output
    return output


def test_the_configuration_comes_back_while_the_update_waits(governed: Governed) -> None:
    governed.pulumi("config", "set", "aws:region", "us-east-1")
    governed.pulumi("config", "set", "--path", "sizes.small[0]", "1")
    governed.pulumi("config", "set", "--path", "--secret", "sizes.password", "s3cret")
    plan = governed.approve()

    output = started_with_another_configuration(governed)

    assert "refused at step 7" in output
    assert "`aws:region`" in output
    assert governed.calls() == []
    assert governed.runs() == []
    assert governed.mandate(plan).state is MandateState.APPROVED

    # The same mandate serves the honest update, structures and secrets in its configuration too.
    governed.up()
    assert governed.result()["status"] == "completed"

    # And where nothing is to be done, that too is said of the approved configuration only.
    assert "`aws:region`" in started_with_another_configuration(governed)
    assert "nothing to change" in governed.up()


def test_a_module_is_swapped_while_begin_becomes_final(governed: Governed) -> None:
    plan = governed.approve()
    evil = PROVIDER.replace('write_text(str(inputs["text"]))', 'write_text("EVIL")')
    engine = governed.start("up", "--yes", "--skip-preview")

    output = when_it_says(
        engine, "the executor", lambda: (governed.folder / "notes.py").write_text(evil) and None
    )

    assert engine.returncode != 0, output
    assert "the program's files changed after the mandate was verified" in output
    assert governed.calls() == []
    assert governed.files() == {}
    assert governed.result(status="failed")["reasons"]
    assert governed.mandate(plan).state is MandateState.FAILED
