"""`EvmCall` on the real engine and a real chain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from pulumi.output import Unknown

from pulumi_mandate.chain.client import ChainClient
from pulumi_mandate.errors import ChainError, ContractRefused, UsageError
from pulumi_mandate.resources import _deployer
from pulumi_mandate.resources._deployer import Deployer
from pulumi_mandate.resources.evm_call import EvmCallProvider
from pulumi_mandate.resources.evm_contract import EvmContractProvider

SOMEBODY = "0x00000000000000000000000000000000000000B0"
PROGRAM = """
    import pulumi
    from pulumi_mandate import EvmCall, EvmContract

    manager = EvmContract("manager", artifact="AccessManager", arguments=[{admin!r}])
    grant = EvmCall("grant", contract=manager.address, artifact="AccessManager",
                    function="grantRole", arguments=[7, {who!r}, {delay}],
                    expect={{"function": "hasRole", "arguments": [7, {who!r}],
                             "equals": [True, {delay}]}})
    pulumi.export("transaction", grant.transaction)
"""


@pytest.fixture
def program(deploying):
    def make(who=SOMEBODY, delay=0):
        return PROGRAM.format(admin=deploying["MANDATE_DEPLOY_ADDRESS"], who=who, delay=delay)

    return make


@pytest.fixture
def manager(deploying_here):
    provider = EvmContractProvider()
    arguments = [deploying_here["MANDATE_DEPLOY_ADDRESS"]]
    inputs = provider.check({}, {"artifact": "AccessManager", "arguments": arguments}).inputs
    return provider.create(inputs).id


def grant(contract, /, **changes):
    return {
        "contract": contract,
        "artifact": "AccessManager",
        "function": "grantRole",
        "arguments": [7, SOMEBODY, 0],
        "expect": {"function": "hasRole", "arguments": [7, SOMEBODY], "equals": [True, 0]},
    } | changes


@pytest.mark.engine
@pytest.mark.chain
def test_the_whole_life_of_a_call(engine_stack, deploying, program):
    stack = engine_stack(deploying).program(program())

    # preview shows the bytes that would be sent, and sends none
    assert stack.preview()["grant"] == "create"
    assert stack.preview_inputs("grant")["calldata"].startswith("0x25c471a0")
    assert stack.state("grant") is None

    # create
    stack.up()
    assert stack.outputs()["transaction"].startswith("0x")
    assert stack.preview()["grant"] == "same"

    # drift: somebody takes the role away
    deployer = Deployer.from_environment(deploying)
    state = stack.state("grant")
    revoke = EvmCallProvider().check(
        {},
        grant(
            state["inputs"]["contract"],
            function="revokeRole",
            arguments=[7, SOMEBODY],
            expect={"function": "hasRole", "arguments": [7, SOMEBODY], "equals": [False, 0]},
        ),
    )
    from pulumi_mandate.chain.artifacts import artifact

    abi = artifact("AccessManager").abi
    calldata = bytes.fromhex(revoke.inputs["calldata"][2:])
    deployer.client.send(deployer.account, state["inputs"]["contract"], calldata, abi=abi)
    stack.refresh()
    assert stack.preview()["grant"] == "update"
    stack.up()
    stack.refresh()
    assert stack.preview()["grant"] == "same"

    # update: other arguments, another fact
    stack.program(program(delay=60))
    assert stack.preview()["grant"] == "update"
    stack.up()
    assert stack.state("grant")["outputs"]["holds"] is True

    # destroy forgets and says so
    assert "stays done" in stack.destroy()

    # again: true already, so nothing is sent
    stack.up()
    assert stack.outputs()["transaction"] == ""


@pytest.mark.engine
@pytest.mark.chain
def test_a_call_to_another_contract_is_another_call(engine_stack, deploying, program):
    stack = engine_stack(deploying).program(program())
    stack.up()

    other = program().replace('artifact="AccessManager", arguments=', 'artifact="AccessManager", '
                              'salt="0x" + "11" * 32, arguments=', 1)  # fmt: skip
    stack.program(other)

    assert stack.preview() == {"manager": "replace", "grant": "replace"}
    stack.up()


@pytest.mark.chain
def test_what_holds_already_is_not_sent_again(manager):
    provider = EvmCallProvider()
    inputs = provider.check({}, grant(manager)).inputs

    first, second = provider.create(inputs).outs, provider.create(inputs).outs

    assert first["transaction"].startswith("0x")
    assert second["transaction"] == ""


@pytest.mark.chain
def test_calls_at_the_same_time_do_not_take_each_others_nonce(manager):
    provider = EvmCallProvider()
    facts = [(role, {"function": "hasRole", "arguments": [role, SOMEBODY], "equals": [True, 0]})
             for role in range(10, 18)]  # fmt: skip
    inputs = [
        provider.check({}, grant(manager, arguments=[role, SOMEBODY, 0], expect=fact)).inputs
        for role, fact in facts
    ]

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(provider.create, inputs))

    assert len({one.outs["transaction"] for one in done}) == len(inputs)


@pytest.mark.chain
def test_what_an_attempt_that_was_cut_off_had_sent_is_waited_for_and_not_sent_again(
    manager, monkeypatch
):
    """Killed between sending and its block: the fact does not hold yet, and one is under way."""
    provider = EvmCallProvider()
    inputs = provider.check({}, grant(manager)).inputs
    deployer = Deployer.from_environment()
    data = bytes.fromhex(inputs["calldata"][2:])
    looks = []

    def waiting(client, account):
        looks.append(account)
        if len(looks) == 3:  # now it is mined
            client.send(deployer.account, manager, data, doing="the first attempt")
        return max(0, 3 - len(looks))

    monkeypatch.setattr(ChainClient, "waiting", waiting)
    monkeypatch.setattr(_deployer, "_POLL_SECONDS", 0.01)

    assert provider.create(inputs).outs["transaction"] == ""
    assert looks == [deployer.account.address] * 3

    monkeypatch.setattr(_deployer, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(ChainClient, "waiting", lambda *_: 1)
    other = grant(manager, arguments=[77, SOMEBODY, 0])
    other["expect"] = {"function": "hasRole", "arguments": [77, SOMEBODY], "equals": [True, 0]}
    with pytest.raises(ChainError, match=r"1 transactions of .* wait to be mined"):
        provider.create(provider.check({}, other).inputs)


@pytest.mark.chain
def test_nothing_waits_where_all_is_mined(manager, deploying_here):
    client = Deployer.from_environment().client

    assert client.waiting(deploying_here["MANDATE_DEPLOY_ADDRESS"]) == 0


@pytest.mark.chain
def test_other_bytes_than_the_planned_ones_are_not_sent(manager):
    inputs = EvmCallProvider().check({}, grant(manager)).inputs

    with pytest.raises(UsageError, match="not the one that was planned"):
        EvmCallProvider().create(inputs | {"calldata": "0x12345678"})


@pytest.mark.chain
def test_a_scaffold_is_not_put_up_again_once_it_is_needless(manager, deploying_here):
    provider = EvmCallProvider()
    needless = {"function": "hasRole", "arguments": [9, SOMEBODY], "equals": [True, 0]}
    inputs = provider.check({}, grant(manager, unless=needless)).inputs
    nine = {"function": "hasRole", "arguments": [9, SOMEBODY], "equals": [True, 0]}
    done = provider.check({}, grant(manager, arguments=[9, SOMEBODY, 0], expect=nine)).inputs
    provider.create(done)

    assert provider.create(inputs).outs["transaction"] == ""
    assert provider.read("x", inputs).outs["holds"] is True


@pytest.mark.chain
def test_a_call_that_does_not_make_it_true_is_an_error(manager):
    expect = {"function": "hasRole", "arguments": [8, SOMEBODY], "equals": [True, 0]}
    inputs = EvmCallProvider().check({}, grant(manager, expect=expect)).inputs

    with pytest.raises(ChainError, match="was mined, and what it should make true is not"):
        EvmCallProvider().create(inputs)


@pytest.mark.chain
def test_a_call_that_the_contract_refuses_gives_its_reason(manager, deploying_here):
    provider = EvmContractProvider()
    arguments = {"artifact": "AccessManager", "arguments": [SOMEBODY]}
    foreign = provider.create(provider.check({}, arguments).inputs).id
    inputs = EvmCallProvider().check({}, grant(foreign)).inputs

    with pytest.raises(ContractRefused, match="AccessManagerUnauthorizedAccount"):
        EvmCallProvider().create(inputs)


@pytest.mark.chain
def test_a_call_whose_contract_is_gone_is_gone(manager, deploying_here):
    inputs = EvmCallProvider().check({}, grant(SOMEBODY)).inputs

    assert EvmCallProvider().read("x", inputs).id == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"function": "nothing"}, "0 functions are called nothing"),
        ({"contract": "0x12"}, "contract is not an address"),
        ({"artifact": "Nothing"}, "no artifact"),
        ({"arguments": [7]}, "3 values are needed"),
        ({"arguments": [7, "x", 0]}, "account is not an address"),
        ({"expect": 1}, "expect is not an object"),
        ({"expect": {"function": "hasRole"}}, "expect is not an object"),
        ({"expect": {"function": "hasRole", "equals": [], "more": 1}}, "expect is not an object"),
        (
            {"expect": {"function": "hasRole", "arguments": [7, SOMEBODY], "equals": [1, 0]}},
            "expect: isMember is not true or false",
        ),
        ({"expect": {"function": "hasRole", "arguments": [7, SOMEBODY], "equals": True}}, "a list"),
        ({"unless": {"function": "nothing", "equals": 1}}, "unless: AccessManager: 0 functions"),
    ],
)
def test_what_could_never_be_sent_fails_in_the_preview(changes, said):
    failures = EvmCallProvider().check({}, grant(SOMEBODY, **changes)).failures

    assert said in failures[0].reason


def test_unknown_parts_leave_the_calldata_unknown():
    for changes in (
        {"contract": Unknown()},
        {"arguments": [7, Unknown(), 0]},
        {"expect": Unknown()},
    ):
        checked = EvmCallProvider().check({}, grant(SOMEBODY, **changes))

        assert checked.failures == []
        assert isinstance(checked.inputs["calldata"], Unknown)
