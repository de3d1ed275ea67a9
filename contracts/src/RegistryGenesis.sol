// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {IExecutorRegistry} from "./interfaces/IExecutorRegistry.sol";
import {IObligationLedger} from "./interfaces/IObligationLedger.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {ISubjectConfigs} from "./interfaces/ISubjectConfigs.sol";
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
    ISubjectConfigs public immutable subjects;
    /// @inheritdoc IPlanRegistry
    IObligationLedger public immutable obligations;
    /// @inheritdoc IPlanRegistry
    uint32 public immutable grace;
    /// @inheritdoc IPlanRegistry
    uint32 public immutable confirmWithin;
    /// @inheritdoc IPlanRegistry
    uint32 public immutable clearWithin;
    /// @inheritdoc IPlanRegistry
    uint8 public immutable maxRenewals;
    /// @inheritdoc IPlanRegistry
    bool public isSealed;

    mapping(Tier tier => TierTerms) private _terms; // written by the constructor only

    constructor(RegistryConfig memory config) AccessManaged(config.authority) {
        if (
            config.genesis == address(0) || address(config.executors) == address(0)
                || address(config.subjects) == address(0) || address(config.obligations) == address(0)
        ) revert PlanRegistryInvalidGenesis();
        genesis = config.genesis;
        executors = config.executors;
        subjects = config.subjects;
        obligations = config.obligations;
        grace = config.grace;
        confirmWithin = config.confirmWithin;
        clearWithin = config.clearWithin;
        maxRenewals = config.maxRenewals;
        if (config.low.budgetOperations == 0 || config.low.budgetWindow == 0) {
            revert PlanRegistryInvalidGenesis();
        }
        _setTerms(Tier.LOW, config.low);
        _setTerms(Tier.MEDIUM, config.medium);
        _setTerms(Tier.HIGH, config.high);
        _setTerms(Tier.CRITICAL, config.critical);
        _setTerms(Tier.EMERGENCY, config.emergency);
    }

    /// @inheritdoc IPlanRegistry
    function seal() external {
        if (msg.sender != genesis) revert PlanRegistryNotGenesis(msg.sender);
        if (isSealed) revert PlanRegistrySealed();
        (bool isAdmin,) = IAccessManager(authority()).hasRole(ADMIN_ROLE, genesis);
        if (isAdmin) revert PlanRegistryGenesisHoldsPower(authority(), bytes4(0));
        bytes4[15] memory own = [
            this.approveLow.selector,
            this.approveLowBatch.selector,
            this.approveMedium.selector,
            this.approveHigh.selector,
            this.approveCritical.selector,
            this.approveEmergency.selector,
            this.configureSubject.selector,
            this.enrolExecutor.selector,
            this.rotateExecutor.selector,
            this.ratify.selector,
            this.cosign.selector,
            this.recordAttestation.selector,
            this.confirm.selector,
            this.revoke.selector,
            this.revokeHard.selector
        ];
        for (uint256 i = 0; i < own.length; ++i) {
            _checkPowerless(address(this), own[i]);
        }
        _checkPowerless(address(subjects), subjects.configureSubject.selector);
        bytes4[4] memory keys = [
            executors.enrol.selector,
            executors.rotate.selector,
            executors.admit.selector,
            executors.revoke.selector
        ];
        bytes4[4] memory owed = [
            obligations.open.selector,
            obligations.openEmergency.selector,
            obligations.openAudit.selector,
            obligations.clear.selector
        ];
        for (uint256 i = 0; i < 4; ++i) {
            _checkPowerless(address(executors), keys[i]);
            _checkPowerless(address(obligations), owed[i]);
        }

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
