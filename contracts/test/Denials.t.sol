// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {ISubjectConfigs} from "../src/interfaces/ISubjectConfigs.sol";
import {IExecutorRegistry} from "../src/interfaces/IExecutorRegistry.sol";
import {MandateState, Plan, SubjectConfig, Tier} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

/// @dev Approving, and every way of taking an approval back.
contract DenialsTest is RegistryCase {
    function test_approve_startsTheClock() public {
        bytes32 planHash = keccak256("plan");
        vm.expectEmit(address(registry));
        emit IPlanRegistry.Approved(planHash, Tier.MEDIUM, uint64(START), uint64(START + VALIDITY));
        vm.prank(electorate);
        registry.approveMedium(planHash);
    }

    function test_revoke_burnsAnApproval() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = _approve(plan);
        vm.expectEmit(address(registry));
        emit IPlanRegistry.Revoked(planHash, MandateState.REVOKED, false);
        vm.prank(guardian);
        registry.revoke(planHash);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
        _refuseApprovals(planHash);
    }

    function test_revoke_burnsAHashThatIsStillVotedOn() public {
        bytes32 planHash = keccak256("still voted on");
        vm.prank(guardian);
        registry.revoke(planHash);
        _refuseApprovals(planHash);
    }

    function test_RevertIf_revokedAfterTheEnd() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _complete(plan);
        vm.prank(guardian);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.revoke(planHash);
    }

    function test_withdraw_burns() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = _approve(plan);
        vm.expectEmit(address(registry));
        emit IPlanRegistry.Withdrawn(planHash, proposer);
        vm.prank(proposer);
        registry.withdraw(plan);
        _assertState(planHash, MandateState.WITHDRAWN);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
        _refuseApprovals(planHash);
    }

    function test_withdraw_beforeTheVoteEnds() public {
        Plan memory plan = _plan(1);
        vm.prank(proposer);
        registry.withdraw(plan);
        _refuseApprovals(registry.hashPlan(plan));
    }

    function testFuzz_RevertIf_withdrawnByAnother(address caller) public {
        vm.assume(caller != proposer);
        Plan memory plan = _plan(1);
        _approve(plan);
        vm.prank(caller);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotProposer.selector);
        registry.withdraw(plan);
    }

    function test_RevertIf_withdrawnMidRun() public {
        (Plan memory plan,) = _approveAndBegin(1);
        vm.prank(proposer);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.withdraw(plan);
    }

    function test_RevertIf_approvedTwiceOrAfterExpiry() public {
        bytes32 planHash = _approve(_plan(1));
        _refuseApprovals(planHash);
        vm.warp(START + VALIDITY);
        _refuseApprovals(planHash);
    }

    function test_configure_refusesWhatCannotJudge() public {
        SubjectConfig memory config = _subjectConfig();
        config.rulesDigest = 0;
        _refuseConfig(SUBJECT, config);
        config = _subjectConfig();
        config.backend = 0;
        _refuseConfig(SUBJECT, config);
        config = _subjectConfig();
        config.runners[0] = address(0);
        _refuseConfig(SUBJECT, config);
        _refuseConfig(bytes32(0), _subjectConfig());
    }

    function test_configure_emitsTheWholeConfig() public {
        SubjectConfig memory config = _subjectConfig();
        vm.expectEmit(address(subjects));
        emit ISubjectConfigs.SubjectConfigured(SUBJECT, 2, config);
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
    }

    // ------------------------------------------------------------------ executors

    function test_executor_epochsRise() public {
        address key = vm.addr(SPARE_KEY);
        _assertExecutor(key, false, 0);
        _enrolKey(key);
        _assertExecutor(key, true, 1);
        vm.prank(guardian);
        executors.revoke(key);
        _assertExecutor(key, false, 1);
        _enrolKey(key);
        _assertExecutor(key, true, 2);
    }

    function test_RevertIf_enrolledWrongly() public {
        vm.startPrank(electorate);
        vm.expectPartialRevert(IExecutorRegistry.ExecutorRegistryInvalidExecutor.selector);
        registry.enrolExecutor(address(0));
        vm.expectPartialRevert(IExecutorRegistry.ExecutorRegistryInvalidExecutor.selector);
        registry.enrolExecutor(address(token));
        vm.expectPartialRevert(IExecutorRegistry.ExecutorRegistryAlreadyActive.selector);
        registry.enrolExecutor(vm.addr(EXECUTOR_KEY));
        vm.stopPrank();
        vm.prank(guardian);
        vm.expectPartialRevert(IExecutorRegistry.ExecutorRegistryNotActive.selector);
        executors.revoke(stranger);
    }

    function _assertExecutor(address key, bool expectedActive, uint64 expectedEpoch) private view {
        (bool active, uint64 epoch) = executors.executor(key);
        assertTrue(active == expectedActive, "active");
        assertEq(epoch, expectedEpoch, "epoch");
    }

    function _refuseApprovals(bytes32 planHash) private {
        vm.startPrank(electorate);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.approveMedium(planHash);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.approveHigh(planHash);
        vm.stopPrank();
    }

    function _refuseConfig(bytes32 subject, SubjectConfig memory config) private {
        vm.prank(electorate);
        vm.expectRevert(abi.encodeWithSelector(ISubjectConfigs.SubjectConfigsInvalid.selector, subject));
        registry.configureSubject(subject, config);
    }
}
