"""Compliance, in Rego: the language of Open Policy Agent.

Settings: `policy` (the text of a module `package mandate`), `data` (a table it finds as
`data.table`). Its input is the plan. `deny` and `warn` are sets of messages, or of `{"urn",
"message"}`. The policy is part of the rules file, so its digest is on chain.

Evaluated by the `opa` on this machine's PATH, without any function whose answer changes from call
to call (network, clock, chance, environment). See docs/adr/0013-rego-is-evaluated-by-opa.md.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi_mandate.errors import UsageError

from ..validator import Finding, Report
from ._reading import only, table, text

_SETS = ("deny", "warn")


class Rego:
    """`rego` in the rules."""

    id = "rego"
    version = "1"

    def validate(self, plan: Mapping[str, Any], settings: Mapping[str, Any]) -> Report:
        only(settings, "policy", "data")
        policy, looked_up = text(settings, "policy"), table(settings, "data")
        with tempfile.TemporaryDirectory(prefix="mandate-rego-") as folder:
            found = _evaluate(Path(folder), policy, looked_up, plan)
        if "deny" not in found:
            raise UsageError("the policy has no set `deny` in `package mandate`")
        deny, warn = (list(_findings(found.get(name, []), name)) for name in _SETS)
        return Report.of(fail=deny, warn=warn)


def _evaluate(
    folder: Path, policy: str, looked_up: Mapping[str, Any], plan: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What `package mandate` says. Raises `UsageError` where it says nothing."""
    files = {
        "policy.rego": policy,
        "data.json": json.dumps({"table": dict(looked_up)}),
        "capabilities.json": json.dumps(_capabilities()),
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    answer = _opa(
        "eval",
        "--format=json",
        "--stdin-input",
        f"--capabilities={folder / 'capabilities.json'}",
        f"--data={folder / 'policy.rego'}",
        f"--data={folder / 'data.json'}",
        "data.mandate",
        given=json.dumps(dict(plan)),
    )
    try:
        found = answer["result"][0]["expressions"][0]["value"]
    except (LookupError, TypeError):
        found = None
    if not isinstance(found, dict):
        raise UsageError("the policy says nothing: it is not `package mandate`")
    return found


def _capabilities() -> dict[str, Any]:
    """All of this opa's but the functions that answer differently from call to call."""
    known = _opa("capabilities", "--current")
    kept = [each for each in known.get("builtins", []) if not each.get("nondeterministic")]
    return {**known, "builtins": kept, "allow_net": []}


def _opa(*arguments: str, given: str = "") -> dict[str, Any]:
    try:
        done = subprocess.run(
            ["opa", *arguments], input=given, capture_output=True, text=True, check=False
        )
    except OSError:
        raise UsageError("there is no `opa` on this machine's PATH") from None
    try:
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UsageError("opa cannot evaluate the policy")
    return answer


def _findings(values: Any, name: str) -> Iterator[Finding]:
    if not isinstance(values, list):
        raise UsageError(f"the policy's `{name}` is no set")
    for value in values:
        if isinstance(value, str):
            yield Finding("", value)
        elif isinstance(value, dict) and set(value) == {"urn", "message"}:
            yield Finding(str(value["urn"]), str(value["message"]))
        else:
            raise UsageError(f"the policy's `{name}` holds something that is no finding")
