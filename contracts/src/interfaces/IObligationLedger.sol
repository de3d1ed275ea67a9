// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Duty, Obligation, Tier} from "../types/Mandates.sol";

/// @title What is owed
/// @notice An abandoned run, a result that nobody confirmed, an emergency without its ratification, an
/// auditor's finding: each is one obligation on its subject, with a time by which it is due. Once it is
/// overdue, only what cures it may begin there.
/// @dev At most one is open per subject and duty: a further cause joins the open one and changes nothing but
/// its tier, upwards. Who may call what is decided by the AccessManager: `open` and `clear` belong to the plan
/// registry, `openEmergency` to the emergency gate, `openAudit` to the auditor.
interface IObligationLedger {
    /// @notice Something is owed from now on.
    event Opened(
        bytes32 indexed id, bytes32 indexed subject, Duty duty, Tier tier, uint48 dueAt, bytes32 cause
    );
    /// @notice A further cause for what is owed already.
    event Joined(bytes32 indexed id, bytes32 cause, Tier tier);
    /// @notice It is owed no more; `by` is the confirmed plan, or the id itself where a vote let it go.
    event Cleared(bytes32 indexed id, bytes32 indexed by);

    /// @notice Not a duty of this opener's, no subject, or no tier that could clear it.
    error ObligationLedgerInvalid(bytes32 subject, Duty duty, Tier tier);
    /// @notice Due before the notice that whoever owes it must have.
    error ObligationLedgerTooSoon(uint48 dueAt, uint256 earliest);
    /// @notice Unknown, or cleared already.
    error ObligationLedgerNotOpen(bytes32 id);

    /// @notice Opens ABANDONED or UNCONFIRMED on a subject, or joins the one that is open.
    function open(bytes32 subject, Duty duty, Tier tier, uint48 dueAt, bytes32 cause)
        external
        returns (bytes32 id);

    /// @notice Opens EMERGENCY, or joins the one that is open.
    function openEmergency(bytes32 subject, Tier tier, uint48 dueAt, bytes32 cause)
        external
        returns (bytes32 id);

    /// @notice Opens AUDIT, or joins the one that is open. No sooner due than `notice` seconds from now.
    function openAudit(bytes32 subject, Tier tier, uint48 dueAt, bytes32 cause) external returns (bytes32 id);

    /// @notice Clears an obligation; `by` is the confirmed plan, or the obligation itself where a vote let it go.
    function clear(bytes32 id, bytes32 by) external;

    /// @notice An obligation by its id, cleared ones too; all zero where it is unknown.
    function obligation(bytes32 id) external view returns (Obligation memory);

    /// @notice The open obligation of a subject and a duty, or zero.
    function openOf(bytes32 subject, Duty duty) external view returns (bytes32 id);

    /// @notice Whether an obligation is known and not cleared.
    function isOpen(bytes32 id) external view returns (bool);

    /// @notice Whether anything on a subject is overdue.
    function isOverdue(bytes32 subject) external view returns (bool);

    /// @notice Whether a duty of a subject is overdue.
    function isOverdue(bytes32 subject, Duty duty) external view returns (bool);

    /// @notice Seconds that lie at least between an auditor's finding and its due time.
    function notice() external view returns (uint32);
}
