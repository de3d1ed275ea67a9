// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {Plan} from "../types/Mandates.sol";
import {ISeats} from "./ICouncil.sol";
import {IObligationLedger} from "./IObligationLedger.sol";
import {IPlanRegistry} from "./IPlanRegistry.sol";

/// @title The emergency path
/// @notice Two thirds of the council's seats approve a plan at once, in one transaction, and owe for it: a
/// report within `reportTerm`, a ratification by the critical electorate, or a corrective plan, within
/// `ratifyTerm`. What is owed is an obligation in the ledger, opened in the same transaction.
/// ```
/// declare ──► open ── ratified or corrected ──► closed ──► the next incident
///              │ declare again: same incident, all seats, twice at most
///              └ overdue ──► the path is off until a critical plan calls `renew`
/// ```
/// @dev The ratification is proposed in the same transaction, by a call that may fail: a governor that
/// reverts, or that somebody made revert, cannot block a fix. Then anybody tries again. Notices may be
/// acknowledged, which is recorded and blocks nothing. The gate holds the AccessManager's emergency role,
/// and thereby needs no tokens to propose. Votes and tokens mean nothing here, and seats change only after
/// the council's rotation delay: nothing that is borrowed for one transaction helps.
interface IEmergencyGate {
    /// @param sunset Seconds after which the path ends, from genesis or from the last `renew`.
    struct GateConfig {
        address authority;
        IPlanRegistry registry;
        IObligationLedger obligations;
        ISeats council;
        IGovernor governor;
        uint32 reportTerm;
        uint32 ratifyTerm;
        uint32 sunset;
    }

    /// @notice What members sign: this plan, for this incident, and why.
    /// @param incident A name that is used once; every plan for the same trouble has the same.
    /// @param reason The digest of the text that says why it could not wait.
    struct Emergency {
        bytes32 planHash;
        bytes32 incident;
        bytes32 reason;
        uint64 deadline;
    }

    /// @param declared How many plans it has taken.
    /// @param report The report's digest; zero until there is one.
    struct Incident {
        bytes32 id;
        uint48 reportDue;
        uint48 ratifyDue;
        uint8 declared;
        bytes32 report;
    }

    /// @param seats How many of the council signed, `of` how many.
    event EmergencyDeclared(
        bytes32 indexed incident,
        bytes32 indexed planHash,
        bytes32 indexed subject,
        bytes32 obligation,
        bytes32 reason,
        uint256 seats,
        uint256 outOf
    );
    /// @notice The ratification is before the critical electorate.
    event RatificationProposed(bytes32 indexed obligation, uint256 indexed proposalId);
    /// @dev The path is not stopped by it; anybody may call `proposeRatification`.
    event RatificationFailed(bytes32 indexed obligation, bytes reason);
    /// @notice Somebody has seen the notice.
    event NoticeAcknowledged(bytes32 indexed incident, address indexed by, bytes32 notice);
    /// @notice The report was filed; late ones switch the path off.
    event EmergencyReported(bytes32 indexed incident, bytes32 report, address by);
    /// @notice Something was overdue: the path is off until a critical plan.
    event PathSwitchedOff(bytes32 indexed incident);
    /// @notice A critical plan switched the path on.
    event PathRenewed(uint48 until);

    /// @notice The path ended with its year, or was switched off: a critical plan renews it.
    error EmergencyGateOff(uint48 until);
    /// @notice A report or a ratification is overdue, or came too late: a critical plan renews the path.
    error EmergencyGateOverdue(bytes32 incident);
    /// @notice An earlier incident is open: only it may take another plan.
    error EmergencyGateOtherIncident(bytes32 open, bytes32 named);
    /// @notice This incident is closed, or has taken as many plans as it may.
    error EmergencyGateSpentIncident(bytes32 incident);
    /// @notice The plan is not of the emergency tier.
    error EmergencyGateWrongTier();
    /// @notice The members signed for another plan.
    error EmergencyGateWrongPlan(bytes32 signed, bytes32 presented);
    /// @notice The signatures are too old.
    error EmergencyGateOrderExpired(uint64 deadline, uint256 time);
    /// @notice A signature is not valid, a signer is named twice or out of order, or has no seat.
    error EmergencyGateBadSignatures();
    /// @notice So many seats signed; it takes more.
    error EmergencyGateTooFewSeats(uint256 signed, uint256 needed);
    /// @notice Too little gas is left for the ratification: without this its failure could be forced.
    error EmergencyGateOutOfGas();
    /// @notice Nothing is owed under this obligation, or its ratification is before the voters.
    error EmergencyGateNothingToPropose(bytes32 obligation);
    /// @notice There is no open incident, it was reported, or the caller has no seat.
    error EmergencyGateCannotReport(bytes32 incident, address caller);
    /// @notice A term of zero, or one in which no vote ends.
    error EmergencyGateInvalidTerms();

    /// @notice Approves a plan for the emergency tier, opens its obligation and tries to propose the
    /// ratification. Anybody may carry the signatures.
    /// @param signers By ascending keccak-256; members' ERC-7913 keys, 20 bytes for an address.
    function declare(
        Plan calldata plan,
        Emergency calldata order,
        bytes[] calldata signers,
        bytes[] calldata signatures
    ) external returns (bytes32 obligation);

    /// @notice Proposes the ratification of what is owed, where no proposal is pending or decided.
    function proposeRatification(bytes32 obligation) external;

    /// @notice Says that the caller has seen the notice of an incident.
    function acknowledge(bytes32 incident, bytes32 notice) external;

    /// @notice Files the report of the open incident. A member's, or the council's.
    function report(bytes32 digest) external;

    /// @notice Says in an event that something is or was overdue, and ends the path for all to see; it takes
    /// no plan with or without it. Anybody may.
    function switchOff() external;

    /// @notice Switches the path on, for another year. The critical electorate's, by the AccessManager.
    function renew() external;

    /// @notice The last incident; `isOpen` tells whether anything is still owed for it.
    function incident() external view returns (Incident memory);

    /// @notice Whether the last incident still owes its report or a ratification.
    function isOpen() external view returns (bool);

    /// @notice Whether the report or what is owed in the ledger is past its time, or was paid only then.
    /// @dev What was paid late is good again once a critical plan has renewed the path after it was due.
    function isOverdue() external view returns (bool);

    /// @notice Until when the path is on; zero while it is switched off.
    function onUntil() external view returns (uint48);

    /// @notice The ratification's call, text and id, as it was or would be proposed.
    function ratification(bytes32 obligation)
        external
        view
        returns (bytes memory call, string memory description, uint256 proposalId);

    /// @notice What members sign.
    function hashEmergency(Emergency calldata order) external view returns (bytes32);

    /// @notice Whose seats sign.
    function council() external view returns (ISeats);

    /// @notice Where ratifications are proposed.
    function governor() external view returns (IGovernor);
}
