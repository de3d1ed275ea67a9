// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {MandateGovernor} from "../src/MandateGovernor.sol";
import {IMandateGovernor} from "../src/interfaces/IMandateGovernor.sol";
import {Ballot, GovernorCase} from "./GovernorCase.sol";

contract GovernorTest is GovernorCase {
    // ------------------------------------------------------------------ what a proposal may be

    function test_RevertIf_theGovernorIsAskedToCallItself() public {
        _refuse(address(critical), 0, abi.encodeCall(critical.setVotingDelay, (0)));
        _refuse(address(critical), 0, abi.encodeCall(critical.updateQuorumNumerator, (0)));
        _refuse(address(critical), 0, abi.encodeCall(critical.setProposalGuardian, (stranger)));
        _refuse(address(critical), 0, abi.encodeCall(critical.relay, (stranger, 0, "")));
    }

    function test_RevertIf_theGovernorIsAskedToCallTheAccessManager() public {
        _refuse(address(manager), 0, abi.encodeCall(manager.grantRole, (MEDIUM_ROLE, stranger, 0)));
    }

    function test_RevertIf_theGovernorIsAskedToCallTheExecutorRegistry() public {
        _refuse(address(executors), 0, abi.encodeCall(executors.enrol, (stranger, true)));
    }

    /// @dev A function of the list, at an address that is neither the registry nor the emergency gate.
    function testFuzz_RevertIf_aListedFunctionIsCalledElsewhere(address target) public {
        (bool isGate,) = manager.hasRole(8, target);
        vm.assume(target != address(registry) && !isGate);
        _refuse(target, 0, abi.encodeCall(registry.approveHigh, (PLAN)));
    }

    function test_RevertIf_theCallCarriesValue() public {
        _refuse(address(registry), 1, abi.encodeCall(registry.approveHigh, (PLAN)));
    }

    function testFuzz_RevertIf_theSelectorIsNotListed(bytes4 selector, bytes32 argument) public {
        vm.assume(!critical.isCallable(selector));
        _refuse(address(registry), 0, abi.encodeWithSelector(selector, argument));
    }

    function test_RevertIf_theSelectorIsEmpty() public {
        assertTrue(!critical.isCallable(bytes4(0)), "an empty place of the list is no selector");
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
                calldatas[i] = abi.encodeCall(registry.approveHigh, (keccak256(abi.encode(i))));
            }
            vm.prank(ana);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IMandateGovernor.MandateGovernorNotOneCall.selector, count, count, count
                )
            );
            critical.propose(targets, new uint256[](count), calldatas, "two");
        }
    }

    /// @dev Even the governor itself, which nobody can be, changes nothing of itself.
    function test_RevertIf_aParameterIsSetByAnybody() public {
        address[2] memory callers = [address(critical), deployer];
        bytes4 closed = IMandateGovernor.MandateGovernorImmutable.selector;
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.setVotingDelay(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.setVotingPeriod(1);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.setProposalThreshold(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.updateQuorumNumerator(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.setLateQuorumVoteExtension(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.setProposalGuardian(stranger);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.setBaseDelaySeconds(0);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.setAccessManagerIgnored(address(registry), new bytes4[](0), true);
            vm.expectRevert(abi.encodeWithSelector(closed));
            critical.relay(stranger, 0, "");
            vm.stopPrank();
        }
    }

    function test_RevertIf_theListOfSelectorsIsEmptyOrTooLong() public {
        IMandateGovernor.GovernorConfig memory config = _criticalConfig();
        config.selectors = new bytes4[](0);
        vm.expectPartialRevert(IMandateGovernor.MandateGovernorInvalidSelectors.selector);
        new MandateGovernor(config);
        config.selectors = new bytes4[](9);
        vm.expectPartialRevert(IMandateGovernor.MandateGovernorInvalidSelectors.selector);
        new MandateGovernor(config);
    }

    function test_RevertIf_etherIsSentToTheGovernor() public {
        (bool ok, bytes memory answer) = address(critical).call{value: 1}("");
        assertTrue(!ok, "refused");
        assertEq(bytes32(answer), bytes32(IMandateGovernor.MandateGovernorImmutable.selector), "why");
    }

    function test_RevertIf_proposerIsBelowTheThreshold() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _call(address(registry), 0, abi.encodeCall(registry.approveHigh, (PLAN)));
        vm.warp(block.timestamp + 1);
        vm.prank(stranger);
        vm.expectPartialRevert(IGovernor.GovernorInsufficientProposerVotes.selector);
        critical.propose(targets, values, calldatas, "spam");
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
        critical.propose(targets, values, calldatas, "refused");
    }
}
