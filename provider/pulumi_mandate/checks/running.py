"""Run the validators that the rules name, each in a process of its own, and fail closed.

No answer in time, a crash, or an answer of another form is a failure of the check, never a pass.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any

import orjson

from pulumi_mandate.errors import InvalidDocument, UsageError
from pulumi_mandate.plan.assessment import is_text, require_checks

from .judgement import settings_digest
from .rules import Rules
from .tables import ValidatorChoice

WORKER = (sys.executable, "-I", "-m", "pulumi_mandate.checks.worker")
"""Isolated: neither the program's folder nor PYTHONPATH decides which code answers."""
LARGEST_ANSWER = 1 << 20
"""Bytes."""
NO_VERSION = "none"
_PARTS = ("kind", "subject", "program", "toolchain", "config", "operations", "unknowns", "source")
_KEPT = ("PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")
_KEPT_FOR = {"cost": "AWS_"}
"""The price list needs to be reached; nobody else gets a credential, nobody a key of ours."""

Check = dict[str, Any]


def run_validators(
    rules: Rules,
    content: Mapping[str, Any],
    overrides: Mapping[str, str] | None = None,
    *,
    again: bool = False,
) -> list[Check]:
    """The `checks` part of a plan.

    `overrides` are the reasons why voters should accept a failure, by validator. Raises
    `UsageError` for an override that may not be, or has nothing to override. With `again` the
    checks are to be compared with approved ones: what could have been overridden counts as that.
    """
    wanted = dict(overrides or {})
    if not rules.validators:
        _refuse_rest(wanted)
        return []
    with ThreadPoolExecutor(len(rules.validators)) as pool:
        checks = list(pool.map(lambda choice: ask_validator(choice, content), rules.validators))
    made = [
        _again(choice, check) if again else _override(choice, check, wanted.pop(choice.id, None))
        for choice, check in zip(rules.validators, checks, strict=True)
    ]
    _refuse_rest(wanted)
    return made


def ask_validator(choice: ValidatorChoice, content: Mapping[str, Any]) -> Check:
    """One entry of `checks`: what a validator says of a plan. Whatever it does but answer is a
    failure."""
    plan = {part: content[part] for part in _PARTS}
    urns = frozenset(operation["urn"] for operation in content["operations"])
    request = {"id": choice.id, "settings": dict(choice.settings), "plan": plan}
    environment = dict(_environment(choice.id))
    answer = _ask(json.dumps(request).encode(), environment, choice.timeout)
    if isinstance(answer, str):
        return _failed(choice, answer)
    if "error" in answer:
        error = answer["error"]
        return _failed(choice, error if is_text(error) else "the validator's error is no text")
    check = {**_failed(choice, ""), **answer}
    try:
        require_checks([check], urns)
    except InvalidDocument as invalid:
        return _failed(choice, f"the validator's answer cannot be used: {invalid.happened}")
    if check["verdict"] == "overridden" or check.keys() != _failed(choice, "").keys():
        return _failed(choice, "the validator's answer cannot be used: it says too much")
    return check


def _failed(choice: ValidatorChoice, why: str) -> Check:
    return {
        "id": choice.id,
        "version": NO_VERSION,
        "digest": settings_digest(choice),
        "mandatory": choice.mandatory,
        "verdict": "fail",
        "findings": [{"urn": "", "message": why}],
        "measures": {},
        "override": None,
    }


def _again(choice: ValidatorChoice, check: Check) -> Check:
    if choice.overridable and choice.mandatory and check["verdict"] == "fail":
        return {**check, "verdict": "overridden", "override": "made again, to be compared"}
    return check


def _override(choice: ValidatorChoice, check: Check, reason: str | None) -> Check:
    if reason is None:
        return check
    if not choice.overridable:
        raise UsageError(
            f"the check {choice.id} cannot be overridden",
            meaning="The subject's rules do not say `overridable = true` for it.",
        )
    if check["verdict"] != "fail" or not choice.mandatory:
        raise UsageError(f"the check {choice.id} stops nothing, so there is nothing to override")
    if not is_text(reason):
        raise UsageError("the reason for an override is one line of at most 500 characters")
    return {**check, "verdict": "overridden", "override": reason}


def _refuse_rest(overrides: Mapping[str, str]) -> None:
    for name in overrides:
        raise UsageError(f"the subject's rules name no check {name} that could be overridden")


def _ask(request: bytes, environment: dict[str, str], timeout: int) -> dict[str, Any] | str:
    """The worker's answer, or why there is none."""
    with tempfile.TemporaryFile() as file:
        file.write(request)
        file.seek(0)
        process = subprocess.Popen(
            WORKER,
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # whatever it starts ends with it
        )
    assert process.stdout is not None  # noqa: S101  # a pipe was asked for
    read: list[bytes] = []
    reader = threading.Thread(target=_read, args=(process.stdout, read), daemon=True)
    reader.start()
    reader.join(timeout)
    answered = not reader.is_alive()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    reader.join(1)  # one that left the session may keep the pipe: nobody waits for it
    if not answered:
        return f"the validator did not answer within {timeout} seconds"
    data = b"".join(read)
    if not data or len(data) > LARGEST_ANSWER:
        return "the validator gave no answer, or one without end"
    try:
        answer = orjson.loads(data)  # bounded in depth, and without NaN
    except orjson.JSONDecodeError:
        return "the validator's answer is no JSON"
    return answer if isinstance(answer, dict) else "the validator's answer is no object"


def _read(stream: IO[bytes], into: list[bytes]) -> None:
    with suppress(OSError, ValueError), stream:
        into.append(stream.read(LARGEST_ANSWER + 1))


def _environment(validator: str) -> Iterator[tuple[str, str]]:
    family = _KEPT_FOR.get(validator)
    for name, value in os.environ.items():
        if name in _KEPT or (family is not None and name.startswith(family)):
            yield name, value
