// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {EmergencyGate} from "../src/EmergencyGate.sol";
import {IEmergencyGate} from "../src/interfaces/IEmergencyGate.sol";
import {Duty, Plan, Tier} from "../src/types/Mandates.sol";
import {Ballot} from "./GovernorCase.sol";
import {EmergencyCase} from "./EmergencyCase.sol";

contract EmergencyTest is EmergencyCase {
    // ------------------------------------------------------------------ from the incident to its ratification

    function test_emergency_oneTransactionApprovesOwesAndProposes() public {
        Plan memory plan = _fix(1);
        bytes32 obligation = _declare(plan, INCIDENT, 2);

        assertTrue(_isApproved(registry.hashPlan(plan)), "approved");
        assertTrue(obligations.isOpen(obligation), "owed");
        Ballot memory ballot = _ratification(obligation);
        _assertProposal(ballot, IGovernor.ProposalState.Pending, "before the critical");
        assertEq(
            critical.proposalProposer(ballot.id), address(gate), "the gate's own, and it holds no tokens"
        );
        assertTrue(gate.isOpen() && !gate.isOverdue(), "open, in time");
    }

    function test_emergency_isClosedByReportAndRatification() public {
        bytes32 obligation = _declare(_fix(1), INCIDENT, 2);
        _report();
        assertEq(gate.incident().report, REPORT, "reported");
        _ratify(obligation);
        assertTrue(!gate.isOpen(), "closed, in time");

        _declare(_fix(2), keccak256("another incident"), 2);
        assertTrue(gate.isOpen(), "the next one");
    }

    function test_emergency_ratifiedAndNotReportedStaysOpen() public {
        bytes32 obligation = _declare(_fix(1), INCIDENT, 2);
        _ratify(obligation);
        assertTrue(gate.isOpen() && gate.isOverdue(), "the report is owed, too");
    }

    // ------------------------------------------------------------------ who agrees

    function test_RevertIf_lessThanTwoThirdsSign() public {
        _refuseDeclare(_fix(1), INCIDENT, 1, IEmergencyGate.EmergencyGateTooFewSeats.selector);
    }

    function test_RevertIf_oneMemberSignsTwice() public {
        Plan memory plan = _fix(1);
        IEmergencyGate.Emergency memory order = _order(plan, INCIDENT);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(gate.hashEmergency(order), 2);
        signers[1] = signers[0];
        signatures[1] = signatures[0];
        vm.expectRevert(abi.encodeWithSelector(IEmergencyGate.EmergencyGateBadSignatures.selector));
        gate.declare(plan, order, signers, signatures);
    }

    function test_RevertIf_somebodyWithoutASeatSigns() public {
        memberKeys[1] = 0xbad;
        _refuseDeclare(_fix(1), INCIDENT, 2, IEmergencyGate.EmergencyGateBadSignatures.selector);
    }

    function test_RevertIf_theySignedAnotherPlanReasonOrGate() public {
        Plan memory plan = _fix(1);
        IEmergencyGate.Emergency memory order = _order(plan, INCIDENT);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(gate.hashEmergency(order), 2);
        plan.salt = bytes32(uint256(2));
        vm.expectPartialRevert(IEmergencyGate.EmergencyGateWrongPlan.selector);
        gate.declare(plan, order, signers, signatures);

        plan.salt = bytes32(uint256(1));
        order.reason = keccak256("another reason");
        vm.expectPartialRevert(IEmergencyGate.EmergencyGateBadSignatures.selector);
        gate.declare(plan, order, signers, signatures);

        order.reason = REASON;
        EmergencyGate other = new EmergencyGate(_gateConfig());
        vm.expectPartialRevert(IEmergencyGate.EmergencyGateBadSignatures.selector);
        other.declare(plan, order, signers, signatures);
    }

    function test_RevertIf_theSignaturesAreTooOld() public {
        Plan memory plan = _fix(1);
        IEmergencyGate.Emergency memory order = _order(plan, INCIDENT);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(gate.hashEmergency(order), 2);
        vm.warp(order.deadline + 1);
        vm.expectPartialRevert(IEmergencyGate.EmergencyGateOrderExpired.selector);
        gate.declare(plan, order, signers, signatures);
    }

    function test_RevertIf_thePlanIsOfAnotherTier() public {
        Plan memory plan = _fix(1);
        plan.tier = Tier.HIGH;
        _refuseDeclare(plan, INCIDENT, 2, IEmergencyGate.EmergencyGateWrongTier.selector);
    }

    // ------------------------------------------------------------------ a second one

    function test_second_emergency_blocked() public {
        _declare(_fix(1), INCIDENT, 2);
        bytes4 other = IEmergencyGate.EmergencyGateOtherIncident.selector;
        _refuseDeclare(_fix(2), keccak256("another incident"), 3, other);
        _refuseDeclare(_fix(2), INCIDENT, 2, IEmergencyGate.EmergencyGateTooFewSeats.selector);
        _declare(_fix(2), INCIDENT, 3);
        _declare(_fix(3), INCIDENT, 3);
        _refuseDeclare(_fix(4), INCIDENT, 3, IEmergencyGate.EmergencyGateSpentIncident.selector);
    }

    function test_secondPlanOfAnotherSubjectOwesOnItsOwn() public {
        bytes32 first = _declare(_fix(1), INCIDENT, 2);
        Plan memory plan = _fix(2);
        plan.subject = OTHER_SUBJECT;
        bytes32 second = _declare(plan, INCIDENT, 3);
        assertTrue(first != second, "two obligations");
        _report();
        _ratify(first);
        assertTrue(gate.isOpen(), "the second is owed");
    }

    function test_RevertIf_aClosedIncidentIsNamedAgain() public {
        bytes32 obligation = _declare(_fix(1), INCIDENT, 2);
        _report();
        _ratify(obligation);
        _refuseDeclare(_fix(2), INCIDENT, 3, IEmergencyGate.EmergencyGateSpentIncident.selector);
        _refuseDeclare(_fix(2), 0, 3, IEmergencyGate.EmergencyGateSpentIncident.selector);
    }

    // ------------------------------------------------------------------ overdue, off and on

    function test_overdue_audit_disables_emergency() public {
        _declare(_fix(1), INCIDENT, 2);
        _report();
        vm.warp(block.timestamp + RATIFY_TERM + 1);
        _refuseDeclare(_fix(2), INCIDENT, 3, IEmergencyGate.EmergencyGateOverdue.selector);
        gate.switchOff();
        assertEq(gate.onUntil(), 0, "off");

        _ratifyLate();
        bytes32 next = keccak256("another incident");
        _refuseDeclare(_fix(2), next, 3, IEmergencyGate.EmergencyGateOff.selector);

        _renew();
        assertTrue(!gate.isOverdue(), "made good");
        _declare(_fix(2), next, 2);
    }

    function test_lateRatification_keepsThePathOffWithoutSwitchOff() public {
        _declare(_fix(1), INCIDENT, 2);
        _report();
        vm.warp(block.timestamp + RATIFY_TERM + 1);
        _ratifyLate();
        assertTrue(!gate.isOpen() && gate.isOverdue(), "paid, late");
        bytes32 next = keccak256("another incident");
        _refuseDeclare(_fix(2), next, 3, IEmergencyGate.EmergencyGateOverdue.selector);

        _renew();
        assertTrue(!gate.isOverdue(), "made good by a critical plan");
        _declare(_fix(2), next, 2);
    }

    function test_renewedBeforeItIsPaid_opensOnlyWhenItIs() public {
        _declare(_fix(1), INCIDENT, 2);
        _report();
        vm.warp(block.timestamp + RATIFY_TERM + 1);
        _renew();
        assertTrue(gate.isOverdue(), "not paid");
        _ratifyLate();
        assertTrue(!gate.isOverdue(), "paid, and made good");
    }

    function test_renewedInTime_doesNotForgiveWhatComesLate() public {
        _declare(_fix(1), INCIDENT, 2);
        _report();
        _renew();
        assertTrue(!gate.isOverdue(), "in time so far");
        vm.warp(block.timestamp + RATIFY_TERM + 1);
        _ratifyLate();
        assertTrue(gate.isOverdue(), "late, after the renewal");
    }

    /// @dev By the critical governor's roles; its vote is walked elsewhere.
    function _ratifyLate() private {
        bytes memory call = abi.encodeCall(registry.ratify, (obligations.openOf(SUBJECT, Duty.EMERGENCY)));
        vm.prank(address(critical));
        manager.schedule(address(registry), call, 0);
        vm.warp(block.timestamp + HIGH_DELAY);
        vm.prank(address(critical));
        manager.execute(address(registry), call);
    }

    function test_lateReport_switchesThePathOff() public {
        bytes32 obligation = _declare(_fix(1), INCIDENT, 2);
        vm.warp(block.timestamp + REPORT_TERM + 1);
        assertTrue(gate.isOverdue(), "the report");
        _refuseDeclare(_fix(2), INCIDENT, 3, IEmergencyGate.EmergencyGateOverdue.selector);
        _report();
        assertEq(gate.onUntil(), 0, "off, although it was filed");
        _ratify(obligation);
        bytes4 off = IEmergencyGate.EmergencyGateOff.selector;
        _refuseDeclare(_fix(2), keccak256("another incident"), 2, off);
    }

    function test_sunset_endsThePathAfterAYear() public {
        vm.warp(START + SUNSET);
        _refuseDeclare(_fix(1), INCIDENT, 3, IEmergencyGate.EmergencyGateOff.selector);
        _renew();
        _declare(_fix(1), INCIDENT, 2);
    }

    function test_switchOff_isNobodysWeapon() public {
        gate.switchOff();
        _declare(_fix(1), INCIDENT, 2);
        gate.switchOff();
        assertEq(gate.onUntil(), START + SUNSET, "nothing is overdue");
    }

    function testFuzz_RevertIf_renewedWithoutAVote(address caller) public {
        vm.assume(caller != address(critical));
        vm.prank(caller);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        gate.renew();
    }

    function test_RevertIf_reportedByAStrangerTwiceOrWithoutAnIncident() public {
        bytes4 cannot = IEmergencyGate.EmergencyGateCannotReport.selector;
        vm.prank(vm.addr(memberKeys[0]));
        vm.expectPartialRevert(cannot);
        gate.report(REPORT);
        _declare(_fix(1), INCIDENT, 2);
        vm.prank(stranger);
        vm.expectPartialRevert(cannot);
        gate.report(REPORT);
        _report();
        vm.prank(vm.addr(memberKeys[0]));
        vm.expectPartialRevert(cannot);
        gate.report(keccak256("another story"));
    }

    // ------------------------------------------------------------------ what is recorded and blocks nothing

    function test_acknowledge_recordsWhoSawTheNotice() public {
        _declare(_fix(1), INCIDENT, 2);
        vm.expectEmit(address(gate));
        emit IEmergencyGate.NoticeAcknowledged(INCIDENT, stranger, keccak256("notice"));
        vm.prank(stranger);
        gate.acknowledge(INCIDENT, keccak256("notice"));
    }

    // ------------------------------------------------------------------ the ratification

    function test_ratification_defeatedLeavesTheObligationOpen() public {
        bytes32 obligation = _declare(_fix(1), INCIDENT, 2);
        _report();
        Ballot memory ballot = _ratification(obligation);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "nobody voted");
        assertTrue(gate.isOpen(), "owed until a corrective plan");
        vm.expectPartialRevert(IEmergencyGate.EmergencyGateNothingToPropose.selector);
        gate.proposeRatification(obligation);
    }

    function test_ratification_cancelledIsProposedAgainByAnybody() public {
        bytes32 obligation = _declare(_fix(1), INCIDENT, 2);
        Ballot memory first = _ratification(obligation);
        _cancelAs(guardian, first);
        vm.prank(stranger);
        gate.proposeRatification(obligation);
        Ballot memory second = _ratification(obligation);
        assertTrue(first.id != second.id, "another proposal");
        _assertProposal(second, IGovernor.ProposalState.Pending, "before the critical");
        vm.expectPartialRevert(IEmergencyGate.EmergencyGateNothingToPropose.selector);
        gate.proposeRatification(obligation);
        vm.expectPartialRevert(IEmergencyGate.EmergencyGateNothingToPropose.selector);
        gate.proposeRatification(keccak256("nothing owed"));
    }
}
