// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationLog} from "../src/interfaces/IAttestationLog.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {ISubjectConfigs} from "../src/interfaces/ISubjectConfigs.sol";
import {PlanHash} from "../src/libraries/PlanHash.sol";
import {
    Attestation,
    Duty,
    ExecutionOrder,
    MandateState,
    Observed,
    Outcome,
    OutcomeKind,
    Plan,
    SubjectConfig,
    Tier
} from "../src/types/Mandates.sol";
import {RegistryCase} from "./RegistryCase.sol";

/// @dev Each test is named after what somebody would try with the whole life of a mandate.
contract LifeAttacksTest is RegistryCase {
    using PlanHash for *;

    /// @dev Slice by slice under the low tier, what no single low plan could do.
    function test_attack_salamiOfLowPlans() public {
        uint256 begun;
        for (uint256 i = 0; i < 4; ++i) {
            Plan memory slice = _low(i, 10);
            ExecutionOrder memory order = _order(slice);
            bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
            vm.prank(runner);
            (bool ok,) = address(registry).call(abi.encodeCall(registry.begin, (slice, order, signature)));
            if (!ok) continue;
            begun += 10;
            _complete(slice);
        }
        assertEq(begun, 20, "two of four fit into half the budget of fifty");
        (uint256 left,) = registry.budgetLeft(SUBJECT);
        assertEq(left, BUDGET_OPERATIONS / 2 - 20, "what is left");

        vm.warp(START + BUDGET_WINDOW / 2);
        (left,) = registry.budgetLeft(SUBJECT);
        assertEq(left, BUDGET_OPERATIONS / 2 - 10, "half of it came back");
        Plan memory next = _low(9, 16);
        _refuseBegin(next, _order(next), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOverBudget.selector);
        next = _low(10, 15);
        _begin(next);
    }

    /// @dev However the slices are cut and timed, within no window does more than the budget begin.
    function testFuzz_attack_salamiAtWhateverTimes(uint32[16] memory sizes, uint32[16] memory waits) public {
        uint256[16] memory begunAt;
        uint256[16] memory begun;
        for (uint256 i = 0; i < 16; ++i) {
            vm.warp(block.timestamp + waits[i] % (BUDGET_WINDOW / 4));
            (uint256 left,) = registry.budgetLeft(SUBJECT);
            // The greedy take all there is, the others anything: what is too much is refused.
            uint32 size = sizes[i] % 3 == 0 ? uint32(left) : sizes[i] % 30;
            if (size == 0) continue;
            Plan memory slice = _low(i, size);
            ExecutionOrder memory order = _order(slice);
            bytes memory signature = _sign(EXECUTOR_KEY, order.structHash());
            vm.prank(runner);
            (bool ok,) = address(registry).call(abi.encodeCall(registry.begin, (slice, order, signature)));
            assertTrue(ok == (size <= left), "taken where it fits");
            if (!ok) continue;
            (begunAt[i], begun[i]) = (block.timestamp, size);
            _complete(slice);
        }
        for (uint256 end = 0; end < 16; ++end) {
            if (begun[end] == 0) continue;
            uint256 within;
            for (uint256 i = 0; i <= end; ++i) {
                if (begunAt[i] + BUDGET_WINDOW > begunAt[end]) within += begun[i];
            }
            assertTrue(within <= BUDGET_OPERATIONS, "never more than the budget in a window");
        }
    }

    /// @dev Who was struck off for what he attested is not asked again: his word went with his seat.
    function test_attack_wordOfAnAttestorWhoWasStruckOff() public {
        Plan memory low = _plan(1);
        low.tier = Tier.LOW;
        _attest(low, ATTESTOR_KEY);
        (Plan memory high,) = _ready(2, Tier.HIGH);
        (Plan memory approved, bytes32 lowHash) = _ready(3, Tier.LOW);
        SubjectConfig memory config = _subjectConfig();
        config.attestors = new address[](1);
        config.attestors[0] = vm.addr(OTHER_ATTESTOR_KEY);
        vm.startPrank(electorate);
        registry.configureSubject(SUBJECT, config);
        bytes32 planHash = registry.hashPlan(low);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotAttested.selector);
        registry.approveLow(planHash);
        bytes32[] memory batch = new bytes32[](1);
        batch[0] = planHash;
        registry.approveLowBatch(batch);
        vm.stopPrank();
        _assertState(planHash, MandateState.NONE);
        _assertState(lowHash, MandateState.APPROVED);
        bytes4 because = IPlanRegistry.PlanRegistryNotAttested.selector;
        _refuseBegin(high, _order(high), EXECUTOR_KEY, because);
        _refuseBegin(approved, _order(approved), EXECUTOR_KEY, because);

        _attest(high, OTHER_ATTESTOR_KEY);
        _begin(high);
    }

    /// @dev Whoever may not read the secrets cannot say what they become.
    function test_attack_attestationModuloSecrets() public {
        Plan memory plan = _plan(1);
        plan.tier = Tier.LOW;
        Attestation memory said = _attestation(plan);
        said.secrets = false;
        said.effectRoot = keccak256("root modulo secrets");
        bytes memory signature = _sign(ATTESTOR_KEY, said.structHash());
        vm.expectPartialRevert(IAttestationLog.AttestationLogDiffers.selector);
        attestations.attest(plan, said, signature);
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotAttested.selector);
        registry.approveLow(planHash);
    }

    /// @dev The same with money: few operations, each dear.
    function test_attack_salamiOfDearLowPlans() public {
        for (uint256 i = 0; i < 2; ++i) {
            Plan memory slice = _dear(i, 20_00);
            _begin(slice);
            _complete(slice);
        }
        Plan memory third = _dear(2, 20_00);
        _refuseBegin(third, _order(third), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOverBudget.selector);
        Plan memory unknown = _dear(3, type(uint64).max); // nobody knows what it costs
        bytes32 planHash = registry.hashPlan(unknown);
        vm.prank(finance);
        registry.cosignFinance(unknown);
        assertTrue(registry.mandate(planHash).financed, "even where finance says yes");
        _refuseBegin(unknown, _order(unknown), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOverBudget.selector);
    }

    /// @dev Silence approves what nobody could read: so somebody must have, before it counts.
    function test_attack_silenceOverAnUnfetchableDocument() public {
        Plan memory plan = _plan(1);
        plan.tier = Tier.LOW;
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotAttested.selector);
        registry.approveLow(planHash);
        bytes32[] memory batch = new bytes32[](1);
        batch[0] = planHash;
        vm.prank(electorate);
        registry.approveLowBatch(batch);
        _assertState(planHash, MandateState.NONE);
        _refuseBegin(plan, _order(plan), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector);
    }

    /// @dev Approved under lenient rules, begun under strict ones; and judged under rules of the proposer's own.
    function test_attack_proposersReplayUnderAnotherRulesDigest() public {
        Plan memory lenient = _plan(1);
        _approve(lenient);
        SubjectConfig memory config = _subjectConfig();
        config.rulesDigest = keccak256("strict rules");
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        bytes4 because = IPlanRegistry.PlanRegistryWrongRules.selector;
        _refuseBegin(lenient, _order(lenient), EXECUTOR_KEY, because);

        Plan memory relabelled = _plan(1);
        relabelled.rules = config.rulesDigest; // another plan: nobody approved it
        _refuseBegin(
            relabelled, _order(relabelled), EXECUTOR_KEY, IPlanRegistry.PlanRegistryUnexpectedState.selector
        );
        Plan memory own = _plan(2);
        own.rules = keccak256("the proposer's own rules");
        _approve(own);
        _refuseBegin(own, _order(own), EXECUTOR_KEY, because);
    }

    /// @dev The executor begins and is never seen again.
    function test_attack_subjectLockedByAVanishedExecutor() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _enrolKey(vm.addr(SPARE_KEY));
        uint256 worst = START + MAX_LEASE + GRACE + 1;
        vm.warp(worst);
        ExecutionOrder memory order = _order(plan);
        order.runId = keccak256("the run that goes on");
        bytes32 former = registry.mandate(planHash).runId;
        bytes memory signature = _sign(SPARE_KEY, order.structHash());
        vm.prank(runner);
        registry.takeOver(plan, order, signature, former);

        vm.warp(uint256(order.leaseUntil) + GRACE + 1); // and that one vanishes too
        vm.prank(stranger);
        registry.abandon(planHash, SUBJECT);
        assertEq(registry.running(SUBJECT), bytes32(0), "free");
        Plan memory corrective = _plan(2);
        corrective.clears = obligations.openOf(SUBJECT, Duty.ABANDONED);
        _approve(corrective);
        _begin(corrective);
    }

    /// @dev The former executor wakes up after another has taken over, and states its own end.
    function test_attack_twoExecutorsStateOneRun() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _enrolKey(vm.addr(SPARE_KEY));
        vm.warp(START + 1 hours + GRACE + 1);
        ExecutionOrder memory order = _order(plan);
        order.runId = keccak256("next");
        bytes32 former = registry.mandate(planHash).runId;
        bytes memory signature = _sign(SPARE_KEY, order.structHash());
        vm.prank(runner);
        registry.takeOver(plan, order, signature, former);

        Outcome memory outcome = _outcome(plan, OutcomeKind.FAILED);
        signature = _sign(EXECUTOR_KEY, outcome.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryWrongRun.selector);
        registry.fail(planHash, outcome, signature);
        outcome.runId = order.runId;
        signature = _sign(EXECUTOR_KEY, outcome.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotRunExecutor.selector);
        registry.fail(planHash, outcome, signature);
    }

    /// @dev The executor states a result that is not there.
    function test_attack_receiptThatLies() public {
        (Plan memory plan, bytes32 planHash) = _approveAndBegin(1);
        _complete(plan);
        Observed memory seen = _observed(plan);
        seen.postState = keccak256("what is really there");
        bytes memory signature = _sign(ATTESTOR_KEY, seen.structHash());
        vm.expectRevert(
            abi.encodeWithSelector(
                IPlanRegistry.PlanRegistryOtherState.selector, seen.postState, keccak256("post state")
            )
        );
        attestations.observe(plan, seen, signature);
        _assertState(planHash, MandateState.UNCONFIRMED);

        vm.warp(START + CONFIRM_WITHIN + 1);
        vm.prank(stranger);
        registry.reportUnconfirmed(plan);
        vm.warp(block.timestamp + CLEAR_WITHIN);
        Plan memory next = _plan(2);
        _approve(next);
        _refuseBegin(next, _order(next), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOverdue.selector);
    }

    /// @dev The executor is an attestor too, and confirms himself.
    function test_attack_receiptConfirmedByItsOwnExecutor() public {
        SubjectConfig memory config = _subjectConfig();
        config.attestors[0] = vm.addr(EXECUTOR_KEY);
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        (Plan memory plan,) = _approveAndBegin(1);
        _complete(plan);
        Observed memory seen = _observed(plan);
        bytes memory signature = _sign(EXECUTOR_KEY, seen.structHash());
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryExecutorConflict.selector);
        attestations.observe(plan, seen, signature);
    }

    /// @dev A plan that does nothing much says that it cures what is owed.
    function test_attack_trivialPlanThatClaimsToClearAnObligation() public {
        bytes32 id = _owed();
        Plan memory trivial = _plan(2);
        trivial.tier = Tier.LOW;
        trivial.clears = id;
        _approve(trivial);
        _refuseBegin(trivial, _order(trivial), EXECUTOR_KEY, IPlanRegistry.PlanRegistryNotClearable.selector);

        trivial = _plan(3);
        trivial.clears = id;
        _approve(trivial);
        _begin(trivial);
        _complete(trivial);
        assertTrue(obligations.isOpen(id), "to be done is not to be cured");
        vm.warp(block.timestamp + CLEAR_WITHIN);
        Plan memory next = _plan(4);
        _approve(next);
        _refuseBegin(next, _order(next), EXECUTOR_KEY, IPlanRegistry.PlanRegistryOverdue.selector);
    }

    /// @dev One obligation would wait for another's cure, and that one for the first.
    function test_attack_twoObligationsBlockEachOthersCure() public {
        bytes32 id = _owed();
        vm.prank(auditor);
        bytes32 audit = obligations.openAudit(
            SUBJECT, Tier.MEDIUM, uint48(block.timestamp + NOTICE), keccak256("finding")
        );
        vm.warp(block.timestamp + CLEAR_WITHIN + NOTICE);
        bytes32[2] memory owed = [id, audit];
        for (uint256 i = 0; i < 2; ++i) {
            Plan memory cure = _plan(10 + i);
            cure.clears = owed[i];
            _approve(cure);
            _begin(cure);
            _complete(cure);
            _observe(cure, ATTESTOR_KEY);
            assertTrue(!obligations.isOpen(owed[i]), "cured");
        }
    }

    /// @dev The proposer attests his own plan under a second hat.
    function test_attack_proposerAttestsHimself() public {
        SubjectConfig memory config = _subjectConfig();
        config.proposers[0] = vm.addr(ATTESTOR_KEY);
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);
        Plan memory plan = _plan(1);
        plan.proposer = vm.addr(ATTESTOR_KEY);
        plan.tier = Tier.LOW;
        Attestation memory said = _attestation(plan);
        bytes memory signature = _sign(ATTESTOR_KEY, said.structHash());
        vm.expectPartialRevert(IAttestationLog.AttestationLogNotAttestor.selector);
        attestations.attest(plan, said, signature);
    }

    /// @dev One attestor, many signatures: he counts once.
    function test_attack_oneAttestorCountsTwice() public {
        Plan memory plan = _plan(1);
        _attest(plan, ATTESTOR_KEY);
        vm.warp(block.timestamp + 1);
        Attestation memory said = _attestation(plan);
        bytes memory signature = _sign(ATTESTOR_KEY, said.structHash());
        vm.expectPartialRevert(ISubjectConfigs.SubjectConfigsAttested.selector);
        attestations.attest(plan, said, signature);
    }

    /// @dev A vote was captured, but the council has not admitted the attacker's key.
    function test_attack_capturedVoteEnrolsAnExecutor() public {
        vm.prank(electorate);
        registry.enrolExecutor(vm.addr(SPARE_KEY));
        Plan memory plan = _plan(1);
        _approve(plan);
        _refuseBegin(plan, _order(plan), SPARE_KEY, IPlanRegistry.PlanRegistryExecutorNotActive.selector);
    }

    /// @dev Whoever reserves, reserves no longer than the mandate lives.
    function test_attack_subjectReservedForEver() public {
        (Plan memory high,) = _ready(1, Tier.HIGH);
        registry.reserve(high, address(0));
        vm.warp(START + VALIDITY);
        vm.expectPartialRevert(IPlanRegistry.PlanRegistryNotReservable.selector);
        registry.reserve(high, address(0));
        Plan memory low = _low(2, 1);
        _begin(low);
    }

    function _low(uint256 salt, uint32 operations) private returns (Plan memory plan) {
        plan = _plan(salt);
        plan.tier = Tier.LOW;
        plan.operationCount = operations;
        _approve(plan);
    }

    function _dear(uint256 salt, uint64 cost) private returns (Plan memory plan) {
        plan = _plan(salt);
        plan.tier = Tier.LOW;
        plan.cost = cost;
        _approve(plan);
    }

    function _owed() private returns (bytes32) {
        (, bytes32 planHash) = _approveAndBegin(1);
        vm.warp(block.timestamp + MAX_LEASE + GRACE + 1);
        registry.abandon(planHash, SUBJECT);
        return obligations.openOf(SUBJECT, Duty.ABANDONED);
    }
}
