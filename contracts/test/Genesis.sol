// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {AttestationLog} from "../src/AttestationLog.sol";
import {ExecutorRegistry} from "../src/ExecutorRegistry.sol";
import {MandateGovernor} from "../src/MandateGovernor.sol";
import {MandateToken} from "../src/MandateToken.sol";
import {ObligationLedger} from "../src/ObligationLedger.sol";
import {PlanRegistry} from "../src/PlanRegistry.sol";
import {SubjectConfigs} from "../src/SubjectConfigs.sol";
import {IEmergencyGate} from "../src/interfaces/IEmergencyGate.sol";
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
    uint64 internal constant REGISTRY_ROLE = 5;
    uint64 internal constant LOW_ROLE = 6;
    uint64 internal constant COUNCIL_ROLE = 7;
    uint64 internal constant EMERGENCY_ROLE = 8;
    uint64 internal constant AUDITOR_ROLE = 9;
    uint64 internal constant LOG_ROLE = 10;

    uint32 internal constant LOW_DELAY = 1 hours;
    uint32 internal constant MEDIUM_DELAY = 1 days;
    uint32 internal constant HIGH_DELAY = 7 days;
    uint32 internal constant LOW_KINDS = 0xc3; // create, update, read, metadata
    uint32 internal constant EMERGENCY_KINDS = 0xc7; // the same, and replace
    uint32 internal constant MEDIUM_KINDS = 0xcf; // all but abandon and import
    uint32 internal constant HIGH_KINDS = 0xff;
    uint32 internal constant VALIDITY = 7 days;
    uint32 internal constant MAX_LEASE = 4 hours;
    uint32 internal constant GRACE = 1 hours;
    uint32 internal constant CONFIRM_WITHIN = 3 days;
    uint32 internal constant CLEAR_WITHIN = 7 days;
    uint32 internal constant NOTICE = 1 days;
    uint32 internal constant BUDGET_OPERATIONS = 50;
    uint64 internal constant BUDGET_COST = 100_00;
    uint32 internal constant BUDGET_WINDOW = 7 days;
    uint8 internal constant MAX_RENEWALS = 6;
    uint256 internal constant START = 1_800_000_000;

    bytes32 internal constant SUBJECT = keccak256("subject");
    bytes32 internal constant OTHER_SUBJECT = keccak256("other subject");
    bytes32 internal constant RULES = keccak256("rules");
    uint256 internal constant EXECUTOR_KEY = 0xe1;
    uint256 internal constant SPARE_KEY = 0xe2;
    uint256 internal constant ATTESTOR_KEY = 0xa1;
    uint256 internal constant OTHER_ATTESTOR_KEY = 0xa2;

    address internal deployer = actor("deployer");
    address internal guardian = actor("guardian");
    address internal cosigner = actor("council");
    address internal auditor = actor("auditor");
    address internal finance = actor("finance");
    address internal proposer = actor("proposer");
    address internal runner = actor("runner");
    address internal ana = actor("ana");
    address internal ben = actor("ben");
    address internal cleo = actor("cleo");
    address internal stranger = actor("stranger");

    MandateToken internal token;
    AccessManager internal manager;
    ExecutorRegistry internal executors;
    SubjectConfigs internal subjects;
    ObligationLedger internal obligations;
    PlanRegistry internal registry;
    AttestationLog internal attestations;
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
        subjects = new SubjectConfigs(address(manager));
        obligations = new ObligationLedger(address(manager), NOTICE);
        registry = new PlanRegistry(_registryConfig());
        attestations = new AttestationLog(registry);
        low = new MandateGovernor(_lowConfig());
        standard = new MandateGovernor(_standardConfig());
        critical = new MandateGovernor(_criticalConfig());
    }

    function _wire() internal {
        _wireRegistry();
        _wireOthers();
        manager.grantRole(REGISTRY_ROLE, address(registry), 0);
        manager.grantRole(LOG_ROLE, address(attestations), 0);
        manager.grantRole(LOW_ROLE, address(low), LOW_DELAY);
        manager.grantRole(MEDIUM_ROLE, address(standard), MEDIUM_DELAY);
        manager.grantRole(HIGH_ROLE, address(critical), HIGH_DELAY);
        manager.grantRole(CRITICAL_ROLE, address(critical), HIGH_DELAY);
        manager.grantRole(GUARDIAN_ROLE, guardian, 0);
        manager.grantRole(COUNCIL_ROLE, cosigner, 0);
        manager.grantRole(AUDITOR_ROLE, auditor, 0);
        manager.setRoleGuardian(LOW_ROLE, GUARDIAN_ROLE);
        manager.setRoleGuardian(MEDIUM_ROLE, GUARDIAN_ROLE);
        manager.setRoleGuardian(HIGH_ROLE, GUARDIAN_ROLE);
        manager.setRoleGuardian(CRITICAL_ROLE, GUARDIAN_ROLE);
        _wireMore();
    }

    function _wireRegistry() private {
        _assign(
            address(registry), _two(registry.approveLow.selector, registry.approveLowBatch.selector), LOW_ROLE
        );
        _assign(address(registry), _one(registry.approveMedium.selector), MEDIUM_ROLE);
        _assign(address(registry), _one(registry.approveHigh.selector), HIGH_ROLE);
        bytes4[] memory critical = new bytes4[](5);
        critical[0] = registry.approveCritical.selector;
        critical[1] = registry.configureSubject.selector;
        critical[2] = registry.enrolExecutor.selector;
        critical[3] = registry.rotateExecutor.selector;
        critical[4] = registry.ratify.selector;
        _assign(address(registry), critical, CRITICAL_ROLE);
        _assign(address(registry), _one(registry.approveEmergency.selector), EMERGENCY_ROLE);
        _assign(address(registry), _one(registry.cosign.selector), COUNCIL_ROLE);
        _assign(
            address(registry), _two(registry.revoke.selector, registry.revokeHard.selector), GUARDIAN_ROLE
        );
        _assign(
            address(registry), _two(registry.recordAttestation.selector, registry.confirm.selector), LOG_ROLE
        );
    }

    function _wireOthers() private {
        _assign(
            address(subjects),
            _two(subjects.configureSubject.selector, subjects.recordAttestation.selector),
            REGISTRY_ROLE
        );
        _assign(address(executors), _two(executors.enrol.selector, executors.rotate.selector), REGISTRY_ROLE);
        _assign(address(executors), _one(executors.admit.selector), COUNCIL_ROLE);
        _assign(address(executors), _one(executors.revoke.selector), GUARDIAN_ROLE);
        _assign(
            address(obligations), _two(obligations.open.selector, obligations.clear.selector), REGISTRY_ROLE
        );
        _assign(address(obligations), _one(obligations.openEmergency.selector), EMERGENCY_ROLE);
        _assign(address(obligations), _one(obligations.openAudit.selector), AUDITOR_ROLE);
    }

    function _assign(address target, bytes4[] memory selectors, uint64 role) private {
        manager.setTargetFunctionRole(target, selectors, role);
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
            subjects: subjects,
            obligations: obligations,
            genesis: deployer,
            low: TierTerms({
                validity: 3 days,
                maxLease: MAX_LEASE,
                kinds: LOW_KINDS,
                attestations: 1,
                cosign: false,
                budgetOperations: BUDGET_OPERATIONS,
                budgetCost: BUDGET_COST,
                budgetWindow: BUDGET_WINDOW
            }),
            medium: _tierTerms(VALIDITY, MEDIUM_KINDS, 0, false),
            high: _tierTerms(VALIDITY, HIGH_KINDS, 1, true),
            critical: _tierTerms(VALIDITY, HIGH_KINDS, 1, true),
            emergency: _tierTerms(6 hours, EMERGENCY_KINDS, 0, false),
            grace: GRACE,
            confirmWithin: CONFIRM_WITHIN,
            clearWithin: CLEAR_WITHIN,
            maxRenewals: MAX_RENEWALS
        });
    }

    function _tierTerms(uint32 validity, uint32 kinds, uint8 attested, bool cosign)
        internal
        pure
        returns (TierTerms memory)
    {
        return TierTerms({
            validity: validity,
            maxLease: MAX_LEASE,
            kinds: kinds,
            attestations: attested,
            cosign: cosign,
            budgetOperations: 0,
            budgetCost: 0,
            budgetWindow: 0
        });
    }

    /// @dev Optimistic: silence passes.
    function _lowConfig() internal view returns (IMandateGovernor.GovernorConfig memory config) {
        config = _electorate();
        config.votingDelay = 1 hours;
        config.votingPeriod = 1 days;
        config.vetoPercent = 5;
        config.maxOpenPerProposer = 3;
        config.selectors = _two(registry.approveLow.selector, registry.approveLowBatch.selector);
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
        config.selectors = new bytes4[](7);
        config.selectors[0] = registry.approveHigh.selector;
        config.selectors[6] = IEmergencyGate.renew.selector;
        config.selectors[1] = registry.configureSubject.selector;
        config.selectors[2] = registry.enrolExecutor.selector;
        config.selectors[3] = registry.approveCritical.selector;
        config.selectors[4] = registry.rotateExecutor.selector;
        config.selectors[5] = registry.ratify.selector;
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
        config.attestors = new address[](2);
        config.attestors[0] = vm.addr(ATTESTOR_KEY);
        config.attestors[1] = vm.addr(OTHER_ATTESTOR_KEY);
        config.financeCosigner = finance;
        config.costCap = 500_00;
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
