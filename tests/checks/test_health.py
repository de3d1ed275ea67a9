"""What is asked after a run: until it is healthy or its time is over, and no answer is a no."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pulumi_mandate.checks import Rules, running
from pulumi_mandate.checks.health import PAUSE_SECONDS, sentence, unhealthy
from pulumi_mandate.errors import UsageError
from pulumi_mandate.models import Subject
from tests.gate.cases import SUBJECT, document, operation

PLAN = document(operation("a")).content
RULE = {"id": "any", "reason": "a test", "tier": "medium"}


def rules(*health: dict[str, Any]) -> Rules:
    return Rules.of({"version": 1, "rule": [RULE], "health": list(health)})


class Thing:
    """Answers as it was told, and keeps the time while somebody waits for it."""

    def __init__(self, *answers: str, findings: int = 1) -> None:
        self.answers, self.findings, self.now = list(answers), findings, 0.0
        self.asked: list[Any] = []

    def ask(self, choice: Any, plan: Any) -> dict[str, Any]:
        self.asked.append(choice)
        verdict = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        found = [{"urn": "", "message": f"bad {n}"} for n in range(self.findings)]
        return {"verdict": verdict, "findings": found if verdict != "pass" else []}

    def judge(self, *health: dict[str, Any]) -> list[str]:
        def pause(seconds: float) -> None:
            self.now += seconds

        return unhealthy(rules(*health), PLAN, ask=self.ask, clock=lambda: self.now, pause=pause)


def test_without_a_health_check_nobody_is_asked() -> None:
    thing = Thing("fail")

    assert thing.judge() == []
    assert thing.asked == []


@pytest.mark.parametrize("verdict", ["pass", "warn"])
def test_a_healthy_thing_is_asked_once(verdict: str) -> None:
    thing = Thing(verdict)

    assert thing.judge({"id": "front", "check": "http", "timeout": 7}) == []
    assert [(one.id, one.timeout) for one in thing.asked] == [("http", 7)]


def test_a_thing_may_need_a_while() -> None:
    thing = Thing("fail", "fail", "pass")

    assert thing.judge({"id": "slo", "within": 10}) == []
    assert thing.now == 2 * PAUSE_SECONDS


@pytest.mark.parametrize(("within", "asked"), [(0, 1), (1, 1), (5, 3), (4, 3)])
def test_its_time_is_over(within: int, asked: int) -> None:
    thing = Thing("fail")

    assert thing.judge({"id": "slo", "within": within}) == ["not healthy: slo: bad 0"]
    assert len(thing.asked) == asked


def test_a_long_list_is_cut() -> None:
    assert Thing("fail", findings=5).judge({"id": "slo", "within": 0}) == [
        "not healthy: slo: bad 0", "not healthy: slo: bad 1", "not healthy: slo: bad 2",
        "not healthy: slo: and 2 more findings",
    ]  # fmt: skip
    assert len(Thing("fail", findings=3).judge({"id": "slo", "within": 0})) == 3


def test_every_check_is_asked_and_each_says_what_is_wrong() -> None:
    said = Thing("fail").judge({"id": "b", "within": 0}, {"id": "a", "within": 0})

    assert said == ["not healthy: a: bad 0", "not healthy: b: bad 0"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise SystemExit", "no answer"),
        ("import time; time.sleep(60)", "did not answer within 1 seconds"),
        ("print('[]')", "no object"),
        ('print(\'{"verdict": "pass"}\')', "cannot be used"),
    ],
)
def test_whatever_a_check_does_but_answer_is_not_healthy(
    code: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "WORKER", (sys.executable, "-I", "-c", code))

    (said,) = unhealthy(rules({"id": "front", "within": 0, "timeout": 1}), PLAN)

    assert said.startswith("not healthy: front: ")
    assert why in said


def test_a_check_that_nobody_installed_is_not_healthy() -> None:
    (said,) = unhealthy(rules({"id": "front", "check": "unheard-of", "within": 0}), PLAN)

    assert said == "not healthy: front: no installed packages offer a validator unheard-of"


def test_a_table_is_read() -> None:
    settings = {"url": "https://shop.example"}
    found = rules({"id": "front", "check": "http", "within": 0, "settings": settings}, {"id": "a"})
    other, one = found.health

    assert (one.asked.id, one.asked.settings, one.within, one.timeout) == ("http", settings, 0, 10)
    assert (other.check, other.within) == ("a", 60)
    assert sentence(one) == "front (http), within 0 s after the run"
    assert sentence(other) == "a, within 60 s after the run"
    assert found.digest != rules({"id": "a"}).digest


def test_a_check_is_for_the_subjects_that_it_names() -> None:
    found = rules({"id": "here", "subjects": [str(SUBJECT)]}, {"id": "all"})

    def asked(subject: Subject) -> list[str]:
        return [choice.id for choice in found.about(subject).health]

    assert asked(SUBJECT) == ["all", "here"]
    assert asked(Subject("backend", "acme", "shop", "dev")) == ["all"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"id": "Front"}, "small letters"), ({"check": "a b"}, "health front: check"),
        ({"check": 1}, "health front: check"),
        ({"within": 601}, "within is 0 to 600"), ({"within": -1}, "within is 0 to 600"),
        ({"within": True}, "within"), ({"within": 1.5}, "within"),
        ({"timeout": 0}, "timeout is 1 to 60"), ({"settings": []}, "settings is a table"),
        ({"subjects": []}, "empty"), ({"mandatory": False}, "not known"),
        ({"retries": 3}, "not known"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_health_check(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        rules({"id": "front"} | changes)


def test_one_name_is_one_thing() -> None:
    with pytest.raises(UsageError, match="two health checks"):
        rules({"id": "a"}, {"id": "a", "check": "http"})
