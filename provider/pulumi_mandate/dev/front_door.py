"""The development chain's only public face: JSON-RPC over loopback, without the forging methods.

anvil lets anybody impersonate accounts, set balances and turn clocks. A vote on such a chain would
prove nothing even to its owner, so clients get an allow-list of reading methods plus
`eth_sendRawTransaction`. Time and gas money move only through `/control`, which wants the token
that lies in the service's private folder.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from pulumi_mandate.dev.journal import Credit
from pulumi_mandate.dev.miner import Fault, Miner, fault
from pulumi_mandate.errors import ChainError
from pulumi_mandate.models import to_hex

READING = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_createAccessList",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getBlockReceipts",
        "eth_getBlockTransactionCountByHash",
        "eth_getBlockTransactionCountByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getProof",
        "eth_getStorageAt",
        "eth_getTransactionByBlockHashAndIndex",
        "eth_getTransactionByBlockNumberAndIndex",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "eth_syncing",
        "net_listening",
        "net_peerCount",
        "net_version",
        "web3_clientVersion",
        "web3_sha3",
    }
)
"""Methods that change nothing, passed on as they are."""
MAX_BODY = 4 * 1024 * 1024
MAX_BATCH = 1000
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def build_app(miner: Miner, token: str) -> web.Application:
    """The application; the caller binds it to loopback."""
    door = _Door(miner, token)
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_loopback_names_only])
    app.router.add_post("/", door.rpc)
    app.router.add_get("/control/status", door.controlled(door.status))
    app.router.add_post("/control/advance", door.controlled(door.advance))
    app.router.add_post("/control/credit", door.controlled(door.credit))
    return app


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _loopback_names_only(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """A web page that rebinds its own name to 127.0.0.1 still sends its own name."""
    name = request.host.rsplit(":", 1)[0] if request.host.count(":") else request.host
    if name not in _LOOPBACK:
        raise web.HTTPForbidden(text="this chain answers to loopback names only\n")
    return await handler(request)


class _Door:
    def __init__(self, miner: Miner, token: str) -> None:
        self._miner = miner
        self._token = token

    async def rpc(self, request: web.Request) -> web.Response:
        try:
            payload = orjson.loads(await request.read())
        except ValueError:
            return web.json_response(_error(None, {"code": -32700, "message": "not JSON"}))
        if not isinstance(payload, list):
            return web.json_response(await self._answer(payload))
        if not 0 < len(payload) <= MAX_BATCH:
            message = f"a batch holds 1 to {MAX_BATCH} calls"
            return web.json_response(_error(None, {"code": -32600, "message": message}))
        # In order, one after the other: a batch may send a transaction and then read its effect.
        return web.json_response([await self._answer(call) for call in payload])

    async def _answer(self, call: Any) -> dict[str, Any]:
        if not isinstance(call, dict) or not isinstance(call.get("method"), str):
            return _error(None, {"code": -32600, "message": "not a JSON-RPC call"})
        params = call.get("params", [])
        if not isinstance(params, list):
            return _error(call.get("id"), {"code": -32602, "message": "params must be a list"})
        try:
            result = await self._dispatch(call["method"], params)
        except Fault as error:
            return _error(call.get("id"), error.error)
        except ChainError as error:
            return _error(call.get("id"), {"code": -32603, "message": error.happened})
        return {"jsonrpc": "2.0", "id": call.get("id"), "result": result}

    async def _dispatch(self, method: str, params: list[Any]) -> Any:
        if method in READING:
            return await self._miner.forward(method, params)
        if method == "eth_accounts":
            return []  # nobody's key lives here
        if method == "eth_sendRawTransaction":
            return await self._miner.submit(_raw(params))
        raise fault(
            -32601,
            f"{method} is not offered: this chain can be read and sent signed transactions, "
            "it cannot be forged",
        )

    def controlled(self, handler: _Handler) -> _Handler:
        """Let only the owner of the private folder in."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                raise web.HTTPUnauthorized(text="the control token is missing or wrong\n")
            try:
                return await handler(request)
            except (ValueError, KeyError, TypeError) as error:
                raise web.HTTPBadRequest(text=f"{error}\n") from error
            except (Fault, ChainError) as error:
                raise web.HTTPServiceUnavailable(text=f"{error}\n") from error

        return guarded

    async def status(self, _: web.Request) -> web.Response:
        number, block_hash, timestamp = self._miner.head
        return web.json_response(
            {
                "number": number,
                "hash": to_hex(block_hash) if block_hash else None,
                "timestamp": timestamp,
                "now": self._miner.now,
                "anvilPid": self._miner.anvil_pid,
            }
        )

    async def advance(self, request: web.Request) -> web.Response:
        seconds = (await request.json())["seconds"]
        if not isinstance(seconds, int):
            raise ValueError("seconds must be a whole number")
        return web.json_response({"now": await self._miner.advance(seconds)})

    async def credit(self, request: web.Request) -> web.Response:
        body = await request.json()
        wei = int(body["wei"])
        address = str(body["address"])
        if len(address) != 42 or not address.startswith("0x") or not 0 <= wei < 1 << 256:
            raise ValueError("give an address and a balance in wei")
        bytes.fromhex(address[2:])
        await self._miner.credit(Credit(address, wei))
        return web.json_response({})


def _raw(params: list[Any]) -> bytes:
    if len(params) != 1 or not isinstance(params[0], str) or not params[0].startswith("0x"):
        raise fault(-32602, "give one signed transaction as 0x and hex digits")
    try:
        return bytes.fromhex(params[0][2:])
    except ValueError as error:
        raise fault(-32602, "a signed transaction is hex digits") from error


def _error(call_id: Any, error: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": call_id, "error": error}
