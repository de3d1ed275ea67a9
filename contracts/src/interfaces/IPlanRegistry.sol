// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    ExecutionOrder,
    Leaf,
    Mandate,
    MandateState,
    OutcomeKind,
    Outcome,
    Plan,
    Renewal,
    SubjectConfig,
    Tier,
    TierTerms
} from "../types/Mandates.sol";
import {IExecutorRegistry} from "./IExecutorRegistry.sol";

/// @title The life of mandates
/// @notice A plan hash is approved by the electorate of its tier, spent once by an executor's signed order,
/// and closed by a statement of what happened.
/// ```
/// NONE ── approve ──► APPROVED ── begin ──► RUNNING ── complete ──► UNCONFIRMED
///  │                    │  │                  │  │ └──── fail ────► FAILED
///  │ revoke, withdraw   │  └ (time) EXPIRED   │  └ revoke ► STOPPING ── complete or fail ► as above
///  └──► REVOKED / WITHDRAWN ◄┘                └──────────── lease + grace, anyone ► ABANDONED
/// ```
/// Every arrow is taken at most once and none leads back: a hash that has left APPROVED, or has expired, is
/// burned for ever. To do the same change again, a plan with another salt is proposed.
/// @dev Permission and fact are different things. `begin` and `renew` need a mandate that is alive; `complete`
/// and `fail` state what has already happened and are accepted after expiry, revocation of the plan and
/// revocation of the key.
interface IPlanRegistry {
    /// @param genesis Who wires the roles and then calls `seal`; nobody special afterwards.
    /// @param grace Seconds after a lease's end from which anyone may abandon the run.
    struct RegistryConfig {
        address authority;
        IExecutorRegistry executors;
        address genesis;
        TierTerms medium;
        TierTerms high;
        uint32 grace;
        uint8 maxRenewals;
    }

    // ------------------------------------------------------------------ events

    /// @notice Genesis is over.
    event Sealed(address indexed genesis);
    /// @notice What the subject's plans are judged by from now on, whole; `version` counts from one.
    event SubjectConfigured(bytes32 indexed subject, uint64 version, SubjectConfig config);
    /// @notice The electorate of this tier said yes.
    event Approved(bytes32 indexed planHash, Tier tier, uint64 approvedAt, uint64 expiresAt);
    /// @notice The mandate is spent: this run, by this key, paid for by this runner. Names what was approved.
    event Begun(
        bytes32 indexed planHash,
        bytes32 indexed runId,
        bytes32 indexed subject,
        address executor,
        address runner,
        uint64 leaseUntil,
        bytes32 effectRoot,
        bytes32 document,
        uint64 keyEpoch
    );
    /// @notice The run's lease is longer.
    event Renewed(bytes32 indexed planHash, bytes32 indexed runId, uint64 leaseUntil, uint8 renewals);
    /// @notice The executor states that everything was done. A statement, and not yet an observation.
    event Completed(
        bytes32 indexed planHash,
        bytes32 indexed runId,
        bytes32 receiptRoot,
        bytes32 postState,
        address executor
    );
    /// @notice The executor states that the run ended before everything was done.
    event RunFailed(
        bytes32 indexed planHash,
        bytes32 indexed runId,
        bytes32 receiptRoot,
        bytes32 postState,
        address executor
    );
    /// @dev `state` is REVOKED, or STOPPING where a run had begun.
    event Revoked(bytes32 indexed planHash, MandateState state);
    /// @notice The plan's own proposer took it back.
    event Withdrawn(bytes32 indexed planHash, address indexed proposer);
    /// @notice Lease and grace passed without a statement; the subject is free again.
    event RunAbandoned(bytes32 indexed planHash, bytes32 indexed runId, address by);

    // ------------------------------------------------------------------ errors

    /// @notice Genesis is not over: nothing can be approved yet.
    error PlanRegistryNotSealed();
    /// @notice Genesis is over.
    error PlanRegistrySealed();
    /// @notice Only the genesis account seals.
    error PlanRegistryNotGenesis(address caller);
    /// @notice The genesis account can still administer roles or call this function of `target`.
    error PlanRegistryGenesisHoldsPower(address target, bytes4 selector);
    /// @notice A genesis value that could never work (a zero address, or a tier without validity, lease or kinds).
    error PlanRegistryInvalidGenesis();
    /// @notice The plan hash is in a state that does not allow this; `expected` has bit `1 << state` set for
    /// every state that does. A mandate whose window is over shows as EXPIRED.
    error PlanRegistryUnexpectedState(bytes32 planHash, MandateState current, bytes32 expected);
    /// @notice The order names another plan than the one presented.
    error PlanRegistryWrongPlan(bytes32 ordered, bytes32 presented);
    /// @notice The plan says one tier, the electorate that approved it is another's.
    error PlanRegistryWrongTier(Tier planned, Tier approved);
    /// @notice The plan may not begin now.
    error PlanRegistryOutsideWindow(uint64 notBefore, uint64 expiresAt, uint256 time);
    /// @notice No operations, no kinds, or no effect root.
    error PlanRegistryEmptyPlan(bytes32 planHash);
    /// @notice The plan holds kinds of operation that its tier does not allow.
    error PlanRegistryForbiddenKinds(uint32 kinds, uint32 allowed);
    /// @notice The subject has no config.
    error PlanRegistryUnknownSubject(bytes32 subject);
    /// @notice The plan was judged under other rules than the subject's.
    error PlanRegistryWrongRules(bytes32 judged, bytes32 current);
    /// @notice The plan's proposer is not enrolled for the subject, or the caller did not propose the plan.
    error PlanRegistryNotProposer(bytes32 subject, address account);
    /// @notice The runner is not enrolled for the subject.
    error PlanRegistryNotRunner(bytes32 subject, address account);
    /// @notice The order names another runner than the sender.
    error PlanRegistryWrongRunner(address ordered, address sender);
    /// @notice Another plan of this subject is running.
    error PlanRegistrySubjectBusy(bytes32 subject, bytes32 running);
    /// @notice The lease must end after `earliest` and not after `latest`.
    error PlanRegistryInvalidLease(uint64 leaseUntil, uint256 earliest, uint256 latest);
    /// @notice The signed message is too old.
    error PlanRegistryOrderExpired(uint64 deadline, uint256 time);
    /// @notice The signer is no enrolled key, or the epoch it signed under is not its current one.
    error PlanRegistryExecutorNotActive(address signer, uint64 keyEpoch);
    /// @notice One party may not hold two of: proposer, executor, runner's purse.
    error PlanRegistryExecutorConflict(address executor);
    /// @notice The message is about another run.
    error PlanRegistryWrongRun(bytes32 named, bytes32 current);
    /// @notice Only the run's executor speaks about it while its key stands.
    error PlanRegistryNotRunExecutor(address signer, address executor);
    /// @notice No renewal is left.
    error PlanRegistryTooManyRenewals(uint8 renewals);
    /// @notice `complete` takes COMPLETED, `fail` takes FAILED.
    error PlanRegistryWrongOutcome(OutcomeKind kind);
    /// @notice The lease and its grace are not over.
    error PlanRegistryLeaseRunning(uint256 until);
    /// @notice A config without rules or backend, or with a zero account in a list.
    error PlanRegistryInvalidConfig(bytes32 subject);

    // ------------------------------------------------------------------ genesis

    /// @notice Ends genesis. Before it nothing can be approved, so nothing can begin.
    /// @dev Reverts while the genesis account can still administer roles, approve, configure, enrol or revoke.
    /// Warning: it proves that one account let go, not that no other holds a role; whoever audits a
    /// deployment replays the AccessManager's events.
    function seal() external;

    /// @notice Whether genesis is over.
    function isSealed() external view returns (bool);

    // ------------------------------------------------------------------ the electorate

    /// @notice Approves a plan hash for the medium tier.
    /// @dev The hash is opaque here: what it stands for is checked at `begin`, against what was approved.
    function approveMedium(bytes32 planHash) external;

    /// @notice Approves a plan hash for the high tier.
    function approveHigh(bytes32 planHash) external;

    /// @notice Sets what a subject is judged by and who may propose and run its plans; replaces both lists.
    /// @dev Plans judged under other rules can no longer begin. Runs that have begun are not touched.
    function configureSubject(bytes32 subject, SubjectConfig calldata config) external;

    /// @notice Enrols an executor's key in the executor registry.
    function enrolExecutor(address executor) external;

    // ------------------------------------------------------------------ saying no

    /// @notice Burns a plan hash, or stops its run: from here on no forward operation is lawful.
    /// @dev The guardian's. A hash that is still being voted on is burned too.
    function revoke(bytes32 planHash) external;

    /// @notice Burns a plan's hash by the wish of its proposer.
    function withdraw(Plan calldata plan) external;

    // ------------------------------------------------------------------ runs

    /// @notice Spends a mandate: recomputes the hash from the plan's fields and starts a run.
    /// @dev Warning: a crash after this call and before the first operation leaves a spent plan that did
    /// nothing; it is resumed under the same run or stated as failed. The run id must be fresh: an `Outcome`
    /// names the run and not the plan.
    /// @param signature 65 bytes r, s, v of the executor's key over the order; low s only.
    function begin(Plan calldata plan, ExecutionOrder calldata order, bytes calldata signature) external;

    /// @notice Extends a lease, within the tier's limit from now and at most `maxRenewals` times.
    function renew(bytes32 planHash, Renewal calldata renewal, bytes calldata signature) external;

    /// @notice States that every operation of the run was done. Anybody may carry the statement.
    /// @dev The run then waits, UNCONFIRMED: no receipt is believed because its author signed it.
    function complete(bytes32 planHash, Outcome calldata outcome, bytes calldata signature) external;

    /// @notice States that the run ended without doing everything. Anybody may carry the statement.
    function fail(bytes32 planHash, Outcome calldata outcome, bytes calldata signature) external;

    /// @notice Frees the subject of a run whose lease and grace are over. Anybody may.
    /// @dev Warning: says nothing about what the run changed.
    function abandon(bytes32 planHash) external;

    // ------------------------------------------------------------------ views

    /// @notice What is known about a plan hash; the state is EXPIRED once an unspent approval's time is over.
    function mandate(bytes32 planHash) external view returns (Mandate memory);

    /// @notice The plan hash that is RUNNING or STOPPING on a subject, or zero.
    function running(bytes32 subject) external view returns (bytes32 planHash);

    /// @notice The EIP-712 hash of a plan under this chain and this registry.
    function hashPlan(Plan calldata plan) external view returns (bytes32);

    /// @notice A subject's config and its version; version 0 means that there is none.
    function subjectConfig(bytes32 subject)
        external
        view
        returns (SubjectConfig memory config, uint64 version);

    /// @notice Whether plans of this account may run on the subject.
    function isProposer(bytes32 subject, address account) external view returns (bool);

    /// @notice Whether this account may send `begin` for the subject.
    function isRunner(bytes32 subject, address account) external view returns (bool);

    /// @notice Whether an operation is one of those under an effect root.
    function includes(bytes32 effectRoot, Leaf calldata leaf, bytes32[] calldata proof)
        external
        pure
        returns (bool);

    /// @notice The terms of a tier; all zero where the tier has no electorate here.
    function terms(Tier tier) external view returns (TierTerms memory);

    /// @notice Seconds after a lease's end from which anyone may abandon the run.
    function grace() external view returns (uint32);

    /// @notice How often one run's lease may be renewed.
    function maxRenewals() external view returns (uint8);

    /// @notice The account that wired the roles and sealed; nobody special afterwards.
    function genesis() external view returns (address);

    /// @notice The keys that may spend mandates.
    function executors() external view returns (IExecutorRegistry);
}
