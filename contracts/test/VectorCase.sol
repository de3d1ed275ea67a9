// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Kind, Leaf, Plan, Tier} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

/// @dev How a test reads the vectors that Python and JavaScript read too.
abstract contract VectorCase is RegistryCase {
    string internal constant FOLDER = "../tests/vectors/";

    function _read(string memory name) internal view returns (string memory) {
        return vm.readFile(string.concat(FOLDER, name, ".json"));
    }

    /// @dev The real registry at the vector's address and on the vector's chain.
    function _moveRegistry(string memory json, string memory at) internal returns (address verifier) {
        verifier = vm.parseJsonAddress(json, string.concat(at, ".domain.registry"));
        vm.etch(verifier, address(registry).code);
        vm.chainId(vm.parseJsonUint(json, string.concat(at, ".domain.chainId")));
    }

    function _hashPlan(string memory json, string memory at) internal returns (bytes32) {
        address verifier = _moveRegistry(json, at);
        (bool done, bytes memory answer) = verifier.staticcall(
            abi.encodeCall(registry.hashPlan, (_readPlan(json, string.concat(at, ".plan"))))
        );
        assertTrue(done, "the registry hashes it");
        return abi.decode(answer, (bytes32));
    }

    function _readLeaf(string memory json, string memory at, bytes32 operationDigest)
        internal
        pure
        returns (Leaf memory)
    {
        return Leaf({
            index: _number(json, at, ".index"),
            kind: Kind(_number(json, at, ".kind")),
            tier: Tier(_number(json, at, ".tier")),
            urnHash: keccak256(bytes(vm.parseJsonString(json, string.concat(at, ".urn")))),
            operationDigest: operationDigest
        });
    }

    function _readProof(string memory json, string memory at) internal view returns (bytes32[] memory proof) {
        proof = new bytes32[](_countOf(json, at));
        for (uint256 k = 0; k < proof.length; ++k) {
            proof[k] = vm.parseJsonBytes32(json, string.concat(at, _place(k)));
        }
    }

    function _name(string memory json, string memory at) internal pure returns (string memory) {
        return vm.parseJsonString(json, string.concat(at, ".name"));
    }

    function _readPlan(string memory json, string memory at) internal pure returns (Plan memory plan) {
        plan.subject = _word(json, at, ".subject");
        plan.effectRoot = _word(json, at, ".effectRoot");
        plan.operationCount = uint32(_number(json, at, ".operationCount"));
        plan.kinds = uint32(_number(json, at, ".kinds"));
        plan.cost = uint64(_number(json, at, ".cost"));
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

    function _word(string memory json, string memory at, string memory key) internal pure returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(at, key));
    }

    function _number(string memory json, string memory at, string memory key)
        internal
        pure
        returns (uint256)
    {
        return vm.parseJsonUint(json, string.concat(at, key));
    }

    function _at(uint256 i) internal pure returns (string memory) {
        return string.concat("$", _place(i));
    }

    function _count(string memory json) internal view returns (uint256) {
        return _countOf(json, "$");
    }

    function _countOf(string memory json, string memory at) internal view returns (uint256 count) {
        while (vm.keyExistsJson(json, string.concat(at, "[", vm.toString(count), "]"))) ++count;
    }

    function _place(uint256 i) internal pure returns (string memory) {
        return string.concat("[", vm.toString(i), "]");
    }
}
