// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {IExecutorRegistry} from "./interfaces/IExecutorRegistry.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {Tier, TierTerms} from "./types/Mandates.sol";

/// @title RegistryGenesis
/// @dev What is fixed at construction, and the seal that ends the wiring.
abstract contract RegistryGenesis is IPlanRegistry, AccessManaged {
    uint64 private constant ADMIN_ROLE = 0;

    /// @inheritdoc IPlanRegistry
    address public immutable genesis;
    /// @inheritdoc IPlanRegistry
    IExecutorRegistry public immutable executors;
    /// @inheritdoc IPlanRegistry
    uint32 public immutable grace;
    /// @inheritdoc IPlanRegistry
    uint8 public immutable maxRenewals;
    /// @inheritdoc IPlanRegistry
    bool public isSealed;

    mapping(Tier tier => TierTerms) private _terms; // written by the constructor only

    constructor(RegistryConfig memory config) AccessManaged(config.authority) {
        if (config.genesis == address(0) || address(config.executors) == address(0)) {
            revert PlanRegistryInvalidGenesis();
        }
        genesis = config.genesis;
        executors = config.executors;
        grace = config.grace;
        maxRenewals = config.maxRenewals;
        _setTerms(Tier.MEDIUM, config.medium);
        _setTerms(Tier.HIGH, config.high);
    }

    /// @inheritdoc IPlanRegistry
    function seal() external {
        if (msg.sender != genesis) revert PlanRegistryNotGenesis(msg.sender);
        if (isSealed) revert PlanRegistrySealed();
        (bool isAdmin,) = IAccessManager(authority()).hasRole(ADMIN_ROLE, genesis);
        if (isAdmin) revert PlanRegistryGenesisHoldsPower(authority(), bytes4(0));
        _checkPowerless(address(this), this.approveMedium.selector);
        _checkPowerless(address(this), this.approveHigh.selector);
        _checkPowerless(address(this), this.configureSubject.selector);
        _checkPowerless(address(this), this.enrolExecutor.selector);
        _checkPowerless(address(this), this.revoke.selector);
        _checkPowerless(address(executors), executors.enrol.selector);
        _checkPowerless(address(executors), executors.revoke.selector);

        isSealed = true;

        emit Sealed(genesis);
    }

    /// @inheritdoc IPlanRegistry
    function terms(Tier tier) public view returns (TierTerms memory) {
        return _terms[tier];
    }

    function _checkPowerless(address target, bytes4 selector) private view {
        (bool immediate, uint32 delay) = IAccessManager(authority()).canCall(genesis, target, selector);
        if (immediate || delay != 0) revert PlanRegistryGenesisHoldsPower(target, selector);
    }

    function _setTerms(Tier tier, TierTerms memory value) private {
        if (value.validity == 0 || value.maxLease == 0 || value.kinds == 0) {
            revert PlanRegistryInvalidGenesis();
        }
        _terms[tier] = value;
    }
}
