// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {MandateGovernor} from "../src/MandateGovernor.sol";
import {MandateToken} from "../src/MandateToken.sol";
import {IMandateGovernor} from "../src/interfaces/IMandateGovernor.sol";
import {Ballot, GovernorCase} from "./GovernorCase.sol";
import {OpenGovernor} from "./OpenGovernor.sol";

/// @dev What a ballot weighs and when a proposal has passed, in each of the three configurations.
contract CountingTest is GovernorCase {
    // ------------------------------------------------------------------ optimistic

    function test_low_silencePasses() public {
        Ballot memory ballot = _propose(low, _approval());
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Succeeded, "nobody said no");
        _queue(ballot);
        assertEq(low.proposalEta(ballot.id), block.timestamp + LOW_DELAY, "one hour");
    }

    function test_low_anObjectionBelowTheVetoChangesNothing() public {
        _give(cleo, stranger, 50e18 - 1);
        Ballot memory ballot = _propose(low, _approval());
        _open(ballot);
        _vote(ballot, stranger, AGAINST);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Succeeded, "one unit less than five in a hundred");
    }

    function test_low_theVetoStops() public {
        _give(cleo, stranger, 50e18);
        Ballot memory ballot = _propose(low, _approval());
        _open(ballot);
        _vote(ballot, stranger, AGAINST);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "five in a hundred");
    }

    /// @dev Nobody buys his way over a veto: For decides nothing.
    function test_low_forDoesNotOutweighTheVeto() public {
        _give(cleo, stranger, 50e18);
        Ballot memory ballot = _propose(low, _approval());
        _open(ballot);
        _vote(ballot, stranger, AGAINST);
        _vote(ballot, ana, FOR);
        _vote(ballot, ben, FOR);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "eight in ten are for it");
    }

    /// @dev The quorum of an optimistic vote is always reached: without a rule of its own the first ballot
    /// of the last second would hold the vote open, even one that weighs nothing.
    function test_low_noBallotExtendsTheVote() public {
        Ballot memory ballot = _propose(low, _approval());
        uint256 deadline = low.proposalDeadline(ballot.id);
        vm.warp(deadline);
        _vote(ballot, stranger, ABSTAIN);
        _vote(ballot, ana, FOR);
        assertEq(low.proposalDeadline(ballot.id), deadline, "as announced");
    }

    function test_low_theVetoHoldsInTheLastSecond() public {
        Ballot memory ballot = _propose(low, _approval());
        vm.warp(low.proposalDeadline(ballot.id));
        _vote(ballot, cleo, AGAINST);
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "late, and in time");
    }

    function test_low_anEmptyElectorateApprovesNothing() public {
        IMandateGovernor.GovernorConfig memory config = _lowConfig();
        config.proposalThreshold = 0;
        config.token = IVotes(address(new MandateToken("None", "NONE", new MandateToken.Allocation[](0))));
        Ballot memory ballot = _proposeAs(new MandateGovernor(config), stranger, _approval(), "nobody");
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "no supply, no silence");
    }

    // ------------------------------------------------------------------ the cap

    function test_high_aBallotCountsAFifthAtMost() public {
        Ballot memory ballot = _propose(critical, abi.encodeCall(registry.approveHigh, (PLAN)));
        _open(ballot);
        _vote(ballot, ana, FOR);
        (, uint256 inFavour,) = critical.proposalVotes(ballot.id);
        assertEq(inFavour, 200e18, "of five hundred");
        _vote(ballot, cleo, AGAINST);
        (uint256 against,,) = critical.proposalVotes(ballot.id);
        assertEq(against, 200e18, "as much as half the supply of one");
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "even");
    }

    /// @dev P12: whatever is cast, the counted weight is at most the past supply, and a ballot at most its cap.
    function testFuzz_weightsStayUnderTheSupply(uint256 first, uint256 second, uint8[3] memory support)
        public
    {
        _give(ana, ben, bound(first, 0, 500e18));
        _give(ben, cleo, bound(second, 0, 300e18));
        Ballot memory ballot =
            _proposeAs(critical, cleo, abi.encodeCall(registry.approveHigh, (PLAN)), "change");
        _open(ballot);
        address[3] memory voters = [ana, ben, cleo];
        for (uint256 i = 0; i < voters.length; ++i) {
            _vote(ballot, voters[i], support[i] % 3);
        }
        (uint256 against, uint256 inFavour, uint256 abstain) = critical.proposalVotes(ballot.id);
        assertTrue(against + inFavour + abstain <= 600e18, "three ballots, three caps");
    }

    function test_high_theThresholdOfApprovalIsInclusive() public {
        IMandateGovernor.GovernorConfig memory config = _criticalConfig();
        config.maxVotePercent = 0;
        Ballot memory ballot =
            _propose(new MandateGovernor(config), abi.encodeCall(registry.approveHigh, (PLAN)));
        _give(ana, ben, 200e18);
        _open(ballot);
        _vote(ballot, ben, FOR); // 500
        _vote(ballot, ana, AGAINST); // 300
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Succeeded, "62 in 100");
    }

    function test_high_aMajorityBelowTheThresholdIsDefeated() public {
        IMandateGovernor.GovernorConfig memory config = _criticalConfig();
        config.maxVotePercent = 0;
        Ballot memory ballot =
            _propose(new MandateGovernor(config), abi.encodeCall(registry.approveHigh, (PLAN)));
        _open(ballot);
        _vote(ballot, ana, FOR); // 500
        _vote(ballot, ben, AGAINST); // 300
        _vote(ballot, cleo, AGAINST); // 200
        _close(ballot);
        _assertProposal(ballot, IGovernor.ProposalState.Defeated, "even at half");
    }

    /// @dev Passes exactly with a tenth of all votes, with more than half, and with three in five.
    function testFuzz_high_passesAsItsTermsSay(uint256 against, uint256 inFavour) public {
        IMandateGovernor.GovernorConfig memory config = _criticalConfig();
        config.maxVotePercent = 0;
        OpenGovernor governor = new OpenGovernor(config);
        against = bound(against, 0, 500e18);
        inFavour = bound(inFavour, 0, 500e18);
        Ballot memory ballot = _propose(governor, abi.encodeCall(registry.approveHigh, (PLAN)));
        _open(ballot);
        governor.count(ballot.id, ben, AGAINST, against);
        governor.count(ballot.id, ana, FOR, inFavour);
        bool passes = inFavour >= 100e18 && inFavour > against && inFavour * 5 >= (inFavour + against) * 3;
        assertTrue(governor.succeeds(ballot.id) == passes, "as its terms say");
    }

    // ------------------------------------------------------------------ three at a time

    function test_low_threeOpenProposalsAndNoMore() public {
        Ballot memory first = _proposeAs(low, ana, _approval(), "1");
        _proposeAs(low, ana, _approval(), "2");
        _proposeAs(low, ana, _approval(), "3");
        _refuseFourth();

        _open(first);
        _refuseFourth();
        _proposeAs(low, ben, _approval(), "another's");

        _close(first);
        _proposeAs(low, ana, _approval(), "4");
    }

    function test_low_aCancelledProposalMakesRoom() public {
        Ballot memory first = _proposeAs(low, ana, _approval(), "1");
        _proposeAs(low, ana, _approval(), "2");
        _proposeAs(low, ana, _approval(), "3");
        _cancelAs(ana, first);
        _proposeAs(low, ana, _approval(), "4");
        _refuseFourth();
    }

    // ------------------------------------------------------------------ configurations that make no sense

    function test_RevertIf_theCountingContradictsItself() public {
        IMandateGovernor.GovernorConfig memory config = _lowConfig();
        config.approvalPercent = 60;
        _refuseDeploy(config);
        config = _lowConfig();
        config.lateQuorumExtension = 1;
        _refuseDeploy(config);
        config = _lowConfig();
        config.vetoPercent = 101;
        _refuseDeploy(config);
        config = _criticalConfig();
        config.approvalPercent = 101;
        _refuseDeploy(config);
        config = _criticalConfig();
        config.maxVotePercent = 101;
        _refuseDeploy(config);
    }

    function _approval() private view returns (bytes memory) {
        return abi.encodeWithSelector(registry.approveLow.selector, PLAN);
    }

    function _give(address from, address to, uint256 amount) private {
        vm.prank(from);
        token.transfer(to, amount);
        vm.prank(to);
        token.delegate(to);
    }

    function _refuseDeploy(IMandateGovernor.GovernorConfig memory config) private {
        vm.expectRevert(abi.encodeWithSelector(IMandateGovernor.MandateGovernorInvalidCounting.selector));
        new MandateGovernor(config);
    }

    function _refuseFourth() private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _call(address(registry), 0, _approval());
        vm.prank(ana);
        vm.expectRevert(
            abi.encodeWithSelector(IMandateGovernor.MandateGovernorTooManyOpen.selector, ana, uint8(3))
        );
        low.propose(targets, values, calldatas, "one too many");
    }
}
