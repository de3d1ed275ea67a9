// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IExecutorRegistry} from "./interfaces/IExecutorRegistry.sol";

/// @title ExecutorRegistry
contract ExecutorRegistry is IExecutorRegistry, AccessManaged {
    struct Key {
        bool active;
        uint64 epoch;
        uint48 admitBefore;
        address replaces;
    }

    /// @dev How long a vote awaits the council: a yes of last year is no yes of today.
    uint48 private constant ADMIT_WITHIN = 30 days;

    mapping(address account => Key) private _keys;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IExecutorRegistry
    function enrol(address account, bool admitted) external restricted {
        _vote(account, address(0));
        if (admitted) _activate(account);
    }

    /// @inheritdoc IExecutorRegistry
    function rotate(address former, address account) external restricted {
        if (!_keys[former].active) revert ExecutorRegistryNotActive(former);
        _vote(account, former);
    }

    /// @inheritdoc IExecutorRegistry
    function admit(address account) external restricted {
        uint48 admitBefore = _keys[account].admitBefore;
        if (block.timestamp >= admitBefore) revert ExecutorRegistryNotAwaited(account, admitBefore);
        _activate(account);
    }

    /// @inheritdoc IExecutorRegistry
    function revoke(address account) external restricted {
        Key storage key = _keys[account];
        if (!key.active && key.admitBefore == 0) revert ExecutorRegistryNotActive(account);
        _revoke(account);
    }

    /// @inheritdoc IExecutorRegistry
    function executor(address account) external view returns (bool active, uint64 epoch) {
        Key storage key = _keys[account];
        return (key.active, key.epoch);
    }

    /// @inheritdoc IExecutorRegistry
    function awaited(address account) external view returns (uint48 admitBefore, address replaces) {
        Key storage key = _keys[account];
        return (key.admitBefore, key.replaces);
    }

    function _vote(address account, address replaces) private {
        if (account == address(0) || account.code.length != 0) {
            revert ExecutorRegistryInvalidExecutor(account);
        }
        Key storage key = _keys[account];
        if (key.active) revert ExecutorRegistryAlreadyActive(account, key.epoch);

        key.admitBefore = uint48(block.timestamp) + ADMIT_WITHIN;
        key.replaces = replaces;

        emit ExecutorVoted(account, replaces, key.admitBefore);
    }

    function _activate(address account) private {
        Key storage key = _keys[account];
        address former = key.replaces;
        if (former != address(0) && _keys[former].active) _revoke(former);

        key.active = true;
        key.epoch += 1;
        key.admitBefore = 0;
        key.replaces = address(0);

        emit ExecutorEnrolled(account, key.epoch);
    }

    function _revoke(address account) private {
        Key storage key = _keys[account];
        key.active = false;
        key.admitBefore = 0;
        key.replaces = address(0);

        emit ExecutorRevoked(account, key.epoch);
    }
}
