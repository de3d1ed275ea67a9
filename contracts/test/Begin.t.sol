// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {PlanHash} from "../src/libraries/PlanHash.sol";
import {ExecutionOrder, Mandate, MandateState, Plan, SubjectConfig, Tier} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

contract BeginTest is RegistryCase {
    using PlanHash for *;

    function test_begin_spendsTheMandate() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = _approve(plan);
        ExecutionOrder memory order = _order(plan);
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());

        vm.expectEmit(address(registry));
        emit IPlanRegistry.Begun(
            planHash,
            order.runId,
            SUBJECT,
            vm.addr(EXECUTOR_KEY),
            runner,
            order.leaseUntil,
            plan.effectRoot,
            plan.document,
            1
        );
        vm.prank(runner);
        registry.begin(plan, order, signature);

        Mandate memory found = registry.mandate(planHash);
        assertEq(uint256(found.state), uint256(MandateState.RUNNING), "state");
        assertEq(uint256(found.tier), uint256(Tier.MEDIUM), "tier");
        assertEq(found.approvedAt, START, "approved at");
        assertEq(found.begunAt, START, "begun at");
        assertEq(found.expiresAt, START + VALIDITY, "expires at");
        assertEq(found.leaseUntil, order.leaseUntil, "lease");
        assertEq(found.executor, vm.addr(EXECUTOR_KEY), "executor");
        assertEq(found.keyEpoch, 1, "epoch");
        assertEq(found.runId, order.runId, "run id");
        assertEq(registry.running(SUBJECT), planHash, "running");
    }

    function test_begin_takesTheEarlierEnd() public {
        Plan memory plan = _plan(1);
        plan.expiresAt = uint64(START + 1 days);
        bytes32 planHash = _approve(plan);
        _begin(plan);
        assertEq(registry.mandate(planHash).expiresAt, START + 1 days, "the plan's own end");
    }

    function test_RevertIf_begunTwice() public {
        (Plan memory plan,) = _approveAndBegin(1);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
        _complete(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
    }

    function test_RevertIf_neverApproved() public {
        Plan memory plan = _plan(1);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
    }

    function test_RevertIf_approvalExpired() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = _approve(plan);
        vm.warp(START + VALIDITY);
        _assertState(planHash, MandateState.EXPIRED);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
    }

    function test_begin_inTheLastSecond() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        vm.warp(START + VALIDITY - 1);
        _begin(plan);
    }

    function test_RevertIf_outsideThePlansWindow() public {
        Plan memory early = _plan(1);
        early.notBefore = uint64(START + 1);
        _approve(early);
        _refuseBegin(early, _order(early), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOutsideWindow.selector);
        Plan memory late = _plan(2);
        late.expiresAt = uint64(START);
        _approve(late);
        _refuseBegin(late, _order(late), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOutsideWindow.selector);
    }

    function test_RevertIf_tierDiffers() public {
        Plan memory plan = _plan(1);
        plan.tier = Tier.HIGH;
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        registry.approveMedium(planHash);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryWrongTier.selector);
    }

    function test_RevertIf_kindsExceedTheTier() public {
        Plan memory plan = _plan(1);
        plan.kinds = 1 << 4; // abandon
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryForbiddenKinds.selector);
        plan.tier = Tier.HIGH;
        _approve(plan);
        _attest(plan, ATTESTOR_KEY);
        _cosign(plan);
        _begin(plan);
    }

    function test_RevertIf_planIsEmpty() public {
        Plan memory plan = _plan(1);
        plan.operationCount = 0;
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryEmptyPlan.selector);
        plan = _plan(2);
        plan.kinds = 0;
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryEmptyPlan.selector);
        plan = _plan(3);
        plan.effectRoot = 0;
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryEmptyPlan.selector);
    }

    function test_RevertIf_rulesChangedAfterTheVote() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        SubjectConfig memory config = _subjectConfig();
        config.rulesDigest = keccak256("stricter rules");
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryWrongRules.selector);
    }

    function test_RevertIf_subjectHasNoConfig() public {
        Plan memory plan = _plan(1);
        plan.subject = OTHER_SUBJECT;
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnknownSubject.selector);
    }

    function test_RevertIf_proposerIsNotEnrolled() public {
        Plan memory plan = _plan(1);
        plan.proposer = stranger;
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryNotProposer.selector);
    }

    function test_RevertIf_runnerIsNotTheSender() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IPlanRegistry.PlanRegistryWrongRunner.selector, runner, stranger)
        );
        registry.begin(plan, order, signature);
    }

    function test_RevertIf_runnerIsNotEnrolled() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        order.runner = stranger;
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
        vm.prank(stranger);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotRunner.selector);
        registry.begin(plan, order, signature);
    }

    function test_RevertIf_aReplacedConfigDroppedTheRunner() public {
        SubjectConfig memory config = _subjectConfig();
        config.runners[0] = stranger;
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        Plan memory plan = _plan(1);
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryNotRunner.selector);
        assertTrue(!subjects.isRunner(SUBJECT, runner), "the old list is gone");
        assertTrue(subjects.isRunner(SUBJECT, stranger), "the new list stands");
    }

    function test_RevertIf_subjectIsBusy() public {
        (, bytes32 first) = _approveAndBegin(1);
        Plan memory second = _plan(2);
        _approve(second);
        ExecutionOrder memory order = _order(second);
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
        vm.prank(runner);
        vm.expectRevert(
            abi.encodeWithSelector(IPlanRegistry.PlanRegistrySubjectBusy.selector, SUBJECT, first)
        );
        registry.begin(second, order, signature);
    }

    function test_begin_afterThePreviousRunEnded() public {
        (Plan memory first,) = _approveAndBegin(1);
        _complete(first);
        (, bytes32 second) = _approveAndBegin(2);
        assertEq(registry.running(SUBJECT), second, "the second runs");
    }

    function test_begin_whileAnotherSubjectRuns() public {
        vm.prank(electorate);
        registry.configureSubject(OTHER_SUBJECT, _subjectConfig());
        _approveAndBegin(1);
        Plan memory other = _plan(2);
        other.subject = OTHER_SUBJECT;
        bytes32 planHash = _approve(other);
        _begin(other);
        assertEq(registry.running(OTHER_SUBJECT), planHash, "both run");
    }

    function test_RevertIf_leaseIsWrong() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        order.leaseUntil = uint64(block.timestamp);
        _refuseBegin(plan, order, EXECUTOR_KEY, IPlanRegistry.PlanRegistryInvalidLease.selector);
        order.leaseUntil = uint64(block.timestamp + MAX_LEASE + 1);
        _refuseBegin(plan, order, EXECUTOR_KEY, IPlanRegistry.PlanRegistryInvalidLease.selector);
        order.leaseUntil = type(uint64).max;
        _refuseBegin(plan, order, EXECUTOR_KEY, IPlanRegistry.PlanRegistryInvalidLease.selector);
    }

    function test_RevertIf_orderIsTooOld() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        order.deadline = uint64(block.timestamp - 1);
        _refuseBegin(plan, order, EXECUTOR_KEY, IPlanRegistry.PlanRegistryOrderExpired.selector);
    }

    function test_RevertIf_orderIsForAnotherPlan() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        _refuseBegin(plan, _order(_plan(2)), EXECUTOR_KEY, IPlanRegistry.PlanRegistryWrongPlan.selector);
    }

    function test_RevertIf_orderHasNoRunId() public {
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        order.runId = 0;
        _refuseBegin(plan, order, EXECUTOR_KEY, IPlanRegistry.PlanRegistryWrongRun.selector);
    }

    function test_RevertIf_executorProposedThePlan() public {
        SubjectConfig memory config = _subjectConfig();
        config.proposers[0] = vm.addr(EXECUTOR_KEY);
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        Plan memory plan = _plan(1);
        plan.proposer = vm.addr(EXECUTOR_KEY);
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryExecutorConflict.selector);
    }

    function test_RevertIf_executorPaysForItself() public {
        address executor = vm.addr(EXECUTOR_KEY);
        SubjectConfig memory config = _subjectConfig();
        config.runners[0] = executor;
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        Plan memory plan = _plan(1);
        _approve(plan);
        ExecutionOrder memory order = _order(plan);
        order.runner = executor;
        bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
        vm.prank(executor);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryExecutorConflict.selector);
        registry.begin(plan, order, signature);
    }

    /// @dev P4: whichever field of the approved plan is changed, its hash is another one.
    function testFuzz_begin_onlyWithTheApprovedFields(uint256 field, uint256 change) public {
        Plan memory plan = _plan(1);
        _approve(plan);
        Plan memory other = _spoil(_plan(1), bound(field, 0, 16), change);
        vm.assume(registry.hashPlan(plan) != registry.hashPlan(other));
        _refuseBegin(other, _order(other), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
        _begin(plan);
    }

    function testFuzz_hashPlan_dependsOnEveryField(uint256 field, uint256 change) public view {
        Plan memory plan = _plan(1);
        uint256 place = bound(field, 0, 16);
        Plan memory other = _spoil(_plan(1), place, change);
        bool same = keccak256(abi.encode(plan)) == keccak256(abi.encode(other));
        assertTrue(same == (registry.hashPlan(plan) == registry.hashPlan(other)), "hash follows fields");
    }

    function _spoil(Plan memory plan, uint256 field, uint256 change) private pure returns (Plan memory) {
        bytes32 word = bytes32(change);
        if (field == 0) plan.subject = word;
        else if (field == 1) plan.effectRoot = word;
        else if (field == 2) plan.operationCount = uint32(change);
        else if (field == 3) plan.kinds = uint32(change);
        else if (field == 4) plan.program = word;
        else if (field == 5) plan.toolchain = word;
        else if (field == 6) plan.rules = word;
        else if (field == 7) plan.checks = word;
        else if (field == 8) plan.rollback = word;
        else if (field == 9) plan.document = word;
        else if (field == 10) plan.clears = word;
        else if (field == 11) plan.proposer = address(uint160(change));
        else if (field == 12) plan.tier = Tier(change % 6);
        else if (field == 13) plan.notBefore = uint64(change);
        else if (field == 14) plan.expiresAt = uint64(change);
        else if (field == 15) plan.cost = uint64(change);
        else plan.salt = word;
        return plan;
    }
}
