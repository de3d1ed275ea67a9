// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IExecutorRegistry} from "./interfaces/IExecutorRegistry.sol";

/// @title ExecutorRegistry
contract ExecutorRegistry is IExecutorRegistry, AccessManaged {
    struct Key {
        bool active;
        uint64 epoch;
    }

    mapping(address account => Key) private _keys;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IExecutorRegistry
    function enrol(address account) external restricted {
        if (account == address(0) || account.code.length != 0) {
            revert ExecutorRegistryInvalidExecutor(account);
        }
        Key storage key = _keys[account];
        if (key.active) revert ExecutorRegistryAlreadyActive(account, key.epoch);

        key.active = true;
        key.epoch += 1;

        emit ExecutorEnrolled(account, key.epoch);
    }

    /// @inheritdoc IExecutorRegistry
    function revoke(address account) external restricted {
        Key storage key = _keys[account];
        if (!key.active) revert ExecutorRegistryNotActive(account);

        key.active = false;

        emit ExecutorRevoked(account, key.epoch);
    }

    /// @inheritdoc IExecutorRegistry
    function executor(address account) external view returns (bool active, uint64 epoch) {
        Key storage key = _keys[account];
        return (key.active, key.epoch);
    }
}
