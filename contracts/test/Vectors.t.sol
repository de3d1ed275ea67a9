// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlanHash} from "../src/libraries/PlanHash.sol";
import {EffectTree} from "../src/libraries/EffectTree.sol";
import {ExecutionOrder, Leaf, Outcome, OutcomeKind, Renewal} from "../src/types/Mandates.sol";
import {VectorCase} from "./VectorCase.sol";

/// @dev The vectors that Python and JavaScript read too: the three must agree on every byte.
contract VectorsTest is VectorCase {
    using PlanHash for *;

    function test_planHash_agreesWithPython() public {
        string memory json = _read("plan_hash");
        uint256 count = _count(json);
        assertTrue(count >= 20, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            assertEq(_hashPlan(json, _at(i)), _word(json, _at(i), ".planHash"), _name(json, _at(i)));
        }
    }

    function test_documents_agreeWithPython() public {
        string memory json = _read("document");
        uint256 count = _count(json);
        assertTrue(count >= 5, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = _at(i);
            bytes memory data = bytes(vm.parseJsonString(json, string.concat(at, ".bytes")));
            assertEq(keccak256(data), _word(json, at, ".digest"), _name(json, at));
            assertEq(keccak256(data), _word(json, at, ".plan.document"), _name(json, at));
            assertEq(_hashPlan(json, at), _word(json, at, ".planHash"), _name(json, at));
            string memory leaves = string.concat(at, ".leaves");
            assertEq(_countOf(json, leaves), _number(json, at, ".plan.operationCount"), "every operation");
            _assertOperations(json, leaves, _word(json, at, ".effectRoot"));
        }
    }

    function _assertOperations(string memory json, string memory leaves, bytes32 root) private view {
        for (uint256 j = 0; j < _countOf(json, leaves); ++j) {
            string memory at = string.concat(leaves, _place(j));
            bytes memory operation = bytes(vm.parseJsonString(json, string.concat(at, ".operation")));
            Leaf memory leaf = _readLeaf(json, at, keccak256(operation));
            assertEq(EffectTree.hash(leaf), _word(json, at, ".leaf"), "leaf");
            assertTrue(registry.includes(root, leaf, _readProof(json, string.concat(at, ".proof"))), "proof");
        }
    }

    function test_messages_agreeWithPython() public view {
        string memory json = _read("messages");
        uint256 count = _count(json);
        assertTrue(count >= 4, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = _at(i);
            bytes32 separator = _domainSeparator(
                vm.parseJsonUint(json, string.concat(at, ".domain.chainId")),
                vm.parseJsonAddress(json, string.concat(at, ".domain.registry"))
            );
            bytes32 messageHash = _readMessage(
                json,
                string.concat(at, ".message"),
                keccak256(bytes(vm.parseJsonString(json, string.concat(at, ".type"))))
            );
            assertEq(
                keccak256(abi.encodePacked(hex"1901", separator, messageHash)),
                vm.parseJsonBytes32(json, string.concat(at, ".digest")),
                vm.parseJsonString(json, string.concat(at, ".name"))
            );
        }
    }

    function test_merkle_agreesWithPython() public view {
        string memory json = _read("merkle");
        uint256 count = _count(json);
        assertTrue(count >= 3, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = _at(i);
            bytes32 root = vm.parseJsonBytes32(json, string.concat(at, ".root"));
            uint256 leaves = _countOf(json, string.concat(at, ".leaves"));
            assertTrue(leaves > 0, "a tree has leaves");
            for (uint256 j = 0; j < leaves; ++j) {
                _assertLeaf(json, at, j, root);
            }
        }
    }

    function _assertLeaf(string memory json, string memory at, uint256 j, bytes32 root) private view {
        string memory key = string.concat(at, ".leaves", _place(j));
        Leaf memory leaf = _readLeaf(json, key, _word(json, key, ".operationDigest"));
        assertEq(EffectTree.hash(leaf), _word(json, key, ".leaf"), "leaf");
        bytes32[] memory proof = _readProof(json, string.concat(at, ".proofs", _place(j)));
        assertTrue(registry.includes(root, leaf, proof), "proof");
        leaf.index += 1;
        assertTrue(!registry.includes(root, leaf, proof), "a leaf counts at its own place only");
    }

    function _readMessage(string memory json, string memory at, bytes32 kind) private pure returns (bytes32) {
        bytes32 runId = _word(json, at, ".runId");
        uint64 keyEpoch = uint64(_number(json, at, ".keyEpoch"));
        if (kind == keccak256("Outcome")) {
            return Outcome({
                runId: runId,
                kind: OutcomeKind(_number(json, at, ".kind")),
                receiptRoot: _word(json, at, ".receiptRoot"),
                postState: _word(json, at, ".postState"),
                keyEpoch: keyEpoch
            }).structHash();
        }
        uint64 leaseUntil = uint64(_number(json, at, ".leaseUntil"));
        uint64 deadline = uint64(_number(json, at, ".deadline"));
        if (kind == keccak256("Renewal")) {
            return Renewal(runId, leaseUntil, keyEpoch, deadline).structHash();
        }
        require(kind == keccak256("ExecutionOrder"), "unknown message");
        return ExecutionOrder({
            planHash: _word(json, at, ".planHash"),
            runId: runId,
            runner: vm.parseJsonAddress(json, string.concat(at, ".runner")),
            leaseUntil: leaseUntil,
            keyEpoch: keyEpoch,
            deadline: deadline
        }).structHash();
    }
}
