// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IAttestationLog} from "../src/interfaces/IAttestationLog.sol";
import {ISubjectConfigs} from "../src/interfaces/ISubjectConfigs.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {PlanHash} from "../src/libraries/PlanHash.sol";
import {Attestation, MandateState, Observed, Plan, SubjectConfig} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

contract AttestationsTest is RegistryCase {
    using PlanHash for *;

    function test_attest_isCountedOncePerAttestor() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = registry.hashPlan(plan);
        Attestation memory said = _attestation(plan);
        bytes memory signature = _sign(ATTESTOR_KEY, said.structHash());

        vm.expectEmit(address(attestations));
        emit IAttestationLog.Attested(
            planHash, vm.addr(ATTESTOR_KEY), plan.effectRoot, true, uint64(block.timestamp)
        );
        vm.prank(stranger); // anybody may carry it
        attestations.attest(plan, said, signature);
        assertEq(registry.mandate(planHash).attestations, 1, "recorded");
        vm.expectPartialRevert(ISubjectConfigs.SubjectConfigsAttested.selector);
        attestations.attest(plan, said, signature);
        _attest(plan, OTHER_ATTESTOR_KEY);
        assertEq(registry.mandate(planHash).attestations, 2, "two");
    }

    function test_attest_withoutTheSecretsCountsWhereThereAreNone() public {
        Plan memory plan = _plan(1);
        Attestation memory said = _attestation(plan);
        said.secrets = false; // and yet the same root: the plan has none
        attestations.attest(plan, said, _sign(ATTESTOR_KEY, said.structHash()));
        assertEq(registry.mandate(registry.hashPlan(plan)).attestations, 1, "counted");
    }

    function test_attest_countsOnlyWhileItsAuthorIsEnrolled() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = registry.hashPlan(plan);
        _attest(plan, ATTESTOR_KEY);
        _attest(plan, OTHER_ATTESTOR_KEY);
        SubjectConfig memory config = _subjectConfig();
        SubjectConfig memory shorter = _subjectConfig();
        shorter.attestors = new address[](1);
        shorter.attestors[0] = vm.addr(OTHER_ATTESTOR_KEY);
        shorter.runners = new address[](1);
        shorter.runners[0] = vm.addr(ATTESTOR_KEY); // another part, not that one
        vm.startPrank(electorate);
        registry.configureSubject(SUBJECT, shorter);
        assertEq(registry.mandate(planHash).attestations, 1, "one is left");
        registry.configureSubject(SUBJECT, config);
        assertEq(registry.mandate(planHash).attestations, 2, "he is back, and so is his word");
        vm.stopPrank();
    }

    function test_RevertIf_theAttestationSaysSomethingElse() public {
        Plan memory plan = _plan(1);
        Attestation memory said = _attestation(plan);
        said.planHash = keccak256("another");
        _refuseAttest(plan, said, ATTESTOR_KEY, IAttestationLog.AttestationLogWrongPlan.selector);
        said = _attestation(plan);
        said.effectRoot = keccak256("another");
        _refuseAttest(plan, said, ATTESTOR_KEY, IAttestationLog.AttestationLogDiffers.selector);
        said.secrets = false;
        _refuseAttest(plan, said, ATTESTOR_KEY, IAttestationLog.AttestationLogDiffers.selector);
        said = _attestation(plan);
        said.program = keccak256("another");
        _refuseAttest(plan, said, ATTESTOR_KEY, IAttestationLog.AttestationLogDiffers.selector);
        said = _attestation(plan);
        said.attestedAt += 1;
        _refuseAttest(plan, said, ATTESTOR_KEY, IAttestationLog.AttestationLogFromTheFuture.selector);
    }

    function test_RevertIf_theAttestorIsNotEnrolledOrProposesHimself() public {
        Plan memory plan = _plan(1);
        bytes4 because = IAttestationLog.AttestationLogNotAttestor.selector;
        _refuseAttest(plan, _attestation(plan), 0xbad, because);
        SubjectConfig memory config = _subjectConfig();
        config.proposers[0] = vm.addr(ATTESTOR_KEY);
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        plan.proposer = vm.addr(ATTESTOR_KEY);
        _refuseAttest(plan, _attestation(plan), ATTESTOR_KEY, because);
        _attest(plan, OTHER_ATTESTOR_KEY);
    }

    function test_RevertIf_theAttestorWasReplaced() public {
        SubjectConfig memory config = _subjectConfig();
        config.attestors = new address[](0);
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        Plan memory plan = _plan(1);
        _refuseAttest(
            plan, _attestation(plan), ATTESTOR_KEY, IAttestationLog.AttestationLogNotAttestor.selector
        );
    }

    function test_RevertIf_attestedAfterTheEnd() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(guardian);
        registry.revoke(planHash);
        _refuseAttest(
            plan, _attestation(plan), ATTESTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector
        );
    }

    function test_RevertIf_theSignatureIsForAnotherChainOrRegistry() public {
        Plan memory plan = _plan(1);
        Attestation memory said = _attestation(plan);
        bytes memory elsewhere =
            _signFor(ATTESTOR_KEY, said.structHash(), block.chainid + 1, address(registry));
        vm.expectPartialRevert(IAttestationLog.AttestationLogNotAttestor.selector);
        attestations.attest(plan, said, elsewhere);
        bytes memory ofTheLog =
            _signFor(ATTESTOR_KEY, said.structHash(), block.chainid, address(attestations));
        vm.expectPartialRevert(IAttestationLog.AttestationLogNotAttestor.selector);
        attestations.attest(plan, said, ofTheLog);
    }

    function test_RevertIf_theRegistryIsToldPastTheLog() public {
        Plan memory plan = _plan(1);
        bytes32 planHash = registry.hashPlan(plan);
        vm.startPrank(stranger);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.recordAttestation(planHash, SUBJECT, stranger);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        subjects.recordAttestation(planHash, SUBJECT, stranger);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.confirm(plan, keccak256("post state"), stranger);
        vm.stopPrank();
    }

    // ------------------------------------------------------------------ observations

    function test_observe_confirmsTheRun() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _complete(plan);
        vm.expectEmit(address(registry));
        emit IPlanRegistry.Confirmed(
            planHash, _order(plan).runId, keccak256("post state"), vm.addr(ATTESTOR_KEY)
        );
        _observe(plan, ATTESTOR_KEY);
        _assertState(planHash, MandateState.CONFIRMED);

        Observed memory seen = _observed(plan);
        _refuseObserve(plan, seen, ATTESTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
    }

    function test_RevertIf_nothingWasCompleted() public {
        (Plan memory plan,) = _approveAndBegin(1);
        _refuseObserve(
            plan, _observed(plan), ATTESTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector
        );
    }

    function test_RevertIf_theObserverRanItProposedItOrIsNobody() public {
        SubjectConfig memory config = _subjectConfig();
        config.attestors[1] = vm.addr(EXECUTOR_KEY);
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        (Plan memory plan,) = _approveAndBegin(1);
        _complete(plan);
        Observed memory seen = _observed(plan);
        _refuseObserve(plan, seen, EXECUTOR_KEY, IPlanRegistry.PlanRegistryExecutorConflict.selector);
        _refuseObserve(plan, seen, 0xbad, IAttestationLog.AttestationLogNotAttestor.selector);
        seen.planHash = keccak256("another");
        _refuseObserve(plan, seen, ATTESTOR_KEY, IAttestationLog.AttestationLogWrongPlan.selector);
        seen = _observed(plan);
        seen.observedAt += 1;
        _refuseObserve(plan, seen, ATTESTOR_KEY, IAttestationLog.AttestationLogFromTheFuture.selector);
    }

    function _refuseAttest(Plan memory plan, Attestation memory said, uint256 key, bytes4 because) private {
        bytes memory signature = _sign(key, said.structHash());
        vm.expectPartialRevert(because);
        attestations.attest(plan, said, signature);
    }

    function _refuseObserve(Plan memory plan, Observed memory seen, uint256 key, bytes4 because) private {
        bytes memory signature = _sign(key, seen.structHash());
        vm.expectPartialRevert(because);
        attestations.observe(plan, seen, signature);
    }
}
