"""The chain with somebody who pays: build, sign, send, wait until mined, wait until final."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.chain.reader import ChainReader, errors_of
from pulumi_mandate.chain.rpc import Endpoint, RpcError
from pulumi_mandate.chain.transaction import (
    build,
    dearer,
    gas_limit,
    is_too_cheap,
    is_too_late,
    parse_receipt,
    refusal,
    revert,
)
from pulumi_mandate.chain.values import Account, BlockRef, Contract, Receipt
from pulumi_mandate.errors import ChainError
from pulumi_mandate.models import Address, Digest, digest, keccak, to_hex

RECEIPT_SECONDS = 180.0
STUCK_SECONDS = 30.0
"""After so long a transaction that waits is replaced by one that pays more."""
FINAL_SECONDS = 1800.0
DEFAULT_PRIORITY_FEE = 1_000_000_000
_POLL_SECONDS = 0.01
_POLL_MAX_SECONDS = 2.0
_T = TypeVar("_T")


class ChainClient(ChainReader):
    """Reading and sending; one client serves one thread."""

    def transact(
        self, account: Account, contract: str | Contract, function: str, *arguments: Any
    ) -> Receipt:
        """Call a function by transaction and wait until it is mined. See `send`."""
        target = self._target(contract)
        # A call to an address without code succeeds and does nothing.
        if isinstance(contract, str):
            self.check()
        else:
            self._check_code(target.name, target.address)
        data = target.abi.encode_call(function, arguments)
        doing = f"{target.name}.{function}"
        return self.send(account, target.address, data, doing=doing, abi=target.abi)

    def send(  # noqa: PLR0913  # a transaction has these parts
        self,
        account: Account,
        to: Address | None,
        data: bytes,
        *,
        value: int = 0,
        doing: str = "the transaction",
        abi: Abi | None = None,
    ) -> Receipt:
        """Build, sign, send, wait until mined. `to` None creates a contract from `data`.

        A transaction that waits too long is sent again for a higher fee, under the same nonce: one
        of the two is mined, and never both. Raises `ContractRefused` with the contract's reason
        (before anything is sent, where the estimate already shows it), `ChainError` else.
        """
        draft = self._draft(account.address, to, data, value=value, doing=doing, abi=abi)
        sent = [self.broadcast(bytes(account.sign_transaction(draft)), doing=doing)]
        deadline = time.monotonic() + RECEIPT_SECONDS
        while True:
            left = max(0.0, min(STUCK_SECONDS, deadline - time.monotonic()))
            mined = self._poll(left, lambda: self._mined(sent))
            if mined is not None:
                return self._receipt(mined, sent, doing, abi)
            if time.monotonic() >= deadline:
                raise self._not_mined(sent[-1], draft, account.address, doing)
            draft = self._replace(account, draft, sent)

    def prepare(  # noqa: PLR0913  # a transaction has these parts
        self,
        account: Account,
        to: Address | None,
        data: bytes,
        *,
        value: int = 0,
        doing: str = "the transaction",
        abi: Abi | None = None,
    ) -> bytes:
        """A signed transaction with its nonce, to be stored before it is sent.

        Raises `ContractRefused` where the node foresees a revert.
        """
        draft = self._draft(account.address, to, data, value=value, doing=doing, abi=abi)
        return bytes(account.sign_transaction(draft))

    def broadcast(self, raw: bytes, *, doing: str = "the transaction") -> Digest:
        """Send raw bytes; sending the same ones again does no harm. Returns the hash."""
        expected = keccak(raw)
        try:
            answer = self._endpoints[0].call("eth_sendRawTransaction", to_hex(raw))
        except RpcError as error:
            if is_too_late(error) and self._known(expected):
                return expected
            raise refusal(error, None, doing) from error
        if digest(answer) != expected:
            raise ChainError(f"{self._endpoints[0].name} names another hash for what was sent")
        return expected

    def receipt(
        self, transaction: Digest, *, doing: str = "the transaction", abi: Abi | None = None
    ) -> Receipt:
        """Wait until it is mined. Raises `ContractRefused` where it reverted."""
        mined = self._poll(RECEIPT_SECONDS, lambda: self._mined([transaction]))
        if mined is None:
            raise self._not_mined(transaction, None, None, doing)
        return self._receipt(mined, [transaction], doing, abi)

    def wait_final(
        self, block: BlockRef, progress: Callable[[int, int], None] | None = None
    ) -> BlockRef:
        """Wait until `block` is final everywhere; returns the final block that covers it.

        `progress` gets (final number, wanted number). Raises `ChainError` where the chain was
        reorganised and the block is no longer part of it.
        """

        def covered() -> BlockRef | None:
            final = self.final_block()
            if progress is not None:
                progress(final.number, block.number)
            return final if final.number >= block.number else None

        final = self._poll(FINAL_SECONDS, covered)
        if final is None:
            raise ChainError(
                f"block {block.number} is not final after {FINAL_SECONDS:.0f} s",
                next_step="type the same command again: it goes on where it stopped",
            )
        if self._agreed_block(block.number).hash != block.hash:
            raise ChainError(
                f"the chain was reorganised: block {block.number} is another one now",
                meaning="what was mined in it may be undone",
                next_step="type the same command again",
            )
        return final

    # -- inside -----------------------------------------------------------------------------

    def _draft(  # noqa: PLR0913  # a transaction has these parts
        self,
        sender: Address,
        to: Address | None,
        data: bytes,
        *,
        value: int,
        doing: str,
        abi: Abi | None,
    ) -> dict[str, Any]:
        """Everything but the signature."""
        self._check_chain_only()
        endpoint = self._endpoints[0]
        request = {"from": sender, "data": to_hex(data), "value": hex(value)}
        if to is not None:
            request["to"] = to
        estimate = self._ask(endpoint, "eth_estimateGas", request, doing=doing, abi=abi)
        base_fee, priority_fee = self._fees(endpoint)
        return build(
            chain_id=self.trust.chain_id,
            nonce=self._nonce(sender, "pending"),
            to=to,
            data=data,
            value=value,
            gas=gas_limit(int(estimate, 16)),
            base_fee=base_fee,
            priority_fee=priority_fee,
        )

    def _replace(
        self, account: Account, draft: dict[str, Any], sent: list[Digest]
    ) -> dict[str, Any]:
        """Send the same again for more; adds its hash to `sent`. Returns what counts from now."""
        base_fee, priority_fee = self._fees(self._endpoints[0])
        bumped = dearer(draft, base_fee=base_fee, priority_fee=priority_fee)
        if bumped is None:
            return draft
        raw = bytes(account.sign_transaction(bumped))
        try:
            self._endpoints[0].call("eth_sendRawTransaction", to_hex(raw))
        except RpcError as error:
            if is_too_late(error):
                return draft  # an earlier one is mined by now: its receipt is what we wait for
            if is_too_cheap(error):
                return bumped  # a node that wants more gets more, the next time
            raise refusal(error, None, "the replacement of a waiting transaction") from error
        sent.append(keccak(raw))
        return bumped

    def _mined(self, transactions: list[Digest]) -> dict[str, Any] | None:
        """The receipt of whichever of them is mined."""
        for transaction in reversed(transactions):
            found: dict[str, Any] | None = self._ask(
                self._endpoints[0], "eth_getTransactionReceipt", to_hex(transaction)
            )
            if found is not None:
                return found
        return None

    def _receipt(
        self, answer: dict[str, Any], asked: list[Digest], doing: str, abi: Abi | None
    ) -> Receipt:
        """Raises `ContractRefused` where it reverted."""
        endpoint = self._endpoints[0]
        block = self._block(endpoint, answer["blockNumber"])
        receipt = parse_receipt(answer, block.timestamp)
        if receipt.transaction not in asked or receipt.block.hash != block.hash:
            raise ChainError(f"{endpoint.name} gave a receipt that belongs elsewhere")
        if int(answer["status"], 16) != 1:
            raise self._why_reverted(endpoint, receipt, doing, abi)
        return receipt

    def _not_mined(
        self, last: Digest, draft: dict[str, Any] | None, sender: Address | None, doing: str
    ) -> ChainError:
        meaning = f"it may still be: its hash is {to_hex(last)}"
        if draft is not None and sender is not None:
            before = self._nonce(sender, "latest")
            if before < draft["nonce"]:
                meaning = (
                    f"an earlier transaction of {sender} is not mined either (number {before}), "
                    "and the chain takes them in order"
                )
        return ChainError(
            f"{doing} was sent and is not mined after {RECEIPT_SECONDS:.0f} s",
            meaning=meaning,
            next_step="wait, then type the same command again",
        )

    def waiting(self, sender: Address) -> int:
        """How many transactions of an account are sent and not mined. Raises `ChainError`."""
        return max(0, self._nonce(sender, "pending") - self._nonce(sender, "latest"))

    def _nonce(self, sender: Address, tag: str) -> int:
        return int(self._ask(self._endpoints[0], "eth_getTransactionCount", sender, tag), 16)

    def _fees(self, endpoint: Endpoint) -> tuple[int, int]:
        """What the chain asks for now: base fee and priority fee, in wei per gas."""
        newest = self._ask(endpoint, "eth_getBlockByNumber", "latest", False)
        if newest is None or newest.get("baseFeePerGas") is None:
            raise ChainError(
                f"{endpoint.name} names no base fee",
                meaning="our transactions are of type 2 (EIP-1559), which this chain does not take",
            )
        return int(newest["baseFeePerGas"], 16), self._priority_fee(endpoint)

    def _check_chain_only(self) -> None:
        """Sending must work before the contracts exist: genesis deploys them."""
        if self._checked:
            return
        found = int(self._ask(self._endpoints[0], "eth_chainId"), 16)
        if found != self.trust.chain_id:
            self.check()

    def _priority_fee(self, endpoint: Endpoint) -> int:
        try:
            return int(endpoint.call("eth_maxPriorityFeePerGas"), 16)
        except RpcError:
            return DEFAULT_PRIORITY_FEE

    def _known(self, transaction: Digest) -> bool:
        found = self._ask(self._endpoints[0], "eth_getTransactionByHash", to_hex(transaction))
        return found is not None

    def _why_reverted(
        self, endpoint: Endpoint, receipt: Receipt, doing: str, abi: Abi | None
    ) -> Exception:
        """Ask the same call again on top of its block: the receipt itself holds no reason."""
        sent = self._ask(endpoint, "eth_getTransactionByHash", to_hex(receipt.transaction))
        request = {"from": sent["from"], "data": sent["input"], "value": sent["value"]}
        if sent.get("to"):
            request["to"] = sent["to"]
        try:
            endpoint.call("eth_call", request, hex(receipt.block.number))
        except RpcError as error:
            return refusal(error, errors_of(abi), doing)
        return revert(b"", None, doing)

    def _poll(self, seconds: float, ask: Callable[[], _T | None]) -> _T | None:
        deadline = time.monotonic() + seconds
        pause = _POLL_SECONDS
        while True:
            answer = ask()
            if answer is not None or time.monotonic() > deadline:
                return answer
            time.sleep(pause)
            pause = min(2 * pause, _POLL_MAX_SECONDS)
