"""The one who mines the development chain: journal first, then anvil.

Every block goes through `_mine`, live and on replay, so a replayed chain cannot differ in kind. A
transaction gets its own block and two empty ones, because anvil calls a block finalized when two
more lie on it (one-slot epochs), and our readers believe finalized blocks only. Chain time is the
wall clock plus an offset that only `advance` raises; blocks of one moment share a timestamp, as on
rollups, so a burst of transactions does not run ahead of the clock.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from pulumi_mandate.dev.anvil import Anvil
from pulumi_mandate.dev.journal import Block, Credit, Journal
from pulumi_mandate.errors import ChainError
from pulumi_mandate.models import Digest, digest, keccak, to_hex

FINALITY = 2
"""Empty blocks on top of a block until anvil's `finalized` covers it."""
HEARTBEAT = 12
"""Seconds after which a reader gets a fresh empty block, as on a real chain. Idle costs nothing."""
_UPSTREAM_SECONDS = 60.0


class Fault(Exception):  # what JSON-RPC calls it
    """A JSON-RPC error object, to be passed on as it is."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message", ""))
        self.error = error


def fault(code: int, message: str) -> Fault:
    return Fault({"code": code, "message": message})


class Miner:
    """Owns anvil and the journal. All methods belong to one event loop."""

    def __init__(
        self, journal: Journal, workdir: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._journal = journal
        self._workdir = workdir
        self._clock = clock
        self._lock = asyncio.Lock()
        self._ids = itertools.count(1)
        self._anvil: Anvil | None = None
        self._session: Any = None
        self._number = 0
        self._timestamp = journal.genesis.timestamp
        self._hash: Digest | None = None
        self._sound = False

    async def start(self) -> None:
        """Start anvil, replay the journal. Raises `ChainError` where it is not the same chain."""
        import aiohttp

        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_UPSTREAM_SECONDS), trust_env=False
        )
        async with self._lock:
            await self._revive()

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self._anvil is not None:
            self._anvil.stop()

    @property
    def now(self) -> int:
        """Chain time, never behind the last block."""
        return max(int(self._clock()) + self._journal.offset, self._timestamp)

    @property
    def head(self) -> tuple[int, Digest | None, int]:
        """Number, hash and timestamp of the newest block that is on disk and mined."""
        return self._number, self._hash, self._timestamp

    @property
    def anvil_pid(self) -> int | None:
        return self._anvil.pid if self._anvil else None

    async def forward(self, method: str, params: list[Any]) -> Any:
        """Pass a reading call on, after a heartbeat if the last block is old. Raises `Fault`."""
        if self._stale:
            async with self._lock:
                if self._stale:  # somebody else may have mined while we waited
                    await self._same_head()
                    await self._extend([self._empty(1)])
        return await self._resilient(lambda: self._call(method, params))

    async def submit(self, raw: bytes) -> str:
        """Journal and mine one signed transaction; return its hash when it is final.

        Raises `Fault` with anvil's words where the transaction is not acceptable: then nothing was
        written down.
        """
        async with self._lock:
            await self._same_head()
            try:
                return await self._include(raw)
            except _Gone:
                await self._revive()
            # The transaction may have been written down before anvil died: then it is mined now.
            tx_hash = to_hex(keccak(raw))
            if await self._call("eth_getTransactionReceipt", [tx_hash]) is not None:
                return tx_hash
            return await self._include(raw)

    async def _include(self, raw: bytes) -> str:
        tx_hash = str(await self._call("eth_sendRawTransaction", [to_hex(raw)]))
        await self._would_be_mined(tx_hash)
        blocks = [self._empty(step) for step in range(1, FINALITY + 2)]
        blocks[0] = Block(blocks[0].number, blocks[0].timestamp, raw)
        await self._extend(blocks, pooled=True)
        return tx_hash

    async def advance(self, seconds: int) -> int:
        """Move chain time forward, for good. Returns the new chain time. Raises `ValueError`."""
        if seconds < 1:
            raise ValueError("time goes forward only: give at least one second")
        async with self._lock:
            await self._same_head()
            target = self.now + seconds
            blocks = [Block(self._number + step, target) for step in range(1, FINALITY + 2)]
            await self._extend(blocks, offset=target - int(self._clock()))
            return target

    async def credit(self, credit: Credit) -> None:
        """Set a balance. Journalled like everything else."""
        async with self._lock:
            await self._same_head()
            blocks = [self._empty(step) for step in range(1, FINALITY + 2)]
            blocks[0] = Block(blocks[0].number, blocks[0].timestamp, credit=credit)
            await self._extend(blocks)

    @property
    def _stale(self) -> bool:
        return self.now - self._timestamp >= HEARTBEAT

    def _empty(self, step: int) -> Block:
        return Block(self._number + step, self.now)

    async def _would_be_mined(self, tx_hash: str) -> None:
        """Refuse what anvil would keep waiting (a gap in the nonces, a fee too low)."""
        pending = await self._call("eth_getBlockByNumber", ["pending", False])
        if tx_hash not in pending["transactions"]:
            await self._call("anvil_dropTransaction", [tx_hash])
            raise fault(
                -32003,
                "this chain mines at once and keeps no transaction waiting: "
                "the nonce is ahead of the account's, or the fee is below the base fee",
            )

    async def _extend(
        self, blocks: Sequence[Block], *, offset: int | None = None, pooled: bool = False
    ) -> None:
        """Journal, mine, note the hashes. If anvil dies in between, the replay does the rest."""
        self._sound = False  # until the hashes are known
        self._journal.append(blocks, offset=offset)
        try:
            for index, block in enumerate(blocks):
                await self._mine(block, pooled=pooled and index == 0)
            await self._settle([block.number for block in blocks])
        except _Gone:
            await self._revive()

    async def _mine(self, block: Block, *, pooled: bool = False) -> None:
        if block.credit is not None:
            await self._call("anvil_setBalance", [block.credit.address, hex(block.credit.wei)])
        if block.raw is not None and not pooled:
            await self._call("eth_sendRawTransaction", [to_hex(block.raw)])
        await self._call("evm_mine", [{"timestamp": block.timestamp}])

    async def _settle(self, numbers: Sequence[int]) -> None:
        hashes = {number: await self._hash_of(number) for number in numbers}
        self._journal.settle(hashes)
        newest = await self._call("eth_getBlockByNumber", [hex(numbers[-1]), False])
        self._number = numbers[-1]
        self._hash = hashes[self._number]
        self._timestamp = int(newest["timestamp"], 16)
        self._sound = True

    async def _hash_of(self, number: int) -> Digest:
        block = await self._call("eth_getBlockByNumber", [hex(number), False])
        if block is None:
            raise ChainError(f"anvil lost block {number}", next_step="restart the chain")
        return digest(str(block["hash"]))

    async def _same_head(self) -> None:
        """Nobody else may mine: another head than the journal's means anvil died or was touched."""
        head: Any = None
        if self._sound and self._anvil is not None and self._anvil.alive:
            try:
                head = await self._call("eth_getBlockByNumber", ["latest", False])
            except _Gone:
                head = None
        if head is None or (self._hash and head["hash"] != to_hex(self._hash)):
            await self._revive()

    async def _resilient(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await call()
        except _Gone:
            async with self._lock:
                await self._same_head()
        try:
            return await call()
        except _Gone as error:
            raise fault(-32603, "the development chain's EVM died twice; try again") from error

    async def _revive(self) -> None:
        """A fresh anvil, the whole journal again, and the proof that it is the same chain."""
        self._sound = False
        if self._anvil is not None:
            self._anvil.stop()
        self._anvil = Anvil.start(self._journal.genesis, self._workdir)
        self._number, self._hash = 0, None
        self._timestamp = self._journal.genesis.timestamp
        unsettled: list[int] = []
        last: Block | None = None
        try:
            for block in self._journal.blocks():
                await self._mine(block)
                if block.hash is None:
                    unsettled.append(block.number)
                else:
                    last = block
                self._number, self._hash = block.number, block.hash
                self._timestamp = block.timestamp
        except Fault as error:
            # Often an earlier block is the altered one, and this is only where it shows.
            raise _not_the_same(await self._first_difference(), f"anvil says: {error}") from error
        # A block's hash covers its parent's, so the newest known hash vouches for all before it.
        if last is not None and await self._hash_of(last.number) != last.hash:
            raise _not_the_same(await self._first_difference(), "its hash is another one")
        if unsettled:
            await self._settle(unsettled)
        await self._call("evm_setTime", [self.now])
        self._sound = True

    async def _first_difference(self) -> int:
        for block in self._journal.blocks():
            found = await self._call("eth_getBlockByNumber", [hex(block.number), False])
            if found is None or (block.hash is not None and found["hash"] != to_hex(block.hash)):
                return block.number
        return self._number

    async def _call(self, method: str, params: list[Any]) -> Any:
        """One upstream call. Raises `Fault` for an answer that is an error, `_Gone` for none."""
        import aiohttp

        assert self._anvil is not None  # noqa: S101  # start() ran
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            async with self._session.post(self._anvil.url, json=body) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _Gone from error
        if "error" in answer:
            raise Fault(answer["error"])
        return answer["result"]


class _Gone(Exception):
    """anvil does not answer."""


def _not_the_same(number: int, why: str) -> ChainError:
    return ChainError(
        f"the journal does not replay: block {number} is not the block that was there ({why})",
        meaning="the journal was altered, somebody reached anvil behind the front door, "
        "or this anvil is another version than the one that wrote it",
        next_step="restore the journal from a copy, use the anvil that wrote it, "
        "or start a new chain in another folder",
    )
