// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {MandateGovernor} from "../src/MandateGovernor.sol";
import {ICouncil} from "../src/interfaces/ICouncil.sol";
import {IEmergencyGate} from "../src/interfaces/IEmergencyGate.sol";
import {IMandateGovernor} from "../src/interfaces/IMandateGovernor.sol";
import {Duty, MandateState, Plan} from "../src/types/Mandates.sol";
import {EmergencyCase} from "./EmergencyCase.sol";
import {Ballot} from "./GovernorCase.sol";

/// @dev A governor that answers nothing.
contract DeadGovernor {
    fallback() external {
        revert("dead");
    }
}

/// @dev Each named after what happened elsewhere, or could here.
contract GovernorAttacksTest is EmergencyCase {
    // ------------------------------------------------------------------ votes

    /// @dev Beanstalk 2022: what is borrowed in the second of the proposal, or of the ballot, weighs nothing.
    function test_attack_flashLoanedVotes() public {
        Ballot memory ballot = _proposeAs(standard, cleo, _medium(), "honest");
        _open(ballot);
        _give(ana, stranger, 500e18);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _call(address(registry), 0, _medium());
        vm.prank(stranger);
        vm.expectPartialRevert(IGovernor.GovernorInsufficientProposerVotes.selector);
        standard.propose(targets, values, calldatas, "with borrowed votes");
        _vote(ballot, stranger, FOR);
        (, uint256 inFavour,) = standard.proposalVotes(ballot.id);
        assertEq(inFavour, 0, "the snapshot was before");
    }

    /// @dev Compound 289: votes that are bought once the vote is on weigh nothing, those who hold them on the
    /// snapshot are capped, and a quorum that comes late leaves a day to answer.
    function test_attack_lateSwingByBoughtVotes() public {
        Ballot memory ballot = _propose(critical, abi.encodeCall(registry.approveHigh, (PLAN)));
        _open(ballot);
        vm.prank(ben);
        token.transfer(ana, 300e18);
        uint256 deadline = critical.proposalDeadline(ballot.id);
        vm.warp(deadline);
        _vote(ballot, ana, FOR);
        (, uint256 inFavour,) = critical.proposalVotes(ballot.id);
        assertEq(inFavour, 200e18, "a fifth, of five hundred held and three hundred bought");
        assertEq(critical.proposalDeadline(ballot.id), deadline + 1 days, "a day to answer");
        _vote(ballot, ben, AGAINST);
        _vote(ballot, cleo, AGAINST);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "answered");
    }

    /// @dev Build Finance 2022: nobody was told, nobody came, one holder decided. Quorum is of the supply.
    function test_attack_noQuorum() public {
        _give(ana, stranger, 39e18);
        Ballot memory ballot = _proposeAs(standard, stranger, _medium(), "while they sleep");
        _open(ballot);
        _vote(ballot, stranger, FOR);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "all who came, and too few");
    }

    /// @dev Swerve 2023: most of the supply is dormant; what is left decides nothing high by itself.
    function test_attack_dormantElectorate() public {
        _give(ana, stranger, 99e18);
        Ballot memory ballot =
            _proposeAs(critical, stranger, abi.encodeCall(registry.approveHigh, (PLAN)), "dormant");
        _open(ballot);
        _vote(ballot, stranger, FOR);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "a tenth of all votes, at least");
    }

    /// @dev A ballot is bound to its governor by the domain that it was signed under.
    function test_attack_ballotOfOneGovernorOnAnother() public {
        uint256 key = 0xb1;
        _give(ana, vm.addr(key), 10e18);
        Ballot memory here = _propose(standard, _medium());
        MandateGovernor twin = new MandateGovernor(_standardConfig());
        Ballot memory there = _proposeAs(twin, ana, _medium(), "change");
        assertEq(here.id, there.id, "the id names neither chain nor governor");
        _open(there);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _ballotDigest(here, vm.addr(key), FOR));
        vm.expectPartialRevert(IGovernor.GovernorInvalidSignature.selector);
        twin.castVoteBySig(there.id, FOR, vm.addr(key), abi.encodePacked(r, s, v));
    }

    // ------------------------------------------------------------------ proposals

    /// @dev On an optimistic governor `setProposalGuardian(attacker)` would pass on silence.
    function test_attack_governorRewritesItselfAtItsOwnTier() public {
        bytes[4] memory wishes = [
            abi.encodeCall(low.setProposalGuardian, (stranger)),
            abi.encodeCall(low.setVotingPeriod, (1)),
            abi.encodeCall(low.updateQuorumNumerator, (0)),
            abi.encodeCall(low.relay, (address(registry), 0, _medium()))
        ];
        for (uint256 i = 0; i < wishes.length; ++i) {
            (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
                _call(address(low), 0, wishes[i]);
            vm.warp(block.timestamp + 1);
            vm.prank(ana);
            vm.expectPartialRevert(IMandateGovernor.MandateGovernorForbiddenCall.selector);
            low.propose(targets, values, calldatas, "silence");
        }
    }

    /// @dev Silence at the low tier approves nothing of a higher one.
    function test_attack_silencePassesAHigherTier() public {
        bytes[3] memory wishes = [
            _medium(),
            abi.encodeCall(registry.approveHigh, (PLAN)),
            abi.encodeCall(registry.configureSubject, (SUBJECT, _subjectConfig()))
        ];
        for (uint256 i = 0; i < wishes.length; ++i) {
            (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
                _call(address(registry), 0, wishes[i]);
            vm.warp(block.timestamp + 1);
            vm.prank(ana);
            vm.expectPartialRevert(IMandateGovernor.MandateGovernorForbiddenCall.selector);
            low.propose(targets, values, calldatas, "silence");
        }
    }

    /// @dev GHSA-5h3x-9wvq-w4m2: a copy that is proposed first, and cancelled, burns the id.
    function test_attack_frontRunPropose() public {
        string memory text = "honest\n#proposer=0x26831A2Df3862091B500BD68946083Cba9a1b37E";
        assertEq(ana, 0x26831A2Df3862091B500BD68946083Cba9a1b37E, "ana's");
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _call(address(registry), 0, _medium());
        vm.warp(block.timestamp + 1);
        vm.prank(ben);
        vm.expectPartialRevert(IGovernor.GovernorRestrictedProposer.selector);
        standard.propose(targets, values, calldatas, text);
        vm.prank(ana);
        standard.propose(targets, values, calldatas, text);
    }

    function test_attack_queuedCallIsTakenByAnotherGovernor() public {
        Ballot memory ballot = _propose(standard, _medium());
        _carry(ballot);
        _queue(ballot);
        vm.warp(block.timestamp + MEDIUM_DELAY);
        (bool ok,) =
            address(manager).call(abi.encodeCall(manager.execute, (address(registry), ballot.calldatas[0])));
        assertTrue(!ok, "only who scheduled it");
        assertEq(uint256(registry.mandate(PLAN).state), uint256(MandateState.NONE), "nothing approved");
    }

    // ------------------------------------------------------------------ the emergency path

    /// @dev Somebody who holds enough votes proposes the same ratification first.
    function test_attack_ratificationPreempted() public {
        bytes32 cause = registry.hashPlan(_fix(1));
        bytes32 obligation = keccak256(abi.encode(SUBJECT, Duty.EMERGENCY, cause, 1)); // what the ledger will say
        bytes memory call = abi.encodeCall(registry.ratify, (obligation));
        _proposeAs(critical, ana, call, "mine");
        assertEq(_declare(_fix(1), INCIDENT, 2), obligation, "foreseen");
        Ballot memory ballot = _ratification(obligation);
        _assertProposal(ballot, IGovernor.ProposalState.Pending, "the gate's own is there as well");

        (, string memory text,) = gate.ratification(obligation);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _call(address(registry), 0, call);
        vm.prank(ana);
        vm.expectPartialRevert(IGovernor.GovernorRestrictedProposer.selector);
        critical.propose(targets, values, calldatas, text);
    }

    /// @dev A governor that reverts, and one that somebody made revert, does not hold up the fix.
    function test_attack_emergencyStarvedByARevertingGovernor() public {
        bytes memory code = address(critical).code;
        vm.etch(address(critical), address(new DeadGovernor()).code);
        bytes32 obligation = _declare(_fix(1), INCIDENT, 2);
        assertTrue(_isApproved(registry.hashPlan(_fix(1))), "approved all the same");
        assertTrue(obligations.isOpen(obligation), "and owed");

        vm.etch(address(critical), code);
        vm.prank(stranger);
        gate.proposeRatification(obligation);
        _assertProposal(_ratification(obligation), IGovernor.ProposalState.Pending, "by anybody, later");
    }

    /// @dev The 1/64 trick: just enough gas for everything but the proposal.
    function test_attack_ratificationStarvedOfGas() public {
        Plan memory plan = _fix(1);
        IEmergencyGate.Emergency memory order = _order(plan, INCIDENT);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(gate.hashEmergency(order), 2);
        bytes memory call = abi.encodeCall(gate.declare, (plan, order, signers, signatures));
        (bool ok, bytes memory answer) = address(gate).call{gas: 700_000}(call);
        assertTrue(!ok, "refused");
        assertEq(bytes32(bytes4(answer)), bytes32(IEmergencyGate.EmergencyGateOutOfGas.selector), "why");
    }

    /// @dev Whoever withholds his acknowledgement cannot block a fix at three in the morning.
    function test_attack_emergencyStarvedByAMissingAcknowledgement() public {
        bytes32 obligation = _declare(_fix(1), INCIDENT, 2);
        _report();
        _ratify(obligation);
        assertTrue(!gate.isOpen(), "nobody acknowledged anything");
    }

    /// @dev Beanstalk's other half: power that is gained in a block declares nothing in that block. Tokens have
    /// no seat, and m members cannot make themselves the full council before their rotation was announced.
    function test_attack_emergencyInTheBlockOfTheVotingPower() public {
        _give(ana, stranger, 500e18);
        _give(ben, stranger, 300e18);
        memberKeys = [uint256(0xbad1), 0xbad2, 0xbad3];
        _refuseDeclare(_fix(1), INCIDENT, 3, IEmergencyGate.EmergencyGateBadSignatures.selector);

        memberKeys = [uint256(0xc1), 0xc2, 0xc3];
        _declare(_fix(1), INCIDENT, 2);
        bytes[] memory removed = new bytes[](1);
        removed[0] = abi.encodePacked(vm.addr(0xc3));
        ICouncil.Call memory call = ICouncil.Call({
            target: address(council),
            data: abi.encodeCall(council.announceRotation, (new bytes[](0), removed, 2)),
            nonce: 0,
            deadline: uint64(block.timestamp)
        });
        _act(call, 2);
        vm.expectPartialRevert(ICouncil.CouncilRotationWaits.selector);
        council.rotate(new bytes[](0), removed, 2);
        _refuseDeclare(_fix(2), INCIDENT, 2, IEmergencyGate.EmergencyGateTooFewSeats.selector);
    }

    function test_attack_emergencyReplayed() public {
        _declare(_fix(1), INCIDENT, 2);
        IEmergencyGate.Emergency memory order = _order(_fix(1), INCIDENT);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(gate.hashEmergency(order), 3);
        (bool ok,) = address(gate).call(abi.encodeCall(gate.declare, (_fix(1), order, signers, signatures)));
        assertTrue(!ok, "a burned hash never comes back");
    }

    /// @dev The gate needs no tokens to propose, and only it.
    function test_attack_thresholdOfTheGateIsNobodyElses() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _call(address(registry), 0, abi.encodeCall(registry.ratify, (bytes32(uint256(1)))));
        vm.warp(block.timestamp + 1);
        vm.prank(stranger);
        vm.expectPartialRevert(IGovernor.GovernorInsufficientProposerVotes.selector);
        critical.propose(targets, values, calldatas, "spam");
        vm.prank(address(gate));
        critical.propose(targets, values, calldatas, "the gate's");
    }

    function _medium() private view returns (bytes memory) {
        return abi.encodeCall(registry.approveMedium, (PLAN));
    }

    function _give(address from, address to, uint256 amount) private {
        vm.prank(from);
        token.transfer(to, amount);
        vm.prank(to);
        token.delegate(to);
    }
}
