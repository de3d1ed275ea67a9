// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The keys that may spend mandates
/// @notice An executor is the address of a secp256k1 key inside a KMS or HSM. The key signs execution
/// orders and nothing else; it never sends a transaction.
/// @dev Two say yes to a key, one says no. Who may call what is decided by the AccessManager: `enrol` and
/// `rotate` belong to the plan registry alone (a vote of the critical tier), `admit` to the council, `revoke`
/// to the guardian.
interface IExecutorRegistry {
    /// @notice A vote for this key awaits the council until then; `replaces` is zero where it comes beside the others.
    event ExecutorVoted(address indexed executor, address indexed replaces, uint48 admitBefore);
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
    /// @notice No vote for this key awaits the council, or it has waited too long.
    error ExecutorRegistryNotAwaited(address executor, uint48 admitBefore);

    /// @notice Records the vote for a key; `admitted` says that no second approval is awaited, which the plan
    /// registry says during genesis only.
    /// @dev Warning: orders that were signed under an earlier epoch stay void for ever.
    function enrol(address executor, bool admitted) external;

    /// @notice Records the vote for a key that takes the place of another: once it is admitted, the former one
    /// is revoked in the same moment.
    function rotate(address former, address executor) external;

    /// @notice The second approval: from here on the key may sign, under a new epoch.
    function admit(address executor) external;

    /// @notice Revokes a key, or a vote that awaits the council, at once. Runs that the key began may still be
    /// stated by any other active executor.
    function revoke(address executor) external;

    /// @notice Whether a key may sign now, and its epoch (0: never enrolled).
    function executor(address account) external view returns (bool active, uint64 epoch);

    /// @notice Until when the council may admit a key (0: no vote awaits it), and which key it replaces.
    function awaited(address account) external view returns (uint48 admitBefore, address replaces);
}
