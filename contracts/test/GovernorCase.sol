// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {MandateGovernor} from "../src/MandateGovernor.sol";
import {Genesis} from "./Genesis.sol";

/// @dev A proposal and what is needed to speak of it again.
struct Ballot {
    MandateGovernor governor;
    uint256 id;
    address[] targets;
    uint256[] values;
    bytes[] calldatas;
    bytes32 descriptionHash;
}

/// @title The steps of a vote, on any of the governors
abstract contract GovernorCase is Genesis {
    bytes32 internal constant PLAN = keccak256("plan");
    uint8 internal constant AGAINST = 0;
    uint8 internal constant FOR = 1;
    uint8 internal constant ABSTAIN = 2;

    function _call(address target, uint256 value, bytes memory data)
        internal
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        targets = new address[](1);
        targets[0] = target;
        values = new uint256[](1);
        values[0] = value;
        calldatas = new bytes[](1);
        calldatas[0] = data;
    }

    function _propose(MandateGovernor governor, bytes memory data) internal returns (Ballot memory) {
        return _proposeAs(governor, ana, data, "change");
    }

    function _proposeAs(MandateGovernor governor, address who, bytes memory data, string memory description)
        internal
        returns (Ballot memory ballot)
    {
        vm.warp(block.timestamp + 1); // votes count from the second after they were given
        ballot = _ballot(governor, data, description);
        vm.prank(who);
        governor.propose(ballot.targets, ballot.values, ballot.calldatas, description);
    }

    function _ballot(MandateGovernor governor, bytes memory data, string memory description)
        internal
        view
        returns (Ballot memory ballot)
    {
        ballot.governor = governor;
        (ballot.targets, ballot.values, ballot.calldatas) = _call(governor.registry(), 0, data);
        ballot.descriptionHash = keccak256(bytes(description));
        ballot.id =
            governor.getProposalId(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
    }

    function _open(Ballot memory ballot) internal {
        vm.warp(ballot.governor.proposalSnapshot(ballot.id) + 1);
    }

    function _close(Ballot memory ballot) internal {
        vm.warp(ballot.governor.proposalDeadline(ballot.id) + 1);
    }

    function _vote(Ballot memory ballot, address voter, uint8 support) internal {
        vm.prank(voter);
        ballot.governor.castVote(ballot.id, support);
    }

    function _carry(Ballot memory ballot) internal {
        _open(ballot);
        _vote(ballot, ana, FOR);
        _vote(ballot, ben, FOR);
        _close(ballot);
    }

    function _queue(Ballot memory ballot) internal {
        ballot.governor.queue(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
    }

    function _execute(Ballot memory ballot) internal {
        ballot.governor.execute(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
    }

    function _cancelAs(address who, Ballot memory ballot) internal {
        vm.prank(who);
        ballot.governor.cancel(ballot.targets, ballot.values, ballot.calldatas, ballot.descriptionHash);
    }

    function _pass(MandateGovernor governor, bytes memory data, uint256 delay)
        internal
        returns (Ballot memory ballot)
    {
        ballot = _propose(governor, data);
        _carry(ballot);
        _queue(ballot);
        vm.warp(block.timestamp + delay);
        _execute(ballot);
    }

    /// @dev What a voter signs, written out: the governor's own encoder is under test.
    function _ballotDigest(Ballot memory ballot, address voter, uint8 support)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("MandateGovernor"),
                keccak256("1"),
                block.chainid,
                address(ballot.governor)
            )
        );
        bytes32 message = keccak256(
            abi.encode(
                keccak256("Ballot(uint256 proposalId,uint8 support,address voter,uint256 nonce)"),
                ballot.id,
                support,
                voter,
                ballot.governor.nonces(voter)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }

    function _assertProposal(Ballot memory ballot, IGovernor.ProposalState expected, string memory what)
        internal
        view
    {
        assertEq(uint256(ballot.governor.state(ballot.id)), uint256(expected), what);
    }
}
