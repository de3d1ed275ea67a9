// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {IEmergencyGate} from "./interfaces/IEmergencyGate.sol";
import {IObligationLedger} from "./interfaces/IObligationLedger.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";

/// @title Ratifications
/// @dev What is owed for the last incident, and how its ratification comes before the critical electorate.
abstract contract Ratifications is IEmergencyGate {
    using Strings for *;

    /// @dev Twice what a proposal with this text costs.
    uint256 private constant PROPOSAL_GAS = 600_000;
    uint256 private constant STATE_GAS = 100_000;

    IPlanRegistry internal immutable _registry;
    IObligationLedger internal immutable _obligations;
    /// @inheritdoc IEmergencyGate
    IGovernor public immutable governor;

    Incident internal _incident;
    mapping(bytes32 incident => bytes32[]) internal _owed;
    mapping(bytes32 obligation => uint256 attempts) private _attempts;

    constructor(GateConfig memory config) {
        _registry = config.registry;
        _obligations = config.obligations;
        governor = config.governor;
    }

    /// @inheritdoc IEmergencyGate
    function proposeRatification(bytes32 obligation) external {
        if (!_isProposable(obligation)) revert EmergencyGateNothingToPropose(obligation);
        _tryToPropose(obligation);
    }

    /// @inheritdoc IEmergencyGate
    function ratification(bytes32 obligation)
        public
        view
        returns (bytes memory call, string memory description, uint256 proposalId)
    {
        (address[] memory targets, bytes[] memory calldatas) = _calls(obligation);
        call = calldatas[0];
        description = _description(obligation, _attempts[obligation]);
        // OpenZeppelin's `hashProposal`, and not asked of a governor that may be broken.
        proposalId = uint256(
            keccak256(abi.encode(targets, new uint256[](1), calldatas, keccak256(bytes(description))))
        );
    }

    /// @dev The call may fail, and not because its caller left it no gas.
    function _tryToPropose(bytes32 obligation) internal {
        uint256 attempt = ++_attempts[obligation];
        (address[] memory targets, bytes[] memory calldatas) = _calls(obligation);
        string memory description = _description(obligation, attempt);
        if (gasleft() < PROPOSAL_GAS * 64 / 63 + 50_000) revert EmergencyGateOutOfGas();

        try governor.propose{gas: PROPOSAL_GAS}(targets, new uint256[](1), calldatas, description) returns (
            uint256 proposalId
        ) {
            emit RatificationProposed(obligation, proposalId);
        } catch (bytes memory reason) {
            emit RatificationFailed(obligation, reason);
        }
    }

    /// @dev Owed for the last incident, and not before the voters or decided by them. A cancelled proposal is
    /// no decision.
    function _isProposable(bytes32 obligation) internal view returns (bool) {
        if (!_isOwed(obligation)) return false;
        (,, uint256 proposalId) = ratification(obligation);
        try governor.state{gas: STATE_GAS}(proposalId) returns (IGovernor.ProposalState current) {
            return current == IGovernor.ProposalState.Canceled;
        } catch {
            return true; // never proposed
        }
    }

    function _isOwed(bytes32 obligation) private view returns (bool) {
        bytes32[] storage owed = _owed[_incident.id];
        for (uint256 i = 0; i < owed.length; ++i) {
            if (owed[i] == obligation) return _obligations.isOpen(obligation);
        }
        return false;
    }

    function _calls(bytes32 obligation)
        private
        view
        returns (address[] memory targets, bytes[] memory calldatas)
    {
        targets = new address[](1);
        targets[0] = address(_registry);
        calldatas = new bytes[](1);
        calldatas[0] = abi.encodeCall(IPlanRegistry.ratify, (obligation));
    }

    /// @dev The last line keeps anybody else from proposing this text first, and thereby from making ours a
    /// duplicate; the attempt keeps a cancelled one from doing so.
    function _description(bytes32 obligation, uint256 attempt) private view returns (string memory) {
        return string.concat(
            "Ratify an emergency\n\nincident ",
            uint256(_incident.id).toHexString(32),
            "\nobligation ",
            uint256(obligation).toHexString(32),
            "\nattempt ",
            attempt.toString(),
            "\n\n#proposer=",
            address(this).toChecksumHexString()
        );
    }
}
