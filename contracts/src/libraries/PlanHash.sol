// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Attestation, ExecutionOrder, Observed, Outcome, Plan, Renewal} from "../types/Mandates.sol";

/// @title EIP-712 struct hashes of the protocol's messages
/// @dev Every member is atomic, so a struct hash is one ABI encoding. Python's twin is
/// `pulumi_mandate.models._typed_data`; both read `tests/vectors/plan_hash.json`.
library PlanHash {
    bytes32 internal constant PLAN_TYPEHASH = keccak256(
        "Plan(bytes32 subject,bytes32 effectRoot,uint32 operationCount,uint32 kinds,uint64 cost,"
        "bytes32 program,bytes32 toolchain,bytes32 rules,bytes32 checks,bytes32 rollback,bytes32 document,"
        "bytes32 clears,address proposer,uint8 tier,uint64 notBefore,uint64 expiresAt,bytes32 salt)"
    );
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "ExecutionOrder(bytes32 planHash,bytes32 runId,address runner,uint64 leaseUntil,"
        "uint64 keyEpoch,uint64 deadline)"
    );
    bytes32 internal constant RENEWAL_TYPEHASH =
        keccak256("Renewal(bytes32 runId,uint64 leaseUntil,uint64 keyEpoch,uint64 deadline)");
    bytes32 internal constant OUTCOME_TYPEHASH =
        keccak256("Outcome(bytes32 runId,uint8 kind,bytes32 receiptRoot,bytes32 postState,uint64 keyEpoch)");
    bytes32 internal constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(bytes32 planHash,bytes32 effectRoot,bool secrets,bytes32 program,uint64 attestedAt)"
    );
    bytes32 internal constant OBSERVED_TYPEHASH =
        keccak256("Observed(bytes32 planHash,bytes32 postState,uint64 observedAt)");

    function structHash(Plan memory plan) internal pure returns (bytes32) {
        return keccak256(abi.encode(PLAN_TYPEHASH, plan));
    }

    function structHash(ExecutionOrder memory order) internal pure returns (bytes32) {
        return keccak256(abi.encode(ORDER_TYPEHASH, order));
    }

    function structHash(Renewal memory renewal) internal pure returns (bytes32) {
        return keccak256(abi.encode(RENEWAL_TYPEHASH, renewal));
    }

    function structHash(Outcome memory outcome) internal pure returns (bytes32) {
        return keccak256(abi.encode(OUTCOME_TYPEHASH, outcome));
    }

    function structHash(Attestation memory message) internal pure returns (bytes32) {
        return keccak256(abi.encode(ATTESTATION_TYPEHASH, message));
    }

    function structHash(Observed memory message) internal pure returns (bytes32) {
        return keccak256(abi.encode(OBSERVED_TYPEHASH, message));
    }
}
