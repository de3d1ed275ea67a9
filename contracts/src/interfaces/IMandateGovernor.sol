// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title What a mandate governor adds to OpenZeppelin's Governor: everything that it refuses
/// @notice A proposal is exactly one call, without value, to the plan registry or to the emergency gate, with
/// one of the selectors of this governor's own list. Nothing about the governor can be changed: other
/// parameters are a new deployment.
/// @dev One contract, three configurations: optimistic (low tier), standard (medium), critical (high and
/// critical). Each lists the functions of its own tiers only, and the AccessManager knows each by a role of
/// its own, so a proposal that passed the easy vote cannot do what takes the hard one.
interface IMandateGovernor {
    /// @param vetoPercent 0 for a vote that must be won. Else the vote is optimistic: silence passes, and
    /// Against of at least this share of the past supply defeats; For and Abstain decide nothing.
    /// @param approvalPercent The least share of For in For and Against; 0 for a simple majority.
    /// @param maxVotePercent The most that one ballot counts, as a share of the past supply; 0 for no cap.
    /// What the cap cuts off counts for nothing, the quorum included.
    /// @param maxOpenPerProposer How many proposals of one account may await or be in their vote; 0 for any.
    /// @param selectors At most eight; the functions that this electorate may call.
    struct GovernorConfig {
        IVotes token;
        address accessManager;
        address registry;
        address guardian;
        uint48 votingDelay;
        uint32 votingPeriod;
        uint48 lateQuorumExtension;
        uint32 baseDelay;
        uint256 proposalThreshold;
        uint256 quorumPercent;
        uint8 vetoPercent;
        uint8 approvalPercent;
        uint8 maxVotePercent;
        uint8 maxOpenPerProposer;
        bytes4[] selectors;
    }

    /// @notice A proposal holds exactly one call.
    error MandateGovernorNotOneCall(uint256 targets, uint256 values, uint256 calldatas);
    /// @notice The call goes elsewhere, carries value, or names a function outside the list.
    error MandateGovernorForbiddenCall(address target, uint256 value, bytes4 selector);
    /// @notice No parameter changes, nothing is relayed, no deposit is taken.
    error MandateGovernorImmutable();
    /// @notice The list of selectors is empty or longer than eight.
    error MandateGovernorInvalidSelectors(uint256 length);
    /// @notice A share above 100, or an optimistic vote with an approval share or a late-quorum extension,
    /// which would mean nothing there.
    error MandateGovernorInvalidCounting();
    /// @notice The proposer has as many proposals before the voters as one account may have.
    error MandateGovernorTooManyOpen(address proposer, uint8 most);

    /// @notice The registry that proposals call.
    function registry() external view returns (address);

    /// @notice Whether proposals may call this function.
    function isCallable(bytes4 selector) external view returns (bool);

    /// @notice The share of the past supply whose Against defeats an optimistic proposal; 0 for a normal vote.
    function vetoPercent() external view returns (uint8);

    /// @notice The least share of For in For and Against.
    function approvalPercent() external view returns (uint8);

    /// @notice The most that one ballot counts, as a share of the past supply; 0 for no cap.
    function maxVotePercent() external view returns (uint8);

    /// @notice How many proposals of one account may await or be in their vote; 0 for any number.
    function maxOpenPerProposer() external view returns (uint8);
}
