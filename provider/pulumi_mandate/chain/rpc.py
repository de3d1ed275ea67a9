"""One JSON-RPC endpoint over HTTP: time-outs, a few retries, no redirects, no proxy."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any
from urllib.parse import urlsplit

import orjson
import urllib3

from pulumi_mandate.errors import ChainError, ChainUnreachable

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0
PAUSES = (0.1, 0.4, 1.0)
"""Seconds between the tries of a call that got no answer."""
MAX_ANSWER = 64 * 1024 * 1024


class RpcError(Exception):
    """The endpoint answered with a JSON-RPC error. `data` is the revert data, if any."""

    def __init__(self, code: int, message: str, data: bytes | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class Endpoint:
    """One URL. Its path and query may hold an access key, so only `name` is ever shown."""

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        self.name = (
            f"{parts.scheme}://{parts.hostname}:{parts.port}"
            if parts.port
            else (f"{parts.scheme}://{parts.hostname}")
        )
        self._ids = itertools.count(1)
        self._pool = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        )

    def call(self, method: str, *params: Any) -> Any:
        """The `result` of one call.

        Raises `RpcError` for an error answer, `ChainUnreachable` after the last try, `ChainError`
        for an answer that is not JSON-RPC.
        """
        number = next(self._ids)
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        answer = self._answer(json.dumps(body).encode())
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise self._nonsense("its answer belongs to another question")
        if answer.get("error") is not None:
            raise _rpc_error(answer["error"])
        if "result" not in answer:
            raise self._nonsense("its answer holds neither a result nor an error")
        return answer["result"]

    def _answer(self, body: bytes) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        problem = ""
        for pause in (*PAUSES, None):
            try:
                response = self._pool.request(
                    "POST", self._url, body=body, headers=headers, redirect=False
                )
            except urllib3.exceptions.HTTPError as error:
                problem = type(error).__name__  # its text would show the whole URL
            else:
                if response.status == 200:
                    return self._parse(response.data)
                problem = f"HTTP status {response.status}"
                if response.status not in (429, 502, 503, 504):
                    break
            if pause is not None:
                time.sleep(pause)
        raise ChainUnreachable(
            f"the chain does not answer at {self.name} ({problem})",
            meaning="nothing was read and nothing was changed",
            next_step="`mandate dev start` for the development chain, "
            "else check `rpc` in the trust file and the node behind it",
        )

    def _parse(self, data: bytes) -> Any:
        if len(data) > MAX_ANSWER:
            raise self._nonsense("its answer is too long")
        try:
            # orjson limits the depth; the standard parser can be driven into the stack's end.
            return orjson.loads(data)
        except ValueError as error:
            raise self._nonsense("its answer is not JSON") from error

    def _nonsense(self, what: str) -> ChainError:
        return ChainError(
            f"{self.name} does not speak JSON-RPC: {what}",
            next_step="check `rpc` in the trust file",
        )


def _rpc_error(error: Any) -> RpcError:
    if not isinstance(error, dict):
        return RpcError(0, str(error), None)
    data = error.get("data")
    if isinstance(data, dict):  # some nodes wrap it
        data = data.get("data")
    raw: bytes | None = None
    if isinstance(data, str) and data.startswith("0x"):
        try:
            raw = bytes.fromhex(data[2:])
        except ValueError:
            raw = None
    return RpcError(int(error.get("code", 0)), str(error.get("message", "")), raw)
