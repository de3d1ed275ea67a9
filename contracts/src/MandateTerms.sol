// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMandateGovernor} from "./interfaces/IMandateGovernor.sol";

/// @title MandateTerms
/// @dev What OpenZeppelin's extensions keep in storage, for setters that are closed here: in the code instead,
/// where nothing can change it and reading costs no access to storage. First of the governor's parents, because
/// the constructors of the others read it.
abstract contract MandateTerms is IMandateGovernor {
    uint48 internal immutable _delay;
    uint32 internal immutable _period;
    uint256 internal immutable _threshold;
    uint256 internal immutable _quorum;
    uint48 internal immutable _lateExtension;
    uint32 internal immutable _baseDelay;

    constructor(GovernorConfig memory config) {
        _delay = config.votingDelay;
        _period = config.votingPeriod;
        _threshold = config.proposalThreshold;
        _quorum = config.quorumPercent;
        _lateExtension = config.lateQuorumExtension;
        _baseDelay = config.baseDelay;
    }
}
