"""An endpoint between us and a real one that changes what it likes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3

Lie = Callable[[str, list[Any], dict[str, Any]], dict[str, Any] | bytes | int]
"""(method, params, honest answer) → another answer, raw bytes, or an HTTP status."""


class LyingEndpoint:
    """`with LyingEndpoint(real, lie) as url:`; without a real one every honest answer is null."""

    def __init__(
        self, real: str | None, lie: Lie, *, withhold: Callable[[str], bool] = lambda _: False
    ) -> None:
        """`withhold` names the methods that the real endpoint never hears of."""
        self.calls: list[str] = []
        pool = urllib3.PoolManager(retries=False)
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                question = json.loads(body)
                calls.append(question["method"])
                honest: dict[str, Any] = {"jsonrpc": "2.0", "id": question["id"], "result": None}
                if real is not None and not withhold(question["method"]):
                    headers = {"Content-Type": "application/json"}
                    honest = pool.request("POST", real, body=body, headers=headers).json()
                answer = lie(question["method"], question["params"], honest)
                status = answer if isinstance(answer, int) else 200
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status in (301, 307):
                    self.send_header("Location", real or "/")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> LyingEndpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


def honest(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
    return answer


def about(method: str, change: Callable[[Any], Any]) -> Lie:
    """Lie in the result of one method."""

    def lie(asked: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if asked == method and "result" in answer:
            return {**answer, "result": change(answer["result"])}
        return answer

    return lie
