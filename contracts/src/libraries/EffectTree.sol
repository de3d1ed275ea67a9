// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Leaf} from "../types/Mandates.sol";

/// @title Leaves and proofs of a plan's effect root
/// @dev Hashed twice, so that no inner node can be passed off as a leaf; index and tier are inside, so
/// that no leaf counts twice and none is riskier than its plan. Python's twin is
/// `pulumi_mandate.plan.merkle`; both read `tests/vectors/merkle.json`.
library EffectTree {
    bytes32 internal constant LEAF_V1 = keccak256("mandate/leaf/v1");

    function hash(Leaf memory leaf) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(LEAF_V1, leaf))));
    }

    function includes(bytes32 root, Leaf memory leaf, bytes32[] calldata proof) internal pure returns (bool) {
        return MerkleProof.verifyCalldata(proof, root, hash(leaf));
    }
}
