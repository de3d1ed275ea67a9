// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {MandateGovernor} from "../src/MandateGovernor.sol";
import {PlanRegistry} from "../src/PlanRegistry.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {Mode, SubjectConfig, Tier} from "../src/types/Mandates.sol";
import {Genesis} from "./Genesis.sol";
import {Vm} from "./Kit.sol";

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
        assertEq(registry.terms(Tier.EMERGENCY).validity, 6 hours, "emergency");
        assertEq(registry.terms(Tier.NONE).validity, 0, "no terms without a tier");
    }

    /// @dev By the events, so that nobody is forgotten whom the wiring does not name.
    function test_afterGenesisWhoeverAdministeredDoesNoMore() public {
        vm.recordLogs();
        setUp();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 granted;
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32[] memory topics = logs[i].topics;
            if (topics[0] != IAccessManager.RoleGranted.selector || uint256(topics[1]) != ADMIN_ROLE) {
                continue;
            }
            ++granted;
            (bool isAdmin,) = manager.hasRole(ADMIN_ROLE, address(uint160(uint256(topics[2]))));
            assertTrue(!isAdmin, "administers still");
        }
        assertEq(granted, 1, "the deployer was, and nobody else ever");
    }

    function test_afterGenesisDelaysStandPerFunction() public view {
        _assertDelay(low, registry.approveLow.selector, LOW_DELAY);
        _assertDelay(low, registry.approveLowBatch.selector, LOW_DELAY);
        _assertDelay(standard, registry.approveMedium.selector, MEDIUM_DELAY);
        _assertDelay(critical, registry.approveHigh.selector, HIGH_DELAY);
        _assertDelay(critical, registry.configureSubject.selector, HIGH_DELAY);
        _assertDelay(critical, registry.enrolExecutor.selector, HIGH_DELAY);
        _assertDelay(critical, registry.revoke.selector, 0); // and not immediate: the guardian's alone
    }

    /// @dev A vote of one tier opens nothing of another, in either direction.
    function test_afterGenesisNoGovernorReachesAnotherTier() public view {
        bytes4[6] memory functions = [
            registry.approveLow.selector,
            registry.approveLowBatch.selector,
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
        (SubjectConfig memory config, uint64 version) = subjects.subjectConfig(SUBJECT);
        assertEq(version, 1, "version");
        assertEq(config.rulesDigest, RULES, "rules");
        assertEq(uint256(config.mode), uint256(Mode.ENFORCE), "mode");
        assertEq(config.proposers[0], proposer, "proposer");
        assertEq(config.runners[0], runner, "runner");
        assertTrue(subjects.isProposer(SUBJECT, proposer), "is proposer");
        assertTrue(!subjects.isProposer(SUBJECT, runner), "one part is not the other");
        (, version) = subjects.subjectConfig(OTHER_SUBJECT);
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
        vm.assume(caller != address(low) && caller != address(standard) && caller != address(critical));
        vm.assume(caller != guardian && caller != address(registry));
        vm.assume(caller != cosigner && caller != auditor && caller != address(attestations));
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
        executors.enrol(caller, true);
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
        for (uint64 role = MEDIUM_ROLE; role <= LOG_ROLE; ++role) {
            manager.grantRole(role, deployer, role == HIGH_ROLE ? 1 : 0);
        }
        manager.renounceRole(ADMIN_ROLE, deployer);
        vm.stopPrank();

        _refuseThenRenounce(address(registry), registry.approveLow.selector, LOW_ROLE);
        _refuseThenRenounce(address(registry), registry.approveMedium.selector, MEDIUM_ROLE);
        _refuseThenRenounce(address(registry), registry.approveHigh.selector, HIGH_ROLE);
        _refuseThenRenounce(address(registry), registry.approveCritical.selector, CRITICAL_ROLE);
        _refuseThenRenounce(address(registry), registry.approveEmergency.selector, EMERGENCY_ROLE);
        _refuseThenRenounce(address(registry), registry.cosign.selector, COUNCIL_ROLE);
        _refuseThenRenounce(address(registry), registry.recordAttestation.selector, LOG_ROLE);
        _refuseThenRenounce(address(registry), registry.revoke.selector, GUARDIAN_ROLE);
        _refuseThenRenounce(address(subjects), subjects.configureSubject.selector, REGISTRY_ROLE);
        _refuseThenRenounce(address(obligations), obligations.openAudit.selector, AUDITOR_ROLE);

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

    function _refuseThenRenounce(address target, bytes4 selector, uint64 role) private {
        _refuseSeal(target, selector);
        vm.prank(deployer);
        manager.renounceRole(role, deployer);
    }
}
