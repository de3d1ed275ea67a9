// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IObligationLedger} from "./interfaces/IObligationLedger.sol";
import {Duty, Obligation, Tier} from "./types/Mandates.sol";

/// @title ObligationLedger
contract ObligationLedger is IObligationLedger, AccessManaged {
    uint256 private constant DUTIES = 4;

    /// @inheritdoc IObligationLedger
    uint32 public immutable notice;

    uint256 private _opened; // what was cleared never comes back under its id
    mapping(bytes32 id => Obligation) private _obligations;
    mapping(bytes32 subject => mapping(Duty duty => bytes32 id)) private _open;
    /// @dev The due times of what is open, one word per subject: a begin reads nothing else. 0: nothing owed.
    mapping(bytes32 subject => uint48[DUTIES]) private _dueAt;

    constructor(address authority, uint32 notice_) AccessManaged(authority) {
        notice = notice_;
    }

    /// @inheritdoc IObligationLedger
    function open(bytes32 subject, Duty duty, Tier tier, uint48 dueAt, bytes32 cause)
        external
        restricted
        returns (bytes32)
    {
        if (duty != Duty.ABANDONED && duty != Duty.UNCONFIRMED) {
            revert ObligationLedgerInvalid(subject, duty, tier);
        }
        return _openOrJoin(subject, duty, tier, dueAt, cause);
    }

    /// @inheritdoc IObligationLedger
    function openEmergency(bytes32 subject, Tier tier, uint48 dueAt, bytes32 cause)
        external
        restricted
        returns (bytes32)
    {
        return _openOrJoin(subject, Duty.EMERGENCY, tier, dueAt, cause);
    }

    /// @inheritdoc IObligationLedger
    function openAudit(bytes32 subject, Tier tier, uint48 dueAt, bytes32 cause)
        external
        restricted
        returns (bytes32)
    {
        uint256 earliest = block.timestamp + notice;
        if (dueAt < earliest) revert ObligationLedgerTooSoon(dueAt, earliest);
        return _openOrJoin(subject, Duty.AUDIT, tier, dueAt, cause);
    }

    /// @inheritdoc IObligationLedger
    function clear(bytes32 id, bytes32 by) external restricted {
        if (!isOpen(id)) revert ObligationLedgerNotOpen(id);

        Obligation storage found = _obligations[id];
        found.clearedBy = by;
        found.clearedAt = uint48(block.timestamp);
        _open[found.subject][found.duty] = 0;
        _dueAt[found.subject][uint8(found.duty)] = 0;

        emit Cleared(id, by);
    }

    /// @inheritdoc IObligationLedger
    function obligation(bytes32 id) external view returns (Obligation memory) {
        return _obligations[id];
    }

    /// @inheritdoc IObligationLedger
    function openOf(bytes32 subject, Duty duty) external view returns (bytes32) {
        return _open[subject][duty];
    }

    /// @inheritdoc IObligationLedger
    function isOpen(bytes32 id) public view returns (bool) {
        Obligation storage found = _obligations[id];
        return found.openedAt != 0 && found.clearedBy == 0;
    }

    /// @inheritdoc IObligationLedger
    function isOverdue(bytes32 subject) external view returns (bool) {
        uint48[DUTIES] memory due = _dueAt[subject];
        for (uint256 i = 0; i < DUTIES; ++i) {
            if (_isPast(due[i])) return true;
        }
        return false;
    }

    /// @inheritdoc IObligationLedger
    function isOverdue(bytes32 subject, Duty duty) external view returns (bool) {
        return _isPast(_dueAt[subject][uint8(duty)]);
    }

    function _openOrJoin(bytes32 subject, Duty duty, Tier tier, uint48 dueAt, bytes32 cause)
        private
        returns (bytes32 id)
    {
        // An emergency plan cures nothing by its tier: it is what is to be ratified.
        if (subject == 0 || tier == Tier.NONE || tier == Tier.EMERGENCY) {
            revert ObligationLedgerInvalid(subject, duty, tier);
        }
        id = _open[subject][duty];
        if (id != 0) {
            if (tier > _obligations[id].tier) _obligations[id].tier = tier;
            emit Joined(id, cause, _obligations[id].tier);
            return id;
        }

        id = keccak256(abi.encode(subject, duty, cause, ++_opened));
        _obligations[id] = Obligation({
            subject: subject,
            cause: cause,
            clearedBy: 0,
            duty: duty,
            tier: tier,
            openedAt: uint48(block.timestamp),
            dueAt: dueAt,
            clearedAt: 0
        });
        _open[subject][duty] = id;
        _dueAt[subject][uint8(duty)] = dueAt;

        emit Opened(id, subject, duty, tier, dueAt, cause);
    }

    function _isPast(uint48 dueAt) private view returns (bool) {
        return dueAt != 0 && block.timestamp >= dueAt;
    }
}
