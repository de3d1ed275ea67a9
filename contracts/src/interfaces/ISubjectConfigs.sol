// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SubjectConfig} from "../types/Mandates.sol";

/// @title What each subject is judged by
/// @notice Rules, mode, keys' ids, who may propose, attest and run, and who lifts the cost cap.
/// @dev Written by the plan registry alone, for a vote of the critical tier (by the AccessManager).
interface ISubjectConfigs {
    /// @notice What the subject's plans are judged by from now on, whole; `version` counts from one.
    event SubjectConfigured(bytes32 indexed subject, uint64 version, SubjectConfig config);

    /// @notice A config without rules or backend, with a zero account in a list, or with a cap that nobody
    /// could lift.
    error SubjectConfigsInvalid(bytes32 subject);
    /// @notice This attestor's word on the plan is kept already.
    error SubjectConfigsAttested(bytes32 planHash, address attestor);

    /// @notice Sets a subject's config; replaces every list.
    /// @dev Plans judged under other rules can no longer begin. Runs that have begun are not touched.
    function configureSubject(bytes32 subject, SubjectConfig calldata config) external;

    /// @notice Keeps that an attestor of the subject reproduced a plan. The registry's, for the attestation log.
    function recordAttestation(bytes32 planHash, bytes32 subject, address attestor) external;

    /// @notice How many have reproduced a plan, of those who are attestors of its subject now.
    /// @dev Whoever is struck from the list loses his word with his part, and has both back when he returns.
    function attestations(bytes32 planHash) external view returns (uint8 count);

    /// @notice A subject's config and its version; version 0 means that there is none.
    function subjectConfig(bytes32 subject)
        external
        view
        returns (SubjectConfig memory config, uint64 version);

    /// @notice What `begin` asks: the rules (zero: no config), which parts two accounts play, and the cost cap.
    function parts(bytes32 subject, address proposer, address runner)
        external
        view
        returns (bytes32 rulesDigest, bool proposes, bool runs, uint64 costCap);

    /// @notice The account that lifts the subject's cost cap.
    function financeCosigner(bytes32 subject) external view returns (address);

    /// @notice Whether plans of this account may run on the subject.
    function isProposer(bytes32 subject, address account) external view returns (bool);

    /// @notice Whether this account's word on plans and results of the subject counts.
    function isAttestor(bytes32 subject, address account) external view returns (bool);

    /// @notice Whether this account may send `begin` for the subject.
    function isRunner(bytes32 subject, address account) external view returns (bool);
}
