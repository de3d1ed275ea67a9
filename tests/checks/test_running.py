"""A validator that does anything but answer has failed, and whoever runs it goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_mandate.checks import Rules, running
from pulumi_mandate.checks.judgement import misjudged, require_passed
from pulumi_mandate.checks.running import run_validators
from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.plan.assessment import require_checks
from tests.gate.cases import SUBJECT, document, operation, urn

PLAN = document(operation("a"))
RULE = {"id": "any", "reason": "a test", "tier": "medium"}

HOSTILE = """
import os, subprocess, sys, time
from pulumi_mandate.checks.validator import Finding, Report, Verdict

class Base:
    version = "1"
    def __init__(self): self.id = type(self).__name__.lower()

class Good(Base):
    def validate(self, plan, settings):
        print("chatter that is no answer"); os.write(1, b"{}")
        return Report.of(warn=[Finding(op["urn"], settings["say"]) for op in plan["operations"]],
                         measures={"seen": len(plan["operations"])})

class Raises(Base):
    def validate(self, plan, settings): raise RuntimeError("the password is hunter2")

class Hangs(Base):
    def validate(self, plan, settings): time.sleep(600)

class Leaves(Base):
    def validate(self, plan, settings): os._exit(0)

class Floods(Base):
    def validate(self, plan, settings):
        return Report.of(warn=[Finding("", f"{n}") for n in range(1001)])

class Endless(Base):
    def validate(self, plan, settings):
        for fd in range(3, 20):
            try:
                while True: os.write(fd, b"x" * 65536)
            except OSError: pass

class Escapes(Base):
    def validate(self, plan, settings):
        return Report.of(warn=[Finding("", "\\x1b[2J\\x1b[32mall is well")])

class Newlines(Base):
    def validate(self, plan, settings): return Report.of(warn=[Finding("", "a\\nb")])

class Stranger(Base):
    def validate(self, plan, settings): return Report.of(warn=[Finding("urn:x", "m")])

class Rubbish(Base):
    def validate(self, plan, settings): return "pass"

class Deep(Base):
    def validate(self, plan, settings):
        for fd in range(3, 20):
            try: os.write(fd, b"[" * 1000000)
            except OSError: pass
        os._exit(0)

class Nothing(Base):
    def validate(self, plan, settings): return None

class Overrides(Base):
    def validate(self, plan, settings):
        report = Report.of(fail=[Finding("", "bad")])
        return Report("overridden", report.findings)

class Silent(Base):
    def validate(self, plan, settings): return Report(Verdict.FAIL)

class Numbers(Base):
    def validate(self, plan, settings): return Report.of(measures={"usd": float("nan")})

class Versionless(Base):
    version = "approved by everybody"
    def validate(self, plan, settings): return Report.of()

class Misnamed(Base):
    def __init__(self): self.id = "cost"
    def validate(self, plan, settings): return Report.of()

class Unmakeable(Base):
    def __init__(self): raise SystemExit("no")

class Orphans(Base):
    def validate(self, plan, settings):
        for fd in range(3, 20):
            try: os.set_inheritable(fd, True)
            except OSError: pass
        subprocess.Popen(["sleep", "8"], close_fds=False, start_new_session=True)
        time.sleep(600)

class Looks(Base):
    def validate(self, plan, settings):
        return Report.of(warn=[Finding("", ",".join(sorted(os.environ)))])
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rules]:
    """Rules that name validators of an installed package, which is made here."""
    (tmp_path / "hostile.py").write_text(HOSTILE)
    metadata = tmp_path / "hostile-1.dist-info"
    metadata.mkdir()
    names = [line.split()[1].split("(")[0] for line in HOSTILE.splitlines() if "(Base)" in line]
    lines = [f"{name.lower()} = hostile:{name}" for name in names]
    lines += ["quota = hostile:Good", "gone = nowhere:Nothing"]
    group = "[pulumi_mandate.validators]\n" + "\n".join(lines)
    (metadata / "entry_points.txt").write_text(group)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1\n")
    start = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
        "from pulumi_mandate.checks.worker import main; main()"
    )
    monkeypatch.setattr(running, "WORKER", (sys.executable, "-I", "-c", start))

    def make(*names: str, **changes: Any) -> Rules:
        choices = [{"id": name, "timeout": 5} | changes for name in names]
        content = {"version": 1, "rule": [RULE], "validator": choices}
        return Rules.of(content).about(SUBJECT)

    return make


def test_an_answer_is_a_check_whatever_else_it_prints(rules: Callable[..., Rules]) -> None:
    (check,) = run_validators(rules("good", settings={"say": "hello"}), PLAN.content)

    assert check["verdict"] == "warn"
    assert check["findings"] == [{"urn": urn("a"), "message": "hello"}]
    assert check["measures"] == {"seen": 1}
    assert check["version"] == "1"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("raises", "the validator ended with RuntimeError"),
        ("leaves", "no answer"),
        ("floods", "too many"),
        ("endless", "without end"),
        ("escapes", "not one line"),
        ("newlines", "not one line"),
        ("stranger", "about nothing in the plan"),
        ("rubbish", "ended with AttributeError"),
        ("nothing", "ended with AttributeError"),
        ("deep", "no JSON"),
        ("overrides", "says too much|without a reason"),
        ("silent", "without saying why"),
        ("numbers", "not numbers|no JSON|canonical|measures"),
        ("versionless", "version"),
        ("misnamed", "another id"),
        ("unmakeable", "no answer"),
        ("absent", "no installed packages offer"),
        ("gone", "ModuleNotFoundError"),
        ("quota", "another package offers a validator by our name"),
    ],
)
def test_everything_else_is_a_failure(rules: Callable[..., Rules], name: str, why: str) -> None:
    (check,) = run_validators(rules(name), PLAN.content)

    assert check["verdict"] == "fail"
    (finding,) = check["findings"]
    assert any(part in finding["message"] for part in why.split("|"))
    assert "hunter2" not in str(check)
    require_checks([check], frozenset({urn("a")}))
    with pytest.raises(Refused, match=f"the check {name} failed"):
        require_passed([check])


@pytest.mark.parametrize("name", ["hangs", "orphans"])
def test_who_does_not_answer_is_ended(rules: Callable[..., Rules], name: str) -> None:
    begun = time.monotonic()
    (check,) = run_validators(rules(name, timeout=1), PLAN.content)

    assert check["findings"][0]["message"] == "the validator did not answer within 1 seconds"
    assert time.monotonic() - begun < 20


def test_a_validator_sees_no_passphrase_and_no_credential(
    rules: Callable[..., Rules], monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = {"PULUMI_CONFIG_PASSPHRASE", "MANDATE_TRUST", "AWS_SECRET_ACCESS_KEY", "TOKEN"}
    for name in hidden:
        monkeypatch.setenv(name, "x")

    (check,) = run_validators(rules("looks"), PLAN.content)

    assert check["verdict"] == "warn"
    assert not set(check["findings"][0]["message"].split(",")) & hidden


def test_an_override_is_told_and_only_where_the_rules_allow_it(
    rules: Callable[..., Rules],
) -> None:
    allowed = rules("raises", overridable=True)
    (check,) = run_validators(allowed, PLAN.content, {"raises": "the sale begins tomorrow"})

    assert check["verdict"] == "overridden"
    assert check["override"] == "the sale begins tomorrow"
    assert check["findings"]
    parts = {"checks": [check], "source": None, "operations": PLAN.operations}
    stated = allowed.state(parts)
    assert stated["tier"]["rule"] in ("overridden-check", PLAN.operations[0]["rule"])
    assert stated["tier"]["tier"] == 3
    require_passed([check])
    for found, reasons in (
        (rules("raises"), {"raises": "please"}),
        (rules("raises", overridable=True), {"other": "please"}),
        (rules("raises", overridable=True), {"raises": "two\nlines"}),
        (rules("raises", overridable=True, mandatory=False), {"raises": "please"}),
        (rules("good", overridable=True, settings={"say": "x"}), {"good": "please"}),
        (rules(), {"raises": "please"}),
    ):
        with pytest.raises(UsageError):
            run_validators(found, PLAN.content, reasons)


def test_made_again_what_was_overridden_can_be_compared(rules: Callable[..., Rules]) -> None:
    (check,) = run_validators(rules("raises", overridable=True), PLAN.content, again=True)
    (strict,) = run_validators(rules("raises"), PLAN.content, again=True)

    assert (check["verdict"], strict["verdict"]) == ("overridden", "fail")


def test_what_is_not_mandatory_stops_nothing_and_is_shown(rules: Callable[..., Rules]) -> None:
    found = rules("raises", mandatory=False)
    (check,) = run_validators(found, PLAN.content)

    assert check["verdict"] == "fail"
    require_passed([check])
    content = {**PLAN.content, "checks": [check]}
    assert "check" not in misjudged(found, content)
