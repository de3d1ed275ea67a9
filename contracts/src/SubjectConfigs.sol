// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {Plan, SubjectConfig} from "./types/Mandates.sol";

/// @title SubjectConfigs
/// @dev What each subject is judged by. A new config replaces both lists at once, because the parts that
/// accounts play are kept per version.
abstract contract SubjectConfigs is IPlanRegistry, AccessManaged {
    uint8 private constant PROPOSER = 1;
    uint8 private constant RUNNER = 2;

    mapping(bytes32 subject => SubjectConfig) private _configs;
    mapping(bytes32 subject => uint64) private _versions;
    mapping(bytes32 subject => mapping(uint64 version => mapping(address account => uint8))) private _parts;

    /// @inheritdoc IPlanRegistry
    function configureSubject(bytes32 subject, SubjectConfig calldata config) external restricted {
        if (subject == 0 || config.rulesDigest == 0 || config.backend == 0) {
            revert PlanRegistryInvalidConfig(subject);
        }

        uint64 version = ++_versions[subject];
        _configs[subject] = config;
        _assign(subject, version, config.proposers, PROPOSER);
        _assign(subject, version, config.runners, RUNNER);

        emit SubjectConfigured(subject, version, config);
    }

    /// @inheritdoc IPlanRegistry
    function subjectConfig(bytes32 subject)
        external
        view
        returns (SubjectConfig memory config, uint64 version)
    {
        return (_configs[subject], _versions[subject]);
    }

    /// @inheritdoc IPlanRegistry
    function isProposer(bytes32 subject, address account) public view returns (bool) {
        return _parts[subject][_versions[subject]][account] & PROPOSER != 0;
    }

    /// @inheritdoc IPlanRegistry
    function isRunner(bytes32 subject, address account) public view returns (bool) {
        return _parts[subject][_versions[subject]][account] & RUNNER != 0;
    }

    /// @dev The plan was judged under the subject's rules, and the right people stand behind it.
    function _checkSubject(Plan calldata plan, address runner) internal view {
        bytes32 rules = _configs[plan.subject].rulesDigest;
        if (rules == 0) revert PlanRegistryUnknownSubject(plan.subject);
        if (plan.rules != rules) revert PlanRegistryWrongRules(plan.rules, rules);
        if (!isProposer(plan.subject, plan.proposer)) {
            revert PlanRegistryNotProposer(plan.subject, plan.proposer);
        }
        if (runner != msg.sender) revert PlanRegistryWrongRunner(runner, msg.sender);
        if (!isRunner(plan.subject, runner)) revert PlanRegistryNotRunner(plan.subject, runner);
    }

    function _assign(bytes32 subject, uint64 version, address[] calldata accounts, uint8 part) private {
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == address(0)) revert PlanRegistryInvalidConfig(subject);
            _parts[subject][version][accounts[i]] |= part;
        }
    }
}
