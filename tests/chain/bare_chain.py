"""An anvil without our front door: what a chain of others may do to us, done on purpose.

Reorganisations, base fees, intervals and held-back blocks are the node's own methods (`anvil_*`).
The development chain refuses all of them, and is final at once; a real chain is neither.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from pulumi_mandate.chain.rpc import Endpoint
from pulumi_mandate.dev.anvil import Anvil, _await_url, find_anvil

START = 1_800_000_000


class BareChain:
    """A node that mines at every transaction until it is told otherwise."""

    def __init__(
        self,
        workdir: Path,
        *,
        chain_id: int = 31337,
        finality: int = 64,
        hardfork: str = "prague",
        tracing: bool = False,
    ) -> None:
        """`finality`: how many blocks behind the newest one the final one is; an even number.

        `tracing`: keep every step of every transaction, for `debug_traceTransaction`.
        """
        command = [
            str(find_anvil()),
            *("--host", "127.0.0.1", "--port", "0", "--accounts", "0", "--no-cors"),
            *("--chain-id", str(chain_id), "--timestamp", str(START), "--hardfork", hardfork),
            *("--slots-in-an-epoch", str(finality // 2), "--prune-history", "256"),
            *(["--steps-tracing"] if tracing else []),
        ]
        process = subprocess.Popen(
            command,
            cwd=workdir,
            env={"HOME": str(workdir), "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._anvil = Anvil(process, _await_url(process))
        self._chain_id = chain_id
        self._endpoint = Endpoint(self._anvil.url)

    def __enter__(self) -> BareChain:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._anvil.stop()

    def call(self, method: str, *params: Any) -> Any:
        return self._endpoint.call(method, *params)

    # -- what `tests.chain.genesis.deploy` needs of a chain ----------------------------------------

    def facts(self) -> dict[str, Any]:
        return {"rpc": self._anvil.url, "chainId": self._chain_id}

    def credit(self, address: str, amount: int) -> None:
        self.call("anvil_setBalance", address, hex(amount))

    def advance(self, seconds: int) -> None:
        self.call("evm_increaseTime", seconds)
        self.mine()

    # -- what others do ------------------------------------------------------------------------

    def mine(self, blocks: int = 1) -> None:
        """Empty blocks, or one with what waits."""
        self.call("anvil_mine", hex(blocks))

    def reorganise(self, depth: int) -> None:
        """The newest `depth` blocks are others now, and empty."""
        self.call("anvil_reorg", depth, [])

    def hold_back(self) -> None:
        """Transactions wait until `mine`."""
        self.call("evm_setAutomine", False)

    def every(self, seconds: int) -> None:
        """A block every so many seconds, full or empty."""
        self.call("evm_setIntervalMining", seconds)

    def ask_for(self, base_fee: int) -> None:
        """The next block's base fee, in wei per gas."""
        self.call("anvil_setNextBlockBaseFeePerGas", hex(base_fee))

    @property
    def height(self) -> int:
        return int(self.call("eth_blockNumber"), 16)
