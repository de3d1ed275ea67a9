"""A proposal's id: a hash over everything that it would do and its text. Pure."""

from __future__ import annotations

from pulumi_mandate.errors import Refused
from pulumi_mandate.governance.values import Created
from pulumi_mandate.models import keccak


def proposal_id(target: str, calldata: bytes, text: str) -> int:
    """OpenZeppelin's `hashProposal` of one call without value.

    Source: https://docs.openzeppelin.com/contracts/5.x/api/governance#Governor-hashProposal
    """
    from eth_abi.abi import encode

    packed = encode(
        ["address[]", "uint256[]", "bytes[]", "bytes32"],
        [[target], [0], [calldata], keccak(text.encode())],
    )
    return int.from_bytes(keccak(packed))


def require_own_id(made: Created) -> None:
    """Raise `Refused` unless a proposal's id follows from its one call and its text.

    A ballot carries the id only, so this is what binds it to what the voter was shown.
    """
    found = proposal_id(made.target, made.calldata, made.text)
    if found != made.id:
        raise Refused(
            0,
            f"the id of proposal {made.number} does not follow from its call and its text",
            meaning="It holds another call, or an endpoint lies about it; nothing was signed.",
            next_step=f"mandate verify {made.number}",
            field="proposal id",
            expected=hex(made.id),
            found=hex(found),
        )
