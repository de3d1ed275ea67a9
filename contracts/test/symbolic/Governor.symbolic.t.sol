// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {IMandateGovernor} from "../../src/interfaces/IMandateGovernor.sol";
import {EmergencyCase} from "../EmergencyCase.sol";
import {FixedSupply, OpenGovernor} from "../OpenGovernor.sol";

/// @dev Proofs over all weights. Proposal 0 has its snapshot at time 0, so the governor is made at that time, on
/// a token of which only the supply is known.
contract GovernorProofs is EmergencyCase {
    uint256 private constant SUPPLY = 1000e18;

    /// @dev P12: a ballot counts at most its cap, and never more than its voter holds.
    function check_aBallotCountsAtMostItsCap(uint256 weight, uint8 support) public {
        OpenGovernor governor = _open(_criticalConfig());
        vm.assume(weight <= SUPPLY);

        uint256 counted = governor.count(0, stranger, support, weight);

        assert(counted <= weight);
        assert(counted <= SUPPLY * 20 / 100);
    }

    /// @dev P12: nobody is counted twice, whatever he says the second time.
    function check_nobodyIsCountedTwice(uint256 weight, uint8 first, uint8 second) public {
        OpenGovernor governor = _open(_criticalConfig());
        governor.count(0, stranger, first, weight);

        (bool ok,) = address(governor).call(abi.encodeCall(governor.count, (0, stranger, second, weight)));

        assert(!ok);
    }

    /// @dev An optimistic proposal passes exactly where less than the veto is against it, whatever is for it.
    function check_silencePassesAndOnlyTheVetoStops(uint128 against, uint128 inFavour) public {
        OpenGovernor governor = _open(_lowConfig());
        governor.count(0, ben, AGAINST, against);
        governor.count(0, ana, FOR, inFavour);

        assert(governor.succeeds(0) == (uint256(against) < SUPPLY / 20));
    }

    /// @dev Seats change by no other caller than the council.
    function check_nobodyElseRotatesTheCouncil(address caller, uint64 threshold) public {
        vm.assume(caller != address(council));
        vm.prank(caller);
        (bool ok,) = address(council)
            .call(abi.encodeCall(council.announceRotation, (new bytes[](0), new bytes[](0), threshold)));

        assert(!ok);
    }

    /// @dev The path is renewed by no call that was not scheduled.
    function check_nobodyRenewsThePathDirectly(address caller) public {
        vm.assume(caller != address(manager));
        vm.prank(caller);
        (bool ok,) = address(gate).call(abi.encodeCall(gate.renew, ()));

        assert(!ok);
    }

    function _open(IMandateGovernor.GovernorConfig memory config) private returns (OpenGovernor governor) {
        vm.warp(0);
        config.token = IVotes(address(new FixedSupply(SUPPLY)));
        governor = new OpenGovernor(config);
    }
}
