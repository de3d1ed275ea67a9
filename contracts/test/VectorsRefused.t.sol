// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {VectorCase} from "./VectorCase.sol";

/// @dev What all three implementations refuse, as far as it can reach the chain at all.
contract VectorsRefusedTest is VectorCase {
    function test_aHashOfSomethingElse_isNotThePlans() public {
        string memory json = _read("plan_claims");
        uint256 count = _count(json);
        assertTrue(count >= 20, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            assertTrue(_hashPlan(json, _at(i)) != _word(json, _at(i), ".claimed"), _name(json, _at(i)));
        }
    }

    /// @dev By calldata, because a caller need not encode as Solidity would.
    function test_aPlanThatDoesNotFit_hasNoHash() public {
        string memory json = _read("plan_refused");
        uint256 count = _count(json);
        uint256 tried;
        for (uint256 i = 0; i < count; ++i) {
            bytes memory encoded = vm.parseJsonBytes(json, string.concat(_at(i), ".encoded"));
            if (encoded.length == 0) continue;
            address verifier = _moveRegistry(json, _at(i));
            (bool done,) = verifier.staticcall(bytes.concat(registry.hashPlan.selector, encoded));
            assertTrue(!done, _name(json, _at(i)));
            ++tried;
        }
        assertTrue(tried >= 8, "vectors are there");
    }

    function test_aLeafThatIsNotInTheTree() public view {
        string memory json = _read("merkle_refused");
        uint256 count = _countOf(json, "$.leaves");
        assertTrue(count >= 10, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat("$.leaves", _place(i));
            string memory key = string.concat(at, ".leaf");
            bool found = registry.includes(
                _word(json, at, ".root"),
                _readLeaf(json, key, _word(json, key, ".operationDigest")),
                _readProof(json, string.concat(at, ".proof"))
            );
            assertTrue(!found, _name(json, at));
        }
    }

    function test_bytesThatArePassedOffAsALeaf() public view {
        string memory json = _read("merkle_refused");
        uint256 count = _countOf(json, "$.preimages");
        assertTrue(count >= 5, "vectors are there");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat("$.preimages", _place(i));
            bytes memory preimage = vm.parseJsonBytes(json, string.concat(at, ".preimage"));
            bytes32 leaf = keccak256(bytes.concat(keccak256(preimage)));
            bytes32[] memory proof = _readProof(json, string.concat(at, ".proof"));
            assertTrue(!MerkleProof.verify(proof, _word(json, at, ".root"), leaf), _name(json, at));
        }
    }
}
