"""What is built with Go beside the CLI: the language hosts, and the compiled program of the tests.

`pulumi-language-yaml` is the real one, from its Go module, with the modules that the CLI was built
from. The host of Python and of compiled programs is our stand-in (ADR 0005), and is built only
where an official one is missing. The compiled program is written in Go with Pulumi's own Go SDK;
only the tests need it.
"""

from __future__ import annotations

from pathlib import Path

from tools.pulumi_cli import GO_HOST, HOST, cached, go_build, place
from tools.steps import BIN, ROOT, TOOLCHAIN, Step, StepFailed, is_stamped, on_path, say, stamp

MODULE = ROOT / "tools" / "pulumi-languages"
YAML_HOST = "pulumi-language-yaml"
SOURCE = ROOT / "tests" / "engine" / "compiled" / "main.go"
PROGRAM = TOOLCHAIN / "compiled" / "program"
STAND_IN = "language-host"


def _module_files() -> tuple[Path, Path]:
    return MODULE / "go.mod", MODULE / "go.sum"


def _go(what: str) -> Path:
    go = on_path("go")
    if go is None:
        raise StepFailed(f"{what} is built with Go 1.25.11 or newer, which is not on PATH")
    return go


def _yaml_folder() -> Path:
    return cached(YAML_HOST, *_module_files())


def _yaml_ready() -> str | None:
    if on_path(YAML_HOST):
        (BIN / YAML_HOST).unlink(missing_ok=True)
        return "of this machine"
    if (BIN / YAML_HOST).is_file() and is_stamped(YAML_HOST, _yaml_folder().name):
        return "built from its Go module"
    return None


def _yaml_make() -> None:
    built = _yaml_folder() / YAML_HOST
    if not built.exists():
        say(f"  building {YAML_HOST}: half a minute after the CLI, once")
        go_build(_go(f"{YAML_HOST}, which is not on PATH,"), MODULE, "tool", built)
    place(built)
    stamp(YAML_HOST, built.parent.name)


def _stand_in_folder() -> Path:
    return cached(STAND_IN, MODULE / STAND_IN / "main.go", *_module_files())


def _stand_in_ready() -> str | None:
    if on_path(HOST) and on_path(GO_HOST):
        (BIN / STAND_IN).unlink(missing_ok=True)
        return "not needed: this machine has the official hosts"
    if (BIN / STAND_IN).is_file() and is_stamped(STAND_IN, _stand_in_folder().name):
        return "built (ADR 0005)"
    return None


def _stand_in_make() -> None:
    built = _stand_in_folder() / STAND_IN
    if not built.exists():
        go_build(_go(f"the stand-in for {HOST} and {GO_HOST}"), MODULE, f"./{STAND_IN}", built)
    place(built)
    stamp(STAND_IN, built.parent.name)


def _program_folder() -> Path:
    return cached("compiled-program", SOURCE, *_module_files())


def _program_ready() -> str | None:
    if PROGRAM.is_file() and is_stamped("compiled-program", _program_folder().name):
        return "built with Pulumi's Go SDK"
    return None


def _program_make() -> None:
    built = _program_folder() / PROGRAM.name
    if not built.exists():
        go_build(_go("the tests' compiled program"), MODULE, str(SOURCE), built)
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    draft = PROGRAM.with_name(".program")
    draft.unlink(missing_ok=True)
    draft.symlink_to(built)
    draft.replace(PROGRAM)
    stamp("compiled-program", built.parent.name)


STEPS = (
    Step("Python and Go language host", _stand_in_ready, _stand_in_make),
    Step("YAML language host", _yaml_ready, _yaml_make),
)
TEST_STEPS = (Step("compiled program", _program_ready, _program_make),)
