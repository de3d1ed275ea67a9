"""The environment an update may run in: known variables pass, meaningful ones are bound, others
refuse.

`PULUMI_DEBUG_PROVIDERS` sends every operation to another process, `PULUMI_OPTION_TARGET` is a flag
in disguise, `AWS_ENDPOINT_URL` is another cloud: each of them changes an approved plan's meaning
without changing a byte of it.
"""

from __future__ import annotations

from collections.abc import Mapping

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
        # the same harmless flags as variables
        "PULUMI_OPTION_COLOR", "PULUMI_OPTION_PARALLEL", "PULUMI_OPTION_NON_INTERACTIVE",
        "PULUMI_OPTION_YES", "PULUMI_OPTION_MESSAGE", "PULUMI_PYTHON_CMD",
        # told to the program by language hosts
        "PULUMI_LANGUAGE_PYTHON_STAND_IN",
    }
)  # fmt: skip

_BOUND_PREFIXES = ("AWS_ENDPOINT_URL",)
_BOUND = frozenset(
    {
        "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    }
)  # fmt: skip

NESTED_MARK = "MANDATE_NESTED_PREVIEW"
"""Set for a preview that the gate starts itself; only silences a message, and only in a dry run."""

_OTHER_CODE = frozenset(
    {
        "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONINSPECT", "PYTHONPYCACHEPREFIX",
        "LD_PRELOAD", "LD_AUDIT",
    }
)  # fmt: skip
"""Each of them runs code that no digest of the plan covers."""


def check_environment(environment: Mapping[str, str], *, step: int = STEP) -> None:
    """Refuse an engine's environment that holds a variable whose meaning the gate does not know.

    `environment` is the engine's own, as it was started. Raises `Refused`.
    """
    for name in sorted(environment):
        if name.startswith("PULUMI_") and name not in _HARMLESS:
            raise _foreign(name, step)
        if name in _OTHER_CODE and environment[name]:
            raise _foreign(name, step)
    if environment.get(NESTED_MARK):
        raise Refused(
            step,
            f"`{NESTED_MARK}` is set in a real update",
            meaning="That mark belongs to the gate's own previews; in an update it is an error, "
            "never a way round the check.",
            next_step=f"unset {NESTED_MARK}",
        )


def bound_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that change meaning and may: they become part of the plan's toolchain.

    Values are endpoints and regions, never credentials.
    """
    return {
        name: value
        for name, value in sorted(environment.items())
        if name in _BOUND or name.startswith(_BOUND_PREFIXES)
    }


def _foreign(name: str, step: int) -> Refused:
    return Refused(
        step,
        f"the environment variable `{name}` may change what the update does",
        field="environment",
        expected=f"no {name}",
        found=f"{name} is set",
        meaning="The gate only knows what a plan means in an environment it knows.",
        next_step=f"unset {name}, then run the same command again",
    )
