// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlanHash} from "../src/libraries/PlanHash.sol";
import {EffectTree} from "../src/libraries/EffectTree.sol";
import {
    ExecutionOrder,
    Kind,
    Leaf,
    Outcome,
    OutcomeKind,
    Plan,
    Renewal,
    Tier
} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

/// @dev The vectors that Python reads too: the two must agree on every byte.
contract VectorsTest is RegistryCase {
    using PlanHash for *;

    string private constant FOLDER = "../tests/vectors/";

    function test_planHash_agreesWithPython() public {
        string memory json = vm.readFile(string.concat(FOLDER, "plan_hash.json"));
        bytes memory code = address(registry).code;
        uint256 count = _count(json);
        assertTrue(count >= 6, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = _at(i);
            address verifier = vm.parseJsonAddress(json, string.concat(at, ".domain.registry"));
            // The real registry at the vector's address and on the vector's chain.
            vm.etch(verifier, code);
            vm.chainId(vm.parseJsonUint(json, string.concat(at, ".domain.chainId")));
            (, bytes memory answer) = verifier.staticcall(
                abi.encodeCall(registry.hashPlan, (_readPlan(json, string.concat(at, ".plan"))))
            );
            assertEq(
                abi.decode(answer, (bytes32)),
                vm.parseJsonBytes32(json, string.concat(at, ".planHash")),
                vm.parseJsonString(json, string.concat(at, ".name"))
            );
        }
    }

    function test_messages_agreeWithPython() public view {
        string memory json = vm.readFile(string.concat(FOLDER, "messages.json"));
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
        string memory json = vm.readFile(string.concat(FOLDER, "merkle.json"));
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
        string memory place = string.concat("[", vm.toString(j), "]");
        string memory key = string.concat(at, ".leaves", place);
        Leaf memory leaf = Leaf({
            index: vm.parseJsonUint(json, string.concat(key, ".index")),
            kind: Kind(vm.parseJsonUint(json, string.concat(key, ".kind"))),
            tier: Tier(vm.parseJsonUint(json, string.concat(key, ".tier"))),
            urnHash: keccak256(bytes(vm.parseJsonString(json, string.concat(key, ".urn")))),
            operationDigest: vm.parseJsonBytes32(json, string.concat(key, ".operationDigest"))
        });
        assertEq(EffectTree.hash(leaf), vm.parseJsonBytes32(json, string.concat(key, ".leaf")), "leaf");
        string memory proofKey = string.concat(at, ".proofs", place);
        bytes32[] memory proof = new bytes32[](_countOf(json, proofKey));
        for (uint256 k = 0; k < proof.length; ++k) {
            proof[k] = vm.parseJsonBytes32(json, string.concat(proofKey, "[", vm.toString(k), "]"));
        }
        assertTrue(registry.includes(root, leaf, proof), "proof");
        leaf.index += 1;
        assertTrue(!registry.includes(root, leaf, proof), "a leaf counts at its own place only");
    }

    function _readPlan(string memory json, string memory at) private pure returns (Plan memory plan) {
        plan.subject = _word(json, at, ".subject");
        plan.effectRoot = _word(json, at, ".effectRoot");
        plan.operationCount = uint32(_number(json, at, ".operationCount"));
        plan.kinds = uint32(_number(json, at, ".kinds"));
        plan.program = _word(json, at, ".program");
        plan.toolchain = _word(json, at, ".toolchain");
        plan.rules = _word(json, at, ".rules");
        plan.checks = _word(json, at, ".checks");
        plan.rollback = _word(json, at, ".rollback");
        plan.document = _word(json, at, ".document");
        plan.clears = _word(json, at, ".clears");
        plan.proposer = vm.parseJsonAddress(json, string.concat(at, ".proposer"));
        plan.tier = Tier(_number(json, at, ".tier"));
        plan.notBefore = uint64(_number(json, at, ".notBefore"));
        plan.expiresAt = uint64(_number(json, at, ".expiresAt"));
        plan.salt = _word(json, at, ".salt");
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

    function _word(string memory json, string memory at, string memory key) private pure returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(at, key));
    }

    function _number(string memory json, string memory at, string memory key) private pure returns (uint256) {
        return vm.parseJsonUint(json, string.concat(at, key));
    }

    function _at(uint256 i) private pure returns (string memory) {
        return string.concat("$[", vm.toString(i), "]");
    }

    function _count(string memory json) private view returns (uint256) {
        return _countOf(json, "$");
    }

    function _countOf(string memory json, string memory at) private view returns (uint256 count) {
        while (vm.keyExistsJson(json, string.concat(at, "[", vm.toString(count), "]"))) ++count;
    }
}
