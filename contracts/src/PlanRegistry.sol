// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {RegistryGenesis} from "./RegistryGenesis.sol";
import {SubjectGuards} from "./SubjectGuards.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {EffectTree} from "./libraries/EffectTree.sol";
import {PlanHash} from "./libraries/PlanHash.sol";
import {
    Duty,
    ExecutionOrder,
    Leaf,
    MandateState,
    OutcomeKind,
    Outcome,
    Plan,
    Renewal,
    SubjectConfig,
    Tier,
    TierTerms
} from "./types/Mandates.sol";

/// @title PlanRegistry
contract PlanRegistry is SubjectGuards, EIP712 {
    using PlanHash for *;

    uint256 private constant BATCH = 20;

    constructor(RegistryConfig memory config) RegistryGenesis(config) EIP712("Mandate", "1") {}

    // ------------------------------------------------------------------ the electorate

    /// @inheritdoc IPlanRegistry
    function approveLow(bytes32 planHash) external restricted {
        TierTerms memory allowed = terms(Tier.LOW);
        _checkAttested(planHash, allowed);
        _approve(planHash, Tier.LOW);
    }

    /// @inheritdoc IPlanRegistry
    function approveLowBatch(bytes32[] calldata planHashes) external restricted {
        uint256 length = planHashes.length;
        if (length == 0 || length > BATCH) revert PlanRegistryInvalidBatch(length);
        TierTerms memory allowed = terms(Tier.LOW);
        for (uint256 i = 0; i < length; ++i) {
            // One that was burned while the others waited must not burn them too.
            bytes32 planHash = planHashes[i];
            Record storage record = _mandates[planHash];
            uint8 attestations = subjects.attestations(planHash);
            if (record.state == MandateState.NONE && attestations >= allowed.attestations) {
                _approve(planHash, Tier.LOW);
            } else {
                emit Skipped(planHash, record.state, attestations);
            }
        }
    }

    /// @inheritdoc IPlanRegistry
    function approveMedium(bytes32 planHash) external restricted {
        _approve(planHash, Tier.MEDIUM);
    }

    /// @inheritdoc IPlanRegistry
    function approveHigh(bytes32 planHash) external restricted {
        _approve(planHash, Tier.HIGH);
    }

    /// @inheritdoc IPlanRegistry
    function approveCritical(bytes32 planHash) external restricted {
        _approve(planHash, Tier.CRITICAL);
    }

    /// @inheritdoc IPlanRegistry
    function approveEmergency(bytes32 planHash) external restricted {
        _approve(planHash, Tier.EMERGENCY);
    }

    /// @inheritdoc IPlanRegistry
    function configureSubject(bytes32, SubjectConfig calldata) external restricted {
        Address.functionCall(address(subjects), msg.data); // the same function there
    }

    /// @inheritdoc IPlanRegistry
    function enrolExecutor(address executor) external restricted {
        executors.enrol(executor, !isSealed);
    }

    /// @inheritdoc IPlanRegistry
    function rotateExecutor(address former, address executor) external restricted {
        executors.rotate(former, executor);
    }

    /// @inheritdoc IPlanRegistry
    function ratify(bytes32 obligation) external restricted {
        obligations.clear(obligation, obligation);
    }

    // ------------------------------------------------------------------ who else must say yes

    /// @inheritdoc IPlanRegistry
    function cosign(bytes32 planHash) external restricted {
        _requireState(planHash, _bit(MandateState.NONE) | _bit(MandateState.APPROVED));

        _mandates[planHash].cosigned = true;
        _mandates[planHash].cosigner = msg.sender;

        emit Cosigned(planHash, msg.sender);
    }

    /// @inheritdoc IPlanRegistry
    function cosignFinance(Plan calldata plan) external {
        if (msg.sender != subjects.financeCosigner(plan.subject) || msg.sender == plan.proposer) {
            revert PlanRegistryNotFinance(plan.subject, msg.sender);
        }
        bytes32 planHash = hashPlan(plan);
        _requireState(planHash, _bit(MandateState.NONE) | _bit(MandateState.APPROVED));

        _mandates[planHash].financed = true;

        emit Financed(planHash, msg.sender);
    }

    /// @inheritdoc IPlanRegistry
    function recordAttestation(bytes32 planHash, bytes32 subject, address attestor) external restricted {
        _requireState(planHash, _bit(MandateState.NONE) | _bit(MandateState.APPROVED));

        subjects.recordAttestation(planHash, subject, attestor);

        emit AttestationRecorded(planHash, subjects.attestations(planHash));
    }

    // ------------------------------------------------------------------ saying no

    /// @inheritdoc IPlanRegistry
    function revoke(bytes32 planHash) external restricted {
        MandateState state = _requireState(
            planHash, _bit(MandateState.NONE) | _bit(MandateState.APPROVED) | _bit(MandateState.RUNNING)
        );
        _stop(planHash, state, false);
    }

    /// @inheritdoc IPlanRegistry
    function revokeHard(bytes32 planHash) external restricted {
        MandateState state = _requireState(
            planHash,
            _bit(MandateState.NONE) | _bit(MandateState.APPROVED) | _bit(MandateState.RUNNING)
                | _bit(MandateState.STOPPING)
        );
        _stop(planHash, state, true);
    }

    /// @inheritdoc IPlanRegistry
    function withdraw(Plan calldata plan) external {
        bytes32 planHash = _ownPlan(plan);
        _burn(planHash, MandateState.WITHDRAWN);

        emit Withdrawn(planHash, msg.sender);
    }

    /// @inheritdoc IPlanRegistry
    function supersede(Plan calldata plan, bytes32 successor) external {
        bytes32 planHash = _ownPlan(plan);
        _burn(planHash, MandateState.SUPERSEDED);
        _requireState(successor, _bit(MandateState.APPROVED));

        emit Superseded(planHash, successor);
    }

    /// @inheritdoc IPlanRegistry
    function reserve(Plan calldata plan, address scheduler) external {
        _reserve(hashPlan(plan), plan, scheduler);
    }

    // ------------------------------------------------------------------ runs

    /// @inheritdoc IPlanRegistry
    function begin(Plan calldata plan, ExecutionOrder calldata order, bytes calldata signature) external {
        bytes32 planHash = hashPlan(plan);
        _checkPlan(planHash, plan);
        _checkFinance(planHash, plan, _checkSubject(plan, order.runner));
        _checkIdle(plan.subject);
        _checkGuards(plan);
        address executor = _checkOrder(planHash, plan, order, signature);

        Record storage record = _mandates[planHash];
        record.state = MandateState.RUNNING;
        record.expiresAt = uint40(Math.min(record.expiresAt, plan.expiresAt)); // a minimum with a uint40 fits
        record.begunAt = uint40(block.timestamp);
        _enter(record, order, executor);
        _lastRun[plan.subject] = planHash;
        if (plan.tier == Tier.LOW) _spend(plan);

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
    function takeOver(
        Plan calldata plan,
        ExecutionOrder calldata order,
        bytes calldata signature,
        bytes32 previousRunId
    ) external {
        bytes32 planHash = hashPlan(plan);
        _requireState(planHash, _bit(MandateState.RUNNING));
        _checkSubject(plan, order.runner);
        Record storage record = _mandates[planHash];
        _checkAlive(record);
        _checkLeft(record);
        if (previousRunId != record.runId || order.runId == previousRunId) {
            revert PlanRegistryWrongRun(previousRunId, record.runId);
        }
        address executor = _checkOrder(planHash, plan, order, signature);
        if (executor == _executorOf(record)) revert PlanRegistryExecutorConflict(executor);

        _enter(record, order, executor);

        emit TakenOver(
            planHash, order.runId, previousRunId, executor, order.runner, order.leaseUntil, order.keyEpoch
        );
    }

    /// @inheritdoc IPlanRegistry
    function renew(bytes32 planHash, Renewal calldata renewal, bytes calldata signature) external {
        _requireState(planHash, _bit(MandateState.RUNNING));
        Record storage record = _mandates[planHash];
        if (renewal.runId != record.runId) revert PlanRegistryWrongRun(renewal.runId, record.runId);
        _checkAlive(record);
        if (block.timestamp > record.leaseUntil) {
            revert PlanRegistryOrderExpired(record.leaseUntil, block.timestamp);
        }
        if (record.renewals >= maxRenewals) revert PlanRegistryTooManyRenewals(record.renewals);
        _checkTimes(renewal.leaseUntil, record.leaseUntil, renewal.deadline, record.tier);
        address signer = _signer(renewal.structHash(), signature, renewal.keyEpoch);
        if (record.holder != _holder(signer, renewal.keyEpoch)) {
            revert PlanRegistryNotRunExecutor(signer, _executorOf(record));
        }

        record.leaseUntil = uint40(renewal.leaseUntil); // checked: at most now and a uint32
        record.renewals += 1;

        emit Renewed(planHash, renewal.runId, renewal.leaseUntil, record.renewals);
    }

    /// @inheritdoc IPlanRegistry
    function complete(bytes32 planHash, Outcome calldata outcome, bytes calldata signature) external {
        address signer = _checkOutcome(planHash, outcome, OutcomeKind.COMPLETED, signature);

        _close(planHash, MandateState.UNCONFIRMED);
        _mandates[planHash].holder = outcome.postState;

        emit Completed(planHash, outcome.runId, outcome.receiptRoot, outcome.postState, signer);
    }

    /// @inheritdoc IPlanRegistry
    function fail(bytes32 planHash, Outcome calldata outcome, bytes calldata signature) external {
        address signer = _checkOutcome(planHash, outcome, OutcomeKind.FAILED, signature);

        _close(planHash, MandateState.FAILED);

        emit RunFailed(planHash, outcome.runId, outcome.receiptRoot, outcome.postState, signer);
    }

    /// @inheritdoc IPlanRegistry
    function abandon(bytes32 planHash, bytes32 subject) external {
        _requireState(planHash, _bit(MandateState.RUNNING) | _bit(MandateState.STOPPING));
        if (_lastRun[subject] != planHash) revert PlanRegistryWrongSubject(subject, planHash);
        Record storage record = _mandates[planHash];
        _checkLeft(record);

        _close(planHash, MandateState.ABANDONED);

        emit RunAbandoned(planHash, record.runId, msg.sender);
        _owe(subject, Duty.ABANDONED, planHash);
    }

    /// @inheritdoc IPlanRegistry
    function confirm(Plan calldata plan, bytes32 postState, address observer) external restricted {
        bytes32 planHash = hashPlan(plan);
        _requireState(planHash, _bit(MandateState.UNCONFIRMED));
        Record storage record = _mandates[planHash];
        (, uint64 epoch) = executors.executor(observer);
        if (epoch != 0) revert PlanRegistryExecutorConflict(observer); // no executor's key, now or ever
        if (postState != record.holder) revert PlanRegistryOtherState(postState, record.holder);

        record.state = MandateState.CONFIRMED;

        emit Confirmed(planHash, record.runId, postState, observer);
        bytes32 owed = obligations.openOf(plan.subject, Duty.UNCONFIRMED);
        if (owed != 0 && obligations.obligation(owed).cause == planHash) obligations.clear(owed, planHash);
        if (plan.clears != 0 && obligations.isOpen(plan.clears)) obligations.clear(plan.clears, planHash);
    }

    /// @inheritdoc IPlanRegistry
    function reportUnconfirmed(Plan calldata plan) external {
        bytes32 planHash = hashPlan(plan);
        _requireState(planHash, _bit(MandateState.UNCONFIRMED));
        uint256 until = uint256(_mandates[planHash].closedAt) + confirmWithin;
        if (block.timestamp <= until) revert PlanRegistryStillObservable(until);

        _owe(plan.subject, Duty.UNCONFIRMED, planHash);
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
        Record storage record = _mandates[planHash];
        Tier tier = record.tier;
        if (plan.tier != tier) revert PlanRegistryWrongTier(plan.tier, tier);
        if (block.timestamp < plan.notBefore || block.timestamp >= plan.expiresAt) {
            revert PlanRegistryOutsideWindow(plan.notBefore, plan.expiresAt, block.timestamp);
        }
        if (plan.operationCount == 0 || plan.kinds == 0 || plan.effectRoot == 0) {
            revert PlanRegistryEmptyPlan(planHash);
        }
        TierTerms memory allowed = terms(tier);
        if (plan.kinds & ~allowed.kinds != 0) revert PlanRegistryForbiddenKinds(plan.kinds, allowed.kinds);
        _checkAttested(planHash, allowed);
        if (allowed.cosign && (record.cosigner == address(0) || record.cosigner == plan.proposer)) {
            revert PlanRegistryNotCosigned(planHash, record.cosigner);
        }
    }

    /// @dev The plan was judged under the subject's rules, and the right people stand behind it.
    function _checkSubject(Plan calldata plan, address runner) private view returns (uint64 cap) {
        bytes32 rules;
        bool proposes;
        bool runs;
        (rules, proposes, runs, cap) = subjects.parts(plan.subject, plan.proposer, runner);
        if (rules == 0) revert PlanRegistryUnknownSubject(plan.subject);
        if (plan.rules != rules) revert PlanRegistryWrongRules(plan.rules, rules);
        if (!proposes) revert PlanRegistryNotProposer(plan.subject, plan.proposer);
        if (runner != msg.sender) revert PlanRegistryWrongRunner(runner, msg.sender);
        if (!runs) revert PlanRegistryNotRunner(plan.subject, runner);
    }

    /// @dev What adds more to the bill than the cap needs the finance cosigner; an unknown cost is the largest.
    function _checkFinance(bytes32 planHash, Plan calldata plan, uint64 cap) private view {
        if (plan.cost > cap && !_mandates[planHash].financed) revert PlanRegistryNotFinanced(plan.cost, cap);
    }

    function _checkIdle(bytes32 subject) private view {
        bytes32 busy = running(subject);
        if (busy != 0) revert PlanRegistrySubjectBusy(subject, busy);
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
        Record storage record = _mandates[planHash];
        if (record.cosigned && (record.cosigner == executor || record.cosigner == order.runner)) {
            revert PlanRegistryExecutorConflict(record.cosigner);
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
        Record storage record = _mandates[planHash];
        if (outcome.runId != record.runId) revert PlanRegistryWrongRun(outcome.runId, record.runId);
        signer = _signer(outcome.structHash(), signature, outcome.keyEpoch);
        address executor = _executorOf(record);
        if (signer != executor) {
            (bool active,) = executors.executor(executor);
            if (active) revert PlanRegistryNotRunExecutor(signer, executor);
        }
    }

    function _checkAttested(bytes32 planHash, TierTerms memory allowed) private view {
        if (allowed.attestations == 0) return;
        uint8 attestations = subjects.attestations(planHash);
        if (attestations < allowed.attestations) {
            revert PlanRegistryNotAttested(planHash, attestations, allowed.attestations);
        }
    }

    /// @dev A run goes forward only while its mandate's time is not over.
    function _checkAlive(Record storage record) private view {
        if (block.timestamp >= record.expiresAt) {
            revert PlanRegistryOutsideWindow(record.begunAt, record.expiresAt, block.timestamp);
        }
    }

    /// @dev Whoever held the lease has left.
    function _checkLeft(Record storage record) private view {
        uint256 until = uint256(record.leaseUntil) + grace;
        if (block.timestamp <= until) revert PlanRegistryLeaseRunning(until);
    }

    /// @dev The hash of the sender's own plan.
    function _ownPlan(Plan calldata plan) private view returns (bytes32) {
        if (msg.sender != plan.proposer) revert PlanRegistryNotProposer(plan.subject, msg.sender);
        return hashPlan(plan);
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

    // ------------------------------------------------------------------ what several transitions do

    function _enter(Record storage record, ExecutionOrder calldata order, address executor) private {
        record.leaseUntil = uint40(order.leaseUntil); // checked: at most now and a uint32
        record.holder = _holder(executor, order.keyEpoch);
        record.runId = order.runId;
    }

    function _close(bytes32 planHash, MandateState into) private {
        _mandates[planHash].state = into;
        _mandates[planHash].closedAt = uint40(block.timestamp);
    }

    function _stop(bytes32 planHash, MandateState state, bool hard) private {
        bool hasBegun = state == MandateState.RUNNING || state == MandateState.STOPPING;
        state = hasBegun ? MandateState.STOPPING : MandateState.REVOKED;
        _mandates[planHash].state = state;
        _mandates[planHash].hard = hard;

        emit Revoked(planHash, state, hard);
    }

    /// @dev Of a run without a vote the cure needs one: no emergency plan clears what another left.
    function _owe(bytes32 subject, Duty duty, bytes32 planHash) private {
        Tier tier = _mandates[planHash].tier;
        if (tier == Tier.EMERGENCY) tier = Tier.HIGH;
        obligations.open(subject, duty, tier, uint48(block.timestamp + clearWithin), planHash);
    }
}
