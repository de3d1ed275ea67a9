// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlanHash} from "../src/libraries/PlanHash.sol";
import {ExecutionOrder, Outcome, OutcomeKind, Plan, Renewal} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

/// @dev Whole transactions (forge isolates them), for a subject that has run before: a first run costs one
/// more new storage word. The figures are in `snapshots/`; a change shows in review.
contract GasTest is RegistryCase {
    using PlanHash for *;

    function test_gas_registry() public {
        (Plan memory warm,) = _approveAndBegin(0);
        _complete(warm);

        Plan memory plan = _plan(1);
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        registry.approveMedium(planHash);
        vm.snapshotGasLastCall("PlanRegistry", "approveMedium, without the governor");

        ExecutionOrder memory order = _order(plan);
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
        vm.prank(runner);
        registry.begin(plan, order, signature);
        vm.snapshotGasLastCall("PlanRegistry", "begin");

        Renewal memory renewal = Renewal(order.runId, order.leaseUntil + 1, 1, order.deadline);
        signature = _sign(EXECUTOR_KEY, renewal.structHash());
        registry.renew(planHash, renewal, signature);
        vm.snapshotGasLastCall("PlanRegistry", "renew");

        Outcome memory outcome = _outcome(plan, OutcomeKind.COMPLETED);
        signature = _sign(EXECUTOR_KEY, outcome.structHash());
        registry.complete(planHash, outcome, signature);
        vm.snapshotGasLastCall("PlanRegistry", "complete");
    }

    function test_gas_size() public {
        vm.snapshotValue("Size", "PlanRegistry", address(registry).code.length);
        vm.snapshotValue("Size", "MandateGovernor", address(critical).code.length);
        vm.snapshotValue("Size", "ExecutorRegistry", address(executors).code.length);
        vm.snapshotValue("Size", "MandateToken", address(token).code.length);
        vm.snapshotValue("Size", "AccessManager", address(manager).code.length);
    }
}
