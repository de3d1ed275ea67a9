// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Attestation, Observed, Plan} from "../types/Mandates.sol";
import {IPlanRegistry} from "./IPlanRegistry.sol";

/// @title Who looked, before the vote and after the run
/// @notice An attestor previewed the proposed program himself, or looked at the resources after the run, and
/// signed what he found. Anybody carries his signature here; this contract checks it and tells the registry.
/// @dev The messages are signed under the registry's EIP-712 domain. Warning: a signature says that its author
/// looked, not that he looked well; who may attest is each subject's config.
interface IAttestationLog {
    /// @notice An attestor previewed the proposed program himself, and it wants what was proposed.
    /// @dev `secrets` false: he had no key to their commitments, so the plan holds none, or he had not found its
    /// root.
    event Attested(
        bytes32 indexed planHash,
        address indexed attestor,
        bytes32 effectRoot,
        bool secrets,
        uint64 attestedAt
    );
    /// @notice An attestor saw the result that the run's outcome states.
    event ResultObserved(
        bytes32 indexed planHash, address indexed attestor, bytes32 postState, uint64 observedAt
    );

    /// @notice The message is about another plan than the one presented.
    error AttestationLogWrongPlan(bytes32 named, bytes32 presented);
    /// @notice The attestor found something else than what the plan says.
    error AttestationLogDiffers(bytes32 planned, bytes32 found);
    /// @notice Signed for a time that has not come.
    error AttestationLogFromTheFuture(uint64 time, uint256 now_);
    /// @notice Not enrolled as an attestor of the subject, or the plan is his own.
    error AttestationLogNotAttestor(bytes32 subject, address account);

    /// @notice Records that an attestor reproduced a plan, its effect root included. Once per attestor and plan.
    /// @dev So an attestation without the secrets' key counts for a plan without secrets, and for no other.
    /// @param signature 65 bytes r, s, v of the attestor's key over the message; low s only.
    function attest(Plan calldata plan, Attestation calldata message, bytes calldata signature) external;

    /// @notice Records that an attestor saw the result that the run's outcome states, and confirms the run.
    function observe(Plan calldata plan, Observed calldata message, bytes calldata signature) external;

    /// @notice The registry whose plans are attested, and under whose domain the messages are signed.
    function registry() external view returns (IPlanRegistry);
}
