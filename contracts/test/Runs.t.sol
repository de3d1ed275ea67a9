// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IExecutorRegistry} from "../src/interfaces/IExecutorRegistry.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {PlanHash} from "../src/libraries/PlanHash.sol";
import {
    ExecutionOrder,
    Mandate,
    MandateState,
    Outcome,
    OutcomeKind,
    Plan,
    Tier
} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

/// @dev Runs that change hands or stop, subjects that wait, and keys that two approve.
contract RunsTest is RegistryCase {
    using PlanHash for *;

    // ------------------------------------------------------------------ taking over

    function test_takeOver_goesOnUnderAnotherRunId() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _enrolKey(vm.addr(SPARE_KEY));
        bytes32 former = _order(plan).runId;
        vm.warp(START + 1 hours + GRACE + 1);
        ExecutionOrder memory order = _next(plan);

        vm.expectEmit(address(registry));
        emit IPlanRegistry.TakenOver(
            planHash, order.runId, former, vm.addr(SPARE_KEY), runner, order.leaseUntil, 1
        );
        _takeOver(plan, order, SPARE_KEY, former);

        Mandate memory found = registry.mandate(planHash);
        assertEq(found.runId, order.runId, "the new run");
        assertEq(found.executor, vm.addr(SPARE_KEY), "the new executor");
        assertEq(registry.running(SUBJECT), planHash, "still one run");
        Outcome memory outcome = _outcome(plan, OutcomeKind.COMPLETED);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryWrongRun.selector);
        registry.complete(planHash, outcome, _sign(EXECUTOR_KEY, outcome.structHash()));
        outcome.runId = order.runId;
        registry.complete(planHash, outcome, _sign(SPARE_KEY, outcome.structHash()));
        _assertState(planHash, MandateState.UNCONFIRMED);
    }

    function test_RevertIf_takenOverTooEarlyOrByTheSameKey() public {
        (Plan memory plan,) = _approveAndBegin(1);
        _enrolKey(vm.addr(SPARE_KEY));
        bytes32 former = _order(plan).runId;
        ExecutionOrder memory order = _next(plan);
        _refuseTakeOver(plan, order, SPARE_KEY, former, IPlanRegistry.PlanRegistryLeaseRunning.selector);
        vm.warp(START + 1 hours + GRACE);
        order = _next(plan);
        _refuseTakeOver(plan, order, SPARE_KEY, former, IPlanRegistry.PlanRegistryLeaseRunning.selector);
        vm.warp(START + 1 hours + GRACE + 1);
        order = _next(plan);
        bytes4 wrong = IPlanRegistry.PlanRegistryWrongRun.selector;
        _refuseTakeOver(plan, order, SPARE_KEY, keccak256("another"), wrong);
        order.runId = former;
        _refuseTakeOver(plan, order, SPARE_KEY, former, wrong);
        order = _next(plan);
        _refuseTakeOver(
            plan, order, EXECUTOR_KEY, former, IPlanRegistry.PlanRegistryExecutorConflict.selector
        );
        _refuseTakeOver(plan, order, 0xbad, former, IPlanRegistry.PlanRegistryExecutorNotActive.selector);
    }

    function test_RevertIf_takenOverAfterTheEnd() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _enrolKey(vm.addr(SPARE_KEY));
        bytes32 former = _order(plan).runId;
        vm.warp(START + VALIDITY);
        ExecutionOrder memory order = _next(plan);
        _refuseTakeOver(plan, order, SPARE_KEY, former, IPlanRegistry.PlanRegistryOutsideWindow.selector);
        vm.prank(guardian);
        registry.revoke(planHash);
        _refuseTakeOver(plan, order, SPARE_KEY, former, IPlanRegistry.PlanRegistryUnexpectedState.selector);
    }

    // ------------------------------------------------------------------ stopping

    function test_revoke_leavesTheInverseLawfulAndRevokeHardDoesNot() public {
        (, bytes32 planHash) = _approveAndBegin(1);
        vm.prank(guardian);
        registry.revoke(planHash);
        assertTrue(!registry.mandate(planHash).hard, "the inverse may run");
        vm.expectEmit(address(registry));
        emit IPlanRegistry.Revoked(planHash, MandateState.STOPPING, true);
        vm.prank(guardian);
        registry.revokeHard(planHash);
        assertTrue(registry.mandate(planHash).hard, "nothing may run");
        _assertState(planHash, MandateState.STOPPING);
    }

    function test_revokeHard_atOnceAndBeforeARun() public {
        (, bytes32 planHash) = _approveAndBegin(1);
        vm.prank(guardian);
        registry.revokeHard(planHash);
        assertTrue(registry.mandate(planHash).hard, "hard");
        bytes32 waiting = _approve(_plan(2));
        vm.prank(guardian);
        registry.revokeHard(waiting);
        _assertState(waiting, MandateState.REVOKED);
        vm.prank(guardian);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.revokeHard(waiting);
    }

    // ------------------------------------------------------------------ superseded

    function test_supersede_burnsForAnotherApprovedPlan() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = _approve(plan);
        bytes32 next = registry.hashPlan(_plan(2));
        vm.prank(proposer);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.supersede(plan, next);
        _approve(_plan(2));
        vm.prank(stranger);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotProposer.selector);
        registry.supersede(plan, next);
        vm.prank(proposer);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.supersede(plan, planHash); // by itself

        vm.expectEmit(address(registry));
        emit IPlanRegistry.Superseded(planHash, next);
        vm.prank(proposer);
        registry.supersede(plan, next);
        _assertState(planHash, MandateState.SUPERSEDED);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
    }

    // ------------------------------------------------------------------ a high plan reserves its subject

    function test_reserve_letsLowPlansWaitUntilTheHighOneHasBegun() public {
        (Plan memory low,) = _ready(1, Tier.LOW);
        (Plan memory medium,) = _ready(2, Tier.MEDIUM);
        (Plan memory high, bytes32 highHash) = _ready(3, Tier.HIGH);
        vm.prank(stranger); // anybody may
        registry.reserve(high, address(0));
        assertEq(registry.reservation(SUBJECT), highHash, "reserved");
        _refuseBegin(low, _order(low), EXECUTOR_KEY, IPlanRegistry.PlanRegistryReserved.selector);
        _begin(medium); // only low ones wait
        _complete(medium);
        _begin(high);
        assertEq(registry.reservation(SUBJECT), bytes32(0), "spent");
        _complete(high);
        _begin(low);
    }

    function test_reserve_endsWithTheMandate() public {
        (Plan memory high, bytes32 highHash) = _ready(1, Tier.HIGH);
        registry.reserve(high, address(0));
        vm.warp(START + VALIDITY);
        assertEq(registry.reservation(SUBJECT), bytes32(0), "expired");
        (high, highHash) = _ready(2, Tier.HIGH);
        registry.reserve(high, address(0));
        vm.prank(guardian);
        registry.revoke(highHash);
        assertEq(registry.reservation(SUBJECT), bytes32(0), "revoked");
    }

    function test_RevertIf_whatReservesIsNotReadyOrNotHigh() public {
        bytes4 because = IPlanRegistry.PlanRegistryNotReservable.selector;
        (Plan memory plan,) = _ready(1, Tier.MEDIUM);
        _refuseReserve(plan, because);
        plan = _plan(2);
        plan.tier = Tier.HIGH;
        _refuseReserve(plan, because); // neither approved nor scheduled
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        registry.approveMedium(planHash);
        _refuseReserve(plan, because); // approved as something else
        (plan,) = _ready(3, Tier.HIGH);
        registry.reserve(plan, address(0));
        registry.reserve(plan, address(0));
        (plan,) = _ready(4, Tier.CRITICAL);
        _refuseReserve(plan, IPlanRegistry.PlanRegistryReserved.selector);
    }

    // ------------------------------------------------------------------ two approve a key

    function test_key_isAdmittedByTheCouncilAfterTheVote() public {
        address key = vm.addr(SPARE_KEY);
        vm.prank(cosigner);
        vm.expectPartialRevert(IExecutorRegistry.ExecutorRegistryNotAwaited.selector);
        executors.admit(key);
        vm.prank(electorate);
        registry.enrolExecutor(key);
        (bool active,) = executors.executor(key);
        assertTrue(!active, "one approval is none");
        vm.prank(cosigner);
        executors.admit(key);
        (active,) = executors.executor(key);
        assertTrue(active, "two");
    }

    function test_key_voteGoesStale() public {
        address key = vm.addr(SPARE_KEY);
        vm.prank(electorate);
        registry.enrolExecutor(key);
        vm.warp(START + 30 days);
        vm.prank(cosigner);
        vm.expectPartialRevert(IExecutorRegistry.ExecutorRegistryNotAwaited.selector);
        executors.admit(key);
    }

    function test_key_rotationRevokesTheFormerInTheSameMoment() public {
        (address old, address next) = (vm.addr(EXECUTOR_KEY), vm.addr(SPARE_KEY));
        vm.prank(electorate);
        registry.rotateExecutor(old, next);
        (bool active,) = executors.executor(old);
        assertTrue(active, "the former one works on until then");
        vm.prank(cosigner);
        executors.admit(next);
        (active,) = executors.executor(old);
        assertTrue(!active, "gone");
        (active,) = executors.executor(next);
        assertTrue(active, "in its place");
    }

    function test_key_guardianStopsAnEnrolmentThatWaits() public {
        address key = vm.addr(SPARE_KEY);
        vm.prank(electorate);
        registry.enrolExecutor(key);
        vm.prank(guardian);
        executors.revoke(key);
        vm.prank(cosigner);
        vm.expectPartialRevert(IExecutorRegistry.ExecutorRegistryNotAwaited.selector);
        executors.admit(key);
    }

    function test_RevertIf_aKeyThatDoesNotStandIsRotated() public {
        vm.prank(electorate);
        vm.expectPartialRevert(IExecutorRegistry.ExecutorRegistryNotActive.selector);
        registry.rotateExecutor(stranger, vm.addr(SPARE_KEY));
    }

    // ------------------------------------------------------------------ inside

    function _next(Plan memory plan) private view returns (ExecutionOrder memory order) {
        order = _order(plan);
        order.runId = keccak256(abi.encode("next run", plan.salt));
    }

    function _takeOver(Plan memory plan, ExecutionOrder memory order, uint256 key, bytes32 former) private {
        bytes memory signature = _sign(key, order.structHash());
        vm.prank(runner);
        registry.takeOver(plan, order, signature, former);
    }

    function _refuseTakeOver(
        Plan memory plan,
        ExecutionOrder memory order,
        uint256 key,
        bytes32 former,
        bytes4 because
    ) private {
        bytes memory signature = _sign(key, order.structHash());
        vm.prank(runner);
        vm.expectPartialRevert(because);
        registry.takeOver(plan, order, signature, former);
    }

    function _refuseReserve(Plan memory plan, bytes4 because) private {
        vm.expectPartialRevert(because);
        registry.reserve(plan, address(0));
    }
}
