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
    EXPIRED
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

/// @notice What the registry keeps about a plan hash. Times are chain time, in seconds.
struct Mandate {
    MandateState state;
    Tier tier;
    uint8 renewals;
    uint48 approvedAt;
    uint48 expiresAt;
    uint48 begunAt;
    uint48 leaseUntil;
    address executor;
    uint64 keyEpoch;
    address runner;
    bytes32 runId;
}

/// @notice What a subject is judged by, and who may propose and run its plans.
struct SubjectConfig {
    bytes32 rulesDigest;
    Mode mode;
    bytes32 secretKeyId;
    bytes32 backend;
    address[] proposers;
    address[] runners;
}

/// @notice What a tier allows, fixed at construction.
struct TierTerms {
    uint32 validity;
    uint32 maxLease;
    uint32 kinds;
}

/// @notice One operation as a leaf of a plan's effect tree.
struct Leaf {
    uint256 index;
    Kind kind;
    Tier tier;
    bytes32 urnHash;
    bytes32 operationDigest;
}
