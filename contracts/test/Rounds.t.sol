// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {
    GovernorTimelockAccess
} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockAccess.sol";

import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {MandateState, SubjectConfig, Tier} from "../src/types/Mandates.sol";
import {Ballot, GovernorCase} from "./GovernorCase.sol";

/// @dev Each tier from the proposal to its effect, and every step of it tried too early, too late or not at
/// all.
contract RoundsTest is GovernorCase {
    // ------------------------------------------------------------------ medium

    function test_medium_fromProposalToMandate() public {
        Ballot memory ballot = _propose(standard, abi.encodeCall(registry.approveMedium, (PLAN)));
        _carry(ballot);
        _queue(ballot);
        assertEq(standard.proposalEta(ballot.id), block.timestamp + MEDIUM_DELAY, "one day");

        vm.warp(block.timestamp + MEDIUM_DELAY - 1);
        vm.expectPartialRevert(GovernorTimelockAccess.GovernorUnmetDelay.selector);
        _execute(ballot);

        vm.warp(block.timestamp + 1);
        vm.expectEmit(address(registry));
        emit IPlanRegistry.Approved(
            PLAN, Tier.MEDIUM, uint64(block.timestamp), uint64(block.timestamp + VALIDITY)
        );
        _execute(ballot);
        assertEq(uint256(registry.mandate(PLAN).state), uint256(MandateState.APPROVED), "approved");
    }

    function test_medium_noStepIsSkipped() public {
        Ballot memory ballot = _propose(standard, abi.encodeCall(registry.approveMedium, (PLAN)));
        _refuseToMove(ballot, "announced");
        _open(ballot);
        _vote(ballot, ana, FOR);
        _refuseToMove(ballot, "being voted on, and won so far");
        _close(ballot);
        _refuseToExecute(ballot, "passed and not queued");
        _queue(ballot);
        _refuseToQueue(ballot, "queued already");
        vm.warp(block.timestamp + MEDIUM_DELAY);
        _execute(ballot);
        _refuseToMove(ballot, "done");
    }

    function test_RevertIf_executedAWeekTooLate() public {
        Ballot memory ballot = _propose(standard, abi.encodeCall(registry.approveMedium, (PLAN)));
        _carry(ballot);
        _queue(ballot);
        vm.warp(block.timestamp + MEDIUM_DELAY + 8 days);
        _assertProposal(ballot, IGovernor.ProposalState.Queued, "says queued");
        vm.expectPartialRevert(IAccessManager.AccessManagerExpired.selector);
        _execute(ballot);
    }

    function test_medium_isDefeatedByMajority() public {
        Ballot memory ballot = _propose(standard, abi.encodeCall(registry.approveMedium, (PLAN)));
        _open(ballot);
        _vote(ballot, ana, AGAINST);
        _vote(ballot, ben, FOR);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "five to three");
        _refuseToMove(ballot, "defeated");
    }

    function test_medium_lateQuorumExtendsTheVote() public {
        Ballot memory ballot = _propose(standard, abi.encodeCall(registry.approveMedium, (PLAN)));
        uint256 deadline = standard.proposalDeadline(ballot.id);
        vm.warp(deadline);
        _vote(ballot, ben, FOR);
        assertEq(standard.proposalDeadline(ballot.id), deadline + 1 days, "a day to answer");
    }

    // ------------------------------------------------------------------ high and critical

    function test_high_waitsAWeek() public {
        Ballot memory ballot = _propose(critical, abi.encodeCall(registry.approveHigh, (PLAN)));
        _carry(ballot);
        _queue(ballot);
        assertEq(critical.proposalEta(ballot.id), block.timestamp + HIGH_DELAY, "one week");
        vm.warp(block.timestamp + HIGH_DELAY);
        _execute(ballot);
        assertEq(uint256(registry.mandate(PLAN).tier), uint256(Tier.HIGH), "high");
    }

    function test_high_noStepIsSkipped() public {
        Ballot memory ballot = _propose(critical, abi.encodeCall(registry.approveHigh, (PLAN)));
        _refuseToMove(ballot, "announced");
        _open(ballot);
        _vote(ballot, ana, FOR);
        _refuseToMove(ballot, "being voted on, and won so far");
        _close(ballot);
        _refuseToExecute(ballot, "passed and not queued");
        _queue(ballot);
        vm.warp(block.timestamp + MEDIUM_DELAY);
        vm.expectPartialRevert(GovernorTimelockAccess.GovernorUnmetDelay.selector);
        _execute(ballot);
        vm.warp(block.timestamp + HIGH_DELAY);
        _execute(ballot);
    }

    /// @dev A majority is not enough: 60 in 100 of those who took a side.
    function test_high_needsThreeInFive() public {
        Ballot memory ballot = _propose(critical, abi.encodeCall(registry.approveHigh, (PLAN)));
        _open(ballot);
        _vote(ballot, ana, FOR);
        _vote(ballot, ben, FOR);
        _vote(ballot, cleo, AGAINST);
        _close(ballot);
        (uint256 against, uint256 inFavour,) = critical.proposalVotes(ballot.id);
        assertEq(inFavour, 400e18, "two capped ballots");
        assertEq(against, 200e18, "66 in 100");
        _assertProposal(ballot, IGovernor.ProposalState.Succeeded, "enough");
    }

    function test_critical_subjectConfigAndExecutor() public {
        SubjectConfig memory config = _subjectConfig();
        config.rulesDigest = keccak256("new rules");
        _pass(critical, abi.encodeCall(registry.configureSubject, (SUBJECT, config)), HIGH_DELAY);
        (SubjectConfig memory found, uint64 version) = subjects.subjectConfig(SUBJECT);
        assertEq(found.rulesDigest, config.rulesDigest, "rules");
        assertEq(version, 2, "version");

        _pass(critical, abi.encodeCall(registry.enrolExecutor, (vm.addr(SPARE_KEY))), HIGH_DELAY);
        (bool active,) = executors.executor(vm.addr(SPARE_KEY));
        assertTrue(!active, "voted for, and not admitted yet");
        vm.prank(cosigner);
        executors.admit(vm.addr(SPARE_KEY));
        (active,) = executors.executor(vm.addr(SPARE_KEY));
        assertTrue(active, "enrolled");
    }

    function test_critical_noStepIsSkipped() public {
        SubjectConfig memory config = _subjectConfig();
        Ballot memory ballot =
            _propose(critical, abi.encodeCall(registry.configureSubject, (SUBJECT, config)));
        _refuseToMove(ballot, "announced");
        _open(ballot);
        _refuseToMove(ballot, "being voted on");
        _vote(ballot, ana, FOR);
        _close(ballot);
        _refuseToExecute(ballot, "passed and not queued");
        _queue(ballot);
        vm.warp(block.timestamp + HIGH_DELAY - 1);
        vm.expectPartialRevert(GovernorTimelockAccess.GovernorUnmetDelay.selector);
        _execute(ballot);
        vm.warp(block.timestamp + 1);
        _execute(ballot);
    }

    // ------------------------------------------------------------------ saying no

    function test_guardian_cancelsAProposal() public {
        Ballot memory ballot = _propose(standard, abi.encodeCall(registry.approveMedium, (PLAN)));
        _carry(ballot);
        _queue(ballot);
        vm.expectPartialRevert(IGovernor.GovernorUnableToCancel.selector);
        _cancelAs(stranger, ballot);
        _cancelAs(guardian, ballot);
        vm.warp(block.timestamp + MEDIUM_DELAY);
        _refuseToMove(ballot, "cancelled");
    }

    function test_guardian_cancelsTheScheduledCall() public {
        Ballot memory ballot = _propose(standard, abi.encodeCall(registry.approveMedium, (PLAN)));
        _carry(ballot);
        _queue(ballot);
        vm.prank(guardian);
        manager.cancel(address(standard), address(registry), ballot.calldatas[0]);
        vm.warp(block.timestamp + MEDIUM_DELAY);
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        _execute(ballot);
    }

    // ------------------------------------------------------------------ steps

    function _refuseToMove(Ballot memory ballot, string memory when) private {
        _refuseToQueue(ballot, when);
        _refuseToExecute(ballot, when);
    }

    function _refuseToQueue(Ballot memory ballot, string memory when) private {
        (bool ok,) = address(ballot.governor)
            .call(
                abi.encodeCall(
                    ballot.governor.queue,
                    (ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash)
                )
            );
        assertTrue(!ok, when);
    }

    function _refuseToExecute(Ballot memory ballot, string memory when) private {
        (bool ok,) = address(ballot.governor)
            .call(
                abi.encodeCall(
                    ballot.governor.execute,
                    (ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash)
                )
            );
        assertTrue(!ok, when);
    }
}
