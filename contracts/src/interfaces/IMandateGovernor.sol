// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title What a mandate governor adds to OpenZeppelin's Governor: everything that it refuses
/// @notice A proposal is exactly one call, without value, to the plan registry, with one of the selectors
/// of this governor's own list. Nothing about the governor can be changed: other parameters are a new
/// deployment.
interface IMandateGovernor {
    /// @param selectors At most eight; the functions of the registry that this electorate may call.
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

    /// @notice The registry that proposals call.
    function registry() external view returns (address);

    /// @notice Whether proposals may call this function of the registry.
    function isCallable(bytes4 selector) external view returns (bool);
}
