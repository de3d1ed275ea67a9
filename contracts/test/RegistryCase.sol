// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlanHash} from "../src/libraries/PlanHash.sol";
import {
    Attestation,
    ExecutionOrder,
    MandateState,
    Observed,
    Outcome,
    OutcomeKind,
    Plan,
    Renewal,
    Tier
} from "../src/types/Mandates.sol";
import {Genesis} from "./Genesis.sol";

/// @title A sealed registry with an electorate that needs no vote
/// @dev `electorate` holds the tiers' roles without delay, so that a test of the registry is about the
/// registry. The real way, through the governor, is in `GovernanceRound.t.sol`.
abstract contract RegistryCase is Genesis {
    using PlanHash for *;

    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    address internal electorate = actor("electorate");
    address internal gate = actor("emergency gate");

    function _wireMore() internal override {
        manager.grantRole(LOW_ROLE, electorate, 0);
        manager.grantRole(MEDIUM_ROLE, electorate, 0);
        manager.grantRole(HIGH_ROLE, electorate, 0);
        manager.grantRole(CRITICAL_ROLE, electorate, 0);
        manager.grantRole(EMERGENCY_ROLE, gate, 0);
    }

    function _plan(uint256 salt) internal view returns (Plan memory) {
        return Plan({
            subject: SUBJECT,
            effectRoot: keccak256("effect root"),
            operationCount: 3,
            kinds: 3,
            cost: 0,
            program: keccak256("program"),
            toolchain: keccak256("toolchain"),
            rules: RULES,
            checks: keccak256("checks"),
            rollback: keccak256("rollback"),
            document: keccak256("document"),
            clears: 0,
            proposer: proposer,
            tier: Tier.MEDIUM,
            notBefore: uint64(START),
            expiresAt: uint64(START + 30 days),
            salt: bytes32(salt)
        });
    }

    function _order(Plan memory plan) internal view returns (ExecutionOrder memory) {
        return ExecutionOrder({
            planHash: registry.hashPlan(plan),
            runId: keccak256(abi.encode("run", plan.salt)),
            runner: runner,
            leaseUntil: uint64(block.timestamp + 1 hours),
            keyEpoch: 1,
            deadline: uint64(block.timestamp + 10 minutes)
        });
    }

    function _outcome(Plan memory plan, OutcomeKind kind) internal pure returns (Outcome memory) {
        return Outcome({
            runId: keccak256(abi.encode("run", plan.salt)),
            kind: kind,
            receiptRoot: keccak256("receipts"),
            postState: keccak256("post state"),
            keyEpoch: 1
        });
    }

    // ------------------------------------------------------------------ signing, independent of the registry

    function _domainSeparator(uint256 chainId, address verifier) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256("Mandate"), keccak256("1"), chainId, verifier));
    }

    function _signFor(uint256 key, bytes32 messageHash, uint256 chainId, address verifier)
        internal
        pure
        returns (bytes memory)
    {
        bytes32 digest =
            keccak256(abi.encodePacked(hex"1901", _domainSeparator(chainId, verifier), messageHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _sign(uint256 key, bytes32 messageHash) internal view returns (bytes memory) {
        return _signFor(key, messageHash, block.chainid, address(registry));
    }

    // ------------------------------------------------------------------ steps

    function _approve(Plan memory plan) internal returns (bytes32 planHash) {
        planHash = registry.hashPlan(plan);
        if (plan.tier == Tier.LOW) _attest(plan, ATTESTOR_KEY);
        vm.prank(plan.tier == Tier.EMERGENCY ? gate : electorate);
        if (plan.tier == Tier.LOW) registry.approveLow(planHash);
        else if (plan.tier == Tier.HIGH) registry.approveHigh(planHash);
        else if (plan.tier == Tier.CRITICAL) registry.approveCritical(planHash);
        else if (plan.tier == Tier.EMERGENCY) registry.approveEmergency(planHash);
        else registry.approveMedium(planHash);
    }

    function _begin(Plan memory plan) internal {
        ExecutionOrder memory order = _order(plan);
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
        vm.prank(runner);
        registry.begin(plan, order, signature);
    }

    function _approveAndBegin(uint256 salt) internal returns (Plan memory plan, bytes32 planHash) {
        plan = _plan(salt);
        planHash = _approve(plan);
        _begin(plan);
    }

    function _complete(Plan memory plan) internal {
        Outcome memory outcome = _outcome(plan, OutcomeKind.COMPLETED);
        registry.complete(registry.hashPlan(plan), outcome, _sign(EXECUTOR_KEY, outcome.structHash()));
    }

    /// @dev Both approvals.
    function _enrolKey(address key) internal {
        vm.prank(electorate);
        registry.enrolExecutor(key);
        vm.prank(cosigner);
        executors.admit(key);
    }

    function _attest(Plan memory plan, uint256 key) internal {
        Attestation memory said = _attestation(plan);
        attestations.attest(plan, said, _sign(key, said.structHash()));
    }

    function _attestation(Plan memory plan) internal view returns (Attestation memory) {
        return Attestation({
            planHash: registry.hashPlan(plan),
            effectRoot: plan.effectRoot,
            secrets: true,
            program: plan.program,
            attestedAt: uint64(block.timestamp)
        });
    }

    function _observe(Plan memory plan, uint256 key) internal {
        Observed memory seen = _observed(plan);
        attestations.observe(plan, seen, _sign(key, seen.structHash()));
    }

    function _observed(Plan memory plan) internal view returns (Observed memory) {
        return Observed({
            planHash: registry.hashPlan(plan),
            postState: keccak256("post state"),
            observedAt: uint64(block.timestamp)
        });
    }

    function _cosign(Plan memory plan) internal {
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(cosigner);
        registry.cosign(planHash);
    }

    /// @dev A plan of a tier, with whatever its tier wants besides the vote.
    function _ready(uint256 salt, Tier tier) internal returns (Plan memory plan, bytes32 planHash) {
        plan = _plan(salt);
        plan.tier = tier;
        planHash = _approve(plan);
        if (tier != Tier.HIGH && tier != Tier.CRITICAL) return (plan, planHash);
        _attest(plan, ATTESTOR_KEY);
        _cosign(plan);
    }

    /// @dev `begin` with everything right but what the test spoils; expects the error.
    function _refuseBegin(Plan memory plan, ExecutionOrder memory order, uint256 key, bytes4 because)
        internal
    {
        bytes memory signature = _sign(key, order.structHash());
        vm.prank(runner);
        vm.expectPartialRevert(because);
        registry.begin(plan, order, signature);
    }

    function _assertState(bytes32 planHash, MandateState expected) internal view {
        assertEq(uint256(registry.mandate(planHash).state), uint256(expected), "state");
    }
}
