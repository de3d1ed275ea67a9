"""Variables that change what an update means refuse or become part of the plan."""

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.environment import NESTED_MARK, bound_environment, check_environment

ORDINARY = {
    "PATH": "/bin", "HOME": "/h", "PULUMI_HOME": "/p", "PULUMI_CONFIG_PASSPHRASE": "x",
    "PULUMI_BACKEND_URL": "file:///s", "AWS_ACCESS_KEY_ID": "a", "PULUMI_SKIP_UPDATE_CHECK": "1",
    "PYTHONPATH": "",
}  # fmt: skip


def test_an_ordinary_environment_passes():
    check_environment(ORDINARY)


@pytest.mark.parametrize(
    "name",
    [
        "PULUMI_DEBUG_PROVIDERS", "PULUMI_SKIP_CHECKPOINTS", "PULUMI_DISABLE_PROVIDER_PREVIEW",
        "PULUMI_ENABLE_LEGACY_DIFF", "PULUMI_OPTION_TARGET", "PULUMI_OPTION_REFRESH",
        "PULUMI_CONTINUE_ON_ERROR", "PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_EXPERIMENTAL",
        "PULUMI_CONFIG", "PULUMI_INVENTED_TOMORROW", "PYTHONPATH", "LD_PRELOAD",
        "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP", NESTED_MARK,
    ],
)  # fmt: skip
def test_a_variable_that_may_change_meaning_refuses(name):
    with pytest.raises(Refused) as refusal:
        check_environment(ORDINARY | {name: "secret-value"})

    assert name in refusal.value.happened
    assert "secret-value" not in refusal.value.diagnostics()


def test_endpoints_and_regions_are_bound_and_credentials_are_not():
    found = bound_environment(
        ORDINARY
        | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:5000", "AWS_REGION": "eu-central-1"}
        | {"AWS_SECRET_ACCESS_KEY": "s"}
    )

    assert found == {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:5000",
        "AWS_REGION": "eu-central-1",
    }
