"""A door before the cloud's stand-in (moto): it notes every request, and can fail as a cloud does.

It also does in one what S3 does in one and moto leaves out: a bucket is made with its tags.

Its log is the cloud's own: a test that asks whether anything was changed asks here, not the engine.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

THROTTLED = (
    "<Response><Errors><Error><Code>RequestLimitExceeded</Code>"
    "<Message>Request limit exceeded.</Message></Error></Errors></Response>"
)
READS = ("GET ", "HEAD ", "Describe")
_TAGS = re.compile(rb"<Tags>(.*)</Tags></CreateBucketConfiguration>", re.DOTALL)
_KEY_ID = re.compile(r"Credential=(\w+)/")


class CloudFront(ThreadingHTTPServer):
    """Serves on the loopback until it is closed."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.calls: list[str] = []
        """Every request: EC2's by its action, S3's by method, path and part."""
        self.signed: list[tuple[str, str]] = []
        """Every request, and the access key id that signed it."""
        self.throttle = 0
        """How many requests, from now on, are answered with "too many"."""
        self.said: tuple[int, bytes] | None = None
        """Status and JSON that every request gets in the place of the cloud's answer."""
        self.silent = False
        """Whether requests are taken and never answered."""
        self.lose: Callable[[str], bool] = lambda _: False
        """Of which requests the answer is lost: they are done, and the caller waits for ever."""
        self.lost = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def changes(self) -> list[str]:
        """The requests that were meant to change something."""
        return [call for call in self.calls if not call.startswith(READS)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CloudFront

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        actions = parse_qs(body.decode(errors="replace")).get("Action", [])
        path = urlsplit(self.path)
        part = f"?{path.query.partition('=')[0]}" if path.query else ""
        name = actions[0] if actions else f"{self.command} {path.path}{part}"
        self.server.calls.append(name)
        signed = _KEY_ID.search(self.headers.get("Authorization", ""))
        self.server.signed.append((name, signed[1] if signed else ""))
        if self.server.silent:
            threading.Event().wait()
        if self.server.said is not None:
            status, told = self.server.said
            self._answer(status, [("Content-Type", "application/x-amz-json-1.1")], told)
            return
        if self.server.throttle > 0:
            self.server.throttle -= 1
            self._answer(503, [("Content-Type", "text/xml")], THROTTLED.encode())
            return
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=60)
        upstream.request(self.command, self.path, body, dict(self.headers.items()))
        done = upstream.getresponse()
        content = done.read()
        if name.startswith("PUT /") and (tags := _TAGS.search(body)) and done.status == 200:
            set_ = b"<Tagging><TagSet>" + tags[1] + b"</TagSet></Tagging>"
            upstream.request("PUT", f"{self.path}?tagging", set_, {"Host": self.headers["Host"]})
            assert upstream.getresponse().status == 204
        upstream.close()
        if self.server.lose(name):
            self.server.lost.set()
            threading.Event().wait()
        self._answer(done.status, done.getheaders(), content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815  # the library's names

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        skipped = {"content-length", "connection", "transfer-encoding", "date", "server"}
        for name, value in headers:
            if name.lower() not in skipped:
                self.send_header(name, value)
        length = dict(headers).get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """The log is `calls`."""


@contextmanager
def cloud_front(upstream: str) -> Iterator[CloudFront]:
    """A door before `upstream`, open while the context lasts."""
    front = CloudFront(upstream)
    thread = threading.Thread(target=front.serve_forever, daemon=True)
    thread.start()
    yield front
    front.shutdown()
    front.server_close()
    thread.join()
