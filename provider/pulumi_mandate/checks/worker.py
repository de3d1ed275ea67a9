"""One validator in a process of its own: asked on standard input, answers on standard output.

Started by `running` as `python -I -m pulumi_mandate.checks.worker`. Exit code 0 with one JSON
object: `{version, verdict, findings, measures}`, or `{error}` with one line that says why there is
none.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pulumi_mandate.errors import UsageError

from .validator import BUILT_IN, GROUP, Report, Validator


def find_validator(name: str) -> Validator:
    """The one validator of this id. Raises `UsageError` where there is none, or more than one."""
    found: list[EntryPoint] = list(entry_points(group=GROUP, name=name))
    if name in BUILT_IN:
        if found:
            raise UsageError(f"another package offers a validator by our name {name}")
        module, _, attribute = BUILT_IN[name].partition(":")
        made: Validator = getattr(import_module(module), attribute)()
    elif len(found) == 1:
        made = found[0].load()()
    else:
        raise UsageError(f"{len(found) or 'no'} installed packages offer a validator {name}")
    if made.id != name:
        raise UsageError(f"the validator {name} gives itself another id")
    return made


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run the validator. What it raises becomes one line that quotes nothing of it."""
    try:
        validator = find_validator(request["id"])
        report: Report = validator.validate(request["plan"], request["settings"])
        findings = sorted({(finding.urn, finding.message) for finding in report.findings})
        return {
            "version": validator.version,
            "verdict": str(report.verdict),
            "findings": [{"urn": urn, "message": message} for urn, message in findings],
            "measures": dict(report.measures),
        }
    except UsageError as error:
        return {"error": error.happened}
    except Exception as error:  # a foreign exception's text may hold anything
        return {"error": f"the validator ended with {type(error).__name__}"}


def main() -> None:
    """The answer goes to the real standard output; what a validator prints goes nowhere."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.load(sys.stdin)
    channel.write(json.dumps(answer(request)))
    channel.flush()
    os._exit(0)  # a thread that the validator left behind keeps nobody waiting


if __name__ == "__main__":
    main()
