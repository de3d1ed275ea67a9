// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MandateState} from "../../src/types/Mandates.sol";
import {MandateGovernor} from "../../src/MandateGovernor.sol";
import {Genesis} from "../Genesis.sol";

/// @dev Proofs over the real wiring, on OpenZeppelin's real contracts: after genesis nobody shortens the way
/// from a vote to a mandate. The caller is any address but the manager itself, which has no key.
contract WiringProofs is Genesis {
    /// @dev Nobody, the governor included, approves by calling the registry: only a scheduled call does.
    function check_nobodyApprovesDirectly(address caller, bytes32 planHash, bool high) public {
        vm.assume(caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(registry).call(_approval(planHash, high));

        assert(!ok);
        assert(registry.mandate(planHash).state == MandateState.NONE);
    }

    /// @dev Nobody, the governor included, executes through the manager what was not scheduled.
    function check_nobodyExecutesUnscheduled(address caller, bytes32 planHash, bool high) public {
        vm.assume(caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(manager)
            .call(abi.encodeCall(manager.execute, (address(registry), _approval(planHash, high))));

        assert(!ok);
        assert(registry.mandate(planHash).state == MandateState.NONE);
    }

    /// @dev Nobody but the governor schedules, and not for a time before its delay.
    function check_onlyTheGovernorSchedules(address caller, bytes32 planHash, bool high, uint48 when) public {
        vm.assume(caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(manager)
            .call(abi.encodeCall(manager.schedule, (address(registry), _approval(planHash, high), when)));

        assert(!ok || caller == address(high ? critical : standard));
        assert(!ok || when == 0 || when >= START + (high ? HIGH_DELAY : MEDIUM_DELAY));
    }

    /// @dev P9: nobody gives a role, takes another's, or changes what a role may call.
    function check_nobodyGrants(address caller, uint64 role, address account, uint32 delay) public {
        _refused(caller, abi.encodeCall(manager.grantRole, (role, account, delay)));
    }

    function check_nobodyRevokesRoles(address caller, uint64 role, address account) public {
        _refused(caller, abi.encodeCall(manager.revokeRole, (role, account)));
    }

    function check_nobodyChangesAdmins(address caller, uint64 role, uint64 admin) public {
        _refused(caller, abi.encodeCall(manager.setRoleAdmin, (role, admin)));
    }

    function check_nobodyChangesGrantDelays(address caller, uint64 role, uint32 delay) public {
        _refused(caller, abi.encodeCall(manager.setGrantDelay, (role, delay)));
    }

    function check_nobodyRemapsFunctions(address caller, address target, bytes4 selector, uint64 role)
        public
    {
        _refused(caller, abi.encodeCall(manager.setTargetFunctionRole, (target, _one(selector), role)));
    }

    function check_nobodyClosesTargets(address caller, address target, bool closed) public {
        _refused(caller, abi.encodeCall(manager.setTargetClosed, (target, closed)));
    }

    function check_nobodyMovesTheAuthority(address caller, address authority) public {
        _refused(caller, abi.encodeCall(manager.updateAuthority, (address(registry), authority)));
    }

    /// @dev Keys are enrolled only through a scheduled call.
    function check_nobodyEnrolsDirectly(address caller, address key) public {
        vm.assume(caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(registry).call(abi.encodeCall(registry.enrolExecutor, (key)));

        assert(!ok);
    }

    /// @dev The governor takes no proposal but one call, without value, to the registry, of its list.
    function check_proposalsCallOnlyTheRegistry(
        address target,
        uint256 value,
        bytes4 selector,
        bytes32 word,
        uint8 which
    ) public {
        MandateGovernor governor = _governor(which);
        address[] memory targets = new address[](1);
        targets[0] = target;
        uint256[] memory values = new uint256[](1);
        values[0] = value;
        bytes[] memory calldatas = new bytes[](1);
        calldatas[0] = abi.encodePacked(selector, word);
        vm.warp(START + 1);
        vm.prank(ana);
        (bool ok,) =
            address(governor).call(abi.encodeCall(governor.propose, (targets, values, calldatas, "anything")));

        assert(!ok || (target == address(registry) && value == 0 && governor.isCallable(selector)));
    }

    /// @dev No parameter of the governor changes, whoever asks.
    function check_theGovernorNeverChanges(
        address caller,
        uint48 first,
        uint32 second,
        uint256 third,
        uint8 which
    ) public {
        MandateGovernor governor = _governor(which);
        vm.startPrank(caller);
        (bool delay,) = address(governor).call(abi.encodeCall(governor.setVotingDelay, (first)));
        (bool period,) = address(governor).call(abi.encodeCall(governor.setVotingPeriod, (second)));
        (bool threshold,) = address(governor).call(abi.encodeCall(governor.setProposalThreshold, (third)));
        (bool quorum,) = address(governor).call(abi.encodeCall(governor.updateQuorumNumerator, (third)));
        (bool late,) = address(governor).call(abi.encodeCall(governor.setLateQuorumVoteExtension, (first)));
        (bool base,) = address(governor).call(abi.encodeCall(governor.setBaseDelaySeconds, (second)));
        (bool guard,) = address(governor).call(abi.encodeCall(governor.setProposalGuardian, (caller)));
        vm.stopPrank();

        assert(!delay && !period && !threshold && !quorum && !late && !base && !guard);
    }

    function _governor(uint8 which) private view returns (MandateGovernor) {
        return which == 0 ? low : which == 1 ? standard : critical;
    }

    function _approval(bytes32 planHash, bool high) private view returns (bytes memory) {
        return high
            ? abi.encodeCall(registry.approveHigh, (planHash))
            : abi.encodeCall(registry.approveMedium, (planHash));
    }

    function _refused(address caller, bytes memory data) private {
        vm.assume(caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(manager).call(data);

        assert(!ok);
    }
}
