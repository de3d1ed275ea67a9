"""Chain and purse for deployments, from the machine that runs the update; a program names neither.

| variable | what |
|---|---|
| `MANDATE_DEPLOY_RPC` | endpoints, separated by spaces; all must agree |
| `MANDATE_DEPLOY_CHAIN_ID` | the chain they must serve |
| `MANDATE_DEPLOY_KEY` | the deploying account's key URI (`keystore:…`, `awskms:…`) |
| `MANDATE_DEPLOY_ADDRESS` | the address that is pinned for it |

Before the contracts exist no trust file can name them, hence variables of their own. Where this
machine has a trust file, the executor that it names cannot be the deployer.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mandate.chain.abi import Abi
from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.chain.reader import errors_of
from pulumi_mandate.chain.rpc import Endpoint, RpcError
from pulumi_mandate.chain.transaction import refusal
from pulumi_mandate.chain.trust import CONTRACTS, Governors, Trust, load_trust, trust_path
from pulumi_mandate.chain.values import Receipt
from pulumi_mandate.errors import ChainError, EndpointsDisagree, UsageError, WrongChain
from pulumi_mandate.models import Address, to_hex

_NOBODY = Address("0x" + "00" * 20)
# One account, one row of nonces: the engine creates resources on several threads at once.
_ONE_AT_A_TIME = threading.Lock()
SETTLE_SECONDS = 60.0
"""How long a transaction of ours that somebody else sent may take to be mined."""
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class DeployChain:
    """The chain, for reading. Every endpoint is asked and all must agree."""

    endpoints: tuple[str, ...]
    chain_id: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> DeployChain:
        """Raises `UsageError` where a variable is missing or malformed."""
        found = os.environ if environment is None else environment
        endpoints = tuple(_needed(found, "MANDATE_DEPLOY_RPC").split())
        chain_id = _needed(found, "MANDATE_DEPLOY_CHAIN_ID")
        if not chain_id.isascii() or not chain_id.isdecimal() or not endpoints:
            raise UsageError("MANDATE_DEPLOY_CHAIN_ID is not a whole number")
        return cls(endpoints, int(chain_id))

    def code(self, address: Address) -> bytes:
        """The code at an address, now. Raises `ChainError`."""
        return self._unanimous("", None, "eth_getCode", address, "latest")

    def view(self, to: Address, data: bytes, abi: Abi) -> bytes:
        """The raw answer of a view call, now. Raises `ContractRefused`, `ChainError`."""
        request = {"to": to, "data": to_hex(data)}
        return self._unanimous("the question", abi, "eth_call", request, "latest")

    def simulate(self, sender: Address, creation: bytes, abi: Abi) -> None:
        """Run creation code and throw the result away: gives the reason of a failing constructor.

        Raises `ContractRefused`, `ChainError`.
        """
        request = {"from": sender, "data": to_hex(creation)}
        self._unanimous("the constructor", abi, "eth_call", request, "latest")

    def _unanimous(self, doing: str, abi: Abi | None, method: str, *params: Any) -> bytes:
        answers = set()
        for url in self.endpoints:
            endpoint = Endpoint(url)
            try:
                if int(endpoint.call("eth_chainId"), 16) != self.chain_id:
                    raise WrongChain(
                        f"{endpoint.name} does not serve chain {self.chain_id}",
                        next_step="correct MANDATE_DEPLOY_RPC or MANDATE_DEPLOY_CHAIN_ID",
                    )
                answers.add(bytes.fromhex(str(endpoint.call(method, *params))[2:]))
            except RpcError as error:
                raise refusal(error, errors_of(abi), doing or method) from None
        if len(answers) != 1:
            raise EndpointsDisagree(f"the endpoints of MANDATE_DEPLOY_RPC disagree about {method}")
        return answers.pop()


@dataclass(frozen=True)
class Deployer:
    """The chain and the account that pays."""

    chain: DeployChain
    client: ChainClient
    account: Any
    """An `AccountKey`."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Deployer:
        """Raises `UsageError`, `SignerError`, and `Refused` for a trust file that is not safe."""
        from pulumi_mandate.signing import AccountKey, open_signer

        found = os.environ if environment is None else environment
        chain = DeployChain.from_environment(found)
        signer = open_signer(
            _needed(found, "MANDATE_DEPLOY_KEY"), _needed(found, "MANDATE_DEPLOY_ADDRESS")
        )
        # Only chain id and endpoints are used: sending works before the contracts exist.
        nowhere: dict[str, Any] = dict.fromkeys(CONTRACTS, _NOBODY)
        trust = Trust(
            chain.chain_id,
            chain.endpoints,
            **nowhere,
            governors=Governors(*[_NOBODY] * 3),
            deployed_block=0,
        )
        return cls(chain, ChainClient(trust), AccountKey(signer, executor=_executor(found)))

    def send_unless(
        self, done: Callable[[], bool], to: Address, data: bytes, *, doing: str, abi: Abi
    ) -> Receipt | None:
        """One mined transaction; None where `done` says that it is needless.

        `done` is asked once nothing of this account is under way: what an attempt that was cut off
        had sent is mined by then, and so not sent twice.

        Raises `ContractRefused`, `ChainError`, `SignerError`.
        """
        with _ONE_AT_A_TIME:
            self._settle(doing)
            if done():
                return None
            return self.client.send(self.account, to, data, doing=doing, abi=abi)

    def _settle(self, doing: str) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while waiting := self.client.waiting(self.account.address):
            if time.monotonic() > deadline:
                raise ChainError(
                    f"{doing}: {waiting} transactions of {self.account.address} wait to be mined",
                    meaning="One of them may be this very one, sent by an attempt that was cut "
                    "off: nothing is sent beside it.",
                    next_step="wait until they are mined, then type the same command again",
                )
            time.sleep(_POLL_SECONDS)


def _executor(environment: Mapping[str, str]) -> Address | None:
    """The key that signs orders, which must never send a transaction.

    None only where there is no trust file, before genesis; one that was named must be there.
    """
    named = environment.get("MANDATE_TRUST")
    path = Path(named) if named else trust_path()
    if not named and not path.exists():
        return None
    trust = load_trust(path)
    return trust.executor.address if trust.executor else None


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise UsageError(
            f"{name} is not set",
            meaning="Chain and key of a deployment come from the machine, never from a program.",
            next_step="`mandate dev start` does it for the development chain; "
            "else see stacks/governance/README.md",
        )
    return value
