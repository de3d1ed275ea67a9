// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RegistryGenesis} from "./RegistryGenesis.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {Mandate, MandateState, Tier} from "./types/Mandates.sol";

/// @title MandateRecords
/// @dev What is kept about each plan hash, and the one place that decides transitions.
abstract contract MandateRecords is RegistryGenesis {
    mapping(bytes32 planHash => Mandate) internal _mandates;
    /// @dev The last run of a subject, never cleared: whether it still runs is its mandate's state.
    mapping(bytes32 subject => bytes32 planHash) internal _lastRun;

    /// @inheritdoc IPlanRegistry
    function mandate(bytes32 planHash) external view returns (Mandate memory found) {
        found = _mandates[planHash];
        found.state = _stateOf(planHash);
    }

    /// @inheritdoc IPlanRegistry
    function running(bytes32 subject) public view returns (bytes32) {
        bytes32 last = _lastRun[subject];
        MandateState state = _mandates[last].state;
        return state == MandateState.RUNNING || state == MandateState.STOPPING ? last : bytes32(0);
    }

    function _approve(bytes32 planHash, Tier tier) internal {
        if (!isSealed) revert PlanRegistryNotSealed();
        _requireState(planHash, _bit(MandateState.NONE));

        Mandate storage record = _mandates[planHash];
        uint40 expiresAt = uint40(block.timestamp) + terms(tier).validity;
        record.state = MandateState.APPROVED;
        record.tier = tier;
        record.approvedAt = uint40(block.timestamp);
        record.expiresAt = expiresAt;

        emit Approved(planHash, tier, uint64(block.timestamp), expiresAt);
    }

    /// @dev Burns a hash before it runs.
    function _burn(bytes32 planHash, MandateState into) internal {
        _requireState(planHash, _bit(MandateState.NONE) | _bit(MandateState.APPROVED));
        _mandates[planHash].state = into;
    }

    function _requireState(bytes32 planHash, bytes32 expected) internal view returns (MandateState current) {
        current = _stateOf(planHash);
        if (_bit(current) & expected == 0) revert PlanRegistryUnexpectedState(planHash, current, expected);
    }

    function _stateOf(bytes32 planHash) internal view returns (MandateState) {
        Mandate storage record = _mandates[planHash];
        bool over = record.state == MandateState.APPROVED && block.timestamp >= record.expiresAt;
        return over ? MandateState.EXPIRED : record.state;
    }

    function _bit(MandateState state) internal pure returns (bytes32) {
        // forge-lint: disable-next-line(incorrect-shift) -- one, moved to the state's place
        return bytes32(1 << uint8(state));
    }
}
