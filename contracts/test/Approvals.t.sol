// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {ISubjectConfigs} from "../src/interfaces/ISubjectConfigs.sol";
import {MandateState, Plan, SubjectConfig, Tier} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

/// @dev Who must say yes in each tier, and that none of them can be left out.
contract ApprovalsTest is RegistryCase {
    function test_low_needsAnAttestationBeforeSilenceCounts() public {
        Plan memory plan = _plan(1);
        plan.tier = Tier.LOW;
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        vm.expectRevert(
            abi.encodeWithSelector(IPlanRegistry.PlanRegistryNotAttested.selector, planHash, 0, 1)
        );
        registry.approveLow(planHash);

        _approve(plan); // attests first
        assertEq(registry.mandate(planHash).expiresAt, START + 3 days, "three days");
        _begin(plan);
        _assertState(planHash, MandateState.RUNNING);
    }

    function test_low_batchSkipsWhatMayNotPass() public {
        bytes32[] memory hashes = new bytes32[](4);
        for (uint256 i = 0; i < 4; ++i) {
            Plan memory plan = _plan(i);
            plan.tier = Tier.LOW;
            hashes[i] = registry.hashPlan(plan);
            if (i != 1) _attest(plan, ATTESTOR_KEY);
        }
        vm.prank(guardian);
        registry.revoke(hashes[2]);

        vm.expectEmit(address(registry));
        emit IPlanRegistry.Skipped(hashes[1], MandateState.NONE, 0);
        vm.prank(electorate);
        registry.approveLowBatch(hashes);

        _assertState(hashes[0], MandateState.APPROVED);
        _assertState(hashes[1], MandateState.NONE);
        _assertState(hashes[2], MandateState.REVOKED);
        _assertState(hashes[3], MandateState.APPROVED);
    }

    function test_low_eachOfABatchIsRevocable() public {
        bytes32[] memory hashes = _attested(2);
        vm.prank(electorate);
        registry.approveLowBatch(hashes);
        vm.prank(guardian);
        registry.revoke(hashes[0]);
        _assertState(hashes[0], MandateState.REVOKED);
        _assertState(hashes[1], MandateState.APPROVED);
    }

    function test_RevertIf_aBatchIsEmptyOrTooLong() public {
        bytes32[] memory most = _attested(20);
        vm.startPrank(electorate);
        registry.approveLowBatch(most);
        vm.expectRevert(abi.encodeWithSelector(IPlanRegistry.PlanRegistryInvalidBatch.selector, 21));
        registry.approveLowBatch(new bytes32[](21));
        vm.expectRevert(abi.encodeWithSelector(IPlanRegistry.PlanRegistryInvalidBatch.selector, 0));
        registry.approveLowBatch(new bytes32[](0));
        vm.stopPrank();
    }

    function test_high_beginsOnlyAttestedAndCosigned() public {
        Plan memory plan = _plan(1);
        plan.tier = Tier.HIGH;
        bytes32 planHash = _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryNotAttested.selector);
        _attest(plan, ATTESTOR_KEY);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryNotCosigned.selector);

        vm.expectEmit(address(registry));
        emit IPlanRegistry.Cosigned(planHash, cosigner);
        vm.prank(cosigner);
        registry.cosign(planHash);
        _begin(plan);
        _assertState(planHash, MandateState.RUNNING);
    }

    function test_high_mayBeAttestedAndCosignedWhileItIsVotedOn() public {
        Plan memory plan = _plan(1);
        plan.tier = Tier.HIGH;
        _attest(plan, ATTESTOR_KEY);
        _cosign(plan);
        _approve(plan);
        _begin(plan);
    }

    function test_critical_runsAsHighDoes() public {
        (Plan memory plan, bytes32 planHash) = _ready(1, Tier.CRITICAL);
        _begin(plan);
        _assertState(planHash, MandateState.RUNNING);
    }

    function test_emergency_isTheGatesAndShort() public {
        (Plan memory plan, bytes32 planHash) = _ready(1, Tier.EMERGENCY);
        assertEq(registry.mandate(planHash).expiresAt, START + 6 hours, "six hours");
        _begin(plan);

        plan = _plan(2);
        plan.tier = Tier.EMERGENCY;
        plan.kinds = 1 << 3; // delete
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryForbiddenKinds.selector);
        vm.prank(electorate);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.approveEmergency(keccak256("another"));
    }

    /// @dev P3: one party is never two of proposer, cosigner, executor and runner.
    function test_RevertIf_theCosignerRunsOrProposes() public {
        address[3] memory parties = [proposer, runner, vm.addr(EXECUTOR_KEY)];
        bytes4[3] memory because = [
            IPlanRegistry.PlanRegistryNotCosigned.selector,
            IPlanRegistry.PlanRegistryExecutorConflict.selector,
            IPlanRegistry.PlanRegistryExecutorConflict.selector
        ];
        for (uint256 i = 0; i < 3; ++i) {
            Plan memory plan = _plan(i);
            plan.tier = Tier.HIGH;
            bytes32 planHash = _approve(plan);
            _attest(plan, ATTESTOR_KEY);
            vm.prank(parties[i]);
            vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
            registry.cosign(planHash);
            _letCosign(parties[i]);
            vm.prank(parties[i]);
            registry.cosign(planHash);
            _refuseBegin(plan, _order(plan), EXECUTOR_KEY, because[i]);
        }
    }

    function test_RevertIf_cosignedAfterTheEnd() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(guardian);
        registry.revoke(planHash);
        vm.prank(cosigner);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryUnexpectedState.selector);
        registry.cosign(planHash);
    }

    function test_finance_signsForItsSubjectOnly() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(stranger);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotFinance.selector);
        registry.cosignFinance(plan);
        vm.expectEmit(address(registry));
        emit IPlanRegistry.Financed(planHash, finance);
        vm.prank(finance);
        registry.cosignFinance(plan);
        assertTrue(registry.mandate(planHash).financed, "financed");

        plan.proposer = finance;
        vm.prank(finance);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotFinance.selector);
        registry.cosignFinance(plan);
    }

    function test_finance_isAskedAboveTheCap() public {
        Plan memory plan = _plan(1);
        plan.cost = 500_00;
        _approve(plan);
        _begin(plan);
        _complete(plan);

        plan = _plan(2);
        plan.cost = 500_01;
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryNotFinanced.selector);
        vm.prank(finance);
        registry.cosignFinance(plan);
        _begin(plan);
        _complete(plan);

        plan = _plan(3);
        plan.cost = type(uint64).max; // nobody knows
        _approve(plan);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryNotFinanced.selector);
    }

    function test_finance_isNotAskedWhereThereIsNoCap() public {
        SubjectConfig memory config = _subjectConfig();
        config.financeCosigner = address(0);
        vm.prank(electorate);
        vm.expectRevert(abi.encodeWithSelector(ISubjectConfigs.SubjectConfigsInvalid.selector, SUBJECT));
        registry.configureSubject(SUBJECT, config);
        config.costCap = type(uint64).max;
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        Plan memory plan = _plan(1);
        plan.cost = type(uint64).max;
        _approve(plan);
        _begin(plan);
    }

    /// @dev A council that is also a party: only possible where genesis was careless, and still refused.
    function _letCosign(address party) private {
        vm.mockCall(
            address(manager),
            abi.encodeCall(manager.canCall, (party, address(registry), registry.cosign.selector)),
            abi.encode(true, uint32(0))
        );
    }

    function _attested(uint256 count) private returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            Plan memory plan = _plan(i);
            plan.tier = Tier.LOW;
            _attest(plan, ATTESTOR_KEY);
            hashes[i] = registry.hashPlan(plan);
        }
    }
}
