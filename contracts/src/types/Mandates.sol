// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The values of the protocol. Their twins are in `provider/pulumi_mandate/models/`; the numbers of the
// enumerations and the order of the members are part of the plan hash and never change.

/// @notice Who must say yes, and how long it takes.
enum Tier {
    NONE,
    LOW,
    MEDIUM,
    HIGH,
    CRITICAL,
    EMERGENCY
}

/// @notice What an operation does; bit `1 << kind` in a plan's `kinds`.
enum Kind {
    CREATE,
    UPDATE,
    REPLACE,
    DELETE,
    ABANDON,
    IMPORT,
    READ,
    METADATA
}

/// @notice The life of a plan hash. EXPIRED is derived when read and never stored.
enum MandateState {
    NONE,
    APPROVED,
    RUNNING,
    STOPPING,
    UNCONFIRMED,
    CONFIRMED,
    FAILED,
    ABANDONED,
    REVOKED,
    WITHDRAWN,
    EXPIRED,
    SUPERSEDED
}

/// @notice What an executor states about a run.
enum OutcomeKind {
    NONE,
    COMPLETED,
    FAILED
}

/// @notice How strictly the gate treats a subject. The registry keeps it; the gate obeys it.
enum Mode {
    OBSERVE,
    WARN,
    ENFORCE
}

/// @notice The fields whose EIP-712 hash, under this registry's domain, is the plan hash.
struct Plan {
    bytes32 subject;
    bytes32 effectRoot;
    uint32 operationCount;
    uint32 kinds;
    uint64 cost;
    bytes32 program;
    bytes32 toolchain;
    bytes32 rules;
    bytes32 checks;
    bytes32 rollback;
    bytes32 document;
    bytes32 clears;
    address proposer;
    Tier tier;
    uint64 notBefore;
    uint64 expiresAt;
    bytes32 salt;
}

/// @notice The message by which an executor's key spends a mandate.
struct ExecutionOrder {
    bytes32 planHash;
    bytes32 runId;
    address runner;
    uint64 leaseUntil;
    uint64 keyEpoch;
    uint64 deadline;
}

/// @notice Extends the lease of a run.
struct Renewal {
    bytes32 runId;
    uint64 leaseUntil;
    uint64 keyEpoch;
    uint64 deadline;
}

/// @notice A statement of fact about a run.
struct Outcome {
    bytes32 runId;
    OutcomeKind kind;
    bytes32 receiptRoot;
    bytes32 postState;
    uint64 keyEpoch;
}

/// @notice An attestor previewed the proposed program himself, and it wants exactly what was proposed.
struct Attestation {
    bytes32 planHash;
    bytes32 effectRoot;
    bool secrets;
    bytes32 program;
    uint64 attestedAt;
}

/// @notice An attestor looked at the resources after a run, and they are as the run's outcome says.
struct Observed {
    bytes32 planHash;
    bytes32 postState;
    uint64 observedAt;
}

/// @notice What is known about a plan hash. Times are chain time, in seconds.
/// @dev Derived when read: `state` where it is EXPIRED, and `attestations`, which counts the attestors of now.
/// `executor` and `keyEpoch` stand while the run is open and when it has failed or was abandoned; `postState`
/// when it is complete. The events name both for good.
struct Mandate {
    MandateState state;
    Tier tier;
    uint8 renewals;
    uint8 attestations;
    bool financed;
    bool hard;
    uint40 approvedAt;
    uint40 expiresAt;
    uint40 begunAt;
    uint40 leaseUntil;
    uint40 closedAt;
    address executor;
    uint64 keyEpoch;
    address cosigner;
    bytes32 runId;
    bytes32 postState;
}

/// @notice What a subject is judged by, and who may propose, attest and run its plans.
/// @dev `costCap` in US cents a month: what adds more needs the finance cosigner; the largest number says
/// that there is no cap.
struct SubjectConfig {
    bytes32 rulesDigest;
    Mode mode;
    bytes32 secretKeyId;
    bytes32 backend;
    address[] proposers;
    address[] attestors;
    address[] runners;
    address financeCosigner;
    uint64 costCap;
}

/// @notice What a tier allows and asks for, fixed at construction.
/// @dev `attestations`: how many attestors must have reproduced a plan; at its approval in the low tier, at
/// its beginning elsewhere. The budget is the low tier's, per subject: within any `budgetWindow` seconds no
/// more begins. Half of it may begin at once, and that half comes back evenly within the window.
struct TierTerms {
    uint32 validity;
    uint32 maxLease;
    uint32 kinds;
    uint8 attestations;
    bool cosign;
    uint32 budgetOperations;
    uint64 budgetCost;
    uint32 budgetWindow;
}

/// @notice Why something is owed.
enum Duty {
    ABANDONED,
    UNCONFIRMED,
    EMERGENCY,
    AUDIT
}

/// @notice What is owed on a subject until it is cleared; times are chain time.
/// @dev `clearedAt` is 0 while it is open: whoever was late can be told afterwards.
struct Obligation {
    bytes32 subject;
    bytes32 cause;
    bytes32 clearedBy;
    Duty duty;
    Tier tier;
    uint48 openedAt;
    uint48 dueAt;
    uint48 clearedAt;
}

/// @notice One operation as a leaf of a plan's effect tree.
struct Leaf {
    uint256 index;
    Kind kind;
    Tier tier;
    bytes32 urnHash;
    bytes32 operationDigest;
}
