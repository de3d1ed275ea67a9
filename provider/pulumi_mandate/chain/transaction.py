"""Transactions and what nodes say about them, as values. No I/O; `client` does the asking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.chain.rpc import RpcError
from pulumi_mandate.chain.values import BlockRef, RawLog, Receipt, Sent
from pulumi_mandate.errors import ChainError, ContractRefused
from pulumi_mandate.models import Address, checksum, digest, to_hex

GAS_PERCENT = 125
GAS_EXTRA = 15_000
"""Estimates made just before a tick of the clock fall short: a first write costs 20,000 more."""
GAS_LIMIT = 30_000_000
"""No transaction of ours needs more; a node that asks for more is not believed."""
FEE_HEADROOM = 2
"""A base fee may double while a transaction waits (six full blocks)."""
BUMP_PERCENT = 125
"""Of both old fees, for a replacement; nodes take nothing under 110."""
HIGHEST_FEE = 10_000 * 10**9
"""Wei per gas. No chain has asked for so much; a node that does is not believed."""
_TOO_CHEAP = ("underpriced", "fee too low", "max fee per gas less than block base fee")
_TOO_LATE = ("nonce too low", "already known", "already imported", "already mined")


def build(  # noqa: PLR0913  # the members of a transaction
    *,
    chain_id: int,
    nonce: int,
    to: Address | None,
    data: bytes,
    value: int,
    gas: int,
    base_fee: int,
    priority_fee: int,
) -> dict[str, Any]:
    """An EIP-1559 transaction, ready to sign. `to` None creates a contract.

    Raises `ChainError` for fees beyond reason.
    """
    highest = FEE_HEADROOM * base_fee + priority_fee
    if highest > HIGHEST_FEE:
        raise ChainError(
            f"the node asks for {highest} wei per gas, which no transaction of ours pays",
            meaning="the chain is flooded, or the node lies about its fees",
            next_step="look at the fees elsewhere, and try again later",
        )
    transaction: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "value": value,
        "data": to_hex(data),
        "gas": gas,
        "maxFeePerGas": highest,
        "maxPriorityFeePerGas": priority_fee,
    }
    if to is not None:
        transaction["to"] = to
    return transaction


def dearer(
    transaction: Mapping[str, Any], *, base_fee: int, priority_fee: int
) -> dict[str, Any] | None:
    """The same transaction for more money: same nonce, so that only one of the two is ever mined.

    At least what every node demands of a replacement, and what the chain asks for now. None where
    that would be beyond `HIGHEST_FEE`.
    """
    priority = max(priority_fee, _bumped(transaction["maxPriorityFeePerGas"]))
    highest = max(FEE_HEADROOM * base_fee + priority, _bumped(transaction["maxFeePerGas"]))
    if highest > HIGHEST_FEE:
        return None
    return {**transaction, "maxFeePerGas": highest, "maxPriorityFeePerGas": priority}


def _bumped(fee: int) -> int:
    return fee * BUMP_PERCENT // 100 + 1


def gas_limit(estimate: int) -> int:
    """The estimate with a margin. Raises `ChainError` for an estimate beyond reason."""
    if estimate > GAS_LIMIT:
        raise ChainError(f"the node estimates {estimate} gas, which no transaction of ours needs")
    return min(estimate * GAS_PERCENT // 100 + GAS_EXTRA, GAS_LIMIT)


def refusal(error: RpcError, abi: Abi | None, doing: str) -> ContractRefused | ChainError:
    """A node's error as one of ours: the contract's own words where it gave any."""
    if error.data:
        return revert(error.data, abi, doing)
    if "revert" in error.message.lower():
        return revert(b"", abi, doing)
    if "insufficient funds" in error.message.lower():
        return ChainError(
            f"the account cannot pay for {doing}",
            meaning="a transaction costs gas, paid by whoever sends it",
            next_step="send it some of the chain's money; "
            "on the development chain `mandate dev start` does",
        )
    return ChainError(f"the node refused {doing}: {error.message} (code {error.code})")


def revert(data: bytes, abi: Abi | None, doing: str) -> ContractRefused:
    """The reason of a revert, as a sentence. `abi` holds the custom errors to try."""
    found = (abi or Abi(())).decode_error(data) if data else None
    if found is None:
        known = f" with unknown data {to_hex(data[:36])}" if data else " without a reason"
        return ContractRefused(f"the chain refused {doing}{known}")
    name, arguments = found
    if name == "Error":
        return ContractRefused(
            f"the chain refused {doing}: {arguments['value']}", error=name, arguments=arguments
        )
    values = ", ".join(f"{key} {_shown(value)}" for key, value in arguments.items())
    return ContractRefused(
        f"the chain refused {doing}: {name}" + (f" ({values})" if values else ""),
        error=name,
        arguments=arguments,
    )


def is_too_late(error: RpcError) -> bool:
    """Whether the node may have the transaction already: look for its receipt, do not despair."""
    return any(words in error.message.lower() for words in _TOO_LATE)


def is_too_cheap(error: RpcError) -> bool:
    """Whether the node would take the same transaction for a higher fee."""
    return any(words in error.message.lower() for words in _TOO_CHEAP)


def parse_receipt(answer: Mapping[str, Any], timestamp: int) -> Receipt:
    """A node's receipt. Its status is the caller's to judge."""
    to, created = answer.get("to"), answer.get("contractAddress")
    block = BlockRef(int(answer["blockNumber"], 16), digest(answer["blockHash"]), timestamp)
    return Receipt(
        transaction=digest(answer["transactionHash"]),
        block=block,
        sender=checksum(answer["from"]),
        to=checksum(to) if to else None,
        contract_address=checksum(created) if created else None,
        gas_used=int(answer["gasUsed"], 16),
        logs=tuple(parse_log(log) for log in answer["logs"]),
    )


def parse_sent(answer: Mapping[str, Any], receipt: Mapping[str, Any], block: BlockRef) -> Sent:
    """A node's transaction with its receipt and block."""
    return Sent(
        transaction=digest(answer["hash"]),
        sender=checksum(answer["from"]),
        to=checksum(answer["to"]) if answer.get("to") else None,
        data=bytes.fromhex(answer["input"][2:]),
        succeeded=int(receipt["status"], 16) == 1,
        block=block,
    )


def parse_log(answer: Mapping[str, Any]) -> RawLog:
    """One element of `eth_getLogs`."""
    return RawLog(
        address=checksum(answer["address"]),
        topics=tuple(bytes.fromhex(topic[2:]) for topic in answer["topics"]),
        data=bytes.fromhex(answer["data"][2:]),
        block_number=int(answer["blockNumber"], 16),
        block_hash=digest(answer["blockHash"]),
        transaction=digest(answer["transactionHash"]),
        index=int(answer["logIndex"], 16),
    )


def _shown(value: Any) -> str:
    return to_hex(value) if isinstance(value, bytes) else str(value)
