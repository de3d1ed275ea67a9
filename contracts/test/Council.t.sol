// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MultiSignerERC7913} from "@openzeppelin/contracts/utils/cryptography/signers/MultiSignerERC7913.sol";

import {Council} from "../src/Council.sol";
import {ICouncil} from "../src/interfaces/ICouncil.sol";
import {EmergencyCase} from "./EmergencyCase.sol";

/// @dev What a council calls in these tests.
contract Recorder {
    uint256 public value;
    address public caller;

    error RecorderRefused(uint256 value);

    function set(uint256 value_) external returns (uint256) {
        if (value_ == 0) revert RecorderRefused(value_);
        value = value_;
        caller = msg.sender;
        return value_ + 1;
    }
}

contract CouncilTest is EmergencyCase {
    Recorder private recorder = new Recorder();

    function test_actsWithEnoughSignatures() public {
        ICouncil.Call memory call = _set(7);
        bytes memory answer = _act(call, 2);
        assertEq(abi.decode(answer, (uint256)), 8, "what the function returned");
        assertEq(recorder.value(), 7, "called");
        assertEq(recorder.caller(), address(council), "by the council");
        assertEq(council.nonce(), 1, "once");
    }

    function test_RevertIf_tooFewSign() public {
        _refuse(_set(7), 1, ICouncil.CouncilNotAgreed.selector);
    }

    function test_RevertIf_aCallIsCarriedTwice() public {
        ICouncil.Call memory call = _set(7);
        _act(call, 2);
        _refuse(call, 2, ICouncil.CouncilWrongNonce.selector);
    }

    function test_RevertIf_theSignaturesAreTooOld() public {
        ICouncil.Call memory call = _set(7);
        vm.warp(call.deadline + 1);
        _refuse(call, 3, ICouncil.CouncilCallExpired.selector);
    }

    function test_RevertIf_theyAgreedOnAnotherCall() public {
        ICouncil.Call memory call = _set(7);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(council.hashCall(call), 3);
        call.data = abi.encodeCall(recorder.set, (8));
        vm.expectPartialRevert(ICouncil.CouncilNotAgreed.selector);
        council.act(call, abi.encode(signers, signatures));
    }

    function test_RevertIf_theCalledFunctionReverts() public {
        _refuse(_set(0), 2, Recorder.RecorderRefused.selector);
        assertEq(council.nonce(), 0, "not spent");
    }

    function test_RevertIf_signaturesAreOfAnotherCouncil() public {
        ICouncil.Call memory call = _set(7);
        bytes[] memory members = council.getSigners(0, 3);
        Council twin = new Council(members, 2, ROTATION_DELAY);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(council.hashCall(call), 3);
        vm.expectPartialRevert(ICouncil.CouncilNotAgreed.selector);
        twin.act(call, abi.encode(signers, signatures));
    }

    function test_RevertIf_rubbishIsSigned() public {
        ICouncil.Call memory call = _set(7);
        vm.expectPartialRevert(ICouncil.CouncilNotAgreed.selector);
        council.act(call, "");
        vm.expectPartialRevert(ICouncil.CouncilNotAgreed.selector);
        council.act(call, hex"0102");
    }

    // ------------------------------------------------------------------ seats

    function test_rotation_isAnnouncedAndWaits() public {
        (bytes[] memory added, bytes[] memory removed) = _exchange();
        vm.expectEmit(address(council));
        emit ICouncil.RotationAnnounced(added, removed, 2, uint48(block.timestamp) + ROTATION_DELAY);
        _announce(added, removed, 2);
        assertTrue(council.isSigner(removed[0]) && !council.isSigner(added[0]), "not yet");

        vm.warp(block.timestamp + ROTATION_DELAY - 1);
        vm.expectPartialRevert(ICouncil.CouncilRotationWaits.selector);
        council.rotate(added, removed, 2);
        vm.warp(block.timestamp + 1);
        vm.expectPartialRevert(ICouncil.CouncilUnknownRotation.selector);
        council.rotate(added, removed, 1);
        vm.prank(stranger);
        council.rotate(added, removed, 2);
        assertTrue(!council.isSigner(removed[0]) && council.isSigner(added[0]), "exchanged");
        assertEq(council.getSignerCount(), 3, "three seats");
        vm.expectPartialRevert(ICouncil.CouncilUnknownRotation.selector);
        council.rotate(added, removed, 2);
    }

    function test_rotation_theThresholdRisesAndFalls() public {
        bytes[] memory added = new bytes[](2);
        added[0] = abi.encodePacked(vm.addr(0xc4));
        added[1] = abi.encodePacked(vm.addr(0xc5));
        bytes[] memory none = new bytes[](0);
        _announce(added, none, 5);
        vm.warp(block.timestamp + ROTATION_DELAY);
        council.rotate(added, none, 5);
        assertEq(council.threshold(), 5, "all of five");
    }

    function test_rotation_isCancelledByTheCouncil() public {
        (bytes[] memory added, bytes[] memory removed) = _exchange();
        _announce(added, removed, 2);
        ICouncil.Call memory call = _set(1);
        call.target = address(council);
        call.data = abi.encodeCall(council.cancelRotation, ());
        _act(call, 2);
        vm.warp(block.timestamp + ROTATION_DELAY);
        vm.expectPartialRevert(ICouncil.CouncilUnknownRotation.selector);
        council.rotate(added, removed, 2);
    }

    function test_RevertIf_anythingUnannouncedIsMade() public {
        vm.expectPartialRevert(MultiSignerERC7913.MultiSignerERC7913ZeroThreshold.selector);
        new Council(new bytes[](0), 0, ROTATION_DELAY);
        bytes[] memory none = new bytes[](0);
        vm.expectPartialRevert(ICouncil.CouncilUnknownRotation.selector);
        council.rotate(none, none, 0);
    }

    function testFuzz_RevertIf_somebodyElseRotates(address caller) public {
        vm.assume(caller != address(council));
        (bytes[] memory added, bytes[] memory removed) = _exchange();
        vm.startPrank(caller);
        vm.expectPartialRevert(ICouncil.CouncilNotItself.selector);
        council.announceRotation(added, removed, 1);
        vm.expectPartialRevert(ICouncil.CouncilNotItself.selector);
        council.cancelRotation();
        vm.stopPrank();
    }

    function test_RevertIf_aCouncilCouldRotateAtOnce() public {
        bytes[] memory members = council.getSigners(0, 3);
        vm.expectRevert(abi.encodeWithSelector(ICouncil.CouncilWithoutDelay.selector));
        new Council(members, 2, 0);
    }

    function _set(uint256 value) private view returns (ICouncil.Call memory) {
        return ICouncil.Call({
            target: address(recorder),
            data: abi.encodeCall(recorder.set, (value)),
            nonce: council.nonce(),
            deadline: uint64(block.timestamp + 1 hours)
        });
    }

    function _refuse(ICouncil.Call memory call, uint256 seats, bytes4 because) private {
        (bytes[] memory signers, bytes[] memory signatures) = _agree(council.hashCall(call), seats);
        vm.expectPartialRevert(because);
        council.act(call, abi.encode(signers, signatures));
    }

    function _exchange() private view returns (bytes[] memory added, bytes[] memory removed) {
        added = new bytes[](1);
        added[0] = abi.encodePacked(vm.addr(0xc4));
        removed = new bytes[](1);
        removed[0] = abi.encodePacked(vm.addr(memberKeys[2]));
    }

    function _announce(bytes[] memory added, bytes[] memory removed, uint64 threshold) private {
        ICouncil.Call memory call = _set(1);
        call.target = address(council);
        call.data = abi.encodeCall(council.announceRotation, (added, removed, threshold));
        _act(call, 2);
    }
}
