// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {ISubjectConfigs} from "./interfaces/ISubjectConfigs.sol";
import {SubjectConfig} from "./types/Mandates.sol";

/// @title SubjectConfigs
/// @dev Whoever plays a part on a subject has a seat there; a new config empties every former seat.
contract SubjectConfigs is ISubjectConfigs, AccessManaged {
    uint8 private constant PROPOSER = 1;
    uint8 private constant RUNNER = 2;
    uint8 private constant ATTESTOR = 4;

    mapping(bytes32 subject => SubjectConfig) private _configs;
    mapping(bytes32 subject => uint64) private _versions;
    mapping(bytes32 seat => uint8) private _parts;
    /// @dev Kept by seat, so that a word counts only while its author holds the part.
    mapping(bytes32 planHash => bytes32[] seats) private _attested;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc ISubjectConfigs
    function configureSubject(bytes32 subject, SubjectConfig calldata config) external restricted {
        bool isLiftable = config.costCap == type(uint64).max || config.financeCosigner != address(0);
        if (subject == 0 || config.rulesDigest == 0 || config.backend == 0 || !isLiftable) {
            revert SubjectConfigsInvalid(subject);
        }

        uint64 version = ++_versions[subject];
        _vacate(subject, _configs[subject].proposers);
        _vacate(subject, _configs[subject].attestors);
        _vacate(subject, _configs[subject].runners);
        _configs[subject] = config;
        _assign(subject, config.proposers, PROPOSER);
        _assign(subject, config.attestors, ATTESTOR);
        _assign(subject, config.runners, RUNNER);

        emit SubjectConfigured(subject, version, config);
    }

    /// @inheritdoc ISubjectConfigs
    function recordAttestation(bytes32 planHash, bytes32 subject, address attestor) external restricted {
        bytes32 seat = _seat(subject, attestor);
        bytes32[] storage seats = _attested[planHash];
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i] == seat) revert SubjectConfigsAttested(planHash, attestor);
        }
        seats.push(seat);
    }

    /// @inheritdoc ISubjectConfigs
    function attestations(bytes32 planHash) external view returns (uint8 count) {
        bytes32[] storage seats = _attested[planHash];
        for (uint256 i = 0; i < seats.length && count < type(uint8).max; ++i) {
            if (_parts[seats[i]] & ATTESTOR != 0) ++count;
        }
    }

    /// @inheritdoc ISubjectConfigs
    function subjectConfig(bytes32 subject)
        external
        view
        returns (SubjectConfig memory config, uint64 version)
    {
        return (_configs[subject], _versions[subject]);
    }

    /// @inheritdoc ISubjectConfigs
    function parts(bytes32 subject, address proposer, address runner)
        external
        view
        returns (bytes32 rulesDigest, bool proposes, bool runs, uint64 costCap)
    {
        SubjectConfig storage config = _configs[subject];
        return (config.rulesDigest, isProposer(subject, proposer), isRunner(subject, runner), config.costCap);
    }

    /// @inheritdoc ISubjectConfigs
    function financeCosigner(bytes32 subject) external view returns (address) {
        return _configs[subject].financeCosigner;
    }

    /// @inheritdoc ISubjectConfigs
    function isProposer(bytes32 subject, address account) public view returns (bool) {
        return _plays(subject, account, PROPOSER);
    }

    /// @inheritdoc ISubjectConfigs
    function isAttestor(bytes32 subject, address account) public view returns (bool) {
        return _plays(subject, account, ATTESTOR);
    }

    /// @inheritdoc ISubjectConfigs
    function isRunner(bytes32 subject, address account) public view returns (bool) {
        return _plays(subject, account, RUNNER);
    }

    function _plays(bytes32 subject, address account, uint8 part) private view returns (bool) {
        return _parts[_seat(subject, account)] & part != 0;
    }

    function _assign(bytes32 subject, address[] calldata accounts, uint8 part) private {
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == address(0)) revert SubjectConfigsInvalid(subject);
            _parts[_seat(subject, accounts[i])] |= part;
        }
    }

    function _vacate(bytes32 subject, address[] storage accounts) private {
        for (uint256 i = 0; i < accounts.length; ++i) {
            _parts[_seat(subject, accounts[i])] = 0;
        }
    }

    function _seat(bytes32 subject, address account) private pure returns (bytes32) {
        return keccak256(abi.encode(subject, account));
    }
}
