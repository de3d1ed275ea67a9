"""What proposing and running both look at: project, subject, hooks, environment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pulumi_mandate.errors import Refused, UsageError
from pulumi_mandate.gate import prepare
from pulumi_mandate.gate.engine import Look
from pulumi_mandate.gate.engine_hooks import HOOK_NAMES
from pulumi_mandate.gate.prepare import check_hooks, check_project, subject_of
from pulumi_mandate.gate.where import ProgramAt
from pulumi_mandate.models import Subject
from pulumi_mandate.plan.raw import RawPreview

TRUST = SimpleNamespace(backend_ids={"file:///states/": "demo", "https://api.pulumi.com": "cloud"})


@pytest.fixture
def program(tmp_path):
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    return tmp_path


def told(monkeypatch, url, user="ana"):
    monkeypatch.setattr(prepare, "engine_json", lambda *_: {"user": user, "url": url})


@pytest.mark.parametrize(
    ("stack", "url", "expected"),
    [
        ("dev", "file:///states", Subject("demo", "organization", "shop", "dev")),
        ("acme/shop/dev", "file:///states/", Subject("demo", "acme", "shop", "dev")),
        ("dev", "https://api.pulumi.com", Subject("cloud", "ana", "shop", "dev")),
        ("acme/dev", "https://api.pulumi.com", Subject("cloud", "acme", "shop", "dev")),
    ],
)
def test_a_subject_is_named_by_its_backends_id(monkeypatch, program, stack, url, expected):
    told(monkeypatch, url)

    assert subject_of(ProgramAt(program, stack), TRUST) == expected


def test_the_program_is_digested_for_the_stack_it_is_about(monkeypatch, program):
    monkeypatch.setattr(prepare, "visible_plugins", lambda *_: [])
    look = Look(lambda *_: "v3", list)
    subject = Subject("demo", "acme", "shop", "dev")

    def looked():
        at = ProgramAt(program, "acme/shop/dev")
        return prepare.look_here(at, TRUST, subject=subject, look=look).program.digest

    before = looked()
    (program / "Pulumi.dev.yaml").write_text("config: {}")
    own = looked()
    (program / "Pulumi.other.yaml").write_text("config: {}")

    assert own == before
    assert looked() != before


def test_a_backend_nobody_enrolled_is_no_subject(monkeypatch, program):
    told(monkeypatch, "file:///elsewhere")

    with pytest.raises(UsageError, match="no enrolled id") as error:
        subject_of(ProgramAt(program, "dev"), TRUST)
    assert "file:///elsewhere" in error.value.next_step


@pytest.mark.parametrize("text", ["runtime: python\n", "[]\n", "name: [1]\n"])
def test_a_project_without_a_name_is_unusable(program, text):
    (program / "Pulumi.yaml").write_text(text)

    with pytest.raises(UsageError, match="names no project"):
        check_project(program)


def test_a_folder_without_a_project_is_unusable(tmp_path):
    with pytest.raises(UsageError, match=r"no Pulumi\.yaml"):
        check_project(tmp_path)


def test_a_project_that_refreshes_unasked_is_refused(program):
    check_project(program)
    (program / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\noptions:\n  refresh: always\n"
    )

    with pytest.raises(Refused, match=r"options\.refresh"):
        check_project(program)


def preview(hooks: object, op: str = "create") -> RawPreview:
    state = {"urn": "urn:a", "resourceHooks": hooks}
    return RawPreview({}, {"steps": [{"op": op, "urn": "urn:a", "newState": state}]}, {}, {}, {})


OURS = {f"Before{moment.capitalize()}": [name] for moment, name in HOOK_NAMES.items()}


def test_every_resource_carries_our_hooks_first():
    check_hooks(preview(OURS))
    check_hooks(preview({key: [*names, "theirs"] for key, names in OURS.items()}))
    check_hooks(preview(None, op="read"))
    check_hooks(RawPreview({}, {"steps": [{"op": "delete", "urn": "u"}]}, {}, {}, {}))


@pytest.mark.parametrize(
    "hooks",
    [
        None, {}, {**OURS, "BeforeDelete": []}, {**OURS, "BeforeCreate": ["other"]},
        {key: ["theirs", *names] for key, names in OURS.items()},
    ],
    ids=["none", "empty", "no delete", "another", "not first"],
)  # fmt: skip
@pytest.mark.parametrize("op", ["create", "update", "same", "replace"])
def test_a_resource_without_them_is_refused(hooks, op):
    with pytest.raises(Refused) as refusal:
        check_hooks(preview(hooks, op))
    assert refusal.value.step == 7
    assert "urn:a" in refusal.value.happened
