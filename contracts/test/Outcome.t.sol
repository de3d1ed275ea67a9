// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {PlanHash} from "../src/libraries/PlanHash.sol";
import {MandateState, Outcome, OutcomeKind, Plan, Renewal} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

contract OutcomeTest is RegistryCase {
    using PlanHash for *;

    function test_complete_leavesTheRunUnconfirmed() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        Outcome memory outcome = _outcome(plan, OutcomeKind.COMPLETED);
        bytes memory signature = _sign(EXECUTOR_KEY, outcome.structHash());

        vm.expectEmit(address(registry));
        emit IPlanRegistry.Completed(
            planHash, outcome.runId, outcome.receiptRoot, outcome.postState, vm.addr(EXECUTOR_KEY)
        );
        vm.prank(stranger); // anybody may carry the statement
        registry.complete(planHash, outcome, signature);

        _assertState(planHash, MandateState.UNCONFIRMED);
        assertEq(registry.running(SUBJECT), bytes32(0), "the subject is free");
    }

    function test_fail_freesTheSubject() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        Outcome memory outcome = _outcome(plan, OutcomeKind.FAILED);
        bytes memory signature = _sign(EXECUTOR_KEY, outcome.structHash());

        vm.expectEmit(address(registry));
        emit IPlanRegistry.RunFailed(
            planHash, outcome.runId, outcome.receiptRoot, outcome.postState, vm.addr(EXECUTOR_KEY)
        );
        registry.fail(planHash, outcome, signature);

        _assertState(planHash, MandateState.FAILED);
        _approveAndBegin(2);
    }

    function test_fact_isAcceptedAfterExpiry() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        vm.warp(START + 60 days);
        _complete(plan);
        _assertState(planHash, MandateState.UNCONFIRMED);
    }

    function test_fact_isAcceptedAfterRevocationOfThePlan() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        vm.prank(guardian);
        registry.revoke(planHash);
        _assertState(planHash, MandateState.STOPPING);
        assertEq(registry.running(SUBJECT), planHash, "stopping is still running");
        _complete(plan);
        _assertState(planHash, MandateState.UNCONFIRMED);
    }

    function test_fact_isTakenFromAnotherKeyOnceTheRunsKeyIsRevoked() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _enrolKey(vm.addr(SPARE_KEY));
        Outcome memory outcome = _outcome(plan, OutcomeKind.FAILED);
        bytes memory spare = _sign(SPARE_KEY, outcome.structHash());
        bytes memory own = _sign(EXECUTOR_KEY, outcome.structHash());

        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotRunExecutor.selector);
        registry.fail(planHash, outcome, spare);

        vm.prank(guardian);
        executors.revoke(vm.addr(EXECUTOR_KEY));
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryExecutorNotActive.selector);
        registry.fail(planHash, outcome, own);
        registry.fail(planHash, outcome, spare);
        _assertState(planHash, MandateState.FAILED);
    }

    function test_RevertIf_statedTwice() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _complete(plan);
        Outcome memory outcome = _outcome(plan, OutcomeKind.FAILED);
        bytes memory signature = _sign(EXECUTOR_KEY, outcome.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.fail(planHash, outcome, signature);
    }

    function test_RevertIf_outcomeSaysTheOther() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        Outcome memory failed = _outcome(plan, OutcomeKind.FAILED);
        bytes memory signature = _sign(EXECUTOR_KEY, failed.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryWrongOutcome.selector);
        registry.complete(planHash, failed, signature);
        Outcome memory completed = _outcome(plan, OutcomeKind.COMPLETED);
        signature = _sign(EXECUTOR_KEY, completed.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryWrongOutcome.selector);
        registry.fail(planHash, completed, signature);
    }

    function test_RevertIf_outcomeIsOfAnotherRun() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        Outcome memory outcome = _outcome(plan, OutcomeKind.COMPLETED);
        outcome.runId = keccak256("another run");
        bytes memory signature = _sign(EXECUTOR_KEY, outcome.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryWrongRun.selector);
        registry.complete(planHash, outcome, signature);
    }

    function test_RevertIf_strangerStates() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        Outcome memory outcome = _outcome(plan, OutcomeKind.COMPLETED);
        bytes memory signature = _sign(0xbad, outcome.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryExecutorNotActive.selector);
        registry.complete(planHash, outcome, signature);
    }

    // ------------------------------------------------------------------ renew

    function _renewal(Plan memory plan, uint64 leaseUntil) private view returns (Renewal memory) {
        return Renewal({
            runId: keccak256(abi.encode("run", plan.salt)),
            leaseUntil: leaseUntil,
            keyEpoch: 1,
            deadline: uint64(block.timestamp + 10 minutes)
        });
    }

    function _refuseRenew(bytes32 planHash, Renewal memory renewal, uint256 key, bytes4 because) private {
        bytes memory signature = _sign(key, renewal.structHash());
        vm.expectPartialRevert(because);
        registry.renew(planHash, renewal, signature);
    }

    function test_renew_isBounded() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        for (uint256 i = 1; i <= MAX_RENEWALS; ++i) {
            vm.warp(START + i * 30 minutes);
            uint64 until = uint64(block.timestamp + 1 hours);
            Renewal memory renewal = _renewal(plan, until);
            bytes memory signature = _sign(EXECUTOR_KEY, renewal.structHash());
            vm.expectEmit(address(registry));
            emit IPlanRegistry.Renewed(planHash, renewal.runId, until, uint8(i));
            registry.renew(planHash, renewal, signature);
            assertEq(registry.mandate(planHash).leaseUntil, until, "lease");
        }
        Renewal memory last = _renewal(plan, uint64(block.timestamp + 2 hours));
        _refuseRenew(planHash, last, EXECUTOR_KEY, IPlanRegistry.PlanRegistryTooManyRenewals.selector);
    }

    function test_RevertIf_renewalIsWrong() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        uint64 now_ = uint64(block.timestamp);
        _refuseRenew(
            planHash,
            _renewal(plan, now_ + 1 hours),
            EXECUTOR_KEY,
            IPlanRegistry.PlanRegistryInvalidLease.selector
        );
        _refuseRenew(
            planHash,
            _renewal(plan, now_ + MAX_LEASE + 1),
            EXECUTOR_KEY,
            IPlanRegistry.PlanRegistryInvalidLease.selector
        );
        Renewal memory renewal = _renewal(plan, now_ + 2 hours);
        renewal.runId = keccak256("another run");
        _refuseRenew(planHash, renewal, EXECUTOR_KEY, IPlanRegistry.PlanRegistryWrongRun.selector);
        renewal = _renewal(plan, now_ + 2 hours);
        renewal.deadline = now_ - 1;
        _refuseRenew(planHash, renewal, EXECUTOR_KEY, IPlanRegistry.PlanRegistryOrderExpired.selector);
        renewal = _renewal(plan, now_ + 2 hours);
        _refuseRenew(planHash, renewal, 0xbad, IPlanRegistry.PlanRegistryExecutorNotActive.selector);
        _enrolKey(vm.addr(SPARE_KEY));
        _refuseRenew(planHash, renewal, SPARE_KEY, IPlanRegistry.PlanRegistryNotRunExecutor.selector);
    }

    function test_RevertIf_renewedAfterRevocationExpiryOrLease() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        vm.warp(START + 1 hours + 1);
        _refuseRenew(
            planHash,
            _renewal(plan, uint64(block.timestamp + 1 hours)),
            EXECUTOR_KEY,
            IPlanRegistry.PlanRegistryOrderExpired.selector
        );
        vm.warp(START + 10 minutes);
        vm.prank(guardian);
        registry.revoke(planHash);
        _refuseRenew(
            planHash,
            _renewal(plan, uint64(block.timestamp + 2 hours)),
            EXECUTOR_KEY,
            IPlanRegistry.PlanRegistryUnexpectedState.selector
        );
        _complete(plan);

        Plan memory second = _plan(2);
        second.expiresAt = uint64(block.timestamp + 5 minutes);
        planHash = _approve(second);
        _begin(second);
        vm.warp(second.expiresAt);
        _refuseRenew(
            planHash,
            _renewal(second, uint64(block.timestamp + 2 hours)),
            EXECUTOR_KEY,
            IPlanRegistry.PlanRegistryOutsideWindow.selector
        );
    }

    // ------------------------------------------------------------------ abandon

    function test_abandon_freesTheSubjectForAnybody() public {
        (, bytes32 planHash) = _approveAndBegin(1);
        uint256 until = START + 1 hours + GRACE;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IPlanRegistry.PlanRegistryLeaseRunning.selector, until));
        registry.abandon(planHash, SUBJECT);

        vm.warp(until + 1);
        vm.expectEmit(address(registry));
        emit IPlanRegistry.RunAbandoned(planHash, registry.mandate(planHash).runId, stranger);
        vm.prank(stranger);
        registry.abandon(planHash, SUBJECT);

        _assertState(planHash, MandateState.ABANDONED);
        _approveAndBegin(2);
    }

    function test_abandon_evenWhileStopping() public {
        (, bytes32 planHash) = _approveAndBegin(1);
        vm.prank(guardian);
        registry.revoke(planHash);
        vm.warp(START + 1 hours + GRACE + 1);
        registry.abandon(planHash, SUBJECT);
        assertEq(registry.running(SUBJECT), bytes32(0), "free");
    }

    function test_RevertIf_abandonedWithoutARun() public {
        bytes32 planHash = _approve(_plan(1));
        vm.warp(START + 365 days);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.abandon(planHash, SUBJECT);
    }
}
