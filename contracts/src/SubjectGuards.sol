// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {MandateRecords} from "./MandateRecords.sol";
import {IPlanRegistry} from "./interfaces/IPlanRegistry.sol";
import {Duty, MandateState, Obligation, Plan, Tier, TierTerms} from "./types/Mandates.sol";

/// @title SubjectGuards
/// @dev What a subject's history has to say about the next run: what is owed, what is reserved, and how much
/// low plans have spent.
abstract contract SubjectGuards is MandateRecords {
    struct Reservation {
        bytes32 planHash;
        uint64 until;
    }

    /// @dev What has been spent and has not come back yet, as of `at`.
    struct Spent {
        uint104 operations;
        uint104 cost;
        uint48 at;
    }

    mapping(bytes32 subject => Reservation) private _reservations;
    mapping(bytes32 subject => Spent) private _spent;

    function _reserve(bytes32 planHash, Plan calldata plan, address scheduler) internal {
        if (plan.tier != Tier.HIGH && plan.tier != Tier.CRITICAL) {
            revert PlanRegistryNotReservable(planHash, plan.tier);
        }
        bytes32 holder = reservation(plan.subject);
        if (holder != 0 && holder != planHash) revert PlanRegistryReserved(plan.subject, holder);
        uint64 until = uint64(_mandates[planHash].expiresAt);
        MandateState state = _stateOf(planHash);
        if (state == MandateState.NONE) until = _scheduledUntil(planHash, plan.tier, scheduler);
        else if (state != MandateState.APPROVED || _mandates[planHash].tier != plan.tier) until = 0;
        if (until == 0) revert PlanRegistryNotReservable(planHash, plan.tier);

        _reservations[plan.subject] = Reservation(planHash, until);

        emit Reserved(plan.subject, planHash, until);
    }

    /// @inheritdoc IPlanRegistry
    function reservation(bytes32 subject) public view returns (bytes32 planHash) {
        Reservation storage found = _reservations[subject];
        planHash = found.planHash;
        if (planHash == 0 || block.timestamp >= found.until) return 0;
        MandateState state = _stateOf(planHash);
        return state == MandateState.NONE || state == MandateState.APPROVED ? planHash : bytes32(0);
    }

    /// @dev A bucket of half the budget that refills once in a window: what it holds and what comes back to it
    /// is, within any window, never more than the budget.
    /// @inheritdoc IPlanRegistry
    function budgetLeft(bytes32 subject) public view returns (uint256 operations, uint256 cost) {
        TierTerms memory allowed = terms(Tier.LOW);
        (uint256 operationsOut, uint256 costOut) = _out(subject, allowed.budgetWindow);
        return (
            Math.saturatingSub(allowed.budgetOperations / 2, operationsOut),
            Math.saturatingSub(allowed.budgetCost / 2, costOut)
        );
    }

    /// @dev Refuses where something overdue is not cured, or where a low plan must wait or has spent too much.
    function _checkGuards(Plan calldata plan) internal view {
        if (plan.clears != 0) _checkClears(plan);
        if (plan.tier == Tier.EMERGENCY) {
            if (obligations.isOverdue(plan.subject, Duty.EMERGENCY)) {
                revert PlanRegistryOverdue(plan.subject);
            }
        } else if (plan.clears == 0 && obligations.isOverdue(plan.subject)) {
            revert PlanRegistryOverdue(plan.subject);
        }
        if (plan.tier == Tier.LOW) {
            bytes32 holder = reservation(plan.subject);
            if (holder != 0) revert PlanRegistryReserved(plan.subject, holder);
            (uint256 operations, uint256 cost) = budgetLeft(plan.subject);
            if (plan.operationCount > operations) {
                revert PlanRegistryOverBudget(plan.subject, plan.operationCount, operations);
            }
            if (plan.cost > cost) revert PlanRegistryOverBudget(plan.subject, plan.cost, cost);
        }
    }

    /// @dev After `_checkGuards`.
    function _spend(Plan calldata plan) internal {
        (uint256 operations, uint256 cost) = _out(plan.subject, terms(Tier.LOW).budgetWindow);
        // forge-lint: disable-start(unsafe-typecast) -- within the budgets, which are 64 bits at most
        _spent[plan.subject] = Spent(
            uint104(operations + plan.operationCount), uint104(cost + plan.cost), uint48(block.timestamp)
        );
        // forge-lint: disable-end(unsafe-typecast)
    }

    function _checkClears(Plan calldata plan) private view {
        Obligation memory owed = obligations.obligation(plan.clears);
        if (
            !obligations.isOpen(plan.clears) || owed.subject != plan.subject || plan.tier < owed.tier
                || plan.tier == Tier.EMERGENCY
        ) revert PlanRegistryNotClearable(plan.clears, owed.tier);
    }

    /// @dev What is spent and has not come back, rounded up.
    function _out(bytes32 subject, uint256 window) private view returns (uint256 operations, uint256 cost) {
        Spent storage spent = _spent[subject];
        uint256 left = Math.saturatingSub(window, block.timestamp - spent.at);
        return (
            Math.ceilDiv(uint256(spent.operations) * left, window),
            Math.ceilDiv(uint256(spent.cost) * left, window)
        );
    }

    /// @dev Until when the manager would still execute the scheduled approval; 0 where there is none.
    function _scheduledUntil(bytes32 planHash, Tier tier, address scheduler) private view returns (uint64) {
        IAccessManager manager = IAccessManager(authority());
        bytes memory data = tier == Tier.HIGH
            ? abi.encodeCall(this.approveHigh, (planHash))
            : abi.encodeCall(this.approveCritical, (planHash));
        uint48 due = manager.getSchedule(manager.hashOperation(scheduler, address(this), data));
        return due == 0 ? 0 : uint64(due) + manager.expiration();
    }
}
