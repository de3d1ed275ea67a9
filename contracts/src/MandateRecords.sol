// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RegistryGenesis} from "./RegistryGenesis.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {Mandate, MandateState, Tier} from "./types/Mandates.sol";

/// @title MandateRecords
/// @dev What is kept about each plan hash, and the one place that decides transitions.
abstract contract MandateRecords is RegistryGenesis {
    /// @dev The first eleven members are one word: what a transition reads and writes together. `holder` is one
    /// word for two lives: of an open run its executor and, above him, the key's epoch; of a completed one what
    /// its result is, since nobody speaks for that run any more. Readers get `Mandate`.
    struct Record {
        MandateState state;
        Tier tier;
        uint8 renewals;
        bool cosigned;
        bool financed;
        bool hard;
        uint40 approvedAt;
        uint40 expiresAt;
        uint40 begunAt;
        uint40 leaseUntil;
        uint40 closedAt;
        bytes32 holder;
        address cosigner;
        bytes32 runId;
    }

    mapping(bytes32 planHash => Record) internal _mandates;
    /// @dev The last run of a subject, never cleared: whether it still runs is its mandate's state.
    mapping(bytes32 subject => bytes32 planHash) internal _lastRun;

    /// @inheritdoc IPlanRegistry
    function mandate(bytes32 planHash) external view returns (Mandate memory found) {
        Record storage record = _mandates[planHash];
        found.state = _stateOf(planHash);
        found.tier = record.tier;
        found.renewals = record.renewals;
        found.attestations = subjects.attestations(planHash);
        found.financed = record.financed;
        found.hard = record.hard;
        found.approvedAt = record.approvedAt;
        found.expiresAt = record.expiresAt;
        found.begunAt = record.begunAt;
        found.leaseUntil = record.leaseUntil;
        found.closedAt = record.closedAt;
        found.cosigner = record.cosigner;
        found.runId = record.runId;
        if (found.state == MandateState.UNCONFIRMED || found.state == MandateState.CONFIRMED) {
            found.postState = record.holder;
        } else {
            found.executor = _executorOf(record);
            found.keyEpoch = uint64(uint256(record.holder) >> 160);
        }
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

        Record storage record = _mandates[planHash];
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
        Record storage record = _mandates[planHash];
        bool over = record.state == MandateState.APPROVED && block.timestamp >= record.expiresAt;
        return over ? MandateState.EXPIRED : record.state;
    }

    function _holder(address executor, uint64 keyEpoch) internal pure returns (bytes32) {
        return bytes32(uint256(keyEpoch) << 160 | uint160(executor));
    }

    /// @dev Of an open run.
    function _executorOf(Record storage record) internal view returns (address) {
        return address(uint160(uint256(record.holder)));
    }

    function _bit(MandateState state) internal pure returns (bytes32) {
        // forge-lint: disable-next-line(incorrect-shift) -- one, moved to the state's place
        return bytes32(1 << uint8(state));
    }
}
