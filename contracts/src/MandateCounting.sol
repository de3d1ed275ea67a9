// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {
    GovernorCountingSimple
} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {
    GovernorPreventLateQuorum
} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IMandateGovernor} from "./interfaces/IMandateGovernor.sol";

/// @title MandateCounting
/// @dev What a vote weighs and when a proposal has passed. The cap works here and nowhere else: threshold and
/// quorum are shares of the supply as it is, and a function of the weight in `_getVotes` would break both.
abstract contract MandateCounting is
    IMandateGovernor,
    GovernorVotes,
    GovernorCountingSimple,
    GovernorPreventLateQuorum
{
    /// @inheritdoc IMandateGovernor
    uint8 public immutable vetoPercent;
    /// @inheritdoc IMandateGovernor
    uint8 public immutable approvalPercent;
    /// @inheritdoc IMandateGovernor
    uint8 public immutable maxVotePercent;

    constructor(GovernorConfig memory config) {
        bool optimistic = config.vetoPercent != 0;
        bool contradicts = config.approvalPercent != 0 || config.lateQuorumExtension != 0;
        bool isTooMuch =
            config.vetoPercent > 100 || config.approvalPercent > 100 || config.maxVotePercent > 100;
        if (isTooMuch || (optimistic && contradicts)) revert MandateGovernorInvalidCounting();

        vetoPercent = config.vetoPercent;
        approvalPercent = config.approvalPercent;
        maxVotePercent = config.maxVotePercent;
    }

    function _countVote(
        uint256 proposalId,
        address account,
        uint8 support,
        uint256 totalWeight,
        bytes memory params
    ) internal override(Governor, GovernorCountingSimple) returns (uint256) {
        if (maxVotePercent != 0) {
            totalWeight = Math.min(totalWeight, _pastSupply(proposalId) * maxVotePercent / 100);
        }
        return super._countVote(proposalId, account, support, totalWeight, params);
    }

    /// @dev Silence is the yes of an optimistic vote, so there is nothing to reach.
    function _quorumReached(uint256 proposalId)
        internal
        view
        override(Governor, GovernorCountingSimple)
        returns (bool)
    {
        return vetoPercent != 0 || super._quorumReached(proposalId);
    }

    function _voteSucceeded(uint256 proposalId)
        internal
        view
        override(Governor, GovernorCountingSimple)
        returns (bool)
    {
        (uint256 against, uint256 inFavour,) = proposalVotes(proposalId);
        if (vetoPercent != 0) return against * 100 < _pastSupply(proposalId) * vetoPercent;
        return inFavour > against && inFavour * 100 >= (inFavour + against) * approvalPercent;
    }

    /// @dev An optimistic vote has its quorum from the start and no extension: the first ballot would only write
    /// that nothing is extended.
    function _tallyUpdated(uint256 proposalId)
        internal
        virtual
        override(Governor, GovernorPreventLateQuorum)
    {
        if (vetoPercent == 0) super._tallyUpdated(proposalId);
    }

    function proposalDeadline(uint256 proposalId)
        public
        view
        virtual
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(proposalId);
    }

    function _pastSupply(uint256 proposalId) private view returns (uint256) {
        return token().getPastTotalSupply(proposalSnapshot(proposalId));
    }
}
