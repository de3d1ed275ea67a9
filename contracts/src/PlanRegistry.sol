// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {MandateRecords} from "./MandateRecords.sol";
import {RegistryGenesis} from "./RegistryGenesis.sol";
import {SubjectConfigs} from "./SubjectConfigs.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {EffectTree} from "./libraries/EffectTree.sol";
import {PlanHash} from "./libraries/PlanHash.sol";
import {
    ExecutionOrder,
    Leaf,
    Mandate,
    MandateState,
    OutcomeKind,
    Outcome,
    Plan,
    Renewal,
    Tier
} from "./types/Mandates.sol";

/// @title PlanRegistry
contract PlanRegistry is MandateRecords, SubjectConfigs, EIP712 {
    using PlanHash for *;

    constructor(RegistryConfig memory config) RegistryGenesis(config) EIP712("Mandate", "1") {}

    // ------------------------------------------------------------------ the electorate

    /// @inheritdoc IPlanRegistry
    function approveMedium(bytes32 planHash) external restricted {
        _approve(planHash, Tier.MEDIUM);
    }

    /// @inheritdoc IPlanRegistry
    function approveHigh(bytes32 planHash) external restricted {
        _approve(planHash, Tier.HIGH);
    }

    /// @inheritdoc IPlanRegistry
    function enrolExecutor(address executor) external restricted {
        executors.enrol(executor);
    }

    // ------------------------------------------------------------------ saying no

    /// @inheritdoc IPlanRegistry
    function revoke(bytes32 planHash) external restricted {
        Mandate storage record = _mandates[planHash];
        MandateState state = _requireState(
            planHash, _bit(MandateState.NONE) | _bit(MandateState.APPROVED) | _bit(MandateState.RUNNING)
        );

        state = state == MandateState.RUNNING ? MandateState.STOPPING : MandateState.REVOKED;
        record.state = state;

        emit Revoked(planHash, state);
    }

    /// @inheritdoc IPlanRegistry
    function withdraw(Plan calldata plan) external {
        if (msg.sender != plan.proposer) revert PlanRegistryNotProposer(plan.subject, msg.sender);
        bytes32 planHash = hashPlan(plan);
        _requireState(planHash, _bit(MandateState.NONE) | _bit(MandateState.APPROVED));

        _mandates[planHash].state = MandateState.WITHDRAWN;

        emit Withdrawn(planHash, msg.sender);
    }

    // ------------------------------------------------------------------ runs

    /// @inheritdoc IPlanRegistry
    function begin(Plan calldata plan, ExecutionOrder calldata order, bytes calldata signature) external {
        bytes32 planHash = hashPlan(plan);
        _checkPlan(planHash, plan);
        _checkSubject(plan, order.runner);
        bytes32 busy = running(plan.subject);
        if (busy != 0) revert PlanRegistrySubjectBusy(plan.subject, busy);
        address executor = _checkOrder(planHash, plan, order, signature);

        Mandate storage record = _mandates[planHash];
        record.state = MandateState.RUNNING;
        record.expiresAt = uint48(Math.min(record.expiresAt, plan.expiresAt)); // a minimum with a uint48 fits
        record.begunAt = uint48(block.timestamp);
        record.leaseUntil = uint48(order.leaseUntil); // checked: at most now and a uint32
        record.executor = executor;
        record.keyEpoch = order.keyEpoch;
        record.runner = order.runner;
        record.runId = order.runId;
        _lastRun[plan.subject] = planHash;

        emit Begun(
            planHash,
            order.runId,
            plan.subject,
            executor,
            order.runner,
            order.leaseUntil,
            plan.effectRoot,
            plan.document,
            order.keyEpoch
        );
    }

    /// @inheritdoc IPlanRegistry
    function renew(bytes32 planHash, Renewal calldata renewal, bytes calldata signature) external {
        _requireState(planHash, _bit(MandateState.RUNNING));
        Mandate storage record = _mandates[planHash];
        if (renewal.runId != record.runId) revert PlanRegistryWrongRun(renewal.runId, record.runId);
        if (block.timestamp >= record.expiresAt) {
            revert PlanRegistryOutsideWindow(record.begunAt, record.expiresAt, block.timestamp);
        }
        if (block.timestamp > record.leaseUntil) {
            revert PlanRegistryOrderExpired(record.leaseUntil, block.timestamp);
        }
        if (record.renewals >= maxRenewals) revert PlanRegistryTooManyRenewals(record.renewals);
        _checkTimes(renewal.leaseUntil, record.leaseUntil, renewal.deadline, record.tier);
        address signer = _signer(renewal.structHash(), signature, renewal.keyEpoch);
        if (signer != record.executor || renewal.keyEpoch != record.keyEpoch) {
            revert PlanRegistryNotRunExecutor(signer, record.executor);
        }

        record.leaseUntil = uint48(renewal.leaseUntil); // checked: at most now and a uint32
        record.renewals += 1;

        emit Renewed(planHash, renewal.runId, renewal.leaseUntil, record.renewals);
    }

    /// @inheritdoc IPlanRegistry
    function complete(bytes32 planHash, Outcome calldata outcome, bytes calldata signature) external {
        address signer = _checkOutcome(planHash, outcome, OutcomeKind.COMPLETED, signature);

        _mandates[planHash].state = MandateState.UNCONFIRMED;

        emit Completed(planHash, outcome.runId, outcome.receiptRoot, outcome.postState, signer);
    }

    /// @inheritdoc IPlanRegistry
    function fail(bytes32 planHash, Outcome calldata outcome, bytes calldata signature) external {
        address signer = _checkOutcome(planHash, outcome, OutcomeKind.FAILED, signature);

        _mandates[planHash].state = MandateState.FAILED;

        emit RunFailed(planHash, outcome.runId, outcome.receiptRoot, outcome.postState, signer);
    }

    /// @inheritdoc IPlanRegistry
    function abandon(bytes32 planHash) external {
        _requireState(planHash, _bit(MandateState.RUNNING) | _bit(MandateState.STOPPING));
        Mandate storage record = _mandates[planHash];
        uint256 until = uint256(record.leaseUntil) + grace;
        if (block.timestamp <= until) revert PlanRegistryLeaseRunning(until);

        record.state = MandateState.ABANDONED;

        emit RunAbandoned(planHash, record.runId, msg.sender);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IPlanRegistry
    function hashPlan(Plan calldata plan) public view returns (bytes32) {
        return _hashTypedDataV4(plan.structHash());
    }

    /// @inheritdoc IPlanRegistry
    function includes(bytes32 effectRoot, Leaf calldata leaf, bytes32[] calldata proof)
        external
        pure
        returns (bool)
    {
        return EffectTree.includes(effectRoot, leaf, proof);
    }

    // ------------------------------------------------------------------ checks

    /// @dev What was approved is what is presented, and it is its time.
    function _checkPlan(bytes32 planHash, Plan calldata plan) private view {
        _requireState(planHash, _bit(MandateState.APPROVED));
        Tier tier = _mandates[planHash].tier;
        if (plan.tier != tier) revert PlanRegistryWrongTier(plan.tier, tier);
        if (block.timestamp < plan.notBefore || block.timestamp >= plan.expiresAt) {
            revert PlanRegistryOutsideWindow(plan.notBefore, plan.expiresAt, block.timestamp);
        }
        if (plan.operationCount == 0 || plan.kinds == 0 || plan.effectRoot == 0) {
            revert PlanRegistryEmptyPlan(planHash);
        }
        uint32 allowed = terms(tier).kinds;
        if (plan.kinds & ~allowed != 0) revert PlanRegistryForbiddenKinds(plan.kinds, allowed);
    }

    /// @dev The order spends this plan, in time, by a key that stands and is nobody else's.
    function _checkOrder(
        bytes32 planHash,
        Plan calldata plan,
        ExecutionOrder calldata order,
        bytes calldata signature
    ) private view returns (address executor) {
        if (order.planHash != planHash) {
            revert PlanRegistryWrongPlan(order.planHash, planHash);
        }
        if (order.runId == 0) revert PlanRegistryWrongRun(order.runId, order.runId);
        _checkTimes(order.leaseUntil, block.timestamp, order.deadline, plan.tier);
        executor = _signer(order.structHash(), signature, order.keyEpoch);
        if (executor == plan.proposer || executor == order.runner) {
            revert PlanRegistryExecutorConflict(executor);
        }
    }

    /// @dev A fact is taken from the run's executor; from any active one once the run's key is gone.
    function _checkOutcome(
        bytes32 planHash,
        Outcome calldata outcome,
        OutcomeKind expected,
        bytes calldata signature
    ) private view returns (address signer) {
        _requireState(planHash, _bit(MandateState.RUNNING) | _bit(MandateState.STOPPING));
        if (outcome.kind != expected) revert PlanRegistryWrongOutcome(outcome.kind);
        Mandate storage record = _mandates[planHash];
        if (outcome.runId != record.runId) revert PlanRegistryWrongRun(outcome.runId, record.runId);
        signer = _signer(outcome.structHash(), signature, outcome.keyEpoch);
        if (signer != record.executor) {
            (bool active,) = executors.executor(record.executor);
            if (active) revert PlanRegistryNotRunExecutor(signer, record.executor);
        }
    }

    function _checkTimes(uint64 leaseUntil, uint256 earliest, uint64 deadline, Tier tier) private view {
        uint256 latest = block.timestamp + terms(tier).maxLease;
        if (leaseUntil <= earliest || leaseUntil > latest) {
            revert PlanRegistryInvalidLease(leaseUntil, earliest, latest);
        }
        if (block.timestamp > deadline) revert PlanRegistryOrderExpired(deadline, block.timestamp);
    }

    /// @dev The enrolled key that signed; low s and 65 bytes are OpenZeppelin's check.
    function _signer(bytes32 messageHash, bytes calldata signature, uint64 keyEpoch)
        private
        view
        returns (address signer)
    {
        signer = ECDSA.recoverCalldata(_hashTypedDataV4(messageHash), signature);
        (bool active, uint64 epoch) = executors.executor(signer);
        if (!active || epoch != keyEpoch) revert PlanRegistryExecutorNotActive(signer, keyEpoch);
    }
}
