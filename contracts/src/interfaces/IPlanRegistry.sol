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
import {IObligationLedger} from "./IObligationLedger.sol";
import {ISubjectConfigs} from "./ISubjectConfigs.sol";

/// @title The life of mandates
/// @notice A plan hash is approved by the electorate of its tier, spent once by an executor's signed order,
/// and closed by a statement of what happened.
/// ```
/// NONE ── approve ──► APPROVED ── begin ──► RUNNING ── complete ──► UNCONFIRMED ── observed ──► CONFIRMED
///  │                    │  │                │ │ │ └──── fail ────► FAILED
///  │ revoke, withdraw   │  └ (time) EXPIRED │ │ └ revoke ► STOPPING ── complete or fail ► as above
///  ├──► REVOKED / WITHDRAWN ◄┘              │ └ lease + grace ── takeOver ► RUNNING under another run id
///  └──► SUPERSEDED (by a plan named)        └──────────── lease + grace, anyone ► ABANDONED
/// ```
/// Every arrow but `takeOver` is taken at most once and none leads back: a hash that has left APPROVED, or has
/// expired, is burned for ever. To do the same change again, a plan with another salt is proposed.
/// @dev Permission and fact are different things. `begin`, `takeOver` and `renew` need a mandate that is alive;
/// `complete` and `fail` state what has already happened and are accepted after expiry, revocation of the plan
/// and revocation of the key.
interface IPlanRegistry {
    /// @param genesis Who wires the roles and then calls `seal`; nobody special afterwards.
    /// @param grace Seconds after a lease's end from which anyone may abandon the run.
    /// @param confirmWithin Seconds that a completed run may wait for its observer before it is an obligation.
    /// @param clearWithin Seconds from an obligation's opening here until it is due.
    struct RegistryConfig {
        address authority;
        IExecutorRegistry executors;
        ISubjectConfigs subjects;
        IObligationLedger obligations;
        address genesis;
        TierTerms low;
        TierTerms medium;
        TierTerms high;
        TierTerms critical;
        TierTerms emergency;
        uint32 grace;
        uint32 confirmWithin;
        uint32 clearWithin;
        uint8 maxRenewals;
    }

    // ------------------------------------------------------------------ events

    /// @notice Genesis is over.
    event Sealed(address indexed genesis);
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
    /// @notice Of a batch, not approved: burned, approved before, or not attested often enough.
    event Skipped(bytes32 indexed planHash, MandateState state, uint8 attestations);
    /// @notice So many attestors have reproduced the plan now.
    event AttestationRecorded(bytes32 indexed planHash, uint8 attestations);
    /// @notice The council said yes.
    event Cosigned(bytes32 indexed planHash, address indexed cosigner);
    /// @notice The subject's finance cosigner said yes to what the plan costs.
    event Financed(bytes32 indexed planHash, address indexed cosigner);
    /// @notice Low plans of the subject wait for this one, until then at most.
    event Reserved(bytes32 indexed subject, bytes32 indexed planHash, uint64 until);
    /// @notice The run goes on as another run, by another key.
    event TakenOver(
        bytes32 indexed planHash,
        bytes32 indexed runId,
        bytes32 indexed previousRunId,
        address executor,
        address runner,
        uint64 leaseUntil,
        uint64 keyEpoch
    );
    /// @notice An attestor saw the result that the run's outcome states.
    event Confirmed(bytes32 indexed planHash, bytes32 indexed runId, bytes32 postState, address observer);
    /// @notice The guardian said no. `state` is REVOKED, or STOPPING where a run had begun; `hard`: not even the
    /// approved inverse may run.
    event Revoked(bytes32 indexed planHash, MandateState state, bool hard);
    /// @notice The plan's own proposer took it back.
    event Withdrawn(bytes32 indexed planHash, address indexed proposer);
    /// @notice The plan's own proposer took it back in favour of another that is approved.
    event Superseded(bytes32 indexed planHash, bytes32 indexed successor);
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
    /// @notice One party may not hold two of: proposer, executor, runner's purse, cosigner, observer.
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
    /// @notice Too few attestors have reproduced the plan.
    error PlanRegistryNotAttested(bytes32 planHash, uint8 attestations, uint8 needed);
    /// @notice The tier needs the council's cosignature, by nobody who proposes, runs or pays.
    error PlanRegistryNotCosigned(bytes32 planHash, address cosigner);
    /// @notice The plan costs more than the subject's cap, and the finance cosigner has not said yes.
    error PlanRegistryNotFinanced(uint64 cost, uint64 cap);
    /// @notice Only the subject's finance cosigner lifts the cap, and not for a plan of his own.
    error PlanRegistryNotFinance(bytes32 subject, address account);
    /// @notice What low plans may still begin on this subject now is less than this plan.
    error PlanRegistryOverBudget(bytes32 subject, uint256 asked, uint256 left);
    /// @notice A high plan has reserved the subject: low plans wait.
    error PlanRegistryReserved(bytes32 subject, bytes32 planHash);
    /// @notice Only a plan that is approved or scheduled, of the high or the critical tier, reserves.
    error PlanRegistryNotReservable(bytes32 planHash, Tier tier);
    /// @notice Something is overdue on the subject, and this plan does not cure it.
    error PlanRegistryOverdue(bytes32 subject);
    /// @notice The plan cannot clear this: unknown, cleared, another subject's, or of a higher tier.
    error PlanRegistryNotClearable(bytes32 obligation, Tier tier);
    /// @notice The result was seen to be another than the run's outcome says.
    error PlanRegistryOtherState(bytes32 observed, bytes32 stated);
    /// @notice The subject of this run is another.
    error PlanRegistryWrongSubject(bytes32 subject, bytes32 planHash);
    /// @notice One to twenty hashes a batch.
    error PlanRegistryInvalidBatch(uint256 length);
    /// @notice There is still time to observe the result.
    error PlanRegistryStillObservable(uint256 until);

    // ------------------------------------------------------------------ genesis

    /// @notice Ends genesis. Before it nothing can be approved, so nothing can begin.
    /// @dev Reverts while the genesis account can still administer roles, approve, configure, enrol or revoke.
    /// Warning: it proves that one account let go, not that no other holds a role; whoever audits a
    /// deployment replays the AccessManager's events.
    function seal() external;

    /// @notice Whether genesis is over.
    function isSealed() external view returns (bool);

    // ------------------------------------------------------------------ the electorate

    /// @notice Approves a plan hash for the low tier, where silence passes: attestors must have reproduced it.
    function approveLow(bytes32 planHash) external;

    /// @notice Approves up to twenty plan hashes of the low tier; skips those that `approveLow` would refuse.
    function approveLowBatch(bytes32[] calldata planHashes) external;

    /// @notice Approves a plan hash for the medium tier.
    /// @dev The hash is opaque here: what it stands for is checked at `begin`, against what was approved.
    function approveMedium(bytes32 planHash) external;

    /// @notice Approves a plan hash for the high tier.
    function approveHigh(bytes32 planHash) external;

    /// @notice Approves a plan hash for the critical tier.
    function approveCritical(bytes32 planHash) external;

    /// @notice Approves a plan hash for the emergency tier: the gate's.
    function approveEmergency(bytes32 planHash) external;

    /// @notice Sets what a subject is judged by and who may propose, attest and run, in the subject configs.
    function configureSubject(bytes32 subject, SubjectConfig calldata config) external;

    /// @notice Votes for an executor's key; after genesis the council admits it in the executor registry.
    function enrolExecutor(address executor) external;

    /// @notice Votes for a key that replaces another in the moment in which the council admits it.
    function rotateExecutor(address former, address executor) external;

    /// @notice Lets an obligation go without a plan: the ratification of an emergency, or pardon by vote.
    function ratify(bytes32 obligation) external;

    // ------------------------------------------------------------------ who else must say yes

    /// @notice The council's cosignature, without which no plan of a tier that wants it begins.
    /// @dev May come before the approval. Warning: it cannot be taken back; who regrets it asks the guardian.
    function cosign(bytes32 planHash) external;

    /// @notice The finance cosigner's yes to a plan that adds more to the bill than the subject's cap.
    function cosignFinance(Plan calldata plan) external;

    /// @notice Keeps that an attestor reproduced a plan of the subject. The attestation log's, which checks it.
    function recordAttestation(bytes32 planHash, bytes32 subject, address attestor) external;

    // ------------------------------------------------------------------ saying no

    /// @notice Burns a plan hash, or stops its run: no forward operation is lawful from here on, the approved
    /// inverse is.
    /// @dev The guardian's. A hash that is still being voted on is burned too.
    function revoke(bytes32 planHash) external;

    /// @notice As `revoke`, or after it: of a run, not even the inverse is lawful any more.
    function revokeHard(bytes32 planHash) external;

    /// @notice Burns a plan's hash by the wish of its proposer.
    function withdraw(Plan calldata plan) external;

    /// @notice Burns a plan's hash by the wish of its proposer, in favour of another that is approved.
    function supersede(Plan calldata plan, bytes32 successor) external;

    /// @notice Makes low plans of a subject wait for a high one, until it has begun or has expired.
    /// @dev Anybody may: the plan is approved, or its approval is scheduled by `scheduler` (its governor) in
    /// the AccessManager.
    function reserve(Plan calldata plan, address scheduler) external;

    // ------------------------------------------------------------------ runs

    /// @notice Spends a mandate: recomputes the hash from the plan's fields and starts a run.
    /// @dev Warning: a crash after this call and before the first operation leaves a spent plan that did
    /// nothing; it is resumed under the same run or stated as failed. The run id must be fresh: an `Outcome`
    /// names the run and not the plan.
    /// @param signature 65 bytes r, s, v of the executor's key over the order; low s only.
    function begin(Plan calldata plan, ExecutionOrder calldata order, bytes calldata signature) external;

    /// @notice Goes on with a run that its executor left, by another active executor, under a new run id.
    /// @dev After lease and grace, while the mandate is alive. `order` is signed for the same plan.
    function takeOver(
        Plan calldata plan,
        ExecutionOrder calldata order,
        bytes calldata signature,
        bytes32 previousRunId
    ) external;

    /// @notice Extends a lease, within the tier's limit from now and at most `maxRenewals` times.
    function renew(bytes32 planHash, Renewal calldata renewal, bytes calldata signature) external;

    /// @notice States that every operation of the run was done. Anybody may carry the statement.
    /// @dev The run then waits, UNCONFIRMED: no receipt is believed because its author signed it.
    function complete(bytes32 planHash, Outcome calldata outcome, bytes calldata signature) external;

    /// @notice States that the run ended without doing everything. Anybody may carry the statement.
    function fail(bytes32 planHash, Outcome calldata outcome, bytes calldata signature) external;

    /// @notice Frees the subject of a run whose lease and grace are over, and opens an obligation on it.
    /// Anybody may.
    /// @dev Warning: says nothing about what the run changed.
    function abandon(bytes32 planHash, bytes32 subject) external;

    /// @notice Takes an observation of a completed run. The attestation log's, which checks it.
    /// @dev Clears the obligation that the plan was proposed to clear. No key that is or ever was an executor's
    /// observes.
    function confirm(Plan calldata plan, bytes32 postState, address observer) external;

    /// @notice Opens an obligation for a result that nobody has confirmed in time. Anybody may.
    function reportUnconfirmed(Plan calldata plan) external;

    // ------------------------------------------------------------------ views

    /// @notice What is known about a plan hash; the state is EXPIRED once an unspent approval's time is over.
    function mandate(bytes32 planHash) external view returns (Mandate memory);

    /// @notice The plan hash that is RUNNING or STOPPING on a subject, or zero.
    function running(bytes32 subject) external view returns (bytes32 planHash);

    /// @notice The EIP-712 hash of a plan under this chain and this registry.
    function hashPlan(Plan calldata plan) external view returns (bytes32);

    /// @notice The plan hash for which low plans of a subject wait, or zero.
    function reservation(bytes32 subject) external view returns (bytes32 planHash);

    /// @notice What low plans may still begin on a subject now: operations, and US cents a month.
    function budgetLeft(bytes32 subject) external view returns (uint256 operations, uint256 cost);

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

    /// @notice What each subject is judged by.
    function subjects() external view returns (ISubjectConfigs);

    /// @notice What is owed.
    function obligations() external view returns (IObligationLedger);

    /// @notice Seconds that a completed run may wait for its observer before it is an obligation.
    function confirmWithin() external view returns (uint32);

    /// @notice Seconds from an obligation's opening by the registry until it is due.
    function clearWithin() external view returns (uint32);
}
