"""Run one Pulumi program in this fresh interpreter; started by `language-host`.

The job (settings, configuration, path) arrives as JSON on standard input.
"""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

ALREADY_SHOWN = 32


def main() -> None:
    job: dict[str, Any] = json.load(sys.stdin)
    # The stand-in's own folder is no place to import a program's modules from.
    sys.path[0] = str(_import_root(job["program"]))
    os.environ.setdefault("PULUMI_PYTHON_CMD", sys.executable)

    import pulumi
    import pulumi.runtime

    pulumi.runtime.set_all_config(job["config"], job["secretKeys"])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=job["monitor"],
            engine=job["engine"],
            project=job["project"],
            stack=job["stack"],
            organization=job["organization"],
            root_directory=job["rootDirectory"],
            dry_run=job["dryRun"],
            parallel=job["parallel"],
        )
    )
    sys.argv = [job["program"], *job["args"]]
    failed = False
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        task = pulumi.runtime.run_in_stack(lambda: _run(job["program"]))
        loop.run_until_complete(task)
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        failed = True
    except Exception:
        pulumi.log.error("Program failed with an unhandled exception:\n" + traceback.format_exc())
        failed = True
    finally:
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    if failed:
        sys.exit(ALREADY_SHOWN)


def _import_root(program: str) -> Path:
    path = Path(program)
    return path if path.is_dir() else path.parent


def _run(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
