// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {PlanRegistry} from "../src/PlanRegistry.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {PlanHash} from "../src/libraries/PlanHash.sol";
import {ExecutionOrder, MandateState, Outcome, OutcomeKind, Plan} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

/// @dev Each test is named after what somebody would try.
contract AttacksTest is RegistryCase {
    using PlanHash for *;

    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function test_attack_replayOnAnotherChain() public {
        Plan memory plan = _plan(1);
        bytes32 here = _approve(plan);
        ExecutionOrder memory order = _order(plan);
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());

        vm.chainId(block.chainid + 1);
        assertTrue(registry.hashPlan(plan) != here, "the plan hash holds the chain");
        vm.prank(runner);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.begin(plan, order, signature);
    }

    function test_attack_orderSignedForAnotherChain() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        bytes memory signature =
            _signFor(EXECUTOR_KEY, order.structHash(), block.chainid + 1, address(registry));
        _refuseSignature(plan, order, signature, IPlanRegistry.PlanRegistryExecutorNotActive.selector);
    }

    function test_attack_replayOnAnotherRegistry() public {
        Plan memory plan = _plan(1);
        bytes32 here = _approve(plan);
        PlanRegistry twin = new PlanRegistry(_registryConfig());
        assertTrue(twin.hashPlan(plan) != here, "the plan hash holds the registry");

        ExecutionOrder memory order = _order(plan);
        bytes memory signature = _signFor(EXECUTOR_KEY, order.structHash(), block.chainid, address(twin));
        _refuseSignature(plan, order, signature, IPlanRegistry.PlanRegistryExecutorNotActive.selector);
    }

    function test_attack_highS() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        (bytes32 r, bytes32 s, uint8 v) = _split(_sign(EXECUTOR_KEY, order.structHash()));
        bytes memory twisted =
            abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _refuseSignature(plan, order, twisted, ECDSA.ECDSAInvalidSignatureS.selector);
    }

    function test_attack_oddSignatures() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        (bytes32 r, bytes32 s, uint8 v) = _split(_sign(EXECUTOR_KEY, order.structHash()));
        bytes4 length = ECDSA.ECDSAInvalidSignatureLength.selector;
        _refuseSignature(plan, order, "", length);
        _refuseSignature(plan, order, abi.encodePacked(r, s), length);
        _refuseSignature(plan, order, abi.encodePacked(r, s, v, uint8(0)), length);
        bytes4 invalid = ECDSA.ECDSAInvalidSignature.selector;
        _refuseSignature(plan, order, abi.encodePacked(r, s, v - 27), invalid);
        _refuseSignature(plan, order, new bytes(65), invalid);
    }

    function test_attack_stolenRunnerSignsByItself() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        _refuseBegin(plan, _order(plan), 0xbad, IPlanRegistry.PlanRegistryExecutorNotActive.selector);
    }

    function test_attack_revokedKeySpendsAnOldOrder() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        vm.prank(guardian);
        executors.revoke(vm.addr(EXECUTOR_KEY));
        _refuseBegin(plan, order, EXECUTOR_KEY, IPlanRegistry.PlanRegistryExecutorNotActive.selector);

        _enrolKey(vm.addr(EXECUTOR_KEY));
        _refuseBegin(plan, order, EXECUTOR_KEY, IPlanRegistry.PlanRegistryExecutorNotActive.selector);
        order.keyEpoch = 2;
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
        vm.prank(runner);
        registry.begin(plan, order, signature);
    }

    function test_attack_keyRevokedMidRunCannotRenewOrState() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        vm.prank(guardian);
        executors.revoke(vm.addr(EXECUTOR_KEY));
        Outcome memory outcome = _outcome(plan, OutcomeKind.COMPLETED);
        bytes memory signature = _sign(EXECUTOR_KEY, outcome.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryExecutorNotActive.selector);
        registry.complete(planHash, outcome, signature);
    }

    function test_attack_orderCopiedFromTheMempool() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
        vm.prank(stranger);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryWrongRunner.selector);
        registry.begin(plan, order, signature);
        order.runner = stranger;
        vm.prank(stranger);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotRunner.selector);
        registry.begin(plan, order, signature);
    }

    function test_attack_orderSignaturePassedOffAsAnOutcome() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        bytes memory signature = _sign(EXECUTOR_KEY, _order(plan).structHash());
        Outcome memory outcome = _outcome(plan, OutcomeKind.COMPLETED);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryExecutorNotActive.selector);
        registry.complete(planHash, outcome, signature);
    }

    /// @dev The second plan on a moved base is stopped off chain by the re-preview; on chain it cannot even
    /// begin while the first one runs.
    function test_attack_secondPlanWhileTheFirstRuns() public {
        _approveAndBegin(1);
        Plan memory second = _plan(2);
        _approve(second);
        _refuseBegin(second, _order(second), EXECUTOR_KEY, IPlanRegistry.PlanRegistrySubjectBusy.selector);
    }

    function test_attack_lockedForEver() public {
        (, bytes32 planHash) = _approveAndBegin(1);
        vm.warp(START + MAX_LEASE + GRACE + 1);
        vm.prank(stranger);
        registry.abandon(planHash, SUBJECT);
        _assertState(planHash, MandateState.ABANDONED);
        assertEq(registry.running(SUBJECT), bytes32(0), "free");
    }

    function _split(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }

    function _refuseSignature(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes memory signature,
        bytes4 because
    ) private {
        vm.prank(runner);
        if (because == ECDSA.ECDSAInvalidSignature.selector) {
            vm.expectRevert(abi.encodeWithSelector(because));
        } else {
            vm.expectPartialRevert(because);
        }
        registry.begin(plan, order, signature);
    }
}
