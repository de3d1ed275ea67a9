"""How the engine is asked: every source, privately, without the outer run's configuration."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_mandate.errors import EngineError
from pulumi_mandate.gate import preview
from pulumi_mandate.gate.preview import take_preview

ENGINE = """#!{python}
import json, os, stat, sys
from pathlib import Path
calls = Path({calls!r})
arguments = sys.argv[1:]
with calls.open("a") as log:
    names = sorted(name for name in os.environ if name.startswith("PULUMI"))
    log.write(json.dumps([arguments, names]) + "\\n")
if arguments[0] == "preview":
    plan = Path(arguments[arguments.index("--save-plan") + 1])
    mode = stat.S_IMODE(plan.parent.stat().st_mode)
    plan.write_text(json.dumps({{"manifest": {{"version": "v3"}}, "mode": mode}}))
{extra}
print(json.dumps({{"asked": arguments[0]}}))
"""

URN = "urn:pulumi:dev::shop::a:b:C::a"


def engine(tmp_path: Path, extra: str = "") -> dict[str, str]:
    """An environment whose `pulumi` writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    calls = tmp_path / "calls"
    script = folder / "pulumi"
    script.write_text(ENGINE.format(python=sys.executable, calls=str(calls), extra=extra))
    script.chmod(stat.S_IRWXU)
    return {
        "PATH": str(folder),
        "PULUMI_CONFIG": "{}",
        "PULUMI_CONFIG_SECRET_KEYS": "[]",
        "PULUMI_CONFIG_PASSPHRASE": "p",
        "PULUMI_HOME": "h",
        "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "1",
    }


def test_every_source_is_asked_for_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = engine(tmp_path)
    monkeypatch.setenv("PATH", env["PATH"])
    raw = take_preview(tmp_path, "dev", flags=["--parallel=1"], env=env)
    calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]

    asked = [call[0][0] for call in calls]
    assert asked[:2] == ["stack", "preview"]
    assert sorted(asked[2:]) == ["config", "stack"]  # at once
    assert all("--stack=dev" in call[0] and "--show-secrets" in call[0] for call in calls)
    preview = calls[1][0]
    assert {"--json", "--show-sames", "--show-replacement-steps", "--show-reads"} <= set(preview)
    assert "--parallel=1" in preview
    assert {tuple(call[1]) for call in calls} == {("PULUMI_CONFIG_PASSPHRASE", "PULUMI_HOME")}
    assert raw.plan_file["mode"] == 0o700
    assert not Path(preview[preview.index("--save-plan") + 1]).parent.exists()
    assert raw.engine_version == "v3"
    assert "asked" not in repr(raw)


@pytest.mark.parametrize("told", ['{"told": "ahead"}', "nonsense", "[]", None])
def test_a_state_that_was_asked_for_already_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None
) -> None:
    """What came to nothing is asked again here, where it is said why."""
    env = engine(tmp_path)
    monkeypatch.setenv("PATH", env["PATH"])

    def before() -> str:
        if told is None:
            raise EngineError("no answer")
        return told

    raw = take_preview(tmp_path, "dev", env=env, before=before)

    asked = (tmp_path / "calls").read_text().count('"export"')
    good = told is not None and told.startswith("{")
    assert (raw.before, asked) == (({"told": "ahead"}, 1) if good else ({"asked": "stack"}, 2))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('if arguments[0] == "preview":\n    print(json.dumps({"diagnostics": '
         '[{"severity": "error", "message": "no such region"}]})); sys.exit(1)', "no such region"),
        ('print("no stack named dev", file=sys.stderr); sys.exit(255)', "no stack named dev"),
        ("sys.exit(1)", "it gave no reason"),
        ('print("not json"); sys.exit(0)', "did not answer in JSON"),
        ('print("[1]"); sys.exit(0)', "other than a JSON object"),
        ('if arguments[0] == "preview": plan.unlink()', "saved no readable plan file"),
    ],
)  # fmt: skip
def test_what_the_engine_says_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str, message: str
) -> None:
    env = engine(tmp_path, extra)
    monkeypatch.setenv("PATH", env["PATH"])

    with pytest.raises(EngineError, match=message):
        take_preview(tmp_path, "dev", env=env)


def test_what_a_killed_preview_left_is_removed_and_what_a_live_one_holds_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "_MEMORY", tmp_path / "memory")
    (tmp_path / "memory").mkdir()
    hangs = (
        "import os, pathlib, sys, time\n"
        "from pulumi_mandate.gate import preview\n"
        "preview._MEMORY = pathlib.Path(sys.argv[1])\n"
        "with preview._private_folder() as folder:\n"
        "    (folder / 'plan.json').write_text('a secret')\n"
        "    print(folder, flush=True)\n"
        "    time.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", hangs, str(tmp_path / "memory")], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    left = Path(owner.stdout.readline().strip())
    foreign = tmp_path / "memory" / "mandate-of-somebody-else"
    foreign.mkdir()

    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    assert str(owner.pid) in left.name
    preview.remove_left_behind()
    assert (left / "plan.json").exists()
    owner.kill()
    owner.communicate()
    assert (left / "plan.json").exists()

    env = engine(tmp_path)
    monkeypatch.setenv("PATH", env["PATH"])
    take_preview(tmp_path, "dev", env=env)

    assert list((tmp_path / "memory").iterdir()) == [foreign]


def test_no_engine_is_an_error_with_a_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EngineError, match="could not be started") as caught:
        take_preview(tmp_path, "dev", env={"PATH": str(tmp_path)})
    assert caught.value.next_step == "mandate doctor"


@pytest.mark.parametrize(
    ("kind", "flags", "words"),
    [
        ("refresh", (), ["--skip-preview"]),
        ("state", (f"--state=delete {URN}",), ["delete", URN]),
    ],
)
def test_what_writes_the_state_is_asked_of_a_copy_beside_the_backend(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    flags: tuple[str, ...],
    words: list[str],
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    said = """
if arguments[0] == "stack":
    text = "copied" if os.environ.get("PULUMI_BACKEND_URL") else "real"
    print(json.dumps({"deployment": {"says": text, "manifest": {"version": "v3"}}}))
    sys.exit()
if arguments[0] in ("refresh", "state"):
    root = Path(os.environ["PULUMI_BACKEND_URL"].removeprefix("file://"))
    state = json.loads((root / ".pulumi/stacks/shop/dev.json").read_text())
    assert state["checkpoint"]["latest"]["says"] == "real", state
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    print("not json"); sys.exit()
"""
    env = engine(tmp_path, said)
    monkeypatch.setenv("PATH", env["PATH"])

    raw = take_preview(tmp_path, "acme/shop/dev", kind=kind, flags=flags, env=env)

    calls = [json.loads(line)[0] for line in (tmp_path / "calls").read_text().splitlines()]
    asked = [call[0] for call in calls]
    assert asked[:4] == ["stack", "stack", kind, "stack"]
    assert sorted(asked[4:]) == ["config", "stack"]  # at once
    assert "--show-secrets" not in calls[1]  # what lies in the folder stays encrypted
    to_the_copy = ["--yes", "--non-interactive", "--stack=organization/shop/dev"]
    assert calls[2] == [kind, *words, *to_the_copy]
    assert "--stack=acme/shop/dev" in calls[0]
    assert raw.made["deployment"]["says"] == "copied"
    assert raw.before["deployment"]["says"] == raw.after["deployment"]["says"] == "real"
    assert raw.engine_version == "v3"
    assert "copied" not in repr(raw)
