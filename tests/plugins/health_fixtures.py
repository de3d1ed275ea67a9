"""A page that says whether the stack is healthy, and rules that ask it after each run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pulumi_mandate.checks.rules import Rules
from pulumi_mandate.plan.canonical import parse


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


@pytest.fixture
def health() -> Iterator[HealthPage]:
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
