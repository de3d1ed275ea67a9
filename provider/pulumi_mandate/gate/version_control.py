"""What git says of a program's folder. No git and no repository are answers too: None."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pulumi_mandate.plan.program import stack_files

# A repository's own configuration must not run programs of its choice here.
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def commit_of(folder: Path, stack: str) -> str | None:
    """The commit whose files the folder holds; None where a file differs from it.

    The stack's own file may differ: its values are bound as the plan's configuration.
    """
    unbound = [f":(exclude){name}" for name in stack_files(stack)]
    changed = _git(folder, "status", "--porcelain", "--untracked-files=all", "--", ".", *unbound)
    head = _git(folder, "rev-parse", "--verify", "HEAD")
    return head.decode().strip() if changed == b"" and head else None


def archive(folder: Path, commit: str) -> bytes | None:
    """The folder's files in a commit, as a tar archive."""
    return _git(folder, "archive", "--format=tar", commit)


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            [*_GIT, *arguments],
            cwd=folder,
            env=dict(os.environ) | _QUIET,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
