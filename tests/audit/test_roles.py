"""Who was ever given a role, read from the chain: strays of the genesis window on a real EVM."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from pulumi_mandate.audit.roles import check_roles, differences, expected, replay
from pulumi_mandate.chain import ChainClient, Log
from pulumi_mandate.chain.artifacts import NAMES
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.errors import Refused
from pulumi_mandate.governance.wiring import CANCELLERS, GUARDIAN, HOLDINGS, RIGHTS, Role
from pulumi_mandate.models import ZERO, Address
from tests.chain.genesis import Deployment, Meanwhile, Person, deploy

pytestmark = pytest.mark.chain

STRANGER = Person("stranger").address


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChainService]:
    """One chain for every dishonest deployment of this file: each has contracts of its own."""
    service = ChainService(tmp_path_factory.mktemp("roles") / "chain")
    service.start()
    yield service
    service.stop()


def test_what_genesis_wires_is_the_table(shared_deployment: Deployment) -> None:
    assert check_roles(shared_deployment.client) == len(HOLDINGS)


def manager(function: str, *arguments: Any) -> Meanwhile:
    """One call of the manager by the genesis account, before it lets go."""

    def act(work: Any, contracts: Mapping[str, Any]) -> None:
        values = [one(contracts) if callable(one) else one for one in arguments]
        work.send(contracts["access_manager"].functions[function](*values))

    return act


def both(*acts: Meanwhile) -> Meanwhile:
    def act(work: Any, contracts: Mapping[str, Any]) -> None:
        for one in acts:
            one(work, contracts)

    return act


def address_of(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda contracts: str(contracts[name].address)


def give(role: int, who: Any = STRANGER, delay: int = 0) -> Meanwhile:
    return manager("grantRole", role, who, delay)


def another_manager(work: Any, contracts: Mapping[str, Any]) -> None:
    """The executor registry is handed to a manager that the genesis account still administers."""
    other = work.create("AccessManager", work.account.address)
    target = contracts["executor_registry"].address
    work.send(contracts["access_manager"].functions.updateAuthority(target, other.address))


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        pytest.param(
            give(Role.GUARDIAN), f"{STRANGER} acts at once in role 4 (guardian)", id="guardian"
        ),
        pytest.param(
            give(Role.MEDIUM, delay=1), f"{STRANGER} acts after a delay in role 1", id="medium"
        ),
        pytest.param(give(Role.ADMIN), f"{STRANGER} acts at once in role 0 (admin)", id="admin"),
        pytest.param(give(4242), f"{STRANGER} acts at once in role 4242", id="unknown role"),
        pytest.param(
            both(give(Role.CRITICAL), manager("revokeRole", Role.CRITICAL, STRANGER)),
            f"{STRANGER} acts at once in role 3 (critical)",
            id="granted and taken back",
        ),
        pytest.param(
            both(
                give(Role.HIGH, address_of("critical_governor")),
                give(Role.HIGH, address_of("critical_governor"), 604_800),
            ),
            "acts at once in role 2 (high), which nothing in the wiring says",
            id="the delay was gone for a while",
        ),
        pytest.param(
            manager(
                "setTargetFunctionRole", address_of("registry"), [b"\x01\x02\x03\x04"], Role.MEDIUM
            ),
            "0x01020304 of ",
            id="a right more",
        ),
        pytest.param(
            manager("setRoleAdmin", Role.GUARDIAN, Role.GUARDIAN),
            "role 4 is administered by role 4",
            id="role admin",
        ),
        pytest.param(
            manager("setRoleGuardian", Role.HIGH, 4242),
            "role 4242 cancels what role 2 (high) has scheduled",
            id="canceller",
        ),
        pytest.param(
            manager("setGrantDelay", Role.HIGH, 5), "grants of role 2 take effect", id="grant delay"
        ),
        pytest.param(
            manager("setTargetAdminDelay", address_of("registry"), 5),
            "has a delay of 5 s",
            id="admin delay",
        ),
        pytest.param(
            manager("setTargetClosed", address_of("executor_registry"), True),
            "was closed or opened",
            id="closed",
        ),
        pytest.param(
            another_manager, "authority() of the executor_registry is 0x", id="another manager"
        ),
    ],
)
def test_a_stray_of_the_genesis_window_is_refused(
    service: ChainService, meanwhile: Meanwhile, words: str
) -> None:
    deployment = deploy(service, meanwhile=meanwhile)

    with pytest.raises(Refused, match="not those of the wiring") as refused:
        check_roles(deployment.client)

    assert words in refused.value.meaning
    assert refused.value.exit_code == 3


def test_a_history_that_begins_too_late_is_no_history(shared_deployment: Deployment) -> None:
    trust = shared_deployment.trust
    late = dataclasses.replace(trust, deployed_block=trust.deployed_block + 5)

    with pytest.raises(Refused) as refused:
        check_roles(ChainClient(late))

    assert "`deployed_block` in the trust file is too late" in refused.value.meaning


# -- pure: what no honest genesis account can be made to leave out -------------------------------

DEPLOYER = Address("0x" + "11" * 20)
ADDRESSES = {
    word: Address(f"0x{number:040x}") for number, word in enumerate([*NAMES, GUARDIAN], start=1)
}


def log(name: str, **arguments: Any) -> Log:
    return Log(name, arguments, 1, ZERO, ZERO, 0)


def granted(role: int, account: Address, delay: int = 0) -> Log:
    return log("RoleGranted", roleId=role, account=account, delay=delay, since=0, newMember=True)


def honest() -> list[Log]:
    """The events of a genesis that does what the table says and nothing else."""
    table = expected(ADDRESSES, DEPLOYER)
    events = [granted(Role.ADMIN, DEPLOYER)]
    for fact in table.wired:
        match type(fact).__name__:
            case "Held":
                events.append(granted(fact.role, fact.account, int(fact.waits)))
            case "Restricted":
                events.append(
                    log(
                        "TargetFunctionRoleUpdated",
                        target=fact.target,
                        selector=fact.selector,
                        roleId=fact.role,
                    )
                )
            case _:
                events.append(log("RoleGuardianChanged", roleId=fact.role, guardian=fact.by))
    return [*events, log("RoleRevoked", roleId=Role.ADMIN, account=DEPLOYER)]


def found(events: list[Log]) -> list[str]:
    return differences(replay(events), expected(ADDRESSES, DEPLOYER))


def test_the_honest_history_has_no_differences() -> None:
    assert found(honest()) == []
    assert len(honest()) == 2 + len(RIGHTS) + len(HOLDINGS) + len(CANCELLERS)


@pytest.mark.parametrize("position", range(1, len(honest())))
def test_every_line_of_the_table_must_have_come_true(position: int) -> None:
    events = honest()
    del events[position]

    assert len(found(events)) == 1


def test_a_genesis_account_that_did_not_let_go_is_named() -> None:
    kept = granted(Role.CRITICAL, DEPLOYER)

    assert found([*honest(), kept]) == [
        f"{DEPLOYER} acts at once in role 3 (critical), as only genesis may"
    ]


def test_a_label_is_nobodys_right() -> None:
    assert found([*honest(), log("RoleLabel", roleId=1, label="medium")]) == []
