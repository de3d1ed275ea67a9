// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {IBallotRelay} from "./interfaces/IBallotRelay.sol";

/// @title BallotRelay
contract BallotRelay is IBallotRelay {
    /// @dev For one ballot: three times what a plain key's costs, so that a wallet may check its own way, and
    /// none can burn what is meant for the next.
    uint256 private constant BALLOT_GAS = 300_000;

    /// @inheritdoc IBallotRelay
    function relay(IGovernor governor, uint256 proposalId, SignedBallot[] calldata ballots)
        external
        returns (uint256 counted)
    {
        for (uint256 i = 0; i < ballots.length; ++i) {
            // A call is given 63 of 64 parts of what is left at most, whatever it was promised.
            if (gasleft() < BALLOT_GAS * 64 / 63 + 10_000) revert BallotRelayOutOfGas(i);
            SignedBallot calldata ballot = ballots[i];
            try governor.castVoteBySig{gas: BALLOT_GAS}(
                proposalId, ballot.support, ballot.voter, ballot.signature
            ) {
                ++counted;
            } catch (bytes memory reason) {
                // forge-lint: disable-next-line(unsafe-typecast) -- the error's four bytes are meant
                emit BallotRefused(governor, proposalId, ballot.voter, bytes4(reason));
            }
        }
    }
}
