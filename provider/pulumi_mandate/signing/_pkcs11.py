"""`pkcs11:token=LABEL;object=LABEL?module-path=FILE&pin-source=file:FILE`: a key inside an HSM.

The form is RFC 7512's. `id=` (percent-encoded bytes) may stand beside or in the place of `object=`,
`serial=` beside `token=`. The PIN is never part of the URI, so `pin-value` is refused.

The module is asked for `CKM_ECDSA` over the 32 bytes as they are. That mechanism takes 31, 33 and
64 bytes without a word (measured on SoftHSM 2.6.1), so their number is the gate's to check, and the
recovered address tells whether the right key answered. A token logs in once for the whole process;
one session is kept and its signatures are made one after the other. The standard has no time-out,
and a module whose HSM is out of reach may wait for ever: each call has a thread that is not waited
for longer than `TIMEOUT`.

Sources: https://www.rfc-editor.org/rfc/rfc7512, PKCS #11 v3.1 section 6.3.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote, unquote_to_bytes

from ..errors import SignerError, UsageError
from ..models import Address, Digest
from ._curve import address_of
from ._private_file import read_line
from ._uri import KeyUri, only

SECP256K1 = bytes.fromhex("06052b8104000a")
"""The OID 1.3.132.0.10 in DER, as CKA_EC_PARAMS holds it."""
EMULATORS = ("SoftHSM",)
"""Manufacturers whose tokens are files that this process can read."""
TIMEOUT = 30.0
"""Seconds for one call of the module and its turn. A signature takes milliseconds to a second."""
_PLACE = ("token", "serial", "object", "id")
_SHAPE = "pkcs11:token=LABEL;object=LABEL?module-path=FILE&pin-source=file:FILE"

_ACTIONS: dict[str, tuple[str, str]] = {
    "NoSuchToken": ("No slot holds a token of that name.", "check the token and its reader"),
    "TokenNotPresent": ("The token is not in its slot.", "check the token and its reader"),
    "TokenNotRecognised": ("The module does not know this token.", "check the module's path"),
    "NoSuchKey": ("The token has no such key, or hides it.", "check object and id in the key URI"),
    "MultipleTokensReturned": ("Two tokens have this name.", "add serial= to the key URI"),
    "MultipleObjectsReturned": ("Two keys have this name.", "add id= to the key URI"),
    "PinIncorrect": ("The PIN is wrong.", "check it before the token locks it"),
    "PinLocked": ("The token has locked the PIN.", "ask its security officer, and find out why"),
    "PinExpired": ("The PIN has expired.", "set a new one"),
    "KeyHandleInvalid": ("The key is gone from the token.", "find out who removed it"),
    "SessionCount": ("The token has no session left.", "try again in a minute; see who holds them"),
    "TimeoutError": ("The token did not answer; nothing was used.", "look at the HSM and its way"),
    "DeviceRemoved": ("The token was pulled out.", "check the token and its reader"),
    "DeviceError": ("The token failed.", "look at the HSM's own log"),
    "SessionHandleInvalid": ("The token ended the session.", "try again; look at the HSM's log"),
}
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key is."""

    module: Path
    pin_file: Path
    token: str
    serial: bytes | None
    label: str | None
    id: bytes | None


class Pkcs11Backend:
    """One key on one token. Safe to share between threads."""

    __slots__ = ("_place", "_private", "_public", "_session")

    def __init__(self, place: Place) -> None:
        self._place = place
        self._session = _session(place)
        self._private, self._public = self._ask("find the key", self._keys)

    @classmethod
    def from_uri(cls, uri: KeyUri) -> Pkcs11Backend:
        """Log in and find the key. Raises `UsageError`, `SignerError`."""
        return cls(_place(uri))

    @property
    def development_only(self) -> bool:
        """A token made of files, and a key that was or could be outside of its token."""
        from pkcs11 import Attribute

        def facts() -> bool:
            maker = str(self._session.session.token.manufacturer_id)
            return not maker.startswith(EMULATORS) and all(
                self._private[one]
                for one in (
                    Attribute.LOCAL,
                    Attribute.ALWAYS_SENSITIVE,
                    Attribute.NEVER_EXTRACTABLE,
                )
            )

        return not self._ask("read the key's attributes", facts)

    def public_address(self) -> Address:
        return address_of(self.point(SECP256K1, "secp256k1", "1.3.132.0.10"))

    def point(self, curve: bytes, name: str, oid: str) -> bytes:
        """x and y of the public key, 64 bytes. Raises `SignerError` for a key on another curve."""
        from pkcs11 import Attribute

        def read() -> tuple[bytes, bytes]:
            return self._public[Attribute.EC_PARAMS], self._public[Attribute.EC_POINT]

        found, point = self._ask("read the public key", read)
        if found != curve:
            raise SignerError(
                f"the key on the token is not on the curve {name}",
                next_step=f"generate an EC key with the curve {oid}",
            )
        # A DER octet string (04 41) around the uncompressed point (04 x y).
        if len(point) != 67 or point[:3] != b"\x04\x41\x04":
            raise SignerError("the token gave a public key that cannot be read")
        return point[3:]

    def sign_raw(self, digest: Digest) -> tuple[int, int]:
        from pkcs11 import Mechanism

        if not hasattr(self._private, "sign"):  # the library gives the method to keys that may
            raise SignerError(
                f"the key on the token {self._place.token} may not sign",
                meaning="Its attribute CKA_SIGN is false.",
                next_step="find out who took it away before giving it back",
            )
        made = self._ask("sign", lambda: self._private.sign(digest, mechanism=Mechanism.ECDSA))
        if len(made) != 64:
            raise SignerError("the token returned something that is no signature")
        return int.from_bytes(made[:32], "big"), int.from_bytes(made[32:], "big")

    def _keys(self) -> tuple[Any, Any]:
        from pkcs11 import ObjectClass

        return self._only(ObjectClass.PRIVATE_KEY), self._only(ObjectClass.PUBLIC_KEY)

    def _only(self, kind: Any) -> Any:
        """The one object of this class at the place. A search not read to its end stays open."""
        from pkcs11 import Attribute, KeyType
        from pkcs11.exceptions import MultipleObjectsReturned, NoSuchKey

        wanted = {Attribute.CLASS: kind, Attribute.KEY_TYPE: KeyType.EC}
        named = {Attribute.LABEL: self._place.label, Attribute.ID: self._place.id}
        wanted |= {name: value for name, value in named.items() if value is not None}
        found = list(self._session.session.get_objects(wanted))
        if len(found) != 1:
            raise MultipleObjectsReturned if found else NoSuchKey
        return found[0]

    def _ask(self, what: str, question: Callable[[], _Answer]) -> _Answer:
        return _ask(self._place, what, question, self._session.lock)

    def __repr__(self) -> str:
        return f"Pkcs11Backend({self._place.token}, {self._place.label or self._place.id!r})"

    def __reduce__(self) -> NoReturn:
        raise SignerError("a key cannot be serialised")


@dataclass(frozen=True, slots=True)
class _Session:
    session: Any
    lock: threading.Lock
    """A signature is two calls of the module, and a session does one at a time."""


_sessions: dict[tuple[int, Path, str, bytes | None], _Session] = {}
"""By process, module and token: a second login of one process fails, and a fork has no session."""
_opening = threading.Lock()


def _session(place: Place) -> _Session:
    key = (os.getpid(), place.module, place.token, place.serial)
    with _opening:
        if key not in _sessions:
            opened = _ask(place, "log in", lambda: _log_in(place), threading.Lock())
            _sessions[key] = _Session(opened, threading.Lock())
        return _sessions[key]


def _log_in(place: Place) -> Any:
    import pkcs11

    # The PIN is read for every login and kept nowhere.
    pin = read_line(place.pin_file, "PIN")
    if not pin:
        raise SignerError("the PIN file is empty", next_step="check pin-source in the key URI")
    try:
        text = pin.decode()
    except UnicodeDecodeError:
        raise SignerError("the PIN file is not UTF-8") from None
    module = pkcs11.lib(str(place.module))
    token = module.get_token(token_label=place.token, token_serial=place.serial)
    return token.open(user_pin=text)


def _ask(place: Place, what: str, question: Callable[[], _Answer], lock: threading.Lock) -> _Answer:
    """Raises `SignerError` without the module's own words, which may hold what was signed."""
    try:
        from pkcs11.exceptions import PKCS11Error
    except ImportError:
        raise SignerError(
            "the package for HSMs is not installed",
            next_step="pip install 'pulumi-mandate[pkcs11]'",
        ) from None
    try:
        return _in_time(question, lock)
    except SignerError:
        raise
    except (PKCS11Error, RuntimeError, OSError) as error:
        name = type(error).__name__
        meaning, action = _ACTIONS.get(name, ("The module refused.", "look at the HSM's own log"))
        if name not in _ACTIONS and isinstance(error, RuntimeError | OSError):  # of loading it
            meaning, action = "The module cannot be used.", "check module-path in the key URI"
        raise SignerError(
            f"cannot {what} on the token {place.token}: {name}", meaning=meaning, next_step=action
        ) from None


def _in_time(question: Callable[[], _Answer], lock: threading.Lock) -> _Answer:
    """What the module answers. Raises `TimeoutError`, and whatever the question raises.

    A call cannot be ended. One that hangs keeps its session, so those behind it are refused too.
    """
    answer: Future[_Answer] = Future()

    def ask() -> None:
        if not lock.acquire(timeout=TIMEOUT):
            return
        try:
            answer.set_result(question())
        except BaseException as error:  # raised again where it was asked
            answer.set_exception(error)
        finally:
            lock.release()

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(TIMEOUT)


def _place(uri: KeyUri) -> Place:
    if "pin-value" in uri.options:
        raise UsageError(
            "the pkcs11 key URI holds a PIN",
            meaning="A URI is written into files and shown; consider the PIN known.",
            next_step="change the PIN, and name a file: pin-source=file:FILE",
        )
    only(uri, "module-path", "pin-source")
    found = dict(part.partition("=")[::2] for part in uri.path.split(";"))
    unknown = found.keys() - set(_PLACE)
    if unknown or len(found) != uri.path.count(";") + 1 or not all(found.values()):
        raise UsageError(
            "the pkcs11 key URI has an unknown, repeated or empty attribute", next_step=_SHAPE
        )
    if "token" not in found or not found.keys() & {"object", "id"}:
        raise UsageError("the pkcs11 key URI names no token, or no key on it", next_step=_SHAPE)
    module, source = uri.options.get("module-path", ""), uri.options.get("pin-source", "")
    pin_file = unquote(source.removeprefix("file:").removeprefix("//"))
    if not module.startswith("/") or not source.startswith("file:") or pin_file[:1] != "/":
        raise UsageError(
            "the pkcs11 key URI needs module-path=FILE and pin-source=file:FILE, both absolute",
            next_step=_SHAPE,
        )
    return Place(
        module=Path(module),
        pin_file=Path(pin_file),
        token=unquote(found["token"]),
        serial=unquote_to_bytes(found["serial"]) if "serial" in found else None,
        label=unquote(found["object"]) if "object" in found else None,
        id=unquote_to_bytes(found["id"]) if "id" in found else None,
    )
