// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MultiSignerERC7913} from "@openzeppelin/contracts/utils/cryptography/signers/MultiSignerERC7913.sol";

import {ICouncil, ISeats} from "./interfaces/ICouncil.sol";

/// @title Council
contract Council is ICouncil, MultiSignerERC7913, EIP712 {
    bytes32 private constant CALL_TYPEHASH =
        keccak256("Call(address target,bytes data,uint256 nonce,uint64 deadline)");

    /// @inheritdoc ICouncil
    uint32 public immutable rotationDelay;
    /// @inheritdoc ICouncil
    uint256 public nonce;

    bytes32 private _rotation;
    uint48 private _readyAt;

    modifier onlyItself() {
        if (msg.sender != address(this)) revert CouncilNotItself(msg.sender);
        _;
    }

    constructor(bytes[] memory members, uint64 threshold_, uint32 rotationDelay_)
        MultiSignerERC7913(members, threshold_)
        EIP712("Council", "1")
    {
        if (rotationDelay_ == 0) revert CouncilWithoutDelay();
        rotationDelay = rotationDelay_;
    }

    /// @inheritdoc ICouncil
    function act(Call calldata call, bytes calldata signatures) external returns (bytes memory) {
        if (block.timestamp > call.deadline) revert CouncilCallExpired(call.deadline, block.timestamp);
        if (call.nonce != nonce) revert CouncilWrongNonce(call.nonce, nonce);
        if (!_rawSignatureValidation(hashCall(call), signatures)) revert CouncilNotAgreed(call.nonce);
        (bytes[] memory signers,) = abi.decode(signatures, (bytes[], bytes[]));

        ++nonce;

        emit Acted(call.nonce, call.target, call.data, signers);

        return Address.functionCall(call.target, call.data);
    }

    // ------------------------------------------------------------------ seats

    /// @inheritdoc ICouncil
    function announceRotation(bytes[] calldata added, bytes[] calldata removed, uint64 threshold_)
        external
        onlyItself
    {
        uint48 readyAt = uint48(block.timestamp) + rotationDelay;
        _rotation = keccak256(abi.encode(added, removed, threshold_));
        _readyAt = readyAt;

        emit RotationAnnounced(added, removed, threshold_, readyAt);
    }

    /// @inheritdoc ICouncil
    function cancelRotation() external onlyItself {
        bytes32 rotation = _rotation;
        _rotation = 0;
        _readyAt = 0;

        emit RotationCancelled(rotation);
    }

    /// @inheritdoc ICouncil
    function rotate(bytes[] calldata added, bytes[] calldata removed, uint64 threshold_) external {
        bytes32 presented = keccak256(abi.encode(added, removed, threshold_));
        if (presented != _rotation) revert CouncilUnknownRotation(_rotation, presented);
        if (block.timestamp < _readyAt) revert CouncilRotationWaits(_readyAt);

        _rotation = 0;
        _readyAt = 0;
        _addSigners(added);
        _setThreshold(threshold_); // between the two: it may rise only after, and fall only before
        _removeSigners(removed);

        emit RotationMade(added, removed, threshold_);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc ICouncil
    function announced() external view returns (bytes32 rotation, uint48 readyAt) {
        return (_rotation, _readyAt);
    }

    /// @inheritdoc ICouncil
    function hashCall(Call calldata call) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(CALL_TYPEHASH, call.target, keccak256(call.data), call.nonce, call.deadline))
        );
    }

    /// @inheritdoc ISeats
    function isSigner(bytes memory signer) public view override(ISeats, MultiSignerERC7913) returns (bool) {
        return super.isSigner(signer);
    }

    /// @inheritdoc ISeats
    function getSignerCount() public view override(ISeats, MultiSignerERC7913) returns (uint256) {
        return super.getSignerCount();
    }
}
