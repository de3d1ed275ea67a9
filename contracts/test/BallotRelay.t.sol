// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {BallotRelay} from "../src/BallotRelay.sol";
import {IBallotRelay} from "../src/interfaces/IBallotRelay.sol";
import {Ballot, GovernorCase} from "./GovernorCase.sol";

/// @dev A voter that is a contract: it says yes to every signature, or burns what it is given.
contract Wallet {
    bool private immutable _burns;

    constructor(bool burns) {
        _burns = burns;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        while (_burns) {}
        return this.isValidSignature.selector;
    }
}

contract BallotRelayTest is GovernorCase {
    BallotRelay private relay = new BallotRelay();
    uint256[4] private keys = [uint256(0xb1), 0xb2, 0xb3, 0xb4];

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < keys.length; ++i) {
            _endow(vm.addr(keys[i]));
        }
    }

    function test_oneBadBallotDoesNotStopTheOthers() public {
        Ballot memory ballot = _opened();
        IBallotRelay.SignedBallot[] memory ballots = new IBallotRelay.SignedBallot[](4);
        for (uint256 i = 0; i < 4; ++i) {
            ballots[i] = _signed(ballot, keys[i], FOR);
        }
        ballots[1].support = AGAINST; // not what was signed
        ballots[2] = _signed(ballot, keys[0], FOR); // twice

        vm.expectEmit(address(relay));
        emit IBallotRelay.BallotRefused(
            standard, ballot.id, vm.addr(keys[1]), IGovernor.GovernorInvalidSignature.selector
        );
        vm.prank(stranger);
        assertEq(relay.relay(standard, ballot.id, ballots), 2, "counted");
        assertTrue(standard.hasVoted(ballot.id, vm.addr(keys[3])), "the last one, too");
        assertTrue(!standard.hasVoted(ballot.id, vm.addr(keys[1])), "not the forged one");
        (uint256 against, uint256 inFavour,) = standard.proposalVotes(ballot.id);
        assertEq(inFavour, 20e18, "two of ten each");
        assertEq(against, 0, "nobody");
    }

    function test_aWalletVotesAndOneThatBurnsGasDoesNotStopTheOthers() public {
        Wallet honest = new Wallet(false);
        Wallet greedy = new Wallet(true);
        _endow(address(honest));
        _endow(address(greedy));
        Ballot memory ballot = _opened();
        IBallotRelay.SignedBallot[] memory ballots = new IBallotRelay.SignedBallot[](3);
        ballots[0] = IBallotRelay.SignedBallot(FOR, address(greedy), hex"01");
        ballots[1] = IBallotRelay.SignedBallot(FOR, address(honest), hex"01");
        ballots[2] = _signed(ballot, keys[0], FOR);
        assertEq(relay.relay(standard, ballot.id, ballots), 2, "all but the greedy one");
    }

    /// @dev Whoever carries ballots chooses the gas: too little must not read as "refused".
    function test_RevertIf_theCarrierIsStingy() public {
        Ballot memory ballot = _opened();
        IBallotRelay.SignedBallot[] memory ballots = new IBallotRelay.SignedBallot[](1);
        ballots[0] = _signed(ballot, keys[0], FOR);
        (bool ok, bytes memory answer) =
            address(relay).call{gas: 250_000}(abi.encodeCall(relay.relay, (standard, ballot.id, ballots)));
        assertTrue(!ok, "reverted");
        assertEq(bytes32(bytes4(answer)), bytes32(IBallotRelay.BallotRelayOutOfGas.selector), "why");
        assertTrue(!standard.hasVoted(ballot.id, vm.addr(keys[0])), "may be carried again");
    }

    function test_gas_aBatchOfFour() public {
        Ballot memory ballot = _opened();
        IBallotRelay.SignedBallot[] memory ballots = new IBallotRelay.SignedBallot[](4);
        for (uint256 i = 0; i < 4; ++i) {
            ballots[i] = _signed(ballot, keys[i], FOR);
        }
        relay.relay(standard, ballot.id, ballots);
        vm.snapshotGasLastCall("BallotRelay", "four ballots of fresh voters");
    }

    // ------------------------------------------------------------------ replay

    function test_attack_ballotReplay() public {
        Ballot memory ballot = _opened();
        IBallotRelay.SignedBallot memory signed = _signed(ballot, keys[0], FOR);
        standard.castVoteBySig(ballot.id, signed.support, signed.voter, signed.signature);
        vm.expectPartialRevert(IGovernor.GovernorInvalidSignature.selector);
        standard.castVoteBySig(ballot.id, signed.support, signed.voter, signed.signature);
    }

    function test_attack_ballotOfAnotherChain() public {
        Ballot memory ballot = _opened();
        IBallotRelay.SignedBallot memory signed = _signed(ballot, keys[0], FOR);
        vm.chainId(block.chainid + 1);
        vm.expectPartialRevert(IGovernor.GovernorInvalidSignature.selector);
        standard.castVoteBySig(ballot.id, signed.support, signed.voter, signed.signature);
    }

    function _opened() private returns (Ballot memory ballot) {
        ballot = _propose(standard, abi.encodeCall(registry.approveMedium, (PLAN)));
        _open(ballot);
    }

    function _endow(address voter) private {
        vm.prank(ana);
        token.transfer(voter, 10e18);
        vm.prank(voter);
        token.delegate(voter);
    }

    function _signed(Ballot memory ballot, uint256 key, uint8 support)
        private
        view
        returns (IBallotRelay.SignedBallot memory)
    {
        address voter = vm.addr(key);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _ballotDigest(ballot, voter, support));
        return IBallotRelay.SignedBallot(support, voter, abi.encodePacked(r, s, v));
    }
}
