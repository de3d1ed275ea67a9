// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {
    GovernorTimelockAccess
} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockAccess.sol";

import {MandateGovernor} from "../src/MandateGovernor.sol";
import {IMandateGovernor} from "../src/interfaces/IMandateGovernor.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {MandateState, SubjectConfig, Tier} from "../src/types/Mandates.sol";
import {Genesis} from "./Genesis.sol";

/// @dev A proposal and what is needed to speak of it again.
struct Ballot {
    uint256 id;
    address[] targets;
    uint256[] values;
    bytes[] calldatas;
    bytes32 descriptionHash;
}

contract GovernanceRoundTest is Genesis {
    bytes32 private constant PLAN = keccak256("plan");

    // ------------------------------------------------------------------ the whole round

    function test_medium_fromProposalToMandate() public {
        Ballot memory ballot = _propose(abi.encodeCall(registry.approveMedium, (PLAN)));
        _carry(ballot);
        governor.queue(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
        assertEq(governor.proposalEta(ballot.id), block.timestamp + MEDIUM_DELAY, "one day");

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

    function test_high_waitsAWeek() public {
        Ballot memory ballot = _propose(abi.encodeCall(registry.approveHigh, (PLAN)));
        _carry(ballot);
        governor.queue(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
        assertEq(governor.proposalEta(ballot.id), block.timestamp + HIGH_DELAY, "one week");
        vm.warp(block.timestamp + HIGH_DELAY);
        _execute(ballot);
        assertEq(uint256(registry.mandate(PLAN).tier), uint256(Tier.HIGH), "high");
    }

    function test_critical_subjectConfigAndExecutor() public {
        SubjectConfig memory config = _subjectConfig();
        config.rulesDigest = keccak256("new rules");
        _pass(abi.encodeCall(registry.configureSubject, (SUBJECT, config)), HIGH_DELAY);
        (SubjectConfig memory found, uint64 version) = registry.subjectConfig(SUBJECT);
        assertEq(found.rulesDigest, config.rulesDigest, "rules");
        assertEq(version, 2, "version");

        _pass(abi.encodeCall(registry.enrolExecutor, (vm.addr(SPARE_KEY))), HIGH_DELAY);
        (bool active,) = executors.executor(vm.addr(SPARE_KEY));
        assertTrue(active, "enrolled");
    }

    function test_RevertIf_executedTwice() public {
        Ballot memory ballot = _pass(abi.encodeCall(registry.approveMedium, (PLAN)), MEDIUM_DELAY);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        _execute(ballot);
    }

    function test_RevertIf_executedAWeekTooLate() public {
        Ballot memory ballot = _propose(abi.encodeCall(registry.approveMedium, (PLAN)));
        _carry(ballot);
        governor.queue(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
        vm.warp(block.timestamp + MEDIUM_DELAY + 8 days);
        assertEq(uint256(governor.state(ballot.id)), uint256(IGovernor.ProposalState.Queued), "says queued");
        vm.expectPartialRevert(IAccessManager.AccessManagerExpired.selector);
        _execute(ballot);
    }

    function test_defeated_withoutQuorum() public {
        Ballot memory ballot =
            _proposeAs(cleo, abi.encodeCall(registry.approveMedium, (PLAN)), "by cleo", address(registry), 0);
        vm.warp(governor.proposalDeadline(ballot.id) + 1);
        assertEq(uint256(governor.state(ballot.id)), uint256(IGovernor.ProposalState.Defeated), "silence");
    }

    function test_defeated_byMajority() public {
        Ballot memory ballot = _propose(abi.encodeCall(registry.approveMedium, (PLAN)));
        vm.warp(governor.proposalSnapshot(ballot.id) + 1);
        vm.prank(ana);
        governor.castVote(ballot.id, 0);
        vm.prank(ben);
        governor.castVote(ballot.id, 1);
        vm.warp(governor.proposalDeadline(ballot.id) + 1);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        governor.queue(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
    }

    function test_lateQuorum_extendsTheVote() public {
        Ballot memory ballot = _propose(abi.encodeCall(registry.approveMedium, (PLAN)));
        uint256 deadline = governor.proposalDeadline(ballot.id);
        vm.warp(deadline);
        vm.prank(ben);
        governor.castVote(ballot.id, 1);
        assertEq(governor.proposalDeadline(ballot.id), deadline + 1 days, "a day to answer");
    }

    function test_guardian_cancelsAProposal() public {
        Ballot memory ballot = _propose(abi.encodeCall(registry.approveMedium, (PLAN)));
        _carry(ballot);
        governor.queue(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
        vm.prank(stranger);
        vm.expectPartialRevert(IGovernor.GovernorUnableToCancel.selector);
        governor.cancel(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
        vm.prank(guardian);
        governor.cancel(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
        vm.warp(block.timestamp + MEDIUM_DELAY);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        _execute(ballot);
    }

    function test_guardian_cancelsTheScheduledCall() public {
        Ballot memory ballot = _propose(abi.encodeCall(registry.approveMedium, (PLAN)));
        _carry(ballot);
        governor.queue(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
        vm.prank(guardian);
        manager.cancel(address(governor), address(registry), ballot.calldatas[0]);
        vm.warp(block.timestamp + MEDIUM_DELAY);
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        _execute(ballot);
    }

    // ------------------------------------------------------------------ what a proposal may be

    function test_RevertIf_theGovernorIsAskedToCallItself() public {
        _refuse(address(governor), 0, abi.encodeCall(governor.setVotingDelay, (0)));
        _refuse(address(governor), 0, abi.encodeCall(governor.updateQuorumNumerator, (0)));
        _refuse(address(governor), 0, abi.encodeCall(governor.setProposalGuardian, (stranger)));
        _refuse(address(governor), 0, abi.encodeCall(governor.relay, (stranger, 0, "")));
    }

    function test_RevertIf_theGovernorIsAskedToCallTheAccessManager() public {
        _refuse(address(manager), 0, abi.encodeCall(manager.grantRole, (MEDIUM_ROLE, stranger, 0)));
    }

    function test_RevertIf_theGovernorIsAskedToCallTheExecutorRegistry() public {
        _refuse(address(executors), 0, abi.encodeCall(executors.enrol, (stranger)));
    }

    function test_RevertIf_theCallCarriesValue() public {
        _refuse(address(registry), 1, abi.encodeCall(registry.approveMedium, (PLAN)));
    }

    function testFuzz_RevertIf_theSelectorIsNotListed(bytes4 selector, bytes32 argument) public {
        vm.assume(!governor.isCallable(selector));
        _refuse(address(registry), 0, abi.encodeWithSelector(selector, argument));
    }

    function test_RevertIf_theSelectorIsEmpty() public {
        assertTrue(!governor.isCallable(bytes4(0)), "an empty place of the list is no selector");
        _refuse(address(registry), 0, "");
        _refuse(address(registry), 0, abi.encodePacked(bytes4(0)));
    }

    function test_RevertIf_thereAreTwoCallsOrNone() public {
        vm.warp(block.timestamp + 1);
        for (uint256 count = 0; count < 3; count += 2) {
            address[] memory targets = new address[](count);
            bytes[] memory calldatas = new bytes[](count);
            for (uint256 i = 0; i < count; ++i) {
                targets[i] = address(registry);
                calldatas[i] = abi.encodeCall(registry.approveMedium, (keccak256(abi.encode(i))));
            }
            vm.prank(ana);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IMandateGovernor.MandateGovernorNotOneCall.selector, count, count, count
                )
            );
            governor.propose(targets, new uint256[](count), calldatas, "two");
        }
    }

    /// @dev Even the governor itself, which nobody can be, changes nothing of itself.
    function test_RevertIf_aParameterIsSetByAnybody() public {
        address[2] memory callers = [address(governor), deployer];
        bytes4 closed = IMandateGovernor.MandateGovernorImmutable.selector;
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.setVotingDelay(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.setVotingPeriod(1);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.setProposalThreshold(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.updateQuorumNumerator(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.setLateQuorumVoteExtension(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.setProposalGuardian(stranger);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.setBaseDelaySeconds(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.setAccessManagerIgnored(address(registry), new bytes4[](0), true);
            vm.expectRevert(abi.encodeWithSelector(closed));
            governor.relay(stranger, 0, "");
            vm.stopPrank();
        }
    }

    function test_RevertIf_theListOfSelectorsIsEmptyOrTooLong() public {
        IMandateGovernor.GovernorConfig memory config = _governorConfig();
        config.selectors = new bytes4[](0);
        vm.expectPartialRevert(IMandateGovernor.MandateGovernorInvalidSelectors.selector);
        new MandateGovernor(config);
        config.selectors = new bytes4[](9);
        vm.expectPartialRevert(IMandateGovernor.MandateGovernorInvalidSelectors.selector);
        new MandateGovernor(config);
    }

    function test_RevertIf_etherIsSentToTheGovernor() public {
        (bool ok, bytes memory answer) = address(governor).call{value: 1}("");
        assertTrue(!ok, "refused");
        assertEq(bytes32(answer), bytes32(IMandateGovernor.MandateGovernorImmutable.selector), "why");
    }

    function test_RevertIf_proposerIsBelowTheThreshold() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _call(address(registry), 0, abi.encodeCall(registry.approveMedium, (PLAN)));
        vm.warp(block.timestamp + 1);
        vm.prank(stranger);
        vm.expectPartialRevert(IGovernor.GovernorInsufficientProposerVotes.selector);
        governor.propose(targets, values, calldatas, "spam");
    }

    // ------------------------------------------------------------------ steps

    function _call(address target, uint256 value, bytes memory data)
        internal
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        targets = new address[](1);
        targets[0] = target;
        values = new uint256[](1);
        values[0] = value;
        calldatas = new bytes[](1);
        calldatas[0] = data;
    }

    function _propose(bytes memory data) internal returns (Ballot memory) {
        return _proposeAs(ana, data, "change", address(registry), 0);
    }

    function _proposeAs(
        address who,
        bytes memory data,
        string memory description,
        address target,
        uint256 value
    ) internal returns (Ballot memory ballot) {
        (ballot.targets, ballot.values, ballot.calldatas) = _call(target, value, data);
        ballot.descriptionHash = keccak256(bytes(description));
        vm.warp(block.timestamp + 1); // votes count from the second after they were given
        vm.prank(who);
        ballot.id = governor.propose(ballot.targets, ballot.values, ballot.calldatas, description);
    }

    function _carry(Ballot memory ballot) internal {
        vm.warp(governor.proposalSnapshot(ballot.id) + 1);
        vm.prank(ana);
        governor.castVote(ballot.id, 1);
        vm.prank(ben);
        governor.castVote(ballot.id, 1);
        vm.warp(governor.proposalDeadline(ballot.id) + 1);
    }

    function _execute(Ballot memory ballot) internal {
        governor.execute(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
    }

    function _pass(bytes memory data, uint256 delay) internal returns (Ballot memory ballot) {
        ballot = _propose(data);
        _carry(ballot);
        governor.queue(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
        vm.warp(block.timestamp + delay);
        _execute(ballot);
    }

    function _refuse(address target, uint256 value, bytes memory data) internal {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _call(target, value, data);
        vm.warp(block.timestamp + 1);
        vm.prank(ana);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMandateGovernor.MandateGovernorForbiddenCall.selector, target, value, bytes4(data)
            )
        );
        governor.propose(targets, values, calldatas, "refused");
    }
}
