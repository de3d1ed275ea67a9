// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IObligationLedger} from "../src/interfaces/IObligationLedger.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {Duty, MandateState, Obligation, Plan, Tier} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

contract ObligationsTest is RegistryCase {
    function test_abandon_opensAnObligation() public {
        (bytes32 id, bytes32 planHash) = _abandoned(1);
        Obligation memory owed = obligations.obligation(id);
        assertEq(owed.subject, SUBJECT, "subject");
        assertEq(owed.cause, planHash, "cause");
        assertEq(uint256(owed.tier), uint256(Tier.MEDIUM), "tier");
        assertEq(owed.dueAt, block.timestamp + CLEAR_WITHIN, "due");
        assertTrue(obligations.isOpen(id) && !obligations.isOverdue(SUBJECT), "not overdue yet");
    }

    function test_unconfirmed_becomesAnObligationForAnybodyToOpen() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _complete(plan);
        vm.warp(START + CONFIRM_WITHIN);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryStillObservable.selector);
        registry.reportUnconfirmed(plan);
        vm.warp(START + CONFIRM_WITHIN + 1);
        vm.prank(stranger);
        registry.reportUnconfirmed(plan);
        bytes32 id = obligations.openOf(SUBJECT, Duty.UNCONFIRMED);
        assertEq(obligations.obligation(id).cause, planHash, "cause");

        _observe(plan, ATTESTOR_KEY); // late, and that is what was owed
        assertTrue(!obligations.isOpen(id), "cleared by the observation");
        assertEq(obligations.obligation(id).clearedBy, planHash, "by itself");
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.reportUnconfirmed(plan);
    }

    function test_observationOfAnotherRunClearsNothing() public {
        (Plan memory first,) = _approveAndBegin(1);
        _complete(first);
        Plan memory second = _plan(2);
        _approve(second);
        _begin(second);
        _complete(second);
        vm.warp(START + CONFIRM_WITHIN + 1);
        registry.reportUnconfirmed(first);
        _observe(second, ATTESTOR_KEY);
        assertTrue(obligations.openOf(SUBJECT, Duty.UNCONFIRMED) != 0, "still owed");
    }

    function test_atMostOneIsOpenPerSubjectAndDuty() public {
        (bytes32 id,) = _abandoned(1);
        uint48 dueAt = obligations.obligation(id).dueAt;
        (Plan memory plan,) = _ready(2, Tier.HIGH);
        _begin(plan);
        vm.warp(block.timestamp + MAX_LEASE + GRACE + 1);
        registry.abandon(registry.hashPlan(plan), SUBJECT);
        assertEq(obligations.openOf(SUBJECT, Duty.ABANDONED), id, "the same");
        assertEq(obligations.obligation(id).dueAt, dueAt, "not later");
        assertEq(uint256(obligations.obligation(id).tier), uint256(Tier.HIGH), "the higher tier");
    }

    /// @dev P8: what is overdue stops everything but its cure, which it cannot stop.
    function test_overdue_stopsOtherPlansAndNotItsCure() public {
        (bytes32 id,) = _abandoned(1);
        Plan memory other = _plan(2);
        _approve(other);
        Plan memory cure = _plan(3);
        cure.clears = id;
        bytes32 cureHash = _approve(cure);
        vm.warp(block.timestamp + CLEAR_WITHIN - 1);
        assertTrue(!obligations.isOverdue(SUBJECT), "in time");
        vm.warp(block.timestamp + 1);
        assertTrue(obligations.isOverdue(SUBJECT), "overdue");

        other = _plan(4);
        _approve(other);
        _refuseBegin(other, _order(other), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOverdue.selector);
        cure = _plan(5);
        cure.clears = id;
        cureHash = _approve(cure);
        _begin(cure);
        _complete(cure);
        assertTrue(obligations.isOverdue(SUBJECT), "done is not confirmed");
        _observe(cure, ATTESTOR_KEY);
        assertEq(obligations.obligation(id).clearedBy, cureHash, "cleared by the cure");
        _begin(other);
    }

    function test_overdue_doesNotStopAnEmergencyUnlessItOwesOneItself() public {
        _abandoned(1);
        vm.warp(block.timestamp + CLEAR_WITHIN);
        (Plan memory plan,) = _ready(2, Tier.EMERGENCY);
        _begin(plan);
        _complete(plan);

        vm.prank(gate);
        obligations.openEmergency(SUBJECT, Tier.CRITICAL, uint48(block.timestamp), keccak256("incident"));
        (plan,) = _ready(3, Tier.EMERGENCY);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOverdue.selector);
    }

    function test_RevertIf_thePlanCannotClear() public {
        (bytes32 id,) = _abandoned(1);
        Plan memory plan = _plan(2);
        plan.clears = keccak256("no obligation");
        _refuseClearing(plan);
        plan = _plan(3);
        plan.tier = Tier.LOW; // below the obligation's
        plan.clears = id;
        _refuseClearing(plan);
        plan = _plan(4);
        plan.tier = Tier.EMERGENCY;
        plan.clears = id;
        _refuseClearing(plan);

        vm.prank(electorate);
        registry.configureSubject(OTHER_SUBJECT, _subjectConfig());
        plan = _plan(5);
        plan.subject = OTHER_SUBJECT;
        plan.clears = id;
        _refuseClearing(plan);

        vm.prank(electorate);
        registry.ratify(id);
        plan = _plan(6);
        plan.clears = id;
        _refuseClearing(plan);
    }

    function test_anEmergencyRunsDebtNeedsAVoteToClear() public {
        (Plan memory plan, bytes32 planHash) = _ready(1, Tier.EMERGENCY);
        _begin(plan);
        vm.warp(START + MAX_LEASE + GRACE + 1);
        registry.abandon(planHash, SUBJECT);
        bytes32 id = obligations.openOf(SUBJECT, Duty.ABANDONED);
        assertEq(uint256(obligations.obligation(id).tier), uint256(Tier.HIGH), "high");
    }

    function test_ratify_isAVoteAndClearsOnce() public {
        (bytes32 id,) = _abandoned(1);
        vm.prank(stranger);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.ratify(id);
        vm.prank(electorate);
        registry.ratify(id);
        assertEq(obligations.obligation(id).clearedBy, id, "let go");
        vm.prank(electorate);
        vm.expectRevert(abi.encodeWithSelector(IObligationLedger.ObligationLedgerNotOpen.selector, id));
        registry.ratify(id);
    }

    function test_whatWasClearedNeverComesBackUnderItsId() public {
        bytes32 first = _opened();
        vm.prank(address(registry));
        obligations.clear(first, first);
        assertTrue(_opened() != first, "another id");
        assertTrue(!obligations.isOpen(first), "cleared");
    }

    function test_audit_hasItsNotice() public {
        uint48 tooSoon = uint48(block.timestamp + NOTICE - 1);
        vm.startPrank(auditor);
        vm.expectPartialRevert(IObligationLedger.ObligationLedgerTooSoon.selector);
        obligations.openAudit(SUBJECT, Tier.MEDIUM, tooSoon, keccak256("finding"));
        bytes32 id = obligations.openAudit(SUBJECT, Tier.MEDIUM, tooSoon + 1, keccak256("finding"));
        vm.stopPrank();
        assertEq(obligations.openOf(SUBJECT, Duty.AUDIT), id, "open");
        assertTrue(!obligations.isOverdue(SUBJECT, Duty.AUDIT), "not yet");
        vm.warp(tooSoon + 1);
        assertTrue(obligations.isOverdue(SUBJECT, Duty.AUDIT), "due");
        assertTrue(!obligations.isOverdue(SUBJECT, Duty.ABANDONED), "only that");
    }

    function test_RevertIf_anObligationMakesNoSense() public {
        bytes4 because = IObligationLedger.ObligationLedgerInvalid.selector;
        vm.startPrank(address(registry));
        vm.expectPartialRevert(because);
        obligations.open(SUBJECT, Duty.EMERGENCY, Tier.HIGH, 1, 0);
        vm.expectPartialRevert(because);
        obligations.open(SUBJECT, Duty.AUDIT, Tier.HIGH, 1, 0);
        vm.expectPartialRevert(because);
        obligations.open(0, Duty.ABANDONED, Tier.HIGH, 1, 0);
        vm.expectPartialRevert(because);
        obligations.open(SUBJECT, Duty.ABANDONED, Tier.NONE, 1, 0);
        vm.expectPartialRevert(because);
        obligations.open(SUBJECT, Duty.ABANDONED, Tier.EMERGENCY, 1, 0);
        vm.stopPrank();
    }

    function testFuzz_RevertIf_anybodyWritesTheLedger(address caller) public {
        vm.assume(caller != address(registry) && caller != auditor && caller != gate);
        vm.startPrank(caller);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        obligations.open(SUBJECT, Duty.ABANDONED, Tier.LOW, 1, 0);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        obligations.openEmergency(SUBJECT, Tier.LOW, 1, 0);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        obligations.openAudit(SUBJECT, Tier.LOW, type(uint48).max, 0);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        obligations.clear(keccak256("any"), 0);
        vm.stopPrank();
    }

    function test_RevertIf_abandonedForAnotherSubject() public {
        (, bytes32 planHash) = _approveAndBegin(1);
        vm.warp(START + MAX_LEASE + GRACE + 1);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryWrongSubject.selector);
        registry.abandon(planHash, OTHER_SUBJECT);
    }

    function _opened() private returns (bytes32) {
        vm.prank(address(registry));
        return obligations.open(SUBJECT, Duty.ABANDONED, Tier.LOW, 1, keccak256("cause"));
    }

    function _abandoned(uint256 salt) private returns (bytes32 id, bytes32 planHash) {
        (, planHash) = _approveAndBegin(salt);
        vm.warp(block.timestamp + MAX_LEASE + GRACE + 1);
        registry.abandon(planHash, SUBJECT);
        _assertState(planHash, MandateState.ABANDONED);
        id = obligations.openOf(SUBJECT, Duty.ABANDONED);
    }

    function _refuseClearing(Plan memory plan) private {
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryNotClearable.selector);
    }
}
