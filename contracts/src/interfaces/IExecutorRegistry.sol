// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The keys that may spend mandates
/// @notice An executor is the address of a secp256k1 key inside a KMS or HSM. The key signs execution
/// orders and nothing else; it never sends a transaction.
/// @dev Who may call what is decided by the AccessManager: `enrol` belongs to the plan registry alone,
/// `revoke` to the guardian.
interface IExecutorRegistry {
    /// @notice The key signs from now on, under this epoch.
    event ExecutorEnrolled(address indexed executor, uint64 epoch);
    /// @notice What the key signed under this epoch permits nothing any more.
    event ExecutorRevoked(address indexed executor, uint64 epoch);

    /// @notice The zero address, or an address with code (which cannot be the address of a bare key).
    error ExecutorRegistryInvalidExecutor(address executor);
    /// @notice The key is enrolled already.
    error ExecutorRegistryAlreadyActive(address executor, uint64 epoch);
    /// @notice The key is not enrolled, or was revoked.
    error ExecutorRegistryNotActive(address executor);

    /// @notice Enrols a key, or enrols it again after a revocation, under a new epoch.
    /// @dev Warning: orders that were signed under an earlier epoch stay void for ever.
    function enrol(address executor) external;

    /// @notice Revokes a key at once. Runs that it began may still be stated by any other active executor.
    function revoke(address executor) external;

    /// @notice Whether a key may sign now, and its epoch (0: never enrolled).
    function executor(address account) external view returns (bool active, uint64 epoch);
}
