"""A page that says whether the stack is healthy, rules that ask it after each run, and a stack with
a change approved whose run will be asked: built once a worker, as that for attacks."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.plan.canonical import parse
from tests.plugins.attack_fixtures import PROGRAM, Attacked, Stage

FORMER = (
    PROGRAM
    + """
import os

def wanted(what):
    return os.path.exists(os.path.join(pulumi.Config().require("folder"), "hang-" + what))

if wanted("more") or (wanted("more-later") and not pulumi.runtime.is_dry_run()):
    Note("extra", "more")
"""
)
"""A program that does more when somebody wants it to: approved when nobody did."""
CHANGED = FORMER.replace('"hello"', '"good day"') + 'Note("third", "new")\n'
INVERSE = ["delete third", "update first", "update second"]
"""What leads back, sorted."""


@dataclass
class HealthPage:
    """A stand-in for what was deployed: it speaks HTTP for real."""

    url: str = ""
    status: int = 200
    asked: int = 0
    answers: threading.Event = field(default_factory=threading.Event)
    """Cleared, it keeps whoever asks waiting."""

    def rules(self, **changes: Any) -> Rules:
        """The shipped rules, and this page is asked once after a run, for at most a minute."""
        shipped: Any = parse(Rules.load().data)
        check = {"id": "front", "check": "http", "within": 0, "timeout": 60}
        health = [check | {"settings": {"url": self.url}} | changes]
        return Rules.of({**shipped, "health": health})


@contextlib.contextmanager
def serving() -> Iterator[HealthPage]:
    """Healthy, until a test says otherwise."""
    found = HealthPage()
    found.answers.set()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked += 1
            found.answers.wait()
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    served.daemon_threads = True
    found.url = f"http://127.0.0.1:{served.server_port}/health"
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield found
    found.answers.set()
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture(scope="session")
def health_page() -> Iterator[HealthPage]:
    """One a worker; a test takes `health`."""
    with serving() as found:
        yield found


@pytest.fixture
def health(health_page: HealthPage) -> Iterator[HealthPage]:
    """The page, healthy at first."""
    health_page.status, health_page.asked = 200, 0
    yield health_page
    health_page.answers.set()


def git(folder: Path, *arguments: str) -> str:
    """By nobody in particular."""
    who = ("-c", "user.name=Nobody", "-c", "user.email=nobody@shop.example")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _commit(stack: Attacked, scene: str) -> None:
    """Every program that is proposed is a commit, as in real life."""
    stack.program(FORMER if scene == "approved" else CHANGED)
    if scene == "approved":
        git(stack.folder, "init", "--quiet")
        (stack.folder / ".gitignore").write_text("__pycache__/\nPulumi.test.yaml\n")
    git(stack.folder, "add", "--all")
    git(stack.folder, "commit", "--quiet", "--message", scene)


@pytest.fixture(scope="session")
def health_stage(
    tmp_path_factory: pytest.TempPathFactory,
    pulumi_env_at: Callable[[Path], dict[str, str]],
    health_page: HealthPage,
) -> Iterator[Stage]:
    """One a worker."""
    root = tmp_path_factory.mktemp("health")
    health_page.status = 200
    found = Stage(root, pulumi_env_at(root), health_page.rules(), _commit)
    yield found
    found.stop()


@pytest.fixture
def unwell(health_stage: Stage, health: HealthPage) -> Iterator[Attacked]:
    """A program is deployed and healthy; a change of it is approved that will not be."""
    with health_stage.play("deployed") as stack:
        health.status, health.asked = 503, 0
        yield stack
        health.answers.set()
