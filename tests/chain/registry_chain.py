"""One deployment that every random history starts from, and calls that may be refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pulumi_mandate.models import Address, Digest, keccak, to_hex
from tests.chain.bare_chain import BareChain
from tests.chain.genesis import Deployment, Person, Terms, deploy
from tests.governance.cases import a_plan

ELECTORATE, SECOND_KEY = Person("electorate"), Person("second executor")
GAS = hex(3_000_000)
COST_CAP = 500_00
OTHER_SUBJECT = keccak(b"another subject")


class Anybody(NamedTuple):
    """An account that the node lets send, whatever it is."""

    address: Address


class Chain:
    """Two subjects, two executors, an electorate that needs no vote."""

    def __init__(self, folder: Path) -> None:
        self.bare = BareChain(folder)
        self.deployment: Deployment = deploy(
            self.bare,  # type: ignore[arg-type]  # it has what genesis needs
            Terms(high_attestations=1, high_cosign=True, cost_cap=COST_CAP, confirm_within=3_600),
            meanwhile=_electorate,
        )
        self.bare.call("anvil_autoImpersonateAccount", True)
        self.council = Anybody(self.deployment.client.trust.council)
        """Speaks for itself here; how its seats agree has its own tests."""
        for who in (ELECTORATE, SECOND_KEY, self.council):
            self.bare.credit(who.address, 10**24)
        self.subject = a_plan(self.deployment).subject
        config, _ = self.deployment.client.call("subjects", "subjectConfig", self.subject)
        self.config: Mapping[str, Any] = config
        self.now = int(self.bare.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        assert self.does(ELECTORATE, "registry", "configureSubject", OTHER_SUBJECT, config)
        self.genesis = self.now
        self.keep()

    def keep(self) -> None:
        """From here on a history starts with what is there now."""
        self._start, self._begun = self.bare.call("evm_snapshot"), self.now

    def again(self) -> None:
        assert self.bare.call("evm_revert", self._start)
        self._start, self.now = self.bare.call("evm_snapshot"), self._begun

    def does(self, who: Person | Anybody, contract: str, function: str, *arguments: Any) -> bool:
        """Send it a second later; whether it was accepted."""
        self.now += 1
        self.bare.call("evm_setNextBlockTimestamp", self.now)
        target = self.deployment.client.contract(contract)
        data = to_hex(target.abi.encode_call(function, arguments))
        request = {"from": who.address, "to": target.address, "data": data, "gas": GAS}
        sent = self.bare.call("eth_sendTransaction", request)
        receipt = None
        while receipt is None:  # it is mined at once, and that takes a moment
            receipt = self.bare.call("eth_getTransactionReceipt", sent)
        return bool(int(receipt["status"], 16))

    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.bare.call("evm_setNextBlockTimestamp", self.now)
        self.bare.call("evm_mine")

    def owed(self, subject: Digest, duty: int) -> Digest:
        found: Digest = self.deployment.client.call("obligations", "openOf", subject, duty)
        return found


def _electorate(work: Any, contracts: Mapping[str, Any]) -> None:
    """Holds the tiers' roles without delay: the vote has its own tests. And a second executor."""
    for role in (1, 2, 3, 6):
        work.send(contracts["access_manager"].functions.grantRole(role, ELECTORATE.address, 0))
    work.send(contracts["registry"].functions.enrolExecutor(SECOND_KEY.address))
