// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestationLog} from "../../src/AttestationLog.sol";
import {ExecutorRegistry} from "../../src/ExecutorRegistry.sol";
import {PlanRegistry} from "../../src/PlanRegistry.sol";
import {PlanHash} from "../../src/libraries/PlanHash.sol";
import {
    ExecutionOrder,
    Mandate,
    MandateState,
    Observed,
    Outcome,
    OutcomeKind,
    Plan,
    Renewal,
    Tier
} from "../../src/types/Mandates.sol";
import {Kit} from "../Kit.sol";

/// @title What people may try, over a few plans on two subjects
/// @dev Every action is signed and sent as it would be; it keeps its own books, independent of the
/// registry's, and the invariants compare. An action that the registry refuses is counted as refused.
contract Handler is Kit {
    using PlanHash for *;

    uint256 public constant PLANS = 6;
    uint256 private constant KEYS = 2;

    struct People {
        address electorate;
        address guardian;
        address council;
        address proposer;
        address runner;
        bytes32 firstSubject;
        bytes32 secondSubject;
        bytes32 rules;
        uint256 firstKey;
        uint256 secondKey;
        uint256 attestorKey;
    }

    PlanRegistry private immutable _registry;
    ExecutorRegistry private immutable _executors;
    AttestationLog private immutable _attestations;
    People private _people;
    Plan[] private _plans;
    bytes32[] public hashes;

    mapping(bytes32 planHash => uint256) public approvals;
    mapping(bytes32 planHash => uint256) public begins;
    mapping(bytes32 planHash => uint256) public facts;
    mapping(bytes32 planHash => bool) public denied;
    mapping(bytes32 planHash => uint256) public latestLease;
    mapping(bytes32 subject => uint256) public open;
    mapping(bytes32 subject => uint256) public mostOpen;
    uint256 public begunAfterDenial;
    uint256 public renewedAfterDenial;
    uint256 public begunWithoutKey;
    uint256 public takenOver;
    uint256 public takenTooEarly;
    mapping(bytes32 planHash => uint256) public confirmations;
    uint256 public steps;
    uint256 private _runs;

    constructor(
        PlanRegistry registry,
        ExecutorRegistry executors,
        AttestationLog attestations,
        People memory people
    ) {
        _registry = registry;
        _attestations = attestations;
        _executors = executors;
        _people = people;
        for (uint256 i = 0; i < PLANS; ++i) {
            _plans.push(_newPlan(i));
            hashes.push(registry.hashPlan(_plans[i]));
        }
    }

    // ------------------------------------------------------------------ actions

    function approve(uint256 which) external {
        bytes32 planHash = hashes[which % PLANS];
        vm.prank(_people.electorate);
        (bool ok,) = address(_registry).call(abi.encodeCall(_registry.approveMedium, (planHash)));
        if (ok) approvals[planHash] += 1;
    }

    function begin(uint256 which, uint256 key, uint256 lease) external {
        Plan memory plan = _plans[which % PLANS];
        bytes32 planHash = hashes[which % PLANS];
        address signer = vm.addr(_key(key));
        (bool active, uint64 epoch) = _executors.executor(signer);
        ExecutionOrder memory order = ExecutionOrder({
            planHash: planHash,
            runId: keccak256(abi.encode(planHash)),
            runner: _people.runner,
            leaseUntil: uint64(block.timestamp + bound(lease, 0, 5 hours)),
            keyEpoch: epoch,
            deadline: uint64(block.timestamp)
        });
        bytes memory signature = _sign(_key(key), order.structHash());
        vm.prank(_people.runner);
        (bool ok,) = address(_registry).call(abi.encodeCall(_registry.begin, (plan, order, signature)));
        if (!ok) return;
        begins[planHash] += 1;
        if (denied[planHash] || block.timestamp >= plan.expiresAt) begunAfterDenial += 1;
        if (!active) begunWithoutKey += 1;
        latestLease[planHash] = order.leaseUntil;
        open[plan.subject] += 1;
        if (open[plan.subject] > mostOpen[plan.subject]) mostOpen[plan.subject] = open[plan.subject];
    }

    function renew(uint256 which, uint256 key, uint256 lease) external {
        bytes32 planHash = hashes[which % PLANS];
        Mandate memory found = _registry.mandate(planHash);
        Renewal memory renewal = Renewal({
            runId: found.runId,
            leaseUntil: uint64(block.timestamp + bound(lease, 0, 5 hours)),
            keyEpoch: found.keyEpoch,
            deadline: uint64(block.timestamp)
        });
        bytes memory signature = _sign(_key(key), renewal.structHash());
        (bool ok,) = address(_registry).call(abi.encodeCall(_registry.renew, (planHash, renewal, signature)));
        if (!ok) return;
        if (denied[planHash] || block.timestamp >= found.expiresAt) renewedAfterDenial += 1;
        latestLease[planHash] = renewal.leaseUntil;
    }

    function takeOver(uint256 which, uint256 key, uint256 lease) external {
        Plan memory plan = _plans[which % PLANS];
        bytes32 planHash = hashes[which % PLANS];
        Mandate memory found = _registry.mandate(planHash);
        (bool active, uint64 epoch) = _executors.executor(vm.addr(_key(key)));
        ExecutionOrder memory order = ExecutionOrder({
            planHash: planHash,
            runId: keccak256(abi.encode(planHash, ++_runs)),
            runner: _people.runner,
            leaseUntil: uint64(block.timestamp + bound(lease, 0, 5 hours)),
            keyEpoch: epoch,
            deadline: uint64(block.timestamp)
        });
        bytes memory signature = _sign(_key(key), order.structHash());
        vm.prank(_people.runner);
        (bool ok,) =
            address(_registry).call(abi.encodeCall(_registry.takeOver, (plan, order, signature, found.runId)));
        if (!ok) return;
        takenOver += 1;
        if (denied[planHash] || block.timestamp >= found.expiresAt) begunAfterDenial += 1;
        if (!active || found.executor == vm.addr(_key(key))) begunWithoutKey += 1;
        if (block.timestamp <= uint256(found.leaseUntil) + _registry.grace()) takenTooEarly += 1;
        latestLease[planHash] = order.leaseUntil;
    }

    function observe(uint256 which) external {
        Plan memory plan = _plans[which % PLANS];
        Observed memory seen = Observed(hashes[which % PLANS], 0, uint64(block.timestamp));
        bytes memory signature = _sign(_people.attestorKey, seen.structHash());
        (bool ok,) =
            address(_attestations).call(abi.encodeCall(_attestations.observe, (plan, seen, signature)));
        if (ok) confirmations[hashes[which % PLANS]] += 1;
    }

    function complete(uint256 which, uint256 key) external {
        _state(which, key, OutcomeKind.COMPLETED);
    }

    function fail(uint256 which, uint256 key) external {
        _state(which, key, OutcomeKind.FAILED);
    }

    function revoke(uint256 which) external {
        bytes32 planHash = hashes[which % PLANS];
        vm.prank(_people.guardian);
        (bool ok,) = address(_registry).call(abi.encodeCall(_registry.revoke, (planHash)));
        if (ok) denied[planHash] = true;
    }

    function withdraw(uint256 which) external {
        vm.prank(_people.proposer);
        (bool ok,) = address(_registry).call(abi.encodeCall(_registry.withdraw, (_plans[which % PLANS])));
        if (ok) denied[hashes[which % PLANS]] = true;
    }

    function abandon(uint256 which) external {
        Plan memory plan = _plans[which % PLANS];
        (bool ok,) =
            address(_registry).call(abi.encodeCall(_registry.abandon, (hashes[which % PLANS], plan.subject)));
        if (ok) open[plan.subject] -= 1;
    }

    function revokeKey(uint256 key) external {
        vm.prank(_people.guardian);
        (bool ok,) = address(_executors).call(abi.encodeCall(_executors.revoke, (vm.addr(_key(key)))));
        ok;
    }

    function enrolKey(uint256 key) external {
        vm.prank(_people.electorate);
        (bool ok,) = address(_registry).call(abi.encodeCall(_registry.enrolExecutor, (vm.addr(_key(key)))));
        vm.prank(_people.council);
        (ok,) = address(_executors).call(abi.encodeCall(_executors.admit, (vm.addr(_key(key)))));
        ok;
    }

    function wait_(uint256 time) external {
        steps += 1;
        vm.warp(block.timestamp + bound(time, 1, 6 hours));
    }

    // ------------------------------------------------------------------ inside

    function subjects() external view returns (bytes32, bytes32) {
        return (_people.firstSubject, _people.secondSubject);
    }

    function _state(uint256 which, uint256 key, OutcomeKind kind) private {
        Plan memory plan = _plans[which % PLANS];
        bytes32 planHash = hashes[which % PLANS];
        (, uint64 epoch) = _executors.executor(vm.addr(_key(key)));
        Outcome memory outcome = Outcome({
            runId: _registry.mandate(planHash).runId,
            kind: kind,
            receiptRoot: 0,
            postState: 0,
            keyEpoch: epoch
        });
        bytes memory signature = _sign(_key(key), outcome.structHash());
        bytes memory call = kind == OutcomeKind.COMPLETED
            ? abi.encodeCall(_registry.complete, (planHash, outcome, signature))
            : abi.encodeCall(_registry.fail, (planHash, outcome, signature));
        (bool ok,) = address(_registry).call(call);
        if (!ok) return;
        facts[planHash] += 1;
        open[plan.subject] -= 1;
    }

    function _key(uint256 key) private view returns (uint256) {
        return key % KEYS == 0 ? _people.firstKey : _people.secondKey;
    }

    function _newPlan(uint256 i) private view returns (Plan memory plan) {
        plan.subject = i % 2 == 0 ? _people.firstSubject : _people.secondSubject;
        plan.effectRoot = keccak256("effect root");
        plan.operationCount = 1;
        plan.kinds = 1;
        plan.rules = _people.rules;
        plan.proposer = _people.proposer;
        plan.tier = Tier.MEDIUM;
        plan.expiresAt = uint64(block.timestamp + 5 days);
        plan.salt = bytes32(i);
    }

    function _sign(uint256 key, bytes32 messageHash) private view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Mandate"),
                keccak256("1"),
                block.chainid,
                address(_registry)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, messageHash)));
        return abi.encodePacked(r, s, v);
    }
}
