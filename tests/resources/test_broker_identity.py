"""`BrokerIdentity`: typed strictly, and a state that is what was voted on."""

from __future__ import annotations

import pytest
from pulumi.output import Unknown

from pulumi_mandate.resources._permit import Permit
from pulumi_mandate.resources.broker_identity import BrokerIdentityInputs, BrokerIdentityProvider

GIVEN = {
    "identity": "0" * 32,
    "broker": "spiffe://acme.example/broker",
    "authority": "a" * 64,
    "key": "b" * 64,
    "settings": "c" * 64,
}
PERMIT = Permit("", None)


def test_what_is_whole_is_taken() -> None:
    checked = BrokerIdentityProvider().check({}, GIVEN)

    assert (checked.failures, checked.inputs) == ([], GIVEN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("broker", "broker"),
        ("broker", "spiffe://acme.example"),
        ("authority", "A" * 64),
        ("key", "b" * 63),
        ("key", "b" * 64 + "\n"),
        ("settings", 1),
        ("settings", None),
        ("more", "x"),
    ],
)
def test_what_is_not_is_shown_before_anybody_votes(name: str, value: object) -> None:
    failures = BrokerIdentityProvider().check({}, GIVEN | {name: value}).failures

    assert [failure.property for failure in failures] == [name]


def test_each_member_is_changed_in_place() -> None:
    provider = BrokerIdentityProvider()
    for name in ("broker", "authority", "key", "settings"):
        found = provider.diff("broker-identity", GIVEN, GIVEN | {name: "other"})
        assert (found.changes, found.replaces) == (True, [])
    assert not provider.diff("broker-identity", GIVEN, GIVEN).changes
    assert provider.diff("broker-identity", GIVEN, GIVEN | {"key": Unknown()}).changes


def test_nothing_outside_can_differ() -> None:
    provider, inputs = BrokerIdentityProvider(), BrokerIdentityInputs(**GIVEN)
    identity, outputs = provider.make(inputs, PERMIT)

    assert provider.change(identity, {}, inputs, PERMIT) == outputs
    assert dict(provider.look(identity, GIVEN | {"__provider": "x"}).inputs) == GIVEN
    provider.remove(identity, GIVEN, PERMIT)
