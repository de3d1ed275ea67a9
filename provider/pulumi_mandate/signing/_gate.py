"""The one gate through which every backend signs.

A backend is asked for (r, s) of a digest and is believed in nothing: what it returns is brought to
low-s, its recovery id is found by trial, and the address that comes out must be the pinned one.
That catches a double hash, a padded digest, another key under the same alias, and a broken module.
"""

from __future__ import annotations

from typing import NoReturn, Protocol, runtime_checkable

from ..errors import SignerError
from ..models import Address, Digest, Domain, ExecutionOrder, Outcome, Renewal
from ._curve import HALF_ORDER, ORDER, V_VALUES, Signature, checked_address, checked_digest, recover


class Backend(Protocol):
    """What a key store must offer. Implementations raise `SignerError` and nothing else."""

    @property
    def development_only(self) -> bool:
        """True where whoever runs this process can read the private key, or it is an emulator's."""

    def public_address(self) -> Address:
        """Read the public key from where the key lives, and return its address."""

    def sign_raw(self, digest: Digest) -> tuple[int, int]:
        """(r, s) over these 32 bytes as they are: no further hash. s may be high."""


Message = ExecutionOrder | Renewal | Outcome
"""What an executor signs."""


@runtime_checkable
class ReadingBackend(Backend, Protocol):
    """A backend that signs what it can read and judge, and no bare digest: the broker."""

    def sign_message(self, domain: Domain, message: Message) -> tuple[int, int]:
        """(r, s) over the digest of this message, which the other side computes for itself."""


class Signer(Protocol):
    """A key with a pinned address. Hand it to `ExecutorKey` or `AccountKey`."""

    @property
    def address(self) -> Address:
        """The pinned address."""

    @property
    def development_only(self) -> bool:
        """True where the key must not be an executor outside a development chain."""

    def sign(self, digest: Digest, about: tuple[Domain, Message] | None = None) -> Signature:
        """Low-s signature of exactly 32 bytes, verified to be by `address`, else `SignerError`.

        `about` is the message that the digest is of, for a backend that reads before it signs.
        """


def sign_through_gate(
    backend: Backend,
    address: Address,
    digest: object,
    about: tuple[Domain, Message] | None = None,
) -> Signature:
    """Steps: (1) the digest (2) the backend's numbers (3) low-s (4) recovery equals the pin.

    Raises `SignerError`; never tries a second time, because a key that once signed something else
    must be looked at by a person.
    """
    # (1) before the key is asked at all
    checked = checked_digest(digest)
    # (2)
    if about is not None and isinstance(backend, ReadingBackend):
        r, s = backend.sign_message(*about)
    else:
        r, s = backend.sign_raw(checked)
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise SignerError("the key returned numbers that are no signature")
    # (3) about half of a KMS's signatures have the high s
    low = s if s <= HALF_ORDER else ORDER - s
    # (4)
    for v in V_VALUES:
        candidate = Signature(r, low, v)
        try:
            found = recover(checked, candidate)
        except SignerError:
            continue
        if found == address:
            return candidate
    raise SignerError(
        f"the signature is not by {address} over the digest that was sent",
        meaning="Another key answered, or the backend hashed the digest again.",
        next_step="compare the key's address with the enrolled one (mandate doctor); "
        "treat a changed alias as an incident",
    )


class GatedSigner:
    """`Signer` over any backend. Cannot be copied into a file, a log or another process."""

    __slots__ = ("_address", "_backend")

    def __init__(self, backend: Backend, address: Address) -> None:
        self._backend = backend
        self._address = checked_address(address)

    @property
    def address(self) -> Address:
        return self._address

    @property
    def development_only(self) -> bool:
        return self._backend.development_only

    def sign(self, digest: Digest, about: tuple[Domain, Message] | None = None) -> Signature:
        return sign_through_gate(self._backend, self._address, digest, about)

    def __repr__(self) -> str:
        return f"GatedSigner({self._address})"

    def __reduce__(self) -> NoReturn:
        # dynamic providers are pickled into the stack's state: a captured key must not follow
        raise SignerError("a signer cannot be serialised", meaning="It would carry a key with it.")
