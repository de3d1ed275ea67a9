// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Mandate, MandateState} from "../../src/types/Mandates.sol";
import {RegistryCase} from "../RegistryCase.sol";
import {Handler} from "./Handler.sol";

contract MandatesInvariantTest is RegistryCase {
    Handler private _handler;

    function setUp() public override {
        super.setUp();
        vm.prank(electorate);
        registry.configureSubject(OTHER_SUBJECT, _subjectConfig());
        _handler = new Handler(
            registry,
            executors,
            attestations,
            Handler.People({
                electorate: electorate,
                guardian: guardian,
                council: cosigner,
                proposer: proposer,
                runner: runner,
                firstSubject: SUBJECT,
                secondSubject: OTHER_SUBJECT,
                rules: RULES,
                firstKey: EXECUTOR_KEY,
                secondKey: SPARE_KEY,
                attestorKey: ATTESTOR_KEY
            })
        );
        targetContract(address(_handler));
        bytes4[] memory actions = new bytes4[](20);
        bytes4[11] memory each = [
            _handler.approve.selector,
            _handler.begin.selector,
            _handler.renew.selector,
            _handler.complete.selector,
            _handler.fail.selector,
            _handler.revoke.selector,
            _handler.withdraw.selector,
            _handler.abandon.selector,
            _handler.revokeKey.selector,
            _handler.enrolKey.selector,
            _handler.wait_.selector
        ];
        for (uint256 i = 0; i < each.length; ++i) {
            actions[i] = each[i];
        }
        // More of what a run is made of, or most sequences would only ever be denials.
        actions[11] = _handler.approve.selector;
        actions[12] = _handler.begin.selector;
        actions[13] = _handler.begin.selector;
        actions[14] = _handler.enrolKey.selector;
        actions[15] = _handler.complete.selector;
        actions[16] = _handler.takeOver.selector;
        actions[17] = _handler.takeOver.selector;
        actions[18] = _handler.observe.selector;
        actions[19] = _handler.wait_.selector;
        targetSelector(FuzzSelector({addr: address(_handler), selectors: actions}));
    }

    /// @dev An invariant over actions that never succeed holds for any contract: they do succeed.
    function test_theActionsReachTheRegistry() public {
        _handler.approve(0);
        _handler.begin(0, 0, 1 hours);
        _handler.renew(0, 0, 2 hours);
        _handler.complete(0, 0);
        _assertReached(0, 1, 1, 1, MandateState.UNCONFIRMED);
        _handler.approve(2);
        _handler.begin(2, 0, 1 hours);
        _handler.revoke(2);
        _handler.revokeKey(0);
        _handler.enrolKey(1);
        _handler.fail(2, 1);
        _assertReached(2, 1, 1, 1, MandateState.FAILED);
        _handler.approve(4);
        _handler.begin(4, 1, 1 hours);
        _handler.wait_(6 hours - 1);
        _handler.abandon(4);
        _assertReached(4, 1, 1, 0, MandateState.ABANDONED);
        _handler.observe(0);
        _assertReached(0, 1, 1, 1, MandateState.CONFIRMED);
        _handler.approve(3);
        _handler.begin(3, 1, 1 hours);
        _handler.enrolKey(0);
        _handler.wait_(6 hours - 1);
        _handler.takeOver(3, 0, 1 hours);
        assertEq(_handler.takenOver(), 1, "taken over");
        _handler.complete(3, 0);
        _assertReached(3, 1, 1, 1, MandateState.UNCONFIRMED);
        _handler.approve(1);
        _handler.withdraw(1);
        _assertReached(1, 1, 0, 0, MandateState.WITHDRAWN);
    }

    function _assertReached(uint256 i, uint256 approvals, uint256 begins, uint256 facts, MandateState state)
        private
        view
    {
        bytes32 planHash = _handler.hashes(i);
        assertEq(_handler.approvals(planHash), approvals, "approvals");
        assertEq(_handler.begins(planHash), begins, "begins");
        assertEq(_handler.facts(planHash), facts, "facts");
        _assertState(planHash, state);
    }

    /// @dev P1, P11: approved once, begun once, stated once; a burned hash never comes back.
    function invariant_eachStepAtMostOnce() public view {
        for (uint256 i = 0; i < _handler.PLANS(); ++i) {
            bytes32 planHash = _handler.hashes(i);
            assertTrue(_handler.approvals(planHash) <= 1, "approved once");
            assertTrue(_handler.begins(planHash) <= _handler.approvals(planHash), "begun once");
            assertTrue(_handler.facts(planHash) <= _handler.begins(planHash), "stated once");
        }
    }

    /// @dev P2: permission ends with denial and expiry.
    function invariant_nothingMovesForwardAfterDenial() public view {
        assertEq(_handler.begunAfterDenial(), 0, "begun");
        assertEq(_handler.renewedAfterDenial(), 0, "renewed");
    }

    /// @dev P7: no run begins under a key that does not stand.
    function invariant_onlyStandingKeysBegin() public view {
        assertEq(_handler.begunWithoutKey(), 0, "begun without a key");
    }

    /// @dev No run changes hands before its lease and grace are over, and none is confirmed twice or unstated.
    function invariant_facts() public view {
        assertEq(_handler.takenTooEarly(), 0, "taken over too early");
        for (uint256 i = 0; i < _handler.PLANS(); ++i) {
            bytes32 planHash = _handler.hashes(i);
            assertTrue(_handler.confirmations(planHash) <= _handler.facts(planHash), "confirmed once");
        }
    }

    /// @dev P6: at most one run per subject, and the registry names it.
    function invariant_oneRunPerSubject() public view {
        (bytes32 first, bytes32 second) = _handler.subjects();
        _assertOne(first);
        _assertOne(second);
    }

    /// @dev P10: no subject stays locked beyond what is left of its lease, and its grace.
    function invariant_noLeaseIsLongerThanTheTiers() public view {
        for (uint256 i = 0; i < _handler.PLANS(); ++i) {
            bytes32 planHash = _handler.hashes(i);
            Mandate memory found = registry.mandate(planHash);
            assertEq(found.leaseUntil, _handler.latestLease(planHash), "the books agree");
            if (found.state == MandateState.RUNNING || found.state == MandateState.STOPPING) {
                assertTrue(found.leaseUntil <= block.timestamp + MAX_LEASE, "bounded");
            }
            assertTrue(found.renewals <= MAX_RENEWALS, "renewals");
        }
    }

    function _assertOne(bytes32 subject) private view {
        assertTrue(_handler.mostOpen(subject) <= 1, "never two");
        bool runs = registry.running(subject) != 0;
        assertEq(_handler.open(subject), runs ? 1 : 0, "the books agree");
    }
}
