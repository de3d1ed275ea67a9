// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {
    GovernorPreventLateQuorum
} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {
    GovernorProposalGuardian
} from "@openzeppelin/contracts/governance/extensions/GovernorProposalGuardian.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {
    GovernorTimelockAccess
} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockAccess.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";

import {MandateCounting} from "./MandateCounting.sol";
import {MandateTerms} from "./MandateTerms.sol";
import {IMandateGovernor} from "./interfaces/IMandateGovernor.sol";

/// @title MandateGovernor
/// @dev What may be proposed, by whom and how often; `MandateCounting` says what passes. The delay of a
/// proposal is the AccessManager's execution delay for the called function.
contract MandateGovernor is
    MandateTerms,
    Governor,
    GovernorSettings,
    MandateCounting,
    GovernorVotesQuorumFraction,
    GovernorProposalGuardian,
    GovernorTimelockAccess
{
    uint256 private constant MAX_SELECTORS = 8;
    /// @dev The AccessManager's role of the emergency gate, which nobody else ever holds.
    uint64 private constant EMERGENCY_ROLE = 8;

    /// @inheritdoc IMandateGovernor
    address public immutable registry;
    /// @inheritdoc IMandateGovernor
    uint8 public immutable maxOpenPerProposer;

    /// @dev Eight selectors of four bytes; an empty place is zero.
    bytes32 private immutable _selectors;

    /// @dev As many places as a proposer may have open; a place is free again once its vote is over.
    mapping(address proposer => mapping(uint256 place => uint256 proposalId)) private _places;

    constructor(GovernorConfig memory config)
        MandateTerms(config)
        Governor("MandateGovernor")
        GovernorSettings(config.votingDelay, config.votingPeriod, config.proposalThreshold)
        GovernorVotes(config.token)
        GovernorVotesQuorumFraction(config.quorumPercent)
        GovernorPreventLateQuorum(config.lateQuorumExtension)
        GovernorTimelockAccess(config.accessManager, config.baseDelay)
        MandateCounting(config)
    {
        uint256 length = config.selectors.length;
        if (length == 0 || length > MAX_SELECTORS) revert MandateGovernorInvalidSelectors(length);

        bytes32 packed;
        for (uint256 i = 0; i < length; ++i) {
            packed |= bytes32(config.selectors[i]) >> (32 * i);
        }
        registry = config.registry;
        maxOpenPerProposer = config.maxOpenPerProposer;
        _selectors = packed;
        _setProposalGuardian(config.guardian);
    }

    /// @dev Governors hold nothing.
    receive() external payable override {
        revert MandateGovernorImmutable();
    }

    /// @inheritdoc IMandateGovernor
    function isCallable(bytes4 selector) public view returns (bool) {
        if (selector == bytes4(0)) return false; // or an empty place would match
        for (uint256 i = 0; i < MAX_SELECTORS; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast) -- the four bytes in front are meant
            if (bytes4(_selectors << (32 * i)) == selector) return true;
        }
        return false;
    }

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal override returns (uint256) {
        if (targets.length != 1 || values.length != 1 || calldatas.length != 1) {
            revert MandateGovernorNotOneCall(targets.length, values.length, calldatas.length);
        }
        bytes4 selector = bytes4(calldatas[0]);
        bool known = targets[0] == registry || _isEmergencyGate(targets[0]);
        if (!known || values[0] != 0 || !isCallable(selector)) {
            revert MandateGovernorForbiddenCall(targets[0], values[0], selector);
        }
        uint256 place = _freePlace(proposer);

        uint256 proposalId = super._propose(targets, values, calldatas, description, proposer);
        if (maxOpenPerProposer != 0) _places[proposer][place] = proposalId;
        return proposalId;
    }

    /// @dev A ratification must never fail for want of tokens: the gate, when it asks, needs none.
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return _isEmergencyGate(_msgSender()) ? 0 : _threshold;
    }

    function _freePlace(address proposer) private view returns (uint256 place) {
        for (; place < maxOpenPerProposer; ++place) {
            uint256 taken = _places[proposer][place];
            if (taken == 0 || !_isOpen(state(taken))) return place;
        }
        if (maxOpenPerProposer != 0) revert MandateGovernorTooManyOpen(proposer, maxOpenPerProposer);
    }

    function _isOpen(ProposalState current) private pure returns (bool) {
        return current == ProposalState.Pending || current == ProposalState.Active;
    }

    function _isEmergencyGate(address account) private view returns (bool holds) {
        (holds,) = accessManager().hasRole(EMERGENCY_ROLE, account);
    }

    /// @dev Closes every setter, and `relay`, in one place: a proposal cannot reach them either.
    function _checkGovernance() internal pure override {
        revert MandateGovernorImmutable();
    }

    // ------------------------------------------------------------------ fixed at construction

    function votingDelay() public view override(Governor, GovernorSettings) returns (uint256) {
        return _delay;
    }

    function votingPeriod() public view override(Governor, GovernorSettings) returns (uint256) {
        return _period;
    }

    function quorumNumerator() public view override returns (uint256) {
        return _quorum;
    }

    function quorumNumerator(uint256) public view override returns (uint256) {
        return _quorum;
    }

    function lateQuorumVoteExtension() public view override returns (uint48) {
        return _lateExtension;
    }

    function baseDelaySeconds() public view override returns (uint32) {
        return _baseDelay;
    }

    /// @dev The manager decides about every call but to the governor itself, and those are refused.
    function isAccessManagerIgnored(address target, bytes4) public view override returns (bool) {
        return target == address(this);
    }

    // ------------------------------------------------------------------ where two parents differ

    function proposalDeadline(uint256 proposalId)
        public
        view
        override(Governor, MandateCounting)
        returns (uint256)
    {
        return super.proposalDeadline(proposalId);
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, MandateCounting) {
        super._tallyUpdated(proposalId);
    }

    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockAccess)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    function propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description
    ) public override(Governor, GovernorTimelockAccess) returns (uint256) {
        return super.propose(targets, values, calldatas, description);
    }

    function _validateCancel(uint256 proposalId, address caller)
        internal
        view
        override(Governor, GovernorProposalGuardian)
        returns (bool)
    {
        return super._validateCancel(proposalId, caller);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }
}
