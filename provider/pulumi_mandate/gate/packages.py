"""The installed packages, digested by a process beside this one while this one loads the gate.

Same interpreter, same search path, same files, read at the same moment; only another core. Whatever
goes wrong there is looked at here instead. `python -I -m pulumi_mandate.gate.packages` is that
process: a search path in JSON on its input, the packages on its output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_mandate.plan.toolchain import Package

Packages = Callable[[], "list[Package]"]
"""As `plan.toolchain.installed_packages`. Raises `UsageError`."""
SECONDS = 60.0


def installed() -> list[Package]:
    """`installed_packages`, loaded when it is called. Raises `UsageError`."""
    from pulumi_mandate.plan.toolchain import installed_packages

    return installed_packages()


class Beside:
    """`installed_packages` of this process, begun when it is made. The answer is given once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._search = list(sys.path)
        pool = ThreadPoolExecutor(1)
        begun = pool.submit(_looked, json.dumps(self._search), dict(environment))
        self._begun: Future[str] | None = begun
        pool.shutdown(wait=False)

    def __call__(self) -> list[Package]:
        """Waits for it. Raises `UsageError` as `installed_packages` does."""
        begun, self._begun = self._begun, None
        if begun is not None and self._search == sys.path:
            with suppress(OSError, subprocess.SubprocessError, ValueError, TypeError):
                return _read(begun.result())
        return installed()


def _looked(search: str, environment: dict[str, str]) -> str:
    """Raises `OSError`, `SubprocessError`, `UnicodeDecodeError`."""
    return subprocess.run(
        # -I: neither a variable nor the program's folder puts a module before one of ours.
        [sys.executable, "-I", "-m", "pulumi_mandate.gate.packages"],
        env=environment,
        input=search,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    ).stdout


def _read(told: str) -> list[Package]:
    from pulumi_mandate.models import digest
    from pulumi_mandate.plan.toolchain import Package

    return [
        Package(name, version, digest(found), tuple(modules))
        for name, version, found, modules in json.loads(told)
    ]


def main() -> int:
    """0, and a JSON list of `[name, version, digest, modules]`; 1 where there is no answer."""
    from pulumi_mandate.errors import MandateError
    from pulumi_mandate.models import to_hex
    from pulumi_mandate.plan.toolchain import installed_packages

    try:
        found = installed_packages(json.load(sys.stdin))
    except (MandateError, ValueError):
        return 1  # whoever asked looks himself, and says it
    rows = [[one.name, one.version, to_hex(one.digest), one.modules] for one in found]
    json.dump(rows, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
