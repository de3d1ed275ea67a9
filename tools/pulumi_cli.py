"""A Pulumi CLI: the machine's own where it is new enough, else built once from its Go module.

The build is kept in the user's cache folder under a digest of what it was made from, so other
checkouts and later runs find it. The hosts of Python and of compiled Go programs and the
dynamic-provider launcher are ours only where the official ones are missing (ADR 0005).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tools.steps import (
    BIN,
    ROOT,
    Step,
    StepFailed,
    digest_of,
    is_stamped,
    on_path,
    say,
    stamp,
    write_launcher,
)

MODULE = ROOT / "tools" / "pulumi-cli"
OLDEST = (3, 259, 0)
HOST = "pulumi-language-python"
GO_HOST = "pulumi-language-go"
LAUNCHER = "pulumi-resource-pulumi-python"
_STAND_IN = (
    'exec "$root/.toolchain/bin/language-host" "$root/.venv/bin/python"'
    ' "$root/tools/run_program.py" "$@"'
)
LAUNCHERS = {
    HOST: _STAND_IN,
    GO_HOST: _STAND_IN,
    LAUNCHER: 'exec "${PULUMI_PYTHON_CMD:-$root/.venv/bin/python}" -u -m pulumi.dynamic "$@"',
}
SECONDS_BETWEEN_REPORTS = 10


def parse_version(text: str) -> tuple[int, int, int] | None:
    """The number in `v3.259.0` or `v3.260.0-dev.1+abc`, or None where there is none."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def is_supported(version: tuple[int, int, int] | None) -> bool:
    """Whether we work with it: from the version we were built on, within the same major."""
    return version is not None and OLDEST <= version < (OLDEST[0] + 1, 0, 0)


def module_version(go_mod: str) -> str:
    """The CLI's version that a go.mod asks for, with its leading `v`."""
    match = re.search(r"github\.com/pulumi/pulumi/pkg/v3 (v[\d.]+)", go_mod)
    if match is None:
        raise StepFailed("tools/pulumi-cli/go.mod does not name github.com/pulumi/pulumi/pkg/v3")
    return match[1]


def _version_of(cli: Path) -> str | None:
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        return subprocess.run(
            [cli, "version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env=environment,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _own_cli() -> Path | None:
    cli = on_path("pulumi")
    return cli if cli and is_supported(parse_version(_version_of(cli) or "")) else None


def cache_folder() -> Path:
    """Where the build of exactly this module is kept, for this kind of machine."""
    files = [MODULE / "go.mod", MODULE / "go.sum"]
    return cached(f"pulumi-{module_version(files[0].read_text())}", *files)


def cached(name: str, *files: Path) -> Path:
    """The folder for what is built from exactly these files, for this kind of machine."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    digest = digest_of(files, platform.system(), platform.machine())[:16]
    return Path(base, "pulumi-mandate", f"{name}-{digest}")


def _cli_ready() -> str | None:
    if own := _own_cli():
        (BIN / "pulumi").unlink(missing_ok=True)
        return f"pulumi {_version_of(own)} of this machine"
    placed = BIN / "pulumi"
    if placed.is_file() and is_stamped("pulumi", cache_folder().name):
        return f"pulumi {_version_of(placed)}, built from its Go module"
    return None


def _cli_make() -> None:
    folder = cache_folder()
    if not (folder / "pulumi").exists():
        _build(folder)
    place(folder / "pulumi")
    stamp("pulumi", folder.name)


def place(built: Path) -> None:
    """Put a program itself beside the CLI, which warns of hosts that are not its neighbours.

    A symbolic link would not do, the engine looks behind it.
    """
    BIN.mkdir(parents=True, exist_ok=True)
    draft = BIN / f".{built.name}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    try:
        draft.hardlink_to(built)
    except OSError:
        shutil.copy2(built, draft)  # the cache is on another file system
    draft.replace(BIN / built.name)


def _build(folder: Path) -> None:
    go = on_path("go")
    if go is None:
        raise StepFailed(
            f"no Pulumi CLI of version {'.'.join(map(str, OLDEST))} or newer is on PATH, and Go,"
            " which would build one, is not there either. Install the Pulumi CLI (as Pulumi's own"
            " page says) or Go 1.25.11 or newer, and run this again"
        )
    version = module_version((MODULE / "go.mod").read_text())
    say(f"  building pulumi {version}: about 4 minutes on 2 cores, once")
    name = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
    go_build(go, MODULE, "tool", folder / "pulumi", sets=f"{name}={version}", works=_cli_works)


def _cli_works(cli: Path) -> bool:
    return is_supported(parse_version(_version_of(cli) or ""))


def go_build(  # noqa: PLR0913  # what is built, where, and how it is known to be good
    go: Path,
    module: Path,
    target: str,
    output: Path,
    *,
    sets: str = "",
    works: Callable[[Path], bool] = lambda _: True,
) -> None:
    """Build one program of a module into the cache; `sets` is a variable and its value.

    Raises `StepFailed`.
    """
    total = _package_count(go, module, target)
    folder = output.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its place and moved there: a killed build leaves no half of a program.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".build-") as draft:
        built = Path(draft, output.name)
        linked = "-s -w" + (f" -X {sets}" if sets else "")
        flags = ["-mod=readonly", "-trimpath", "-v", "-ldflags", linked]
        _go_with_progress([go, "build", *flags, "-o", built, target], module, total)
        if not works(built):
            raise StepFailed(f"the {output.name} that was built does not run")
        folder.mkdir(exist_ok=True)
        shutil.move(built, output)


def _package_count(go: Path, module: Path, target: str) -> int:
    """How many packages the build has; this also brings the modules' sources."""
    say("  fetching Go modules")
    done = subprocess.run(
        [go, "list", "-mod=readonly", "-deps", target],
        cwd=module,
        capture_output=True,
        text=True,
        check=False,
        env=_go_environment(),
    )
    if done.returncode:
        say(done.stderr[-4000:].strip())
        raise StepFailed(f"the Go modules of {module.name} cannot be had; see above")
    return len(done.stdout.splitlines())


def _go_environment() -> dict[str, str]:
    # cgo would tie the program to this machine's C library, and is not needed.
    return os.environ | {"CGO_ENABLED": "0"}


def _go_with_progress(command: list[str | Path], module: Path, total: int) -> None:
    begun = reported = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=module, stderr=subprocess.PIPE, text=True, env=_go_environment()
    ) as build:
        assert build.stderr is not None
        for line in build.stderr:
            lines.append(line.rstrip())
            if time.monotonic() - reported >= SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                say(f"  {len(lines)} of {total} packages compiled, {reported - begun:.0f} s")
    if build.returncode:
        say("\n".join(lines[-20:]))
        raise StepFailed(f"`go build` ended with {build.returncode}; see above")


def _host_ready() -> str | None:
    own = {name: on_path(name) for name in LAUNCHERS}
    for name, found in own.items():
        if found:
            (BIN / name).unlink(missing_ok=True)
        elif not _is_written(name):
            return None
    official = [name for name, found in own.items() if found]
    return "of this machine" if len(official) == len(own) else "our stand-in (ADR 0005)"


def _is_written(name: str) -> bool:
    path = BIN / name
    return path.is_file() and LAUNCHERS[name] in path.read_text()


def _host_make() -> None:
    for name, body in LAUNCHERS.items():
        if not on_path(name):
            write_launcher(BIN / name, body)


STEPS = (
    Step("Pulumi CLI", _cli_ready, _cli_make),
    Step("launchers of language hosts", _host_ready, _host_make),
)
