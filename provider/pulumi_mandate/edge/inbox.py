"""The folder through which bundles reach an agent, and the rules by which one succeeds another.

A bundle that was once valid stays validly signed for ever, so a signature alone lets anybody put
an old one back. What a site has seen (its high-water mark: revision and content) is therefore kept
in a second folder that whoever can write the inbox need not be able to write. Rules, in order:

1. enough trusted signatures; 2. the bundle names this site; 3. its revision is not below the mark;
4. at the mark, its content is the one that was seen; 5. for the agent: now is inside its window.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from pulumi_mandate.errors import MandateError, Refused
from pulumi_mandate.models import Digest, digest, to_hex

from .bundle import Bundle, checked_name
from .envelope import open_bundle
from .keys import PublicKey

PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class Mark:
    """The highest revision that a site has seen, and what it said."""

    revision: int
    content: Digest


@dataclass(frozen=True, slots=True)
class Delivered:
    """What lies in the inbox for one site, its signatures and its succession checked."""

    bundle: Bundle
    path: Path


def verify_succession(bundle: Bundle, site: str, mark: Mark | None) -> None:
    """Rules 2 to 4, pure. Raises `Refused` (step 0)."""
    if bundle.site != site:
        raise Refused(
            0,
            "the bundle is for another site",
            field="site",
            expected=site,
            found=bundle.site,
        )
    if mark is None:
        return
    if bundle.revision < mark.revision:
        raise Refused(
            0,
            f"the bundle for {site} is older than what the site has already seen",
            field="revision",
            expected=f"{mark.revision} or more",
            found=str(bundle.revision),
            meaning="Somebody put an old bundle back, or the state here is behind the site's.",
            next_step=f"pulumi refresh, then deliver as revision {mark.revision + 1} or higher",
        )
    if bundle.revision == mark.revision and bundle.content_digest != mark.content:
        raise Refused(
            0,
            f"the site {site} has seen another bundle with the revision {mark.revision}",
            field="content",
            expected=to_hex(mark.content),
            found=to_hex(bundle.content_digest),
            meaning="One revision number must mean one content.",
            next_step=f"pulumi refresh, then deliver as revision {mark.revision + 1} or higher",
        )


class Inbox:
    """One inbox: `ROOT/NAME/SITE.bundle.json`, its marks beside it in `MARKS/NAME/SITE.json`."""

    def __init__(
        self,
        root: Path,
        name: str,
        marks: Path,
        trusted: Mapping[str, PublicKey],
        threshold: int = 1,
    ) -> None:
        checked_name(name, "inbox")
        self._folder = root / name
        self._marks = marks / name
        self._trusted = trusted
        self._threshold = threshold

    def deliver(self, envelope: bytes, site: str) -> Delivered:
        """Check and write a bundle; a second delivery of the same one changes nothing.

        Raises `Refused`, `InvalidDocument`, `UsageError`; `MandateError` where the disk says no.
        """
        bundle = open_bundle(envelope, self._trusted, self._threshold)
        with self._locked(site):
            verify_succession(bundle, site, self._mark(site))
            # Bundle first, mark second: a crash between leaves a newer bundle, which is lawful.
            _write(self._path(site), envelope)
            self._raise_mark(bundle)
        return Delivered(bundle, self._path(site))

    def stored(self, site: str) -> Delivered | None:
        """What lies there now, rules 1 to 4 checked; None where nothing does.

        Raises `Refused`, `InvalidDocument`.
        """
        path = self._path(checked_name(site, "site"))
        try:
            envelope = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MandateError(f"{path} cannot be read: {error.strerror}") from None
        bundle = open_bundle(envelope, self._trusted, self._threshold)
        verify_succession(bundle, site, self._mark(site))
        return Delivered(bundle, path)

    def accept(self, site: str, now: int | None = None) -> Bundle | None:
        """What the agent may act on at `now` (seconds; default: this machine's clock).

        Raises the mark to what was found. None where the inbox is empty.

        Raises `Refused`, `InvalidDocument`.
        """
        with self._locked(site):
            found = self.stored(site)
            if found is None:
                return None
            self._raise_mark(found.bundle)
        moment = int(time.time()) if now is None else now
        if not found.bundle.usable_at(moment):
            raise Refused(
                0,
                f"revision {found.bundle.revision} for {site} is outside its window",
                field="window",
                expected=f"from {found.bundle.not_before} until {found.bundle.expires_at}",
                found=str(moment),
                meaning="The agent goes on denying until a current bundle arrives.",
                next_step="deliver a new revision",
            )
        return found.bundle

    def withdraw(self, site: str) -> None:
        """Empty the inbox of one site. The mark stays: an old bundle must not come back."""
        with self._locked(site):
            self._path(site).unlink(missing_ok=True)

    def highest_revision(self, site: str) -> int:
        """The mark's revision; 0 where the site has seen nothing."""
        mark = self._mark(checked_name(site, "site"))
        return 0 if mark is None else mark.revision

    def _path(self, site: str) -> Path:
        return self._folder / f"{site}.bundle.json"

    def _mark(self, site: str) -> Mark | None:
        path = self._marks / f"{site}.json"
        try:
            value = orjson.loads(path.read_bytes())  # bounds the depth by itself, json does not
            return Mark(int(value["revision"]), digest(value["content"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            # Fail closed: without the mark a rollback could not be told from an update.
            raise Refused(
                0,
                f"what the site {site} has seen cannot be read from {path}",
                meaning="Without it nobody can tell an old bundle from a new one.",
                next_step="restore the file from a backup of the site",
            ) from None

    def _raise_mark(self, bundle: Bundle) -> None:
        mark = Mark(bundle.revision, bundle.content_digest)
        if self._mark(bundle.site) == mark:
            return
        value = {"revision": mark.revision, "content": to_hex(mark.content)}
        _write(self._marks / f"{bundle.site}.json", json.dumps(value).encode())

    @contextlib.contextmanager
    def _locked(self, site: str) -> Iterator[None]:
        checked_name(site, "site")
        _make_folder(self._folder)
        _make_folder(self._marks)
        with (self._marks / f"{site}.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise MandateError(
            f"the folder {path} cannot be made: {error.strerror}",
            next_step="check MANDATE_EDGE_INBOXES and MANDATE_EDGE_MARKS",
        ) from None


def _write(path: Path, data: bytes) -> None:
    """All or nothing: a reader sees the old bytes or the new ones, also after a power cut."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise MandateError(f"{path} cannot be written: {error.strerror}") from None
