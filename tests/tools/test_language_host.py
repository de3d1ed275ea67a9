"""The stand-in for Pulumi's Python language host, under the real engine."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

PROJECT = "name: sample\nruntime: python\nmain: program\n"


class Stack:
    """One small stack on a backend of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], program: str) -> None:
        self._folder, self._environment = folder, environment
        (folder / "program").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(PROJECT)
        (folder / "program" / "__main__.py").write_text(program)
        self.run("stack", "init", "test")

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Both streams of one Pulumi command, which must end as said."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self._folder,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        assert bool(done.returncode) is fails, done.stdout
        return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "project"


def test_a_program_gets_its_stack_and_configuration(
    folder: Path, pulumi_env: dict[str, str]
) -> None:
    stack = Stack(
        folder,
        pulumi_env,
        "import pulumi\n"
        "pulumi.export('where', pulumi.get_project() + '/' + pulumi.get_stack())\n"
        "pulumi.export('size', pulumi.Config().require_int('size'))\n"
        "pulumi.export('dry', pulumi.runtime.is_dry_run())\n",
    )
    stack.run("config", "set", "size", "3")
    stack.run("preview")
    stack.run("up", "--yes", "--skip-preview")

    outputs = json.loads(stack.run("stack", "output", "--json"))
    assert outputs == {"where": "sample/test", "size": 3, "dry": False}


def test_a_dynamic_provider_lives_through_create_update_and_delete(
    folder: Path, pulumi_env: dict[str, str]
) -> None:
    program = (
        "import pulumi\n"
        "from pulumi.dynamic import CreateResult, Resource, ResourceProvider, UpdateResult\n"
        "class Provider(ResourceProvider):\n"
        "    def create(self, props):\n"
        "        return CreateResult('one', {'word': props['word'] + '!'})\n"
        "    def update(self, id, old, new):\n"
        "        return UpdateResult({'word': new['word'] + '?'})\n"
        "class Thing(Resource):\n"
        "    word: pulumi.Output[str]\n"
        "    def __init__(self, name, word):\n"
        "        super().__init__(Provider(), name, {'word': word})\n"
        "pulumi.export('word', Thing('thing', pulumi.Config().require('word')).word)\n"
    )
    stack = Stack(folder, pulumi_env, program)
    seen = []
    for word in ("first", "second"):
        stack.run("config", "set", "word", word)
        stack.run("up", "--yes", "--skip-preview")
        seen.append(json.loads(stack.run("stack", "output", "--json"))["word"])

    assert seen == ["first!", "second?"]
    assert "2 deleted" in stack.run("destroy", "--yes", "--skip-preview")


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("raise ValueError('the reason')", "ValueError: the reason"),
        ("import pulumi\nraise pulumi.RunError('in our words')", "in our words"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("def broken(:", "SyntaxError"),
        ("import os\nos._exit(7)", "exited with code 7"),
    ],
)
def test_a_program_that_fails_fails_the_command_and_says_why(
    folder: Path, pulumi_env: dict[str, str], program: str, shown: str
) -> None:
    stack = Stack(folder, pulumi_env, program)

    assert shown in stack.run("up", "--yes", "--skip-preview", fails=True)


def test_secret_configuration_is_in_no_argument_list(
    folder: Path, pulumi_env: dict[str, str]
) -> None:
    # The program looks at the command lines and environments of itself and all its ancestors.
    program = (
        "import os, pulumi\n"
        "from pathlib import Path\n"
        "word = pulumi.Config().require_secret('word')\n"
        "plain = pulumi.Config().require('word')\n"
        "found, seen, pid = [], 0, os.getpid()\n"
        "while pid > 1:\n"
        "    for kind in ('cmdline', 'environ'):\n"
        "        text = Path(f'/proc/{pid}/{kind}').read_bytes()\n"
        "        if plain.encode() in text: found.append(f'{kind} of {pid}')\n"
        "    status = Path(f'/proc/{pid}/stat').read_text()\n"
        "    pid, seen = int(status.rpartition(')')[2].split()[1]), seen + 1\n"
        "pulumi.export('found', found)\n"
        "pulumi.export('seen', seen)\n"
        "pulumi.export('known', word.apply(lambda w: len(w)))\n"
    )
    stack = Stack(folder, pulumi_env, program)
    stack.run("config", "set", "--secret", "word", "correct-horse-battery")
    stack.run("up", "--yes", "--skip-preview")

    outputs = json.loads(stack.run("stack", "output", "--json", "--show-secrets"))
    assert outputs["known"] == len("correct-horse-battery")
    assert outputs["seen"] >= 3  # program, host, engine
    assert outputs["found"] == []


def test_a_programs_own_modules_win_over_the_hosts(
    folder: Path, pulumi_env: dict[str, str]
) -> None:
    stack = Stack(
        folder, pulumi_env, "import pulumi, run_program\npulumi.export('w', run_program.W)\n"
    )
    (folder / "program" / "run_program.py").write_text("W = 'mine'\n")
    stack.run("up", "--yes", "--skip-preview")

    assert json.loads(stack.run("stack", "output", "--json")) == {"w": "mine"}


def test_a_killed_engine_leaves_no_program_behind(
    folder: Path, pulumi_env: dict[str, str], tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    program = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(mark)!r}).write_text(f'{{os.getpid()}} {{os.getppid()}}')\n"
        "time.sleep(600)\n"
    )
    Stack(folder, pulumi_env, program)
    engine = subprocess.Popen(
        ["pulumi", "preview", "--non-interactive"],
        cwd=folder,
        env=pulumi_env,
        stdout=subprocess.DEVNULL,
    )
    _wait(lambda: mark.exists() and len(mark.read_text().split()) == 2)
    running = [Path("/proc", pid) for pid in mark.read_text().split()]
    engine.kill()
    engine.wait()

    _wait(lambda: not any(process.exists() for process in running))


def _wait(until: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.1)
