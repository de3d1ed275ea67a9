// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MandateGovernor} from "../src/MandateGovernor.sol";
import {IMandateGovernor} from "../src/interfaces/IMandateGovernor.sol";

/// @dev The counting, reachable without a token's whole history.
contract OpenGovernor is MandateGovernor {
    constructor(IMandateGovernor.GovernorConfig memory config) MandateGovernor(config) {}

    function count(uint256 id, address voter, uint8 support, uint256 weight) external returns (uint256) {
        return _countVote(id, voter, support, weight, "");
    }

    function succeeds(uint256 id) external view returns (bool) {
        return _quorumReached(id) && _voteSucceeded(id);
    }
}

/// @dev A token of which only the supply is known.
contract FixedSupply {
    uint256 private immutable _supply;

    constructor(uint256 supply) {
        _supply = supply;
    }

    function getPastTotalSupply(uint256) external view returns (uint256) {
        return _supply;
    }

    function clock() external view returns (uint48) {
        return uint48(block.timestamp);
    }
}
