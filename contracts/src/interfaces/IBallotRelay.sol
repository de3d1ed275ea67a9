// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

/// @title Many signed ballots in one transaction
/// @notice Carries EIP-712 ballots to a governor, which counts each or refuses it; one that is refused does
/// not stop the others. Anybody may carry them, and nobody needs this contract to vote.
/// @dev A ballot that the governor counted is its own `VoteCast` event; one that it refused is an event here.
interface IBallotRelay {
    struct SignedBallot {
        uint8 support;
        address voter;
        bytes signature;
    }

    /// @param reason The first four bytes of what the governor said; zero where it ran out of its gas.
    event BallotRefused(
        IGovernor indexed governor, uint256 indexed proposalId, address indexed voter, bytes4 reason
    );

    /// @notice Too little gas is left for this ballot: without this a stingy carrier would have it refused.
    error BallotRelayOutOfGas(uint256 ballot);

    /// @notice Casts every ballot on one proposal, in order.
    /// @return counted How many the governor took.
    function relay(IGovernor governor, uint256 proposalId, SignedBallot[] calldata ballots)
        external
        returns (uint256 counted);
}
