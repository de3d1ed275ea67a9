"""A small file that only its owner can read: a keystore, a passphrase, a PIN."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import SignerError

MAX_FILE = 1 << 16


def read_private(path: Path, what: str) -> bytes:
    """The bytes of a small regular file that nobody else may read, checked on the open file.

    Raises `SignerError`, which never holds what is in it.
    """
    try:
        # non-blocking: a FIFO in the file's place must not hang us
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SignerError(
            f"the {what} file {path} cannot be opened: {error.strerror}",
            next_step="check the path in the key URI; links are not followed",
        ) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):  # first: Python makes no file of a folder's descriptor
        os.close(descriptor)
        raise SignerError(
            f"the {what} file {path} is not a regular file",
            next_step="check the path in the key URI",
        )
    with os.fdopen(descriptor, "rb") as file:
        if status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
            raise SignerError(
                f"the {what} file {path} is open to others",
                meaning="It must belong to this user with mode 0600.",
                next_step=f"chmod 600 {path}, and consider the key known to whoever could read it",
            )
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise SignerError(f"the {what} file {path} is larger than {MAX_FILE} bytes")
    return data


def read_line(path: Path, what: str) -> bytes:
    """The same without the end of its line, as an editor leaves one. May be empty."""
    return read_private(path, what).removesuffix(b"\n").removesuffix(b"\r")
