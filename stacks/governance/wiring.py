"""Steps 6 to 25 of genesis, as calls that name the fact they make true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulumi
from settings import Settings, Subject

from pulumi_mandate import EvmCall, EvmContract
from pulumi_mandate.governance.wiring import (
    CANCELLERS,
    GUARDIAN,
    HOLDINGS,
    RIGHTS,
    Right,
    Role,
)
from pulumi_mandate.models import to_hex


@dataclass(frozen=True)
class Contracts:
    token: EvmContract
    manager: EvmContract
    executors: EvmContract
    subjects: EvmContract
    obligations: EvmContract
    registry: EvmContract
    attestations: EvmContract
    governors: dict[str, EvmContract] = field(default_factory=dict)
    """low, standard, critical."""
    others: dict[str, EvmContract] = field(default_factory=dict)
    """By the words of the trust file: ballot relay, council, emergency gate."""

    def by_trust_name(self) -> dict[str, EvmContract]:
        """By the words of the trust file."""
        return {
            "token": self.token,
            "access_manager": self.manager,
            "executor_registry": self.executors,
            "subjects": self.subjects,
            "obligations": self.obligations,
            "attestations": self.attestations,
            "registry": self.registry,
            **self.others,
            **{f"{name}_governor": made for name, made in self.governors.items()},
        }

    def first_block(self) -> pulumi.Output[int]:
        """Where the history of the contracts begins: the earliest deployment."""
        blocks = [contract.block for contract in self.by_trust_name().values()]
        return pulumi.Output.all(*blocks).apply(lambda found: int(min(found)))


class Genesis:
    """The calls of the genesis account; each waits for the steps that it needs, and only those."""

    def __init__(self, contracts: Contracts, settings: Settings) -> None:
        self._contracts = contracts
        self._settings = settings
        self._wired: list[pulumi.Resource] = []
        self._enrolled: list[pulumi.Resource] = []

    def wire_roles(self) -> None:
        """Steps 6 to 19: who may call what, and after which delay, as the one table says."""
        contracts = self._contracts.by_trust_name()
        for right in RIGHTS:
            self._assign(right, contracts[right.contract])
        for role, holder, waits in HOLDINGS:
            who = self._settings.guardian if holder == GUARDIAN else contracts[holder].address
            delay = getattr(self._settings, f"{role.name.lower()}_delay") if waits else 0
            self._grant(f"{holder}-{role.name.lower()}", role, who, delay)
        for role, canceller in CANCELLERS.items():
            self._wired.append(
                self._manager_call(
                    f"{canceller.name.lower()}-cancels-{role.name.lower()}",
                    "setRoleGuardian",
                    [role, canceller],
                    {"function": "getRoleGuardian", "arguments": [role], "equals": canceller},
                )
            )

    def enrol(self) -> None:
        """Steps 20 to 22: the first subjects and keys, under a right that is given back."""
        deployer = self._settings.deployer
        scaffold = self._manager_call(
            "deployer-may-enrol",
            "grantRole",
            [Role.CRITICAL, deployer, 0],
            _has_role(Role.CRITICAL, deployer, 0),
            unless=_has_no_role(Role.ADMIN, deployer),
            after=self._wired,
        )
        for subject in self._settings.subjects:
            self._enrolled.append(self._configure(subject, scaffold))
        for number, address in enumerate(self._settings.executors):
            self._enrolled.append(
                EvmCall(
                    f"executor-{number}",
                    contract=self._contracts.registry.address,
                    artifact="PlanRegistry",
                    function="enrolExecutor",
                    arguments=[address],
                    expect={
                        "contract": self._contracts.executors.address,
                        "artifact": "ExecutorRegistry",
                        "function": "executor",
                        "arguments": [address],
                        "equals": [True, 1],
                    },
                    opts=_after([scaffold]),
                )
            )

    def let_go_and_seal(self) -> None:
        """Steps 23 to 25: nobody administers from here on."""
        deployer = self._settings.deployer
        revoked = self._manager_call(
            "deployer-may-not-enrol",
            "revokeRole",
            [Role.CRITICAL, deployer],
            _has_no_role(Role.CRITICAL, deployer),
            after=self._enrolled,
        )
        renounced = self._manager_call(
            "deployer-lets-go",
            "renounceRole",
            [Role.ADMIN, deployer],
            _has_no_role(Role.ADMIN, deployer),
            after=[revoked],
        )
        EvmCall(
            "seal",
            contract=self._contracts.registry.address,
            artifact="PlanRegistry",
            function="seal",
            expect={"function": "isSealed", "equals": True},
            opts=_after([renounced]),
        )

    def _configure(self, subject: Subject, scaffold: pulumi.Resource) -> EvmCall:
        config = {
            "rulesDigest": subject.rules_digest,
            "mode": subject.mode,
            "secretKeyId": subject.secret_key_id,
            "backend": subject.backend,
            "proposers": subject.proposers,
            "attestors": subject.attestors,
            "runners": subject.runners,
            "financeCosigner": subject.finance_cosigner,
            "costCap": subject.cost_cap,
        }
        return EvmCall(
            f"subject-{subject.name}",
            contract=self._contracts.registry.address,
            artifact="PlanRegistry",
            function="configureSubject",
            arguments=[subject.hash, config],
            expect={
                "contract": self._contracts.subjects.address,
                "artifact": "SubjectConfigs",
                "function": "subjectConfig",
                "arguments": [subject.hash],
                "equals": [config, 1],
            },
            opts=_after([scaffold]),
        )

    def _assign(self, right: Right, target: EvmContract) -> None:
        code = to_hex(right.selector)
        fact = {
            "function": "getTargetFunctionRole",
            "arguments": [target.address, code],
            "equals": right.role,
        }
        arguments = [target.address, [code], right.role]
        name = f"role-{right.contract}-{right.function}"
        self._wired.append(self._manager_call(name, "setTargetFunctionRole", arguments, fact))

    def _grant(self, name: str, role: int, who: pulumi.Input[str], delay: int) -> None:
        fact = _has_role(role, who, delay)
        self._wired.append(
            self._manager_call(f"grant-{name}", "grantRole", [role, who, delay], fact)
        )

    def _manager_call(  # noqa: PLR0913  # a step has these parts
        self,
        name: str,
        function: str,
        arguments: list[Any],
        expect: dict[str, Any],
        *,
        unless: dict[str, Any] | None = None,
        after: list[pulumi.Resource] | None = None,
    ) -> EvmCall:
        return EvmCall(
            name,
            contract=self._contracts.manager.address,
            artifact="AccessManager",
            function=function,
            arguments=arguments,
            expect=expect,
            unless=unless,
            opts=_after(after or []),
        )


def _has_role(role: int, who: pulumi.Input[str], delay: int) -> dict[str, Any]:
    return {"function": "hasRole", "arguments": [role, who], "equals": [True, delay]}


def _has_no_role(role: int, who: pulumi.Input[str]) -> dict[str, Any]:
    return {"function": "hasRole", "arguments": [role, who], "equals": [False, 0]}


def _after(resources: list[pulumi.Resource]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=resources)
