"""The key of a seat in a council: it signs the council's calls, emergencies, and nothing else."""

from __future__ import annotations

from typing import NoReturn

from ..errors import SignerError
from ..models import Address, CouncilCall, EmergencyOrder, council_digest, emergency_digest
from ._gate import Signer


class SeatKey:
    """Signs a council's `Call` and the gate's `Emergency` (EIP-712) as 65 bytes r‖s‖v."""

    __slots__ = ("__signer",)

    def __init__(self, signer: Signer) -> None:
        self.__signer = signer

    @property
    def address(self) -> Address:
        """Whose seat it is."""
        return self.__signer.address

    def sign_call(self, call: CouncilCall) -> bytes:
        """One seat's yes. Raises `SignerError`."""
        if type(call) is not CouncilCall:
            raise SignerError("only a council's call is signed")
        return self.__signer.sign(council_digest(call)).to_bytes()

    def sign_emergency(self, order: EmergencyOrder) -> bytes:
        """One seat's yes to a plan that cannot wait for a vote. Raises `SignerError`."""
        if type(order) is not EmergencyOrder:
            raise SignerError("only an emergency's order is signed")
        return self.__signer.sign(emergency_digest(order)).to_bytes()

    def __repr__(self) -> str:
        return f"SeatKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised", meaning="It would travel with the program.")
