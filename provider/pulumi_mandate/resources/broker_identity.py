"""`BrokerIdentity`: who the broker is, as a Pulumi resource. It calls no cloud.

Once a plan that makes or changes it was run to its end, the broker reads that plan's document and
compares it with what it was started with (`pulumi_mandate.broker.identity`). `mandate broker
identity` prints the four values. docs/runbooks/rotation.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pulumi
from pydantic import AfterValidator, StringConstraints

from pulumi_mandate.svid import SpiffeId

from ._permit import Permit
from .governed import (
    Found,
    GovernedInputs,
    GovernedOutputs,
    GovernedProvider,
    GovernedResource,
)

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _part(value: str) -> str:
    return str(SpiffeId.parse(value))


class BrokerIdentityInputs(GovernedInputs):
    """What people vote on. Digests are SHA-256, 64 hexadecimal digits."""

    broker: Annotated[str, AfterValidator(_part)]
    authority: Sha256
    key: Sha256
    settings: Sha256


class BrokerIdentityOutputs(GovernedOutputs):
    """Nothing follows from it."""


class BrokerIdentityProvider(GovernedProvider[BrokerIdentityInputs, BrokerIdentityOutputs]):
    """Its state is what was voted on, and nothing outside can differ from it."""

    model = BrokerIdentityInputs

    def make(
        self, inputs: BrokerIdentityInputs, permit: Permit
    ) -> tuple[str, BrokerIdentityOutputs]:
        return "broker-identity", BrokerIdentityOutputs()

    def look(self, id_: str, state: Mapping[str, Any]) -> Found[BrokerIdentityOutputs]:
        known = {name: state[name] for name in self.model.model_fields if name in state}
        return Found(known, BrokerIdentityOutputs())

    def change(
        self, id_: str, old: Mapping[str, Any], inputs: BrokerIdentityInputs, permit: Permit
    ) -> BrokerIdentityOutputs:
        return BrokerIdentityOutputs()

    def remove(self, id_: str, state: Mapping[str, Any], permit: Permit) -> None:
        """From then on no broker serves: no plan says who it is."""


class BrokerIdentity(GovernedResource, module="mandate", name="BrokerIdentity"):
    """Who the broker is. One in a stack, and in the stack that the broker's file names.

    `broker`: its SPIFFE id. `authority`: fingerprint of the authority's certificate. `key`: digest
    of the broker's public key. `settings`: digest of the broker's file. Give the values themselves:
    one that is known only while the plan runs is no value to a voter, nor to the broker.
    """

    broker: pulumi.Output[str]
    authority: pulumi.Output[str]
    key: pulumi.Output[str]
    settings: pulumi.Output[str]

    def __init__(  # noqa: PLR0913  # one argument for each thing that is voted on
        self,
        name: str,
        *,
        broker: pulumi.Input[str],
        authority: pulumi.Input[str],
        key: pulumi.Input[str],
        settings: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"broker": broker, "authority": authority, "key": key, "settings": settings}
        super().__init__(BrokerIdentityProvider(), name, props, opts)
