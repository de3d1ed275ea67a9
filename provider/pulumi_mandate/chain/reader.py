"""Reading the chain as this machine believes it: pinned id, agreeing endpoints, finalized grants.

A grant (this plan is approved) is read by block hash at a block that every endpoint calls final,
and all must answer the same. A denial (this plan is revoked) is read at the newest block of each
endpoint, and one endpoint's word is enough. An endpoint that does not answer ends the question:
silence never grants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pulumi_mandate.chain.abi import Abi, encode_arguments
from pulumi_mandate.chain.artifacts import NAMES, all_errors, artifact
from pulumi_mandate.chain.rpc import Endpoint, RpcError
from pulumi_mandate.chain.transaction import parse_log, parse_sent, refusal
from pulumi_mandate.chain.trust import Trust
from pulumi_mandate.chain.values import BlockRef, Contract, Log, RawLog, Sent
from pulumi_mandate.errors import (
    ChainError,
    ContractRefused,
    EndpointsDisagree,
    MissingContract,
    WrongChain,
)
from pulumi_mandate.models import Address, Digest, digest, to_hex

Block = BlockRef | str
"""A named block, or one of the node's words: `latest`, `pending`."""
LOG_BLOCKS = 10_000
"""Blocks per `eth_getLogs`; public endpoints refuse more."""
_T = TypeVar("_T")


class ChainReader:
    """Everything that needs no key. Cheap to make; nothing is asked before the first call."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self._endpoints = [Endpoint(url) for url in trust.rpc]
        self._checked = False

    # -- who is there -----------------------------------------------------------------------

    def contract(self, name: str) -> Contract:
        """A contract of the trust file: registry, governor, token, access_manager, …"""
        return Contract(name, getattr(self.trust, name), artifact(NAMES[name]).abi)

    def check(self) -> None:
        """Every endpoint serves the pinned chain and has code at the pinned addresses.

        Asked once per client. Raises `ChainUnreachable`, `WrongChain`, `MissingContract`.
        """
        if self._checked:
            return
        for endpoint in self._endpoints:
            found = int(self._ask(endpoint, "eth_chainId"), 16)
            if found != self.trust.chain_id:
                raise WrongChain(
                    f"{endpoint.name} serves chain {found}, "
                    f"the trust file names chain {self.trust.chain_id}",
                    meaning="nothing it says concerns our registry",
                    next_step="correct `rpc` or `id` under [chain] in the trust file",
                )
        for name in NAMES:
            self._check_code(name, getattr(self.trust, name))
        self._checked = True

    def _check_code(self, name: str, address: Address) -> None:
        for endpoint in self._endpoints:
            if self._ask(endpoint, "eth_getCode", address, "latest") in ("0x", "", None):
                raise MissingContract(
                    f"there is no {name} at {address} (asked {endpoint.name})",
                    meaning="the contracts were never deployed here, or the chain was begun anew",
                    next_step="`mandate dev start` deploys them on the development chain; "
                    "else correct [contracts] in the trust file",
                )

    # -- blocks and time --------------------------------------------------------------------

    def final_block(self) -> BlockRef:
        """The newest block that every endpoint calls finalized, with one hash for all.

        Raises `EndpointsDisagree`.
        """
        self.check()
        newest = [self._block(endpoint, "finalized") for endpoint in self._endpoints]
        number = min(block.number for block in newest)
        return self._agreed_block(number)

    def newest_block(self) -> BlockRef:
        """The newest block that every endpoint has, with one hash for all; it may still be undone.

        For what is too young to be final, and is only looked at. Raises `EndpointsDisagree`.
        """
        self.check()
        newest = [self._block(endpoint, "latest") for endpoint in self._endpoints]
        return self._agreed_block(min(block.number for block in newest))

    def _agreed_block(self, number: int) -> BlockRef:
        return self._unanimous(
            f"block {number}", lambda endpoint: self._block(endpoint, hex(number))
        )

    def now(self) -> int:
        """Chain time in seconds: of the pending block where a node has one, else of the newest.

        With several endpoints the latest one counts, so a mandate expires early and never late.
        """
        self.check()
        return max(self._time(endpoint) for endpoint in self._endpoints)

    def _time(self, endpoint: Endpoint) -> int:
        for tag in ("pending", "latest"):
            try:
                block = self._ask(endpoint, "eth_getBlockByNumber", tag, False)
            except ChainError:
                if tag == "latest":
                    raise
                continue
            if block is not None and block.get("timestamp") is not None:
                return int(block["timestamp"], 16)
        raise ChainError(f"{endpoint.name} has no newest block")

    # -- reading ----------------------------------------------------------------------------

    def call(
        self, contract: str | Contract, function: str, *arguments: Any, block: Block = "latest"
    ) -> Any:
        """One view call. With a `BlockRef` every endpoint is asked, by block hash, and must agree.

        With `latest` or `pending` only the first endpoint is asked: good for showing, not for
        granting. Raises `ContractRefused`, `EndpointsDisagree`.
        """
        self.check()
        target = self._target(contract)
        if isinstance(block, BlockRef):
            return self._unanimous(
                f"{target.name}.{function}",
                lambda endpoint: self._view(endpoint, target, function, arguments, block),
            )
        return self._view(self._endpoints[0], target, function, arguments, block)

    def call_each(self, contract: str | Contract, function: str, *arguments: Any) -> list[Any]:
        """Every endpoint's answer at its newest block: for denials, where any one counts."""
        self.check()
        target = self._target(contract)
        return [
            self._view(endpoint, target, function, arguments, "latest")
            for endpoint in self._endpoints
        ]

    def logs(
        self,
        contract: str | Contract,
        event: str,
        where: Mapping[str, Any] | None = None,
        *,
        since: int | None = None,
        until: BlockRef | None = None,
    ) -> list[Log]:
        """Events in order. `where` filters by indexed parameters.

        `since` is a block number (default: where the contracts' history begins). With `until` every
        endpoint is asked up to that block and all must agree; without it the first one is asked, up
        to its newest block. Raises `ChainError` for a log that was not asked for.
        """
        self.check()
        target = self._target(contract)
        query = {"address": target.address, "topics": _topics(target.abi, event, where or {})}
        start = self.trust.deployed_block if since is None else since
        if until is None:
            stop = int(self._ask(self._endpoints[0], "eth_blockNumber"), 16)
            return self._logs(self._endpoints[0], target, query, start, stop)
        return self._unanimous(
            f"the {event} events",
            lambda endpoint: self._logs(endpoint, target, query, start, until.number),
        )

    def code(self, contract: str | Contract, block: BlockRef) -> bytes:
        """The code at a contract's address. Every endpoint must agree."""
        self.check()
        target = self._target(contract)
        where = {"blockHash": to_hex(block.hash), "requireCanonical": True}
        answer = self._unanimous(
            f"the code of {target.name}",
            lambda endpoint: self._ask(endpoint, "eth_getCode", target.address, where),
        )
        return bytes.fromhex(str(answer).removeprefix("0x"))

    def history(self, contract: str | Contract, *, until: BlockRef) -> list[Log]:
        """Every event of a contract that its ABI knows, in order, from where its history begins.

        All endpoints must agree. Raises `EndpointsDisagree`, `ChainError`.
        """
        self.check()
        target = self._target(contract)
        query: dict[str, Any] = {"address": target.address, "topics": []}
        return self._unanimous(
            f"the history of {target.name}",
            lambda endpoint: self._logs(
                endpoint, target, query, self.trust.deployed_block, until.number
            ),
        )

    def sent(self, transaction: Digest) -> Sent:
        """A mined transaction, on which every endpoint must agree. For reading the past.

        Raises `ChainError` where it is not mined, `EndpointsDisagree`.
        """
        self.check()
        return self._unanimous(
            f"the transaction {to_hex(transaction)}",
            lambda endpoint: self._sent(endpoint, transaction),
        )

    def _sent(self, endpoint: Endpoint, transaction: Digest) -> Sent:
        found = self._ask(endpoint, "eth_getTransactionByHash", to_hex(transaction))
        receipt = self._ask(endpoint, "eth_getTransactionReceipt", to_hex(transaction))
        if found is None or receipt is None or found.get("blockNumber") is None:
            raise ChainError(
                f"{endpoint.name} has no mined transaction {to_hex(transaction)}",
                meaning="it lags, it has thrown old blocks away, or the chain was reorganised",
                next_step="ask an endpoint that keeps the whole history",
            )
        return parse_sent(found, receipt, self._block(endpoint, receipt["blockNumber"]))

    def _logs(
        self, endpoint: Endpoint, target: Contract, query: Mapping[str, Any], start: int, stop: int
    ) -> list[Log]:
        found: list[Log] = []
        for first, last in _ranges(start, stop, LOG_BLOCKS):
            answer = self._ask(
                endpoint, "eth_getLogs", {**query, "fromBlock": hex(first), "toBlock": hex(last)}
            )
            for raw in map(parse_log, answer):
                _require_asked(endpoint, query, first, last, raw)
                log = raw.decode(target.abi)
                if log is not None:
                    found.append(log)
        return sorted(found, key=lambda log: (log.block_number, log.index))

    def _view(
        self,
        endpoint: Endpoint,
        target: Contract,
        function: str,
        arguments: Sequence[Any],
        block: Block,
    ) -> Any:
        request = {
            "to": target.address,
            "data": to_hex(target.abi.encode_call(function, arguments)),
        }
        where: Any = block
        if isinstance(block, BlockRef):
            where = {"blockHash": to_hex(block.hash), "requireCanonical": True}
        doing = f"to read {target.name}.{function}"
        try:
            answer = self._ask(endpoint, "eth_call", request, where, doing=doing, abi=target.abi)
            return target.abi.decode_result(function, bytes.fromhex(answer[2:]))
        except ContractRefused as error:
            if error.error:
                raise
            raise _foreign(target) from error  # a function that is not there reverts in silence
        except ChainError:
            raise
        except Exception as error:  # eth_abi has no common root for what a foreign contract returns
            raise _foreign(target) from error

    # -- inside -----------------------------------------------------------------------------

    def _target(self, contract: str | Contract) -> Contract:
        return self.contract(contract) if isinstance(contract, str) else contract

    def _ask(
        self,
        endpoint: Endpoint,
        method: str,
        *params: Any,
        doing: str = "",
        abi: Abi | None = None,
    ) -> Any:
        try:
            return endpoint.call(method, *params)
        except RpcError as error:
            raise refusal(error, errors_of(abi), doing or method) from error

    def _block(self, endpoint: Endpoint, where: str) -> BlockRef:
        block = self._ask(endpoint, "eth_getBlockByNumber", where, False)
        if block is None:
            raise EndpointsDisagree(
                f"{endpoint.name} has no block {where}",
                meaning="it lags behind the others, or it follows another chain",
                next_step="wait until it has caught up, or replace it in the trust file",
            )
        return BlockRef(
            int(block["number"], 16), digest(block["hash"]), int(block["timestamp"], 16)
        )

    def _unanimous(self, what: str, ask: Callable[[Endpoint], _T]) -> _T:
        answers = [(endpoint.name, ask(endpoint)) for endpoint in self._endpoints]
        first_name, first = answers[0]
        for name, answer in answers[1:]:
            if answer != first:
                raise EndpointsDisagree(
                    f"{first_name} and {name} disagree about {what}",
                    meaning="one of them lies, or follows another chain; neither is believed",
                    next_step="find out which, and replace it in the trust file",
                )
        return first


def _require_asked(
    endpoint: Endpoint, query: Mapping[str, Any], first: int, last: int, log: RawLog
) -> None:
    """A node filters; one that does not would pass off any contract's event as the registry's."""
    wanted = [None if topic is None else bytes.fromhex(topic[2:]) for topic in query["topics"]]
    same = not wanted or len(log.topics) == len(wanted)
    same &= all(
        topic is None or topic == found for topic, found in zip(wanted, log.topics, strict=False)
    )
    if log.address != query["address"] or not same or not first <= log.block_number <= last:
        raise ChainError(
            f"{endpoint.name} answered with an event that was not asked for",
            meaning="it lies, or its filter is broken; nothing it said is believed",
            next_step="replace it in the trust file",
        )


def _foreign(target: Contract) -> MissingContract:
    return MissingContract(
        f"{target.address} does not answer like a {target.name}",
        meaning="another contract lives there, or one of another version",
        next_step="correct [contracts] in the trust file",
    )


def errors_of(abi: Abi | None) -> Abi | None:
    """The errors to try: the called contract's own, and those of the contracts behind it."""
    if abi is None:
        return None
    return Abi([*abi.entries, *all_errors().entries])


def _ranges(start: int, stop: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(start, stop + 1, size):
        yield first, min(first + size - 1, stop)


def _topics(abi: Abi, event: str, where: Mapping[str, Any]) -> list[str | None]:
    indexed = abi.indexed(event)
    unknown = set(where) - {parameter["name"] for parameter in indexed}
    if unknown:
        raise KeyError(f"{event} has no indexed {sorted(unknown)[0]}")
    topics: list[str | None] = [to_hex(abi.event_topic(event))]
    for parameter in indexed:
        if parameter["name"] in where:
            topics.append(to_hex(encode_arguments([parameter], [where[parameter["name"]]])))
        else:
            topics.append(None)
    return topics
