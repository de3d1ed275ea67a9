"""Names drawn from a seed: the values of the real implementation, and no name by chance."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mandate.plan.compare import refines
from pulumi_mandate.plan.markers import auto_name
from pulumi_mandate.plan.names import FEWEST, digits_of, drawn_digits, is_like

# From `resource.NewUniqueName(seed, "x-", 32, 0, nil)` of Pulumi's Go SDK v3.259.0.
UNIQUE_NAMES = {
    "/wGo7Z3dSiUGMRS4bNfN05UK24poYrh7SD0K9R4LOCc=": "507714529bc64d5b2b7f970ac6009f0d",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=": "b793e341e5676cc413bb7ae08d754d97",
}
# From the engine's own `pulumi:autonaming` with `${hex(9)}`, in a plan file of v3.259.0.
ENGINE_NAME = ("/wGo7Z3dSiUGMRS4bNfN05UK24poYrh7SD0K9R4LOCc=", "15b5044d5")

hexadecimal = st.text("0123456789abcdef", min_size=FEWEST, max_size=32)


@pytest.mark.parametrize("seed", UNIQUE_NAMES)
def test_the_digits_are_those_of_the_sdk(seed: str) -> None:
    assert digits_of(seed)[0] == UNIQUE_NAMES[seed]


def test_the_digits_are_those_of_the_engine() -> None:
    seed, name = ENGINE_NAME

    assert digits_of(seed)[1].startswith(name)
    assert drawn_digits(f"logs-{name}", digits_of(seed)) == 9


@pytest.mark.parametrize("seed", ["", "no base64", "====", "é"])
def test_what_is_no_seed_draws_nothing(seed: str) -> None:
    assert digits_of(seed) == ()
    assert drawn_digits("logs-1234567", digits_of(seed)) == 0


@given(st.binary(min_size=1), st.text(), st.integers(FEWEST, 32))
def test_what_was_drawn_is_found_with_its_prefix(seed: bytes, prefix: str, count: int) -> None:
    drawn = digits_of(base64.b64encode(seed).decode())
    for digits in drawn:
        assert drawn_digits(prefix + digits[:count], drawn) >= count
        assert drawn_digits(prefix + digits[: FEWEST - 1], (digits,)) in (0, FEWEST)


@given(st.binary(min_size=1), st.text(), hexadecimal)
def test_what_was_typed_is_not_taken_for_a_drawn_name(seed: bytes, prefix: str, typed: str) -> None:
    drawn = digits_of(base64.b64encode(seed).decode())

    if not any(digits[:FEWEST] in typed for digits in drawn):
        assert drawn_digits(prefix + typed, drawn) == 0


@given(st.text(), hexadecimal, st.text())
def test_only_the_same_prefix_and_as_many_digits_refine_it(
    prefix: str, digits: str, other: str
) -> None:
    marker = auto_name(prefix, len(digits))
    lawful = (
        other.startswith(prefix)
        and len(other) == len(prefix) + len(digits)
        and set(other[len(prefix) :]) <= set("0123456789abcdef")
    )

    assert refines(marker, prefix + digits)
    assert refines(marker, other) is lawful
    assert not refines(marker, prefix + digits + "0")
    assert not refines(marker, prefix + digits[1:] + "g")
    assert not refines(prefix + digits, marker)
    assert refines(marker, marker)


@pytest.mark.parametrize("drawn", ["", "hex", "hex()", "hex(0)", "hex(100)", "hex(7) ", "any", "7"])
def test_a_pattern_that_nobody_knows_is_like_nothing(drawn: str) -> None:
    assert not is_like("x-1a2b3c4", "x-", drawn)
