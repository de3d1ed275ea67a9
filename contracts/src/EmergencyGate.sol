// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Ratifications} from "./Ratifications.sol";
import {ISeats} from "./interfaces/ICouncil.sol";
import {IEmergencyGate} from "./interfaces/IEmergencyGate.sol";
import {Obligation, Plan, Tier} from "./types/Mandates.sol";

/// @title EmergencyGate
contract EmergencyGate is Ratifications, AccessManaged, EIP712 {
    bytes32 private constant EMERGENCY_TYPEHASH =
        keccak256("Emergency(bytes32 planHash,bytes32 incident,bytes32 reason,uint64 deadline)");
    uint8 private constant MOST_PLANS = 3; // the first, and two more

    /// @inheritdoc IEmergencyGate
    ISeats public immutable council;
    uint32 private immutable _reportTerm;
    uint32 private immutable _ratifyTerm;
    uint32 private immutable _sunset;

    /// @inheritdoc IEmergencyGate
    uint48 public onUntil;
    uint48 private _renewedAt;
    mapping(bytes32 incident => bool) private _spent;

    constructor(GateConfig memory config)
        AccessManaged(config.authority)
        EIP712("EmergencyGate", "1")
        Ratifications(config)
    {
        if (config.reportTerm == 0 || config.ratifyTerm == 0 || config.sunset == 0) {
            revert EmergencyGateInvalidTerms();
        }
        council = config.council;
        _reportTerm = config.reportTerm;
        _ratifyTerm = config.ratifyTerm;
        _sunset = config.sunset;
        _switchOn();
    }

    // ------------------------------------------------------------------ one transaction

    /// @inheritdoc IEmergencyGate
    function declare(
        Plan calldata plan,
        Emergency calldata order,
        bytes[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bytes32 obligation) {
        if (plan.tier != Tier.EMERGENCY) revert EmergencyGateWrongTier();
        bytes32 planHash = _registry.hashPlan(plan);
        if (order.planHash != planHash) revert EmergencyGateWrongPlan(order.planHash, planHash);
        bool again = _admit(order.incident);
        uint256 seats = _countSeats(order, signers, signatures, again);

        uint48 due = again ? _incident.ratifyDue : _openIncident(order.incident);
        ++_incident.declared;
        _registry.approveEmergency(planHash);
        obligation = _obligations.openEmergency(plan.subject, Tier.HIGH, due, planHash);
        _owe(order.incident, obligation);

        emit EmergencyDeclared(
            order.incident, planHash, plan.subject, obligation, order.reason, seats, council.getSignerCount()
        );

        if (_isProposable(obligation)) _tryToPropose(obligation);
    }

    /// @dev Whether the incident is the open one, and may take another plan.
    function _admit(bytes32 named) private view returns (bool again) {
        if (block.timestamp >= onUntil) revert EmergencyGateOff(onUntil);
        if (isOverdue()) revert EmergencyGateOverdue(_incident.id);
        again = isOpen();
        if (again && named != _incident.id) revert EmergencyGateOtherIncident(_incident.id, named);
        if (again ? _incident.declared >= MOST_PLANS : _spent[named] || named == 0) {
            revert EmergencyGateSpentIncident(named);
        }
    }

    /// @dev Two thirds of the seats, all of them for a further plan.
    function _countSeats(
        Emergency calldata order,
        bytes[] calldata signers,
        bytes[] calldata signatures,
        bool all
    ) private view returns (uint256 seats) {
        if (block.timestamp > order.deadline) {
            revert EmergencyGateOrderExpired(order.deadline, block.timestamp);
        }
        seats = signers.length;
        uint256 count = council.getSignerCount();
        uint256 needed = all ? count : (2 * count + 2) / 3;
        if (count == 0 || seats < needed) revert EmergencyGateTooFewSeats(seats, needed);
        bytes32 last;
        for (uint256 i = 0; i < seats; ++i) {
            bytes32 key = keccak256(signers[i]);
            if (key <= last || !council.isSigner(signers[i])) revert EmergencyGateBadSignatures();
            last = key;
        }
        if (!SignatureChecker.areValidSignaturesNow(hashEmergency(order), signers, signatures)) {
            revert EmergencyGateBadSignatures();
        }
    }

    function _openIncident(bytes32 named) private returns (uint48 ratifyDue) {
        ratifyDue = uint48(block.timestamp) + _ratifyTerm;
        _spent[named] = true;
        _incident = Incident(named, uint48(block.timestamp) + _reportTerm, ratifyDue, 0, 0);
    }

    /// @dev A further plan on the same subject joins the obligation that is open there.
    function _owe(bytes32 named, bytes32 obligation) private {
        bytes32[] storage owed = _owed[named];
        for (uint256 i = 0; i < owed.length; ++i) {
            if (owed[i] == obligation) return;
        }
        owed.push(obligation);
    }

    // ------------------------------------------------------------------ afterwards

    /// @inheritdoc IEmergencyGate
    function acknowledge(bytes32 named, bytes32 notice) external {
        emit NoticeAcknowledged(named, msg.sender, notice);
    }

    /// @inheritdoc IEmergencyGate
    function report(bytes32 digest) external {
        bool seated = msg.sender == address(council) || council.isSigner(abi.encodePacked(msg.sender));
        bytes32 open = _incident.id;
        if (!seated || digest == 0 || open == 0 || _incident.report != 0) {
            revert EmergencyGateCannotReport(open, msg.sender);
        }
        if (block.timestamp > _incident.reportDue) _switchOff();

        _incident.report = digest;

        emit EmergencyReported(open, digest, msg.sender);
    }

    /// @inheritdoc IEmergencyGate
    function switchOff() external {
        if (isOverdue()) _switchOff();
    }

    /// @inheritdoc IEmergencyGate
    function renew() external restricted {
        _switchOn();
        if (_incident.report == 0) _incident.reportDue = uint48(block.timestamp) + _reportTerm;

        emit PathRenewed(onUntil);
    }

    function _switchOn() private {
        _renewedAt = uint48(block.timestamp);
        onUntil = uint48(block.timestamp) + _sunset;
    }

    function _switchOff() private {
        onUntil = 0;

        emit PathSwitchedOff(_incident.id);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IEmergencyGate
    function incident() external view returns (Incident memory) {
        return _incident;
    }

    /// @inheritdoc IEmergencyGate
    function isOpen() public view returns (bool) {
        bytes32[] storage owed = _owed[_incident.id];
        for (uint256 i = 0; i < owed.length; ++i) {
            if (_obligations.isOpen(owed[i])) return true;
        }
        return _incident.id != 0 && _incident.report == 0;
    }

    /// @inheritdoc IEmergencyGate
    function isOverdue() public view returns (bool) {
        if (_incident.id == 0) return false;
        if (_incident.report == 0 && block.timestamp > _incident.reportDue) return true;
        return block.timestamp > _incident.ratifyDue && _isUnpaidOrPaidLate(_incident.ratifyDue);
    }

    /// @dev What was paid late stays late, whether or not somebody called `switchOff` in between: only a
    /// critical plan after it was due makes it good.
    function _isUnpaidOrPaidLate(uint48 due) private view returns (bool) {
        bytes32[] storage owed = _owed[_incident.id];
        for (uint256 i = 0; i < owed.length; ++i) {
            Obligation memory found = _obligations.obligation(owed[i]);
            if (found.clearedAt == 0 || (found.clearedAt > due && _renewedAt <= due)) return true;
        }
        return false;
    }

    /// @inheritdoc IEmergencyGate
    function hashEmergency(Emergency calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(EMERGENCY_TYPEHASH, order.planHash, order.incident, order.reason, order.deadline)
            )
        );
    }
}
