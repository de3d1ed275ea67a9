"""`EvmContract` on the real engine and a real chain."""

from __future__ import annotations

import dataclasses

import pytest
from pulumi.output import Unknown

from pulumi_mandate.chain.artifacts import artifact
from pulumi_mandate.dev.chain_service import ChainService
from pulumi_mandate.errors import ChainError, ContractRefused, EndpointsDisagree, UsageError
from pulumi_mandate.models import keccak, to_hex
from pulumi_mandate.resources import evm_contract
from pulumi_mandate.resources._deployer import DeployChain
from pulumi_mandate.resources.evm_contract import EvmContractProvider, create2_address

HOLDER = "0x00000000000000000000000000000000000000A1"
PROGRAM = """
    import pulumi
    from pulumi_mandate import EvmContract

    manager = EvmContract("manager", artifact="AccessManager", arguments=[{admin!r}])
    executors = EvmContract("executors", artifact="ExecutorRegistry", arguments=[manager.address])
    pulumi.export("manager", manager.address)
    pulumi.export("executors", executors.address)
"""


def program(admin=HOLDER):
    return PROGRAM.format(admin=admin)


def test_the_address_is_the_one_of_the_standard():
    # EIP-1014's formula with the proxy as the deployer, computed by an independent library.
    from eth_utils import keccak as their_keccak
    from eth_utils import to_checksum_address

    salt, creation = keccak(b"salt"), b"\x60\x00"
    proxy = bytes.fromhex(evm_contract.DEPLOYMENT_PROXY[2:])

    expected = their_keccak(b"\xff" + proxy + salt + their_keccak(creation))[12:]

    assert create2_address(salt, creation) == to_checksum_address(expected)


@pytest.mark.engine
@pytest.mark.chain
def test_the_whole_life_of_a_contract(engine_stack, deploying):
    stack = engine_stack(deploying).program(program())
    chain = DeployChain.from_environment(deploying)

    # preview: both addresses are known, nothing is deployed
    assert stack.preview() == {"manager": "create", "executors": "create"}
    planned = stack.preview_inputs("executors")
    assert planned["arguments"] == [stack.preview_inputs("manager")["address"]]
    assert planned["bytecode_digest"] == to_hex(keccak(artifact("ExecutorRegistry").bytecode))
    assert chain.code(planned["address"]) == b""

    # create
    stack.up()
    assert stack.outputs()["executors"] == planned["address"]
    assert artifact("ExecutorRegistry").is_runtime(chain.code(planned["address"]))
    assert stack.preview() == {"manager": "same", "executors": "same"}
    assert stack.state("executors")["outputs"]["block"] > 0

    # refresh: nothing drifted
    stack.refresh()
    assert stack.preview() == {"manager": "same", "executors": "same"}

    # another admin is another contract, and whatever depends on it too
    stack.program(program("0x00000000000000000000000000000000000000A2"))
    assert stack.preview() == {"manager": "replace", "executors": "replace"}
    stack.up()
    assert stack.outputs()["executors"] != planned["address"]

    # destroy forgets and says so
    said = stack.destroy()
    assert "stays on the chain: a contract is immutable" in said
    assert stack.state("executors") is None
    assert chain.code(planned["address"]) != b""

    # the same contract again: found, not deployed a second time
    stack.program(program()).up()
    assert stack.outputs()["executors"] == planned["address"]
    assert stack.state("executors")["outputs"]["transaction"] == ""


@pytest.mark.engine
@pytest.mark.chain
def test_a_chain_begun_anew_shows_as_contracts_that_are_gone(engine_stack, deploying, tmp_path):
    stack = engine_stack(deploying).program(program())
    stack.up()

    other = ChainService(tmp_path / "other-chain")
    try:
        stack.environment["MANDATE_DEPLOY_RPC"] = other.start()
        other.credit(deploying["MANDATE_DEPLOY_ADDRESS"], 10**20)
        stack.refresh()
        assert stack.preview() == {"manager": "create", "executors": "create"}
        stack.up()
    finally:
        other.stop()


@pytest.mark.engine
def test_a_machine_that_may_not_deploy_says_what_it_lacks(engine_stack):
    said = engine_stack({}).program(program()).up(ok=False)

    assert "MANDATE_DEPLOY_RPC is not set" in said


@pytest.mark.chain
def test_a_constructor_that_refuses_gives_its_reason(deploying_here):
    provider = EvmContractProvider()
    nobody = "0x" + "00" * 20
    terms = {
        "validity": 1, "maxLease": 1, "kinds": 1, "attestations": 0, "cosign": False,
        "budgetOperations": 1, "budgetCost": 0, "budgetWindow": 1,
    }  # fmt: skip
    tiers = dict.fromkeys(("low", "medium", "high", "critical", "emergency"), terms)
    contracts = {"executors": nobody, "subjects": HOLDER, "obligations": HOLDER}
    times = {"grace": 1, "confirmWithin": 1, "clearWithin": 1, "maxRenewals": 1}
    arguments = [{"authority": HOLDER, "genesis": HOLDER, **contracts, **tiers, **times}]
    inputs = provider.check({}, {"artifact": "PlanRegistry", "arguments": arguments}).inputs

    with pytest.raises(ContractRefused, match="PlanRegistryInvalidGenesis"):
        provider.create(inputs)


@pytest.mark.chain
def test_code_that_is_not_the_artifacts_is_an_error(deploying_here, monkeypatch):
    provider = EvmContractProvider()
    inputs = provider.check({}, {"artifact": "AccessManager", "arguments": [HOLDER]}).inputs
    other = dataclasses.replace(artifact("AccessManager"), runtime_hash=keccak(b"other"))
    monkeypatch.setattr(evm_contract, "artifact", lambda _: other)

    with pytest.raises(ChainError, match="is not the code of AccessManager"):
        provider.create(inputs)


@pytest.mark.chain
def test_another_address_than_the_planned_one_is_an_error(deploying_here):
    provider = EvmContractProvider()
    inputs = provider.check({}, {"artifact": "AccessManager", "arguments": [HOLDER]}).inputs

    with pytest.raises(ChainError, match=f"not at {HOLDER}"):
        provider.create(inputs | {"address": HOLDER})


@pytest.mark.chain
def test_a_chain_without_the_proxy_is_told_apart(deploying_here, monkeypatch):
    monkeypatch.setattr(evm_contract, "DEPLOYMENT_PROXY", HOLDER)
    provider = EvmContractProvider()
    inputs = provider.check({}, {"artifact": "AccessManager", "arguments": [HOLDER]}).inputs

    with pytest.raises(ChainError, match="no deployment proxy"):
        provider.create(inputs)


@pytest.mark.chain
def test_endpoints_that_disagree_are_not_believed(deploying_here, monkeypatch, tmp_path):
    other = ChainService(tmp_path / "other-chain")
    provider = EvmContractProvider()
    inputs = provider.check({}, {"artifact": "AccessManager", "arguments": [HOLDER]}).inputs
    created = provider.create(inputs)
    try:
        both = f"{deploying_here['MANDATE_DEPLOY_RPC']} {other.start()}"
        monkeypatch.setenv("MANDATE_DEPLOY_RPC", both)

        with pytest.raises(EndpointsDisagree):
            provider.read(created.id, created.outs)
    finally:
        other.stop()


@pytest.mark.chain
def test_code_that_changed_under_an_address_is_an_error_and_not_a_refresh(deploying_here):
    provider = EvmContractProvider()
    inputs = provider.check({}, {"artifact": "AccessManager", "arguments": [HOLDER]}).inputs
    created = provider.create(inputs)

    assert provider.read(created.id, created.outs).outs == created.outs
    with pytest.raises(ChainError, match="is not the code that was deployed"):
        provider.read(created.id, created.outs | {"code_hash": to_hex(keccak(b"other"))})


@pytest.mark.chain
def test_another_chain_under_the_same_url_refuses(deploying_here, monkeypatch):
    monkeypatch.setenv("MANDATE_DEPLOY_CHAIN_ID", "1")
    provider = EvmContractProvider()
    inputs = provider.check({}, {"artifact": "AccessManager", "arguments": [HOLDER]}).inputs

    with pytest.raises(ChainError, match="does not serve chain 1"):
        provider.create(inputs)


def test_a_package_that_was_exchanged_after_the_plan_refuses(monkeypatch):
    provider = EvmContractProvider()
    inputs = provider.check({}, {"artifact": "AccessManager", "arguments": [HOLDER]}).inputs
    swapped = dataclasses.replace(artifact("AccessManager"), bytecode=b"\x00")
    monkeypatch.setattr(evm_contract, "artifact", lambda _: swapped)
    monkeypatch.setattr(evm_contract.Deployer, "from_environment", lambda: None)

    with pytest.raises(UsageError, match="not the one that was planned"):
        provider.create(inputs)


@pytest.mark.parametrize(
    ("news", "said"),
    [
        ({"artifact": "Nothing"}, "no artifact"),
        ({"artifact": "AccessManager"}, "1 values are needed, not 0"),
        ({"artifact": "AccessManager", "arguments": ["x"]}, "initialAdmin is not an address"),
        ({"artifact": "AccessManager", "arguments": [HOLDER], "salt": "0x12"}, "salt is not"),
        ({"artifact": "AccessManager", "arguments": [HOLDER], "salt": "12" * 32}, "salt is not"),
    ],
)
def test_what_cannot_be_deployed_fails_in_the_preview(news, said):
    failures = EvmContractProvider().check({}, news).failures

    assert said in failures[0].reason


def test_an_unknown_argument_leaves_the_address_unknown():
    news = {"artifact": "AccessManager", "arguments": [Unknown()]}

    checked = EvmContractProvider().check({}, news)

    assert checked.failures == []
    assert isinstance(checked.inputs["address"], Unknown)
    assert "bytecode_digest" in checked.inputs
