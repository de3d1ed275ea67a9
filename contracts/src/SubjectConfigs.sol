// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {ISubjectConfigs} from "./interfaces/ISubjectConfigs.sol";
import {SubjectConfig} from "./types/Mandates.sol";

/// @title SubjectConfigs
/// @dev The parts that accounts play are kept per version, so that a new config ends every former part.
contract SubjectConfigs is ISubjectConfigs, AccessManaged {
    uint8 private constant PROPOSER = 1;
    uint8 private constant RUNNER = 2;
    uint8 private constant ATTESTOR = 4;

    mapping(bytes32 subject => SubjectConfig) private _configs;
    mapping(bytes32 subject => uint64) private _versions;
    mapping(bytes32 subject => mapping(uint64 version => mapping(address account => uint8))) private _parts;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc ISubjectConfigs
    function configureSubject(bytes32 subject, SubjectConfig calldata config) external restricted {
        bool isLiftable = config.costCap == type(uint64).max || config.financeCosigner != address(0);
        if (subject == 0 || config.rulesDigest == 0 || config.backend == 0 || !isLiftable) {
            revert SubjectConfigsInvalid(subject);
        }

        uint64 version = ++_versions[subject];
        _configs[subject] = config;
        _assign(subject, version, config.proposers, PROPOSER);
        _assign(subject, version, config.attestors, ATTESTOR);
        _assign(subject, version, config.runners, RUNNER);

        emit SubjectConfigured(subject, version, config);
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
        return _parts[subject][_versions[subject]][account] & part != 0;
    }

    function _assign(bytes32 subject, uint64 version, address[] calldata accounts, uint8 part) private {
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == address(0)) revert SubjectConfigsInvalid(subject);
            _parts[subject][version][accounts[i]] |= part;
        }
    }
}
