// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {MandateGovernor} from "../src/MandateGovernor.sol";
import {PlanRegistry} from "../src/PlanRegistry.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {Mode, SubjectConfig, Tier} from "../src/types/Mandates.sol";
import {Genesis} from "./Genesis.sol";

contract GenesisTest is Genesis {
    function test_afterGenesisNobodyAdministers() public view {
        (bool isAdmin,) = manager.hasRole(ADMIN_ROLE, deployer);
        assertTrue(!isAdmin, "the deployer renounced");
        assertTrue(registry.isSealed(), "sealed");
        assertEq(registry.authority(), address(manager), "authority");
        assertEq(address(registry.executors()), address(executors), "executors");
        assertEq(registry.genesis(), deployer, "genesis");
        assertEq(registry.grace(), GRACE, "grace");
        assertEq(registry.maxRenewals(), MAX_RENEWALS, "renewals");
        assertEq(registry.terms(Tier.MEDIUM).kinds, MEDIUM_KINDS, "medium");
        assertEq(registry.terms(Tier.HIGH).kinds, HIGH_KINDS, "high");
        assertEq(registry.terms(Tier.CRITICAL).validity, 0, "no other tier has an electorate");
    }

    function test_afterGenesisDelaysStandPerFunction() public view {
        _assertDelay(low, APPROVE_LOW, LOW_DELAY);
        _assertDelay(low, APPROVE_LOW_BATCH, LOW_DELAY);
        _assertDelay(standard, registry.approveMedium.selector, MEDIUM_DELAY);
        _assertDelay(critical, registry.approveHigh.selector, HIGH_DELAY);
        _assertDelay(critical, registry.configureSubject.selector, HIGH_DELAY);
        _assertDelay(critical, registry.enrolExecutor.selector, HIGH_DELAY);
        _assertDelay(critical, registry.revoke.selector, 0); // and not immediate: the guardian's alone
    }

    /// @dev A vote of one tier opens nothing of another, in either direction.
    function test_afterGenesisNoGovernorReachesAnotherTier() public view {
        bytes4[6] memory functions = [
            APPROVE_LOW,
            APPROVE_LOW_BATCH,
            registry.approveMedium.selector,
            registry.approveHigh.selector,
            registry.configureSubject.selector,
            registry.enrolExecutor.selector
        ];
        for (uint256 i = 0; i < functions.length; ++i) {
            MandateGovernor own = i < 2 ? low : i < 3 ? standard : critical;
            MandateGovernor[3] memory all = [low, standard, critical];
            for (uint256 k = 0; k < all.length; ++k) {
                if (all[k] == own) continue;
                _assertDelay(all[k], functions[i], 0);
                assertTrue(!all[k].isCallable(functions[i]), "nor may it be proposed there");
            }
            assertTrue(own.isCallable(functions[i]), "its own");
        }
    }

    function test_afterGenesisTheSubjectIsConfigured() public view {
        (SubjectConfig memory config, uint64 version) = registry.subjectConfig(SUBJECT);
        assertEq(version, 1, "version");
        assertEq(config.rulesDigest, RULES, "rules");
        assertEq(uint256(config.mode), uint256(Mode.ENFORCE), "mode");
        assertEq(config.proposers[0], proposer, "proposer");
        assertEq(config.runners[0], runner, "runner");
        assertTrue(registry.isProposer(SUBJECT, proposer), "is proposer");
        assertTrue(!registry.isProposer(SUBJECT, runner), "one part is not the other");
        (, version) = registry.subjectConfig(OTHER_SUBJECT);
        assertEq(version, 0, "unknown");
    }

    function test_RevertIf_sealedTwice() public {
        vm.prank(deployer);
        vm.expectRevert(abi.encodeWithSelector(IPlanRegistry.PlanRegistrySealed.selector));
        registry.seal();
    }

    function testFuzz_RevertIf_administeredAfterGenesis(address caller, uint64 role, address to) public {
        vm.prank(caller);
        vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedAccount.selector);
        manager.grantRole(role, to, 0);
    }

    /// @dev P1 and the tiers: whoever is neither governor nor guardian moves nothing.
    function testFuzz_RevertIf_calledByAnybody(address caller, bytes32 planHash) public {
        vm.assume(caller != address(standard) && caller != address(critical));
        vm.assume(caller != guardian && caller != address(registry));
        SubjectConfig memory config = _subjectConfig();
        vm.startPrank(caller);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.approveMedium(planHash);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.approveHigh(planHash);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.configureSubject(SUBJECT, config);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.enrolExecutor(caller);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        registry.revoke(planHash);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        executors.enrol(caller);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        executors.revoke(caller);
        vm.stopPrank();
    }

    function _assertDelay(MandateGovernor governor, bytes4 selector, uint32 expected) private view {
        (bool immediate, uint32 delay) = manager.canCall(address(governor), address(registry), selector);
        assertTrue(!immediate, "never at once");
        assertEq(delay, expected, "delay");
    }
}

/// @dev Genesis stopped at the wiring, so that the seal itself can be tested.
contract SealTest is Genesis {
    function _enrol() internal override {}

    function _letGo() internal override {}

    function test_RevertIf_approvedBeforeTheSeal() public {
        vm.startPrank(deployer);
        manager.grantRole(MEDIUM_ROLE, deployer, 0);
        vm.expectRevert(abi.encodeWithSelector(IPlanRegistry.PlanRegistryNotSealed.selector));
        registry.approveMedium(keccak256("plan"));
        manager.grantRole(HIGH_ROLE, deployer, 0);
        vm.expectRevert(abi.encodeWithSelector(IPlanRegistry.PlanRegistryNotSealed.selector));
        registry.approveHigh(keccak256("plan"));
        vm.stopPrank();
    }

    function test_RevertIf_sealedBySomebodyElse() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IPlanRegistry.PlanRegistryNotGenesis.selector, stranger));
        registry.seal();
    }

    function test_RevertIf_sealedByAnAdmin() public {
        _refuseSeal(address(manager), bytes4(0));
    }

    function test_RevertIf_sealedWithAnyRoleLeft() public {
        vm.startPrank(deployer);
        manager.grantRole(MEDIUM_ROLE, deployer, 0);
        manager.grantRole(HIGH_ROLE, deployer, 1);
        manager.grantRole(CRITICAL_ROLE, deployer, 0);
        manager.grantRole(GUARDIAN_ROLE, deployer, 0);
        manager.grantRole(ENROLLER_ROLE, deployer, 0);
        manager.renounceRole(ADMIN_ROLE, deployer);
        vm.stopPrank();

        _refuseSeal(address(registry), registry.approveMedium.selector);
        _renounce(MEDIUM_ROLE);
        _refuseSeal(address(registry), registry.approveHigh.selector);
        _renounce(HIGH_ROLE);
        _refuseSeal(address(registry), registry.configureSubject.selector);
        _renounce(CRITICAL_ROLE);
        _refuseSeal(address(registry), registry.revoke.selector);
        _renounce(GUARDIAN_ROLE);
        _refuseSeal(address(executors), executors.enrol.selector);
        _renounce(ENROLLER_ROLE);

        vm.prank(deployer);
        registry.seal();
        assertTrue(registry.isSealed(), "nothing is left");
    }

    function test_RevertIf_genesisValuesCannotWork() public {
        IPlanRegistry.RegistryConfig memory config = _registryConfig();
        config.genesis = address(0);
        _refuseDeploy(config);
        config = _registryConfig();
        config.medium.validity = 0;
        _refuseDeploy(config);
        config = _registryConfig();
        config.high.kinds = 0;
        _refuseDeploy(config);
        config = _registryConfig();
        config.high.maxLease = 0;
        _refuseDeploy(config);
    }

    function _refuseDeploy(IPlanRegistry.RegistryConfig memory config) private {
        vm.expectRevert(abi.encodeWithSelector(IPlanRegistry.PlanRegistryInvalidGenesis.selector));
        new PlanRegistry(config);
    }

    function _refuseSeal(address target, bytes4 selector) private {
        vm.prank(deployer);
        vm.expectRevert(
            abi.encodeWithSelector(IPlanRegistry.PlanRegistryGenesisHoldsPower.selector, target, selector)
        );
        registry.seal();
    }

    function _renounce(uint64 role) private {
        vm.prank(deployer);
        manager.renounceRole(role, deployer);
    }
}
