"""The environment an update may run in: what could run other code refuses, what chooses another
cloud, account, cluster, chain or way there becomes part of the plan.

`PULUMI_DEBUG_PROVIDERS` sends every operation to another process, `PULUMI_OPTION_TARGET` is a flag
in disguise, `LD_PRELOAD` is another program, `AWS_PROFILE` is another account: each of them changes
an approved plan's meaning without changing a byte of it. Of `PULUMI_*`, `PYTHON*`, `LD_*`, `DYLD_*`
and `OPENSSL_*` only listed names pass; the selectors below are bound; every other variable passes.
Credentials are never bound, so neither is the account that they alone lead to, nor the files that
the clouds' own tools read unasked (`~/.aws/config`, `~/.kube/config`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pulumi_mandate.errors import Refused

from .outer import STEP

_HARMLESS = frozenset(
    {
        # where the engine finds itself, its state and its secrets
        "PULUMI_HOME", "PULUMI_ROOT", "PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL",
        "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_STACK",
        "PULUMI_SELF_MANAGED_STATE_NO_LEGACY_WARNING", "PULUMI_SELF_MANAGED_STATE_GZIP",
        # what is printed and fetched
        "PULUMI_SKIP_UPDATE_CHECK", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
        "PULUMI_SUPPRESS_COPILOT_LINK", "PULUMI_NEO", "PULUMI_CI_SYSTEM",
        "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK", "PULUMI_CONSOLE_DOMAIN",
        # set by the Automation API for every engine that it starts, whatever the program is; the
        # second one registers flags such as `--event-log`, which are looked at like any other
        "PULUMI_AUTOMATION_API", "PULUMI_DEBUG_COMMANDS",
        # the same harmless flags as variables
        "PULUMI_OPTION_COLOR", "PULUMI_OPTION_PARALLEL", "PULUMI_OPTION_NON_INTERACTIVE",
        "PULUMI_OPTION_YES", "PULUMI_OPTION_MESSAGE",
        # checked by itself below: it must be this interpreter
        "PULUMI_PYTHON_CMD",
        # told to the program by language hosts
        "PULUMI_LANGUAGE_PYTHON_STAND_IN",
        # what is printed, how fast, and whether bytecode is written
        "PYTHONUNBUFFERED", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING",
        "PYTHONUTF8", "PYTHONWARNINGS", "PYTHONFAULTHANDLER", "PYTHONTRACEMALLOC",
        "PYTHONNOUSERSITE", "PYTHON_COLORS",
        # notes that container images of Python leave; no interpreter reads them
        "PYTHON_VERSION", "PYTHON_SHA256", "PYTHON_PIP_VERSION", "PYTHON_GET_PIP_URL",
        "PYTHON_GET_PIP_SHA256", "PYTHON_SETUPTOOLS_VERSION",
        # what the processor is said to lack
        "OPENSSL_ia32cap",
    }
)  # fmt: skip
_MUST_BE_KNOWN = (
    "PULUMI_", "PYTHON", "LD_", "DYLD_",
    # a library that OpenSSL or the C library loads, a script that a shell runs first
    "OPENSSL_", "GCONV_PATH", "BASH_ENV",
    # a folder of selectors and credentials: it cannot be bound by contents
    "CLOUDSDK_CONFIG",
)  # fmt: skip
"""Prefixes."""

_BOUND_PREFIXES = ("AWS_ENDPOINT_URL", "CLOUDSDK_API_ENDPOINT_OVERRIDES_")
_BOUND = frozenset(
    {
        "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        # which account, by name
        "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN",
        "GOOGLE_CLOUD_PROJECT", "GOOGLE_PROJECT", "GCLOUD_PROJECT", "GOOGLE_REGION", "GOOGLE_ZONE",
        "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", "CLOUDSDK_CORE_PROJECT", "CLOUDSDK_CORE_ACCOUNT",
        "CLOUDSDK_COMPUTE_REGION", "CLOUDSDK_COMPUTE_ZONE", "CLOUDSDK_ACTIVE_CONFIG_NAME",
        "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
        "ARM_SUBSCRIPTION_ID", "ARM_TENANT_ID", "ARM_ENVIRONMENT", "ARM_LOCATION",
        "ARM_METADATA_HOST", "ARM_METADATA_HOSTNAME",
        # which chain, and who pays
        "MANDATE_DEPLOY_CHAIN_ID", "MANDATE_DEPLOY_ADDRESS",
    }
)  # fmt: skip
_PROXIES = frozenset(
    {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "GRPC_PROXY", "NO_GRPC_PROXY"}
)
"""Bound in either spelling: whoever answers instead of the cloud is another cloud."""
_BOUND_FILES = frozenset({"AWS_CONFIG_FILE", "KUBECONFIG"})
"""Bound by their contents: profiles, regions, clusters. A path says nothing on another machine."""

NESTED_MARK = "MANDATE_NESTED_PREVIEW"
"""Set for a preview that the gate starts itself; only silences a message, and only in a dry run."""

UNGOVERNED = "MANDATE_UNSAFE_UNGOVERNED"
"""Set to `yes` for an engine whose stack is not governed: our providers then ask for no mandate and
say so each time. In a governed update it is an error."""


def check_environment(environment: Mapping[str, str], *, step: int = STEP) -> None:
    """Refuse an engine's environment that may run other code than this interpreter's.

    `environment` is the engine's own, as it was started. Raises `Refused`.
    """
    for name in sorted(environment):
        # An empty PYTHONPATH is none; what an empty PULUMI_* means, only Pulumi knows.
        is_set = environment[name] or name.startswith("PULUMI_")
        if name.startswith(_MUST_BE_KNOWN) and is_set and name not in _HARMLESS:
            raise _foreign(name, step)
    if _imports(environment.get("PYTHONWARNINGS", "")):
        raise _foreign("PYTHONWARNINGS", step)
    _check_interpreter(environment, step)
    if environment.get(NESTED_MARK):
        raise Refused(
            step,
            f"`{NESTED_MARK}` is set in a real update",
            meaning="That mark belongs to the gate's own previews; in an update it is an error, "
            "never a way round the check.",
            next_step=f"unset {NESTED_MARK}",
        )
    if environment.get(UNGOVERNED):
        raise Refused(
            step,
            f"`{UNGOVERNED}` is set in a governed update",
            meaning="It is for stacks that are not governed: our providers would ask for nothing.",
            next_step=f"unset {UNGOVERNED}",
        )


def bound_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that change meaning and may: they become part of the plan's toolchain.

    Values are endpoints, regions, names of accounts and `sha256:…` of files, never credentials: an
    address with a user in it raises `Refused`, as does a file that cannot be read.
    """
    found = {}
    for name, value in sorted(environment.items()):
        if name in _BOUND_FILES and value:
            found[name] = _contents(name, value)
        elif _is_bound(name):
            found[name] = _without_user(name, value)
    return {name: value for name, value in found.items() if value}


def is_harmless(name: str) -> bool:
    """Whether the variable changes nothing that a plan means."""
    return name in _HARMLESS


def is_bound_by_value(name: str) -> bool:
    """Whether the variable is a selector, proxies and files excepted."""
    return name in _BOUND or name.startswith(_BOUND_PREFIXES)


def _is_bound(name: str) -> bool:
    return is_bound_by_value(name) or name.upper() in _PROXIES


def _imports(warnings: str) -> bool:
    """Whether a filter names a category of a module: Python imports that before any program, and
    some modules do something when they are imported (`antigravity` runs what `BROWSER` names).
    """
    return any("." in part for one in warnings.split(",") for part in one.split(":")[2:3])


def _check_interpreter(environment: Mapping[str, str], step: int) -> None:
    """Programs and dynamic providers run on the interpreter whose packages are hashed."""
    command = environment.get("PULUMI_PYTHON_CMD")
    if command:
        found = shutil.which(command, path=environment.get("PATH", os.defpath))
        if found is None or not _is_our_interpreter(Path(found)):
            raise _foreign("PULUMI_PYTHON_CMD", step)
    root = environment.get("VIRTUAL_ENV")
    if root and not is_our_prefix(Path(root)):
        raise _foreign("VIRTUAL_ENV", step)


def is_our_prefix(folder: Path) -> bool:
    """Whether a folder is the environment that this interpreter belongs to."""
    return folder.resolve() == Path(sys.prefix).resolve()


def _is_our_interpreter(path: Path) -> bool:
    ours = Path(sys.executable)
    # Another environment's link leads to the same file, with other packages: the folders, as they
    # are written, decide which `pyvenv.cfg` is read.
    return path.is_absolute() and all(
        theirs.resolve() == own.resolve()
        for theirs, own in zip(
            (path, path.parent, path.parent.parent),
            (ours, ours.parent, ours.parent.parent),
            strict=True,
        )
    )


def _contents(name: str, value: str) -> str:
    """Digests of the files of a variable, a list of paths; empty where none of them exists."""
    digests = []
    for part in value.split(os.pathsep):
        try:
            content = Path(part).expanduser().read_bytes() if part else b""
        except FileNotFoundError:
            continue
        except OSError:
            raise _unreadable(name) from None
        if content:
            digests.append("sha256:" + hashlib.sha256(content).hexdigest())
    return ",".join(digests)


def _without_user(name: str, value: str) -> str:
    """The value, if it holds no credentials. `user:password@host` needs no scheme in a proxy."""
    try:
        parts = urlsplit(value if "://" in value else "//" + value)
        secret = "@" in parts.netloc or bool(parts.query)
    except ValueError:
        secret = True
    if secret and (name.upper() in _PROXIES or "://" in value):
        raise Refused(
            STEP,
            f"`{name}` holds credentials, or is no address",
            field="environment",
            expected="an address without a user",
            found=f"{name} with one",
            meaning="It would become part of the plan, which everybody may read.",
            next_step=f"set {name} without user and password",
        )
    return value


def _unreadable(name: str) -> Refused:
    return Refused(
        STEP,
        f"the file that `{name}` names cannot be read",
        field="environment",
        expected="a file that can be read, or none",
        found=f"{name} is set",
        next_step=f"correct or unset {name}",
    )


def _foreign(name: str, step: int) -> Refused:
    return Refused(
        step,
        f"the environment variable `{name}` may change what the update does",
        field="environment",
        expected=_EXPECTED.get(name, f"no {name}"),
        found=f"{name} is set",
        meaning="The gate only knows what a plan means in an environment it knows.",
        next_step=f"unset {name}, then run the same command again",
    )


_EXPECTED = {
    "PULUMI_PYTHON_CMD": "the interpreter that runs the program",
    "PYTHONWARNINGS": "categories without a module",
    "VIRTUAL_ENV": "the environment that runs the program",
}
