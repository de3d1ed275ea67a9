// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BallotRelay} from "../src/BallotRelay.sol";
import {PlanHash} from "../src/libraries/PlanHash.sol";
import {ExecutionOrder, Observed, Outcome, OutcomeKind, Plan, Renewal, Tier} from "../src/types/Mandates.sol";
import {EmergencyCase} from "./EmergencyCase.sol";
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

        Observed memory seen = _observed(plan);
        signature = _sign(ATTESTOR_KEY, seen.structHash());
        attestations.observe(plan, seen, signature);
        vm.snapshotGasLastCall("PlanRegistry", "observe");
    }

    /// @dev Twenty plans of the low tier, each attested before, as the tier wants it.
    function test_gas_lowBatch() public {
        bytes32[] memory hashes = new bytes32[](20);
        for (uint256 i = 0; i < hashes.length; ++i) {
            Plan memory plan = _plan(i);
            plan.tier = Tier.LOW;
            _attest(plan, ATTESTOR_KEY);
            if (i == 1) vm.snapshotGasLastCall("PlanRegistry", "attest");
            hashes[i] = registry.hashPlan(plan);
        }
        vm.prank(electorate);
        registry.approveLowBatch(hashes);
        uint256 used =
            vm.snapshotGasLastCall("PlanRegistry", "approveLowBatch of twenty, without the governor");
        vm.snapshotValue("PlanRegistry", "approveLowBatch, per plan", used / 20);
        assertTrue(used / 20 <= 60_000, "the goal of the design");
    }

    function test_gas_size() public {
        vm.snapshotValue("Size", "PlanRegistry", address(registry).code.length);
        vm.snapshotValue("Size", "MandateGovernor", address(critical).code.length);
        vm.snapshotValue("Size", "SubjectConfigs", address(subjects).code.length);
        vm.snapshotValue("Size", "ObligationLedger", address(obligations).code.length);
        vm.snapshotValue("Size", "AttestationLog", address(attestations).code.length);
        vm.snapshotValue("Size", "ExecutorRegistry", address(executors).code.length);
        vm.snapshotValue("Size", "MandateToken", address(token).code.length);
        vm.snapshotValue("Size", "AccessManager", address(manager).code.length);
    }
}

/// @dev The same where a council sits.
contract GasOfTheCouncilTest is EmergencyCase {
    function test_gas_size() public {
        vm.snapshotValue("Size", "Council", address(council).code.length);
        vm.snapshotValue("Size", "EmergencyGate", address(gate).code.length);
        vm.snapshotValue("Size", "BallotRelay", address(new BallotRelay()).code.length);
    }

    function test_gas_council() public {
        _declare(_fix(1), INCIDENT, 3);
        vm.snapshotGasLastCall("EmergencyGate", "declare, three seats");
        _report();
        vm.snapshotGasLastCall("EmergencyGate", "report");
    }
}
