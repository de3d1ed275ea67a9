"""The door alone: what is malformed, what is refused, what an unwell chain says."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from pulumi_mandate.dev.front_door import MAX_BATCH, READING, build_app
from pulumi_mandate.dev.journal import Credit
from pulumi_mandate.dev.miner import fault
from pulumi_mandate.errors import ChainError

TOKEN = "a token"


class Recorder:
    """Stands where the miner stands and notes what reaches it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.unwell: Exception | None = None
        self.now, self.anvil_pid, self.head = 5, 1, (0, None, 5)

    def _note(self, *what: Any) -> Any:
        if self.unwell:
            raise self.unwell
        self.seen.append(what)
        return "0x1"

    async def forward(self, method: str, params: list[Any]) -> Any:
        return self._note(method, params)

    async def submit(self, raw: bytes) -> Any:
        return self._note("submit", raw)

    async def advance(self, seconds: int) -> int:
        if seconds < 1:
            raise ValueError("time goes forward only")
        self._note("advance", seconds)
        return 6

    async def credit(self, credit: Credit) -> None:
        self._note("credit", credit)


async def _post(recorder: Recorder, path: str, body: Any, **options: Any) -> tuple[int, Any]:
    app = build_app(recorder, TOKEN)  # type: ignore[arg-type]
    async with TestClient(TestServer(app)) as client:
        kind = "data" if isinstance(body, bytes) else "json"
        response = await client.post(path, **{kind: body}, **options)
        text = await response.text()
        return response.status, await response.json() if text.startswith(("{", "[")) else text


def post(recorder: Recorder, path: str, body: Any, **options: Any) -> tuple[int, Any]:
    import asyncio

    return asyncio.run(_post(recorder, path, body, **options))


def call(method: str, *params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", -32700),
        pytest.param(b"[" * 100_000, -32700, id="nested"),
        (b"5", -32600),
        (b"[]", -32600),
        ({"id": 1}, -32600),
        ({"id": 1, "method": 5}, -32600),
        ({"id": 1, "method": "eth_call", "params": {"to": 1}}, -32602),
        ([call("eth_chainId")] * (MAX_BATCH + 1), -32600),
        (call("eth_sendRawTransaction"), -32602),
        (call("eth_sendRawTransaction", "1234"), -32602),
        (call("eth_sendRawTransaction", 5), -32602),
        (call("eth_sendRawTransaction", "0xzz"), -32602),
        (call("anvil_setBalance", "0x1"), -32601),
        (call("eth_sign", "0x1"), -32601),
    ],
)
def test_what_is_malformed_or_refused_reaches_nothing(body: Any, code: int) -> None:
    recorder = Recorder()

    _, answer = post(recorder, "/", body)

    assert answer["error"]["code"] == code
    assert recorder.seen == []


def test_no_forging_method_is_on_the_list() -> None:
    prefixes = {method.split("_")[0] for method in READING}
    assert prefixes == {"eth", "net", "web3"}
    assert not [method for method in READING if "send" in method.lower() or "sign" in method]


def test_accounts_are_nobodys() -> None:
    recorder = Recorder()

    assert post(recorder, "/", call("eth_accounts"))[1]["result"] == []
    assert recorder.seen == []


def test_errors_of_the_chain_pass_as_they_are() -> None:
    recorder = Recorder()
    recorder.unwell = fault(3, "execution reverted")
    assert post(recorder, "/", call("eth_call"))[1]["error"]["code"] == 3

    recorder.unwell = ChainError("the journal does not replay")
    answer = post(recorder, "/", call("eth_call"))[1]
    assert answer["error"] == {"code": -32603, "message": "the journal does not replay"}


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("advance", {"seconds": 60}, 200),
        ("advance", {"seconds": 0}, 400),
        ("advance", {"seconds": "60"}, 400),
        ("advance", {}, 400),
        ("advance", b"{", 400),
        ("credit", {"address": "0x" + "11" * 20, "wei": "5"}, 200),
        ("credit", {"address": "0x" + "11" * 19, "wei": "5"}, 400),
        ("credit", {"address": "0x" + "zz" * 20, "wei": "5"}, 400),
        ("credit", {"address": "0x" + "11" * 20, "wei": "-5"}, 400),
        ("credit", {"address": "0x" + "11" * 20}, 400),
    ],
)
def test_control_takes_only_what_is_whole(what: str, body: Any, status: int) -> None:
    recorder = Recorder()
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    assert post(recorder, f"/control/{what}", body, headers=bearer)[0] == status
    assert len(recorder.seen) == (1 if status == 200 else 0)


def test_control_without_the_token_reaches_nothing() -> None:
    recorder = Recorder()
    for headers in ({}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}):
        body = {"seconds": 60}
        status, _ = post(recorder, "/control/advance", body, headers=headers)
        assert status == 401, headers

    assert recorder.seen == []


def test_control_says_when_the_chain_is_unwell() -> None:
    recorder = Recorder()
    recorder.unwell = ChainError("gone")
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    assert post(recorder, "/control/advance", {"seconds": 60}, headers=bearer) == (503, "gone\n")
