// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {Council} from "../src/Council.sol";
import {EmergencyGate} from "../src/EmergencyGate.sol";
import {ICouncil, ISeats} from "../src/interfaces/ICouncil.sol";
import {IEmergencyGate} from "../src/interfaces/IEmergencyGate.sol";
import {MandateState, Plan, Tier} from "../src/types/Mandates.sol";
import {Ballot, GovernorCase} from "./GovernorCase.sol";

/// @title A council of three, its gate, and a critical governor that ratifies
abstract contract EmergencyCase is GovernorCase {
    uint256[3] internal memberKeys = [uint256(0xc1), 0xc2, 0xc3];
    bytes32 internal constant INCIDENT = keccak256("the database is full");
    bytes32 internal constant REASON = keccak256("why it cannot wait");
    bytes32 internal constant REPORT = keccak256("what happened");
    uint32 internal constant ROTATION_DELAY = 2 days;
    uint32 internal constant REPORT_TERM = 72 hours;
    uint32 internal constant RATIFY_TERM = 21 days;
    uint32 internal constant SUNSET = 365 days;

    Council internal council;
    EmergencyGate internal gate;

    function _wireMore() internal virtual override {
        bytes[] memory members = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            members[i] = abi.encodePacked(vm.addr(memberKeys[i]));
        }
        council = new Council(members, 2, ROTATION_DELAY);
        gate = new EmergencyGate(_gateConfig());
        manager.setTargetFunctionRole(address(gate), _one(gate.renew.selector), CRITICAL_ROLE);
        manager.grantRole(EMERGENCY_ROLE, address(gate), 0);
    }

    function _gateConfig() internal view returns (IEmergencyGate.GateConfig memory) {
        return IEmergencyGate.GateConfig({
            authority: address(manager),
            registry: registry,
            obligations: obligations,
            council: ISeats(address(council)),
            governor: IGovernor(address(critical)),
            reportTerm: REPORT_TERM,
            ratifyTerm: RATIFY_TERM,
            sunset: SUNSET
        });
    }

    // ------------------------------------------------------------------ what people do

    function _fix(uint256 salt) internal view returns (Plan memory plan) {
        plan.subject = SUBJECT;
        plan.tier = Tier.EMERGENCY;
        plan.kinds = 3;
        plan.proposer = proposer;
        plan.salt = bytes32(salt);
    }

    function _order(Plan memory plan, bytes32 incident)
        internal
        view
        returns (IEmergencyGate.Emergency memory)
    {
        return IEmergencyGate.Emergency({
            planHash: registry.hashPlan(plan),
            incident: incident,
            reason: REASON,
            deadline: uint64(block.timestamp + 1 hours)
        });
    }

    function _declare(Plan memory plan, bytes32 incident, uint256 seats) internal returns (bytes32) {
        IEmergencyGate.Emergency memory order = _order(plan, incident);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(gate.hashEmergency(order), seats);
        vm.prank(stranger);
        return gate.declare(plan, order, signers, signatures);
    }

    function _refuseDeclare(Plan memory plan, bytes32 incident, uint256 seats, bytes4 because) internal {
        IEmergencyGate.Emergency memory order = _order(plan, incident);
        (bytes[] memory signers, bytes[] memory signatures) = _agree(gate.hashEmergency(order), seats);
        vm.expectPartialRevert(because);
        gate.declare(plan, order, signers, signatures);
    }

    /// @dev The first `seats` members' signatures, in the order that the chain wants.
    function _agree(bytes32 digest, uint256 seats)
        internal
        view
        returns (bytes[] memory signers, bytes[] memory signatures)
    {
        signers = new bytes[](seats);
        signatures = new bytes[](seats);
        for (uint256 i = 0; i < seats; ++i) {
            bytes memory signer = abi.encodePacked(vm.addr(memberKeys[i]));
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(memberKeys[i], digest);
            uint256 place = i;
            for (; place > 0 && keccak256(signers[place - 1]) > keccak256(signer); --place) {
                signers[place] = signers[place - 1];
                signatures[place] = signatures[place - 1];
            }
            signers[place] = signer;
            signatures[place] = abi.encodePacked(r, s, v);
        }
    }

    function _isApproved(bytes32 planHash) internal view returns (bool) {
        return registry.mandate(planHash).state == MandateState.APPROVED;
    }

    function _report() internal {
        vm.prank(vm.addr(memberKeys[0]));
        gate.report(REPORT);
    }

    function _ratification(bytes32 obligation) internal view returns (Ballot memory ballot) {
        (bytes memory call, string memory description,) = gate.ratification(obligation);
        return _ballot(critical, call, description);
    }

    function _ratify(bytes32 obligation) internal {
        Ballot memory ballot = _ratification(obligation);
        _carry(ballot);
        _queue(ballot);
        vm.warp(block.timestamp + HIGH_DELAY);
        _execute(ballot);
    }

    /// @dev A critical plan that switches the path on again.
    function _renew() internal {
        vm.warp(block.timestamp + 1);
        Ballot memory ballot;
        ballot.governor = critical;
        (ballot.targets, ballot.values, ballot.calldatas) =
            _call(address(gate), 0, abi.encodeCall(gate.renew, ()));
        string memory description = _text(block.timestamp);
        ballot.descriptionHash = keccak256(bytes(description));
        vm.prank(ana);
        ballot.id = critical.propose(ballot.targets, ballot.values, ballot.calldatas, description);
        _carry(ballot);
        _queue(ballot);
        vm.warp(block.timestamp + HIGH_DELAY);
        _execute(ballot);
    }

    function _text(uint256 time) private pure returns (string memory) {
        return string(abi.encodePacked("renew ", bytes32(time)));
    }

    function _act(ICouncil.Call memory call, uint256 seats) internal returns (bytes memory) {
        (bytes[] memory signers, bytes[] memory signatures) = _agree(council.hashCall(call), seats);
        return council.act(call, abi.encode(signers, signatures));
    }
}
