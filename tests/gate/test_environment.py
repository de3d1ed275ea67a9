"""Variables that change what an update means refuse or become part of the plan."""

import sys
from pathlib import Path

import pytest

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.environment import (
    NESTED_MARK,
    UNGOVERNED,
    bound_environment,
    check_environment,
)

ORDINARY = {
    "PATH": "/bin", "HOME": "/h", "PULUMI_HOME": "/p", "PULUMI_CONFIG_PASSPHRASE": "x",
    "PULUMI_BACKEND_URL": "file:///s", "AWS_ACCESS_KEY_ID": "a", "PULUMI_SKIP_UPDATE_CHECK": "1",
    "PULUMI_AUTOMATION_API": "true", "PULUMI_DEBUG_COMMANDS": "true", "OPENSSL_ia32cap": ":~0x2",
    "PYTHONPATH": "", "LD_LIBRARY_PATH": "", "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0",
    "VIRTUAL_ENV": sys.prefix, "PULUMI_PYTHON_CMD": sys.executable,
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
        "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP", NESTED_MARK, "LD_LIBRARY_PATH", "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONOPTIMIZE",
        "PYTHONBREAKPOINT", "PYTHONINVENTEDTOMORROW", "CLOUDSDK_CONFIG", "PULUMI_PYTHON_CMD",
        "VIRTUAL_ENV", UNGOVERNED, "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES",
        "GCONV_PATH", "BASH_ENV",
    ],
)  # fmt: skip
def test_a_variable_that_may_change_meaning_refuses(name):
    with pytest.raises(Refused) as refusal:
        check_environment(ORDINARY | {name: "secret-value"})

    assert name in refusal.value.happened
    assert "secret-value" not in refusal.value.diagnostics()


@pytest.mark.parametrize(
    ("value", "passes"),
    [
        ("default", True),
        ("error,ignore::DeprecationWarning", True),
        ("ignore:a.b::c.d:7", True),  # a message and a module that warns: nothing is imported
        ("all:0:antigravity.x:0:0", False),
        ("ignore, error:: evil.Warning", False),
    ],
)
def test_a_filter_of_warnings_that_imports_a_module_refuses(value, passes):
    if passes:
        check_environment(ORDINARY | {"PYTHONWARNINGS": value})
        return
    with pytest.raises(Refused, match="`PYTHONWARNINGS` may change what the update does"):
        check_environment(ORDINARY | {"PYTHONWARNINGS": value})


@pytest.fixture
def another(tmp_path):
    """Another environment on the same Python."""
    folder = tmp_path / "another" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(Path(sys.executable).resolve())
    return folder.parent


def test_another_interpreter_refuses_and_ours_passes_by_any_of_its_names(another, tmp_path):
    ours = Path(sys.executable)
    folder = {"PATH": f"{ours.parent}:/bin"}
    (tmp_path / "link").symlink_to(ours.parent.parent)
    for command in (str(ours), ours.name, str(tmp_path / "link" / "bin" / ours.name)):
        check_environment(ORDINARY | folder | {"PULUMI_PYTHON_CMD": command})

    # A folder of links: its files are ours, the packages beside it are not.
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "bin").symlink_to(ours.parent)
    relative = "bin/python"
    for command in (another / "bin" / "python", tmp_path / "evil" / "bin" / ours.name, relative):
        with pytest.raises(Refused, match="PULUMI_PYTHON_CMD"):
            check_environment(ORDINARY | folder | {"PULUMI_PYTHON_CMD": str(command)})
    path = {"PATH": f"{another / 'bin'}:{ours.parent}"}
    with pytest.raises(Refused, match="PULUMI_PYTHON_CMD"):
        check_environment(ORDINARY | path | {"PULUMI_PYTHON_CMD": "python"})


def test_another_environment_refuses(another):
    with pytest.raises(Refused, match="VIRTUAL_ENV"):
        check_environment(ORDINARY | {"VIRTUAL_ENV": str(another)})


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


SELECTORS = {
    "AWS_PROFILE": "prod", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "GOOGLE_CLOUD_PROJECT": "p",
    "CLOUDSDK_CORE_PROJECT": "p", "ARM_SUBSCRIPTION_ID": "s", "ARM_TENANT_ID": "t",
    "MANDATE_DEPLOY_CHAIN_ID": "1", "MANDATE_DEPLOY_ADDRESS": "0x00",
    "HTTPS_PROXY": "http://proxy:3128", "http_proxy": "proxy:3128", "no_proxy": "localhost",
    "grpc_proxy": "http://proxy:3128",
}  # fmt: skip


def test_what_chooses_account_project_chain_and_way_is_bound():
    assert bound_environment(ORDINARY | SELECTORS) == SELECTORS


def test_a_selector_that_says_nothing_is_not_bound():
    assert bound_environment(dict.fromkeys(SELECTORS, "")) == {}


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "ARM_CLIENT_SECRET",
        "ARM_ACCESS_KEY", "GOOGLE_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN",
        "CLOUDSDK_PROXY_PASSWORD", "MANDATE_DEPLOY_KEY", "MANDATE_DEPLOY_RPC",
        "PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN",
    ],
)  # fmt: skip
def test_credentials_never_reach_the_plan(name):
    assert bound_environment({name: "s3cr3t"}) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "http://me:s3cr3t@proxy:3128"),
        ("https_proxy", "me:s3cr3t@proxy:3128"),
        ("ALL_PROXY", "socks5://s3cr3t@proxy"),
        ("AWS_ENDPOINT_URL_S3", "https://me:s3cr3t@s3.example"),
        ("AWS_ENDPOINT_URL", "https://s3.example/?token=s3cr3t"),
        ("HTTP_PROXY", "http://[s3cr3t"),
    ],
)
def test_an_address_with_credentials_refuses_and_is_not_quoted(name, value):
    with pytest.raises(Refused, match=name) as refusal:
        bound_environment({name: value})
    assert "s3cr3t" not in refusal.value.diagnostics()


@pytest.mark.parametrize("name", ["AWS_CONFIG_FILE", "KUBECONFIG"])
def test_files_of_selectors_are_bound_by_contents_and_not_by_place(tmp_path, name):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("region = eu-central-1")
    other.write_text("region = eu-central-1")

    bound = bound_environment({name: str(one)})

    assert bound == bound_environment({name: str(other)})
    assert bound[name].startswith("sha256:")
    other.write_text("region = us-east-1")
    assert bound != bound_environment({name: str(other)})
    assert bound_environment({name: str(tmp_path / "none")}) == {}
    with pytest.raises(Refused, match="cannot be read"):
        bound_environment({name: str(tmp_path)})


def test_several_files_are_bound_in_their_order(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(name)
    paths = [str(tmp_path / "a"), str(tmp_path / "b")]

    there, back = (
        bound_environment({"KUBECONFIG": ":".join(order)}) for order in (paths, paths[::-1])
    )

    assert there != back
