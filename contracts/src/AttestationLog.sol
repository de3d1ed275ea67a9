// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IAttestationLog} from "./interfaces/IAttestationLog.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {PlanHash} from "./libraries/PlanHash.sol";
import {Attestation, Observed, Plan} from "./types/Mandates.sol";

/// @title AttestationLog
contract AttestationLog is IAttestationLog {
    using PlanHash for *;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// @inheritdoc IAttestationLog
    IPlanRegistry public immutable registry;

    constructor(IPlanRegistry registry_) {
        registry = registry_;
    }

    /// @inheritdoc IAttestationLog
    function attest(Plan calldata plan, Attestation calldata message, bytes calldata signature) external {
        bytes32 planHash = _checkPlan(plan, message.planHash, message.attestedAt);
        if (message.program != plan.program) revert AttestationLogDiffers(plan.program, message.program);
        // Without the secrets' key nobody reproduces the root of a plan that has any: his word proves nothing.
        if (message.effectRoot != plan.effectRoot) {
            revert AttestationLogDiffers(plan.effectRoot, message.effectRoot);
        }
        address attestor = _attestor(plan, message.structHash(), signature);

        emit Attested(planHash, attestor, message.effectRoot, message.secrets, message.attestedAt);
        registry.recordAttestation(planHash, plan.subject, attestor);
    }

    /// @inheritdoc IAttestationLog
    function observe(Plan calldata plan, Observed calldata message, bytes calldata signature) external {
        bytes32 planHash = _checkPlan(plan, message.planHash, message.observedAt);
        address attestor = _attestor(plan, message.structHash(), signature);

        emit ResultObserved(planHash, attestor, message.postState, message.observedAt);
        registry.confirm(plan, message.postState, attestor);
    }

    function _checkPlan(Plan calldata plan, bytes32 named, uint64 time)
        private
        view
        returns (bytes32 planHash)
    {
        planHash = registry.hashPlan(plan);
        if (named != planHash) revert AttestationLogWrongPlan(named, planHash);
        if (time > block.timestamp) revert AttestationLogFromTheFuture(time, block.timestamp);
    }

    function _attestor(Plan calldata plan, bytes32 messageHash, bytes calldata signature)
        private
        view
        returns (address signer)
    {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, keccak256("Mandate"), keccak256("1"), block.chainid, address(registry)
            )
        );
        signer = ECDSA.recoverCalldata(MessageHashUtils.toTypedDataHash(domain, messageHash), signature);
        if (signer == plan.proposer || !registry.subjects().isAttestor(plan.subject, signer)) {
            revert AttestationLogNotAttestor(plan.subject, signer);
        }
    }
}
