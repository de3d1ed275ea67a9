// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {ExecutorRegistry} from "../src/ExecutorRegistry.sol";
import {MandateGovernor} from "../src/MandateGovernor.sol";
import {MandateToken} from "../src/MandateToken.sol";
import {PlanRegistry} from "../src/PlanRegistry.sol";
import {IMandateGovernor} from "../src/interfaces/IMandateGovernor.sol";
import {IPlanRegistry} from "../src/interfaces/IPlanRegistry.sol";
import {Mode, SubjectConfig, TierTerms} from "../src/types/Mandates.sol";
import {Kit} from "./Kit.sol";

/// @title The genesis of a deployment, as a plain sequence of calls
/// @dev The same calls, in the same order, as `contracts/README.md` lists and as the governance stack makes.
/// Every test starts from here, so every test also tests the wiring.
abstract contract Genesis is Kit {
    uint64 internal constant ADMIN_ROLE = 0;
    uint64 internal constant MEDIUM_ROLE = 1;
    uint64 internal constant HIGH_ROLE = 2;
    uint64 internal constant CRITICAL_ROLE = 3;
    uint64 internal constant GUARDIAN_ROLE = 4;
    uint64 internal constant ENROLLER_ROLE = 5;
    uint64 internal constant LOW_ROLE = 6;
    uint64 internal constant COUNCIL_ROLE = 7;
    uint64 internal constant EMERGENCY_ROLE = 8;
    uint64 internal constant AUDITOR_ROLE = 9;

    uint32 internal constant LOW_DELAY = 1 hours;
    uint32 internal constant MEDIUM_DELAY = 1 days;
    uint32 internal constant HIGH_DELAY = 7 days;
    uint32 internal constant MEDIUM_KINDS = 0xcf; // all but abandon and import
    uint32 internal constant HIGH_KINDS = 0xff;
    uint32 internal constant VALIDITY = 7 days;
    uint32 internal constant MAX_LEASE = 4 hours;
    uint32 internal constant GRACE = 1 hours;
    uint8 internal constant MAX_RENEWALS = 6;
    uint256 internal constant START = 1_800_000_000;

    bytes4 internal constant APPROVE_LOW = bytes4(keccak256("approveLow(bytes32)"));
    bytes4 internal constant APPROVE_LOW_BATCH = bytes4(keccak256("approveLowBatch(bytes32[])"));
    bytes32 internal constant SUBJECT = keccak256("subject");
    bytes32 internal constant OTHER_SUBJECT = keccak256("other subject");
    bytes32 internal constant RULES = keccak256("rules");
    uint256 internal constant EXECUTOR_KEY = 0xe1;
    uint256 internal constant SPARE_KEY = 0xe2;

    address internal deployer = actor("deployer");
    address internal guardian = actor("guardian");
    address internal proposer = actor("proposer");
    address internal runner = actor("runner");
    address internal ana = actor("ana");
    address internal ben = actor("ben");
    address internal cleo = actor("cleo");
    address internal stranger = actor("stranger");

    MandateToken internal token;
    AccessManager internal manager;
    ExecutorRegistry internal executors;
    PlanRegistry internal registry;
    MandateGovernor internal low;
    MandateGovernor internal standard;
    MandateGovernor internal critical;

    function setUp() public virtual {
        vm.warp(START);
        vm.startPrank(deployer);
        _deploy();
        _wire();
        _enrol();
        _letGo();
        vm.stopPrank();
    }

    function _deploy() internal {
        MandateToken.Allocation[] memory allocations = new MandateToken.Allocation[](3);
        allocations[0] = MandateToken.Allocation(ana, 500e18);
        allocations[1] = MandateToken.Allocation(ben, 300e18);
        allocations[2] = MandateToken.Allocation(cleo, 200e18);
        token = new MandateToken("Mandate", "MAND", allocations);
        manager = new AccessManager(deployer);
        executors = new ExecutorRegistry(address(manager));
        registry = new PlanRegistry(_registryConfig());
        low = new MandateGovernor(_lowConfig());
        standard = new MandateGovernor(_standardConfig());
        critical = new MandateGovernor(_criticalConfig());
    }

    function _wire() internal {
        manager.setTargetFunctionRole(address(registry), _two(APPROVE_LOW, APPROVE_LOW_BATCH), LOW_ROLE);
        manager.setTargetFunctionRole(address(registry), _one(registry.approveMedium.selector), MEDIUM_ROLE);
        manager.setTargetFunctionRole(address(registry), _one(registry.approveHigh.selector), HIGH_ROLE);
        manager.setTargetFunctionRole(
            address(registry),
            _two(registry.configureSubject.selector, registry.enrolExecutor.selector),
            CRITICAL_ROLE
        );
        manager.setTargetFunctionRole(address(registry), _one(registry.revoke.selector), GUARDIAN_ROLE);
        manager.setTargetFunctionRole(address(executors), _one(executors.enrol.selector), ENROLLER_ROLE);
        manager.setTargetFunctionRole(address(executors), _one(executors.revoke.selector), GUARDIAN_ROLE);
        manager.grantRole(ENROLLER_ROLE, address(registry), 0);
        manager.grantRole(LOW_ROLE, address(low), LOW_DELAY);
        manager.grantRole(MEDIUM_ROLE, address(standard), MEDIUM_DELAY);
        manager.grantRole(HIGH_ROLE, address(critical), HIGH_DELAY);
        manager.grantRole(CRITICAL_ROLE, address(critical), HIGH_DELAY);
        manager.grantRole(GUARDIAN_ROLE, guardian, 0);
        manager.setRoleGuardian(LOW_ROLE, GUARDIAN_ROLE);
        manager.setRoleGuardian(MEDIUM_ROLE, GUARDIAN_ROLE);
        manager.setRoleGuardian(HIGH_ROLE, GUARDIAN_ROLE);
        manager.setRoleGuardian(CRITICAL_ROLE, GUARDIAN_ROLE);
        _wireMore();
    }

    /// @dev Where a test needs an electorate without a vote.
    function _wireMore() internal virtual {}

    function _enrol() internal virtual {
        manager.grantRole(CRITICAL_ROLE, deployer, 0);
        registry.configureSubject(SUBJECT, _subjectConfig());
        registry.enrolExecutor(vm.addr(EXECUTOR_KEY));
    }

    function _letGo() internal virtual {
        manager.revokeRole(CRITICAL_ROLE, deployer);
        manager.renounceRole(ADMIN_ROLE, deployer);
        registry.seal();
    }

    // ------------------------------------------------------------------ what genesis is made with

    function _registryConfig() internal view returns (IPlanRegistry.RegistryConfig memory) {
        return IPlanRegistry.RegistryConfig({
            authority: address(manager),
            executors: executors,
            genesis: deployer,
            medium: TierTerms({validity: VALIDITY, maxLease: MAX_LEASE, kinds: MEDIUM_KINDS}),
            high: TierTerms({validity: VALIDITY, maxLease: MAX_LEASE, kinds: HIGH_KINDS}),
            grace: GRACE,
            maxRenewals: MAX_RENEWALS
        });
    }

    /// @dev Optimistic: silence passes.
    function _lowConfig() internal view returns (IMandateGovernor.GovernorConfig memory config) {
        config = _electorate();
        config.votingDelay = 1 hours;
        config.votingPeriod = 1 days;
        config.vetoPercent = 5;
        config.maxOpenPerProposer = 3;
        config.selectors = _two(APPROVE_LOW, APPROVE_LOW_BATCH);
    }

    function _standardConfig() internal view returns (IMandateGovernor.GovernorConfig memory config) {
        config = _electorate();
        config.votingDelay = 2 days;
        config.votingPeriod = 3 days;
        config.lateQuorumExtension = 1 days;
        config.quorumPercent = 4;
        config.selectors = _one(registry.approveMedium.selector);
    }

    function _criticalConfig() internal view returns (IMandateGovernor.GovernorConfig memory config) {
        config = _electorate();
        config.votingDelay = 2 days;
        config.votingPeriod = 5 days;
        config.lateQuorumExtension = 1 days;
        config.quorumPercent = 10;
        config.approvalPercent = 60;
        config.maxVotePercent = 20;
        config.selectors = new bytes4[](3);
        config.selectors[0] = registry.approveHigh.selector;
        config.selectors[1] = registry.configureSubject.selector;
        config.selectors[2] = registry.enrolExecutor.selector;
    }

    /// @dev What the three have in common.
    function _electorate() private view returns (IMandateGovernor.GovernorConfig memory config) {
        config.token = IVotes(address(token));
        config.accessManager = address(manager);
        config.registry = address(registry);
        config.guardian = guardian;
        config.proposalThreshold = 1e18;
    }

    function _subjectConfig() internal view returns (SubjectConfig memory config) {
        config.rulesDigest = RULES;
        config.mode = Mode.ENFORCE;
        config.secretKeyId = keccak256("secret key");
        config.backend = keccak256("backend");
        config.proposers = new address[](1);
        config.proposers[0] = proposer;
        config.runners = new address[](1);
        config.runners[0] = runner;
    }

    function _one(bytes4 selector) internal pure returns (bytes4[] memory list) {
        list = new bytes4[](1);
        list[0] = selector;
    }

    function _two(bytes4 first, bytes4 second) internal pure returns (bytes4[] memory list) {
        list = new bytes4[](2);
        list[0] = first;
        list[1] = second;
    }
}
