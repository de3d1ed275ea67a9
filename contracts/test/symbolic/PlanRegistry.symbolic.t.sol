// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MandateState, ExecutionOrder, Outcome, Plan} from "../../src/types/Mandates.sol";
import {RegistryCase} from "../RegistryCase.sol";

/// @dev Proofs over all inputs (halmos runs `check_*`); forge ignores them. Signatures are 65 unknown bytes,
/// so what is proved holds whatever the executor's key, or anybody's, signs.
contract PlanRegistryProofs is RegistryCase {
    /// @dev P1: no plan hash begins twice, whatever the plan, the orders, the signatures and the senders, and
    /// even when the first run was abandoned, so that the subject is free again.
    function check_beginsAtMostOnce(
        Plan memory plan,
        ExecutionOrder memory first,
        ExecutionOrder memory second,
        bytes32[4] memory words,
        uint8[2] memory v,
        address[2] memory senders
    ) public {
        bytes32 planHash = _approveSymbolically(plan);

        vm.assume(_tryBegin(plan, first, _signature(words[0], words[1], v[0]), senders[0]));
        vm.warp(START + MAX_LEASE + GRACE + 1);
        registry.abandon(planHash, plan.subject);

        assert(!_tryBegin(plan, second, _signature(words[2], words[3], v[1]), senders[1]));
    }

    /// @dev P2: what the guardian revoked does not begin.
    function check_nothingBeginsAfterRevocation(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32 r,
        bytes32 s,
        uint8 v,
        address sender
    ) public {
        bytes32 planHash = _approveSymbolically(plan);
        vm.prank(guardian);
        registry.revoke(planHash);

        assert(!_tryBegin(plan, order, _signature(r, s, v), sender));
    }

    /// @dev P2: what has expired does not begin, at any later time.
    function check_nothingBeginsAfterExpiry(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32 r,
        bytes32 s,
        uint8 v,
        address sender,
        uint64 time
    ) public {
        _approveSymbolically(plan);
        vm.assume(time >= START + VALIDITY || time >= plan.expiresAt);
        vm.assume(time >= START);
        vm.warp(time);

        assert(!_tryBegin(plan, order, _signature(r, s, v), sender));
    }

    /// @dev P4: what nobody approved does not begin.
    function check_nothingBeginsUnapproved(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32 r,
        bytes32 s,
        uint8 v,
        address sender
    ) public {
        assert(!_tryBegin(plan, order, _signature(r, s, v), sender));
    }

    /// @dev Tiers: nobody but the electorate moves a hash out of NONE into APPROVED.
    function check_onlyTheElectorateApproves(address caller, bytes32 planHash, bool high) public {
        vm.assume(caller != electorate && caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(registry)
            .call(
                high
                    ? abi.encodeCall(registry.approveHigh, (planHash))
                    : abi.encodeCall(registry.approveMedium, (planHash))
            );

        assert(!ok);
        assert(registry.mandate(planHash).state == MandateState.NONE);
    }

    /// @dev P11: a hash that has left NONE is never approved (again).
    function check_burnedHashesAreNotApproved(bytes32 planHash, bool withGuardian, bool high, uint64 time)
        public
    {
        if (withGuardian) {
            vm.prank(guardian);
            registry.revoke(planHash);
        } else {
            vm.prank(electorate);
            registry.approveMedium(planHash);
        }
        vm.assume(time >= START);
        vm.warp(time);
        vm.prank(electorate);
        (bool ok,) = address(registry)
            .call(
                high
                    ? abi.encodeCall(registry.approveHigh, (planHash))
                    : abi.encodeCall(registry.approveMedium, (planHash))
            );

        assert(!ok);
    }

    /// @dev Facts: without a run there is nothing to state.
    function check_noFactWithoutARun(bytes32 planHash, Outcome memory outcome, bytes32 r, bytes32 s, uint8 v)
        public
    {
        vm.prank(electorate);
        registry.approveMedium(planHash);
        bytes memory signature = _signature(r, s, v);
        (bool completed,) =
            address(registry).call(abi.encodeCall(registry.complete, (planHash, outcome, signature)));
        (bool failed,) = address(registry).call(abi.encodeCall(registry.fail, (planHash, outcome, signature)));

        assert(!completed && !failed);
    }

    /// @dev Keys: nobody but the registry enrols, nobody but the guardian revokes.
    function check_onlyTheRegistryEnrols(address caller, address key) public {
        vm.assume(caller != address(registry) && caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(executors).call(abi.encodeCall(executors.enrol, (key, true)));

        assert(!ok);
    }

    function check_onlyTheGuardianRevokesKeys(address caller, address key) public {
        vm.assume(caller != guardian && caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(executors).call(abi.encodeCall(executors.revoke, (key)));

        assert(!ok);
    }

    function _approveSymbolically(Plan memory plan) private returns (bytes32 planHash) {
        planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        registry.approveMedium(planHash);
    }

    function _tryBegin(Plan memory plan, ExecutionOrder memory order, bytes memory signature, address sender)
        private
        returns (bool ok)
    {
        vm.prank(sender);
        (ok,) = address(registry).call(abi.encodeCall(registry.begin, (plan, order, signature)));
    }

    function _signature(bytes32 r, bytes32 s, uint8 v) private pure returns (bytes memory) {
        return abi.encodePacked(r, s, v);
    }
}
