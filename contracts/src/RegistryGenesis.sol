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

    // Every restricted function, eight in a word: what the genesis account may not call once it has let go.
    bytes32 private constant APPROVALS = bytes32(IPlanRegistry.approveLow.selector)
        | bytes32(IPlanRegistry.approveLowBatch.selector) >> 32
        | bytes32(IPlanRegistry.approveMedium.selector) >> 64 | bytes32(IPlanRegistry.approveHigh.selector)
        >> 96 | bytes32(IPlanRegistry.approveCritical.selector) >> 128
        | bytes32(IPlanRegistry.approveEmergency.selector) >> 160
        | bytes32(IPlanRegistry.configureSubject.selector) >> 192
        | bytes32(IPlanRegistry.enrolExecutor.selector) >> 224;
    bytes32 private constant OTHERS = bytes32(IPlanRegistry.rotateExecutor.selector)
        | bytes32(IPlanRegistry.ratify.selector) >> 32 | bytes32(IPlanRegistry.cosign.selector) >> 64
        | bytes32(IPlanRegistry.recordAttestation.selector) >> 96 | bytes32(IPlanRegistry.confirm.selector)
        >> 128 | bytes32(IPlanRegistry.revoke.selector) >> 160 | bytes32(IPlanRegistry.revokeHard.selector)
        >> 192;
    bytes32 private constant OF_SUBJECTS = bytes32(ISubjectConfigs.configureSubject.selector)
        | bytes32(ISubjectConfigs.recordAttestation.selector) >> 32;
    bytes32 private constant OF_KEYS = bytes32(IExecutorRegistry.enrol.selector)
        | bytes32(IExecutorRegistry.rotate.selector) >> 32 | bytes32(IExecutorRegistry.admit.selector) >> 64
        | bytes32(IExecutorRegistry.revoke.selector) >> 96;
    bytes32 private constant OF_DEBTS = bytes32(IObligationLedger.open.selector)
        | bytes32(IObligationLedger.openEmergency.selector) >> 32
        | bytes32(IObligationLedger.openAudit.selector) >> 64 | bytes32(IObligationLedger.clear.selector)
        >> 96;

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

    /// @dev Each tier's terms in one word, in the order of `TierTerms`, the last member lowest.
    uint256 private immutable _low;
    uint256 private immutable _medium;
    uint256 private immutable _high;
    uint256 private immutable _critical;
    uint256 private immutable _emergency;

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
        // Half of it may begin at once, so of less than two nothing ever would.
        if (config.low.budgetOperations < 2 || config.low.budgetWindow == 0) {
            revert PlanRegistryInvalidGenesis();
        }
        _low = _packed(config.low);
        _medium = _packed(config.medium);
        _high = _packed(config.high);
        _critical = _packed(config.critical);
        _emergency = _packed(config.emergency);
    }

    /// @inheritdoc IPlanRegistry
    function seal() external {
        if (msg.sender != genesis) revert PlanRegistryNotGenesis(msg.sender);
        if (isSealed) revert PlanRegistrySealed();
        (bool isAdmin,) = IAccessManager(authority()).hasRole(ADMIN_ROLE, genesis);
        if (isAdmin) revert PlanRegistryGenesisHoldsPower(authority(), bytes4(0));
        _checkPowerless(address(this), APPROVALS);
        _checkPowerless(address(this), OTHERS);
        _checkPowerless(address(subjects), OF_SUBJECTS);
        _checkPowerless(address(executors), OF_KEYS);
        _checkPowerless(address(obligations), OF_DEBTS);

        isSealed = true;

        emit Sealed(genesis);
    }

    /// @inheritdoc IPlanRegistry
    function terms(Tier tier) public view returns (TierTerms memory value) {
        uint256 word;
        if (tier == Tier.LOW) word = _low;
        else if (tier == Tier.MEDIUM) word = _medium;
        else if (tier == Tier.HIGH) word = _high;
        else if (tier == Tier.CRITICAL) word = _critical;
        else if (tier == Tier.EMERGENCY) word = _emergency;
        // forge-lint: disable-start(unsafe-typecast) -- each member is cut out of the word
        value.validity = uint32(word >> 208);
        value.maxLease = uint32(word >> 176);
        value.kinds = uint32(word >> 144);
        value.attestations = uint8(word >> 136);
        value.cosign = uint8(word >> 128) != 0;
        value.budgetOperations = uint32(word >> 96);
        value.budgetCost = uint64(word >> 32);
        value.budgetWindow = uint32(word);
        // forge-lint: disable-end(unsafe-typecast)
    }

    /// @param selectors Up to eight, of four bytes each; an empty place is zero.
    function _checkPowerless(address target, bytes32 selectors) private view {
        for (; selectors != 0; selectors <<= 32) {
            // forge-lint: disable-next-line(unsafe-typecast) -- the four bytes in front are meant
            bytes4 selector = bytes4(selectors);
            (bool immediate, uint32 delay) = IAccessManager(authority()).canCall(genesis, target, selector);
            if (immediate || delay != 0) revert PlanRegistryGenesisHoldsPower(target, selector);
        }
    }

    function _packed(TierTerms memory value) private pure returns (uint256) {
        if (value.validity == 0 || value.maxLease == 0 || value.kinds == 0) {
            revert PlanRegistryInvalidGenesis();
        }
        return uint240(
            bytes30(
                abi.encodePacked(
                    value.validity,
                    value.maxLease,
                    value.kinds,
                    value.attestations,
                    value.cosign,
                    value.budgetOperations,
                    value.budgetCost,
                    value.budgetWindow
                )
            )
        );
    }
}
