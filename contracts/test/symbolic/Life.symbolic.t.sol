// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Duty,
    ExecutionOrder,
    MandateState,
    Observed,
    Plan,
    SubjectConfig,
    Tier
} from "../../src/types/Mandates.sol";
import {RegistryCase} from "../RegistryCase.sol";

/// @dev Proofs over the whole life of a mandate, for all inputs; signatures are 65 unknown bytes.
contract LifeProofs is RegistryCase {
    /// @dev P3: no plan of the high or the critical tier begins without the council, whatever else was said.
    function check_highNeedsTheCouncil(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32[2] memory words,
        uint8 v,
        address sender,
        bool isCritical
    ) public {
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        if (isCritical) registry.approveCritical(planHash);
        else registry.approveHigh(planHash);
        vm.prank(address(attestations));
        registry.recordAttestation(planHash, plan.subject, vm.addr(ATTESTOR_KEY));

        assert(!_tryBegin(plan, order, abi.encodePacked(words[0], words[1], v), sender));
    }

    /// @dev The same of attestations: the council alone is not enough.
    function check_highNeedsAnAttestor(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32[2] memory words,
        uint8 v,
        address sender
    ) public {
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        registry.approveHigh(planHash);
        vm.prank(cosigner);
        registry.cosign(planHash);

        assert(!_tryBegin(plan, order, abi.encodePacked(words[0], words[1], v), sender));
    }

    /// @dev Nor is the word of an attestor who has been struck off enough, whatever the plan and the new lists.
    function check_whoWasStruckOffAttestsNothing(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32[2] memory words,
        uint8 v,
        address sender,
        address successor
    ) public {
        vm.assume(plan.subject == SUBJECT);
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        registry.approveHigh(planHash);
        vm.prank(cosigner);
        registry.cosign(planHash);
        vm.prank(address(attestations));
        registry.recordAttestation(planHash, SUBJECT, vm.addr(ATTESTOR_KEY));
        vm.assume(successor != address(0) && successor != vm.addr(ATTESTOR_KEY));
        SubjectConfig memory config = _subjectConfig();
        config.attestors = new address[](1);
        config.attestors[0] = successor;
        vm.prank(electorate);
        registry.configureSubject(SUBJECT, config);

        assert(!_tryBegin(plan, order, abi.encodePacked(words[0], words[1], v), sender));
    }

    /// @dev P4: what begins was judged under the subject's rules of now.
    function check_onlyUnderTheSubjectsRules(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32[2] memory words,
        uint8 v,
        address sender
    ) public {
        _approveSymbolically(plan);
        vm.assume(plan.rules != RULES);

        assert(!_tryBegin(plan, order, abi.encodePacked(words[0], words[1], v), sender));
    }

    /// @dev P5: no kind of operation begins that the tier does not allow.
    function check_onlyTheTiersKinds(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32[2] memory words,
        uint8 v,
        address sender
    ) public {
        _approveSymbolically(plan);
        vm.assume(plan.kinds & ~MEDIUM_KINDS != 0);

        assert(!_tryBegin(plan, order, abi.encodePacked(words[0], words[1], v), sender));
    }

    /// @dev P6: while one runs on a subject, no other begins there.
    function check_oneRunsAtATime(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32[2] memory words,
        uint8 v,
        address sender
    ) public {
        _approveAndBegin(1);
        _approveSymbolically(plan);
        vm.assume(plan.subject == SUBJECT);

        assert(!_tryBegin(plan, order, abi.encodePacked(words[0], words[1], v), sender));
    }

    /// @dev P7: under another epoch than the key's, nobody begins.
    function check_onlyUnderTheKeysEpoch(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32[2] memory words,
        uint8 v,
        address sender
    ) public {
        _approveSymbolically(plan);
        vm.assume(order.keyEpoch != 1);

        assert(!_tryBegin(plan, order, abi.encodePacked(words[0], words[1], v), sender));
    }

    /// @dev P8: with something overdue, no plan begins that does not say that it cures it.
    function check_overdueStopsWhatDoesNotCureIt(
        Plan memory plan,
        ExecutionOrder memory order,
        bytes32[2] memory words,
        uint8 v,
        address sender
    ) public {
        vm.prank(auditor);
        obligations.openAudit(SUBJECT, Tier.MEDIUM, uint48(START + NOTICE), keccak256("finding"));
        vm.warp(START + NOTICE);
        _approveSymbolically(plan);
        vm.assume(plan.subject == SUBJECT && plan.clears == 0);

        assert(!_tryBegin(plan, order, abi.encodePacked(words[0], words[1], v), sender));
    }

    /// @dev P8: what is overdue does not stop its cure: the same begin, and it is taken.
    function check_overdueDoesNotStopItsCure(bytes32 salt, uint64 wait) public {
        vm.prank(auditor);
        bytes32 id = obligations.openAudit(SUBJECT, Tier.MEDIUM, uint48(START + NOTICE), keccak256("finding"));
        vm.assume(wait <= 7 days);
        vm.warp(START + NOTICE + wait);
        Plan memory plan = _plan(uint256(salt));
        plan.clears = id;
        bytes32 planHash = _approve(plan);
        _begin(plan);

        assert(registry.running(SUBJECT) == planHash);
    }

    /// @dev P10: lease and grace over, anybody frees the subject.
    function check_nobodyLocksASubjectForEver(address anybody, uint64 time) public {
        (, bytes32 planHash) = _approveAndBegin(1);
        vm.assume(time > START + 1 hours + GRACE);
        vm.warp(time);
        vm.assume(anybody != address(registry));
        vm.prank(anybody);
        registry.abandon(planHash, SUBJECT);

        assert(registry.running(SUBJECT) == 0);
        assert(obligations.openOf(SUBJECT, Duty.ABANDONED) != 0);
    }

    /// @dev P11: what is superseded or withdrawn is approved by no tier again.
    function check_supersededStaysBurned(bytes32 planHash, uint8 tier) public {
        vm.prank(guardian);
        registry.revokeHard(planHash);
        bytes memory call = tier == 1
            ? abi.encodeCall(registry.approveLow, (planHash))
            : tier == 2
                ? abi.encodeCall(registry.approveMedium, (planHash))
                : tier == 3
                    ? abi.encodeCall(registry.approveHigh, (planHash))
                    : abi.encodeCall(registry.approveCritical, (planHash));
        vm.prank(electorate);
        (bool ok,) = address(registry).call(call);

        assert(!ok);
        assert(registry.mandate(planHash).state == MandateState.REVOKED);
    }

    /// @dev Nobody but the attestation log says that a result was seen, or that a plan was reproduced.
    function check_onlyTheLogConfirms(address caller, bytes32 planHash, address observer) public {
        vm.assume(caller != address(attestations) && caller != address(manager));
        (Plan memory plan,) = _approveAndBegin(1);
        _complete(plan);
        bytes32 state = keccak256("post state"); // all that is missing is the right to say so
        vm.startPrank(caller);
        (bool confirmed,) = address(registry).call(abi.encodeCall(registry.confirm, (plan, state, observer)));
        (bool recorded,) =
            address(registry).call(abi.encodeCall(registry.recordAttestation, (planHash, SUBJECT, observer)));
        vm.stopPrank();

        assert(!confirmed && !recorded);
    }

    /// @dev Who is no attestor of the subject moves nothing through the log, whatever he signs.
    function check_nobodyElseObserves(
        Plan memory plan,
        Observed memory seen,
        bytes32[2] memory words,
        uint8 v
    ) public {
        vm.assume(plan.subject != SUBJECT);
        bytes memory signature = abi.encodePacked(words[0], words[1], v);
        (bool ok,) = address(attestations).call(abi.encodeCall(attestations.observe, (plan, seen, signature)));

        assert(!ok);
    }

    /// @dev A vote alone enrols no key after genesis.
    function check_oneApprovalEnrolsNoKey(address key) public {
        vm.assume(key != vm.addr(EXECUTOR_KEY));
        vm.prank(electorate);
        (bool ok,) = address(registry).call(abi.encodeCall(registry.enrolExecutor, (key)));
        ok;
        (bool active,) = executors.executor(key);

        assert(!active);
    }

    /// @dev Nobody but registry, gate and auditor writes the ledger.
    function check_nobodyElseOwes(address caller, bytes32 subject, bytes32 id) public {
        vm.assume(caller != address(registry) && caller != gate && caller != auditor);
        vm.assume(caller != address(manager));
        vm.startPrank(caller);
        (bool opened,) = address(obligations)
            .call(abi.encodeCall(obligations.open, (subject, Duty.ABANDONED, Tier.LOW, 1, id)));
        (bool emergency,) =
            address(obligations).call(abi.encodeCall(obligations.openEmergency, (subject, Tier.LOW, 1, id)));
        (bool cleared,) = address(obligations).call(abi.encodeCall(obligations.clear, (id, id)));
        vm.stopPrank();

        assert(!opened && !emergency && !cleared);
    }

    function _approveSymbolically(Plan memory plan) private {
        bytes32 planHash = registry.hashPlan(plan);
        vm.prank(electorate);
        registry.approveMedium(planHash);
    }

    function _tryBegin(Plan memory plan, ExecutionOrder memory order, bytes memory signature, address sender)
        private
        returns (bool ok)
    {
        vm.prank(sender);
        (ok,) = address(registry).call(abi.encodeCall(registry.begin, (plan, order, signature)));
    }
}
