"""The commands around the broker, in this process: what other tools and people read of them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from pulumi_mandate.broker.service import serve
from pulumi_mandate.cli import main
from pulumi_mandate.errors import UsageError
from tests.broker.stage import CONTROLLER, DOMAIN, SHELL, Stage

pytestmark = pytest.mark.chain
STACK = ("acme/shop/prod", "--backend", "backend")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Any:
    """Type a command; (exit code, standard output, standard error)."""

    def typed(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(words))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return typed


def test_awss_credential_process_reads_the_answer(say: Any, stage: Stage) -> None:
    client = stage.client_file(CONTROLLER)
    code, out, err = say("credentials", "aws", *STACK, "--broker", str(client))
    found = json.loads(out)

    assert (code, found.pop("Version")) == (0, 1)
    assert set(found) == {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    assert all(found.values())
    assert "the broker gives write: the plan" in err
    assert found["SecretAccessKey"] not in err


def test_botocore_itself_takes_it(stage: Stage, tmp_path: Path, monkeypatch: Any) -> None:
    """The ecosystem's own door: a profile that a client was told to use."""
    import botocore.session

    client = stage.client_file(CONTROLLER)
    process = f"{sys.executable} -m pulumi_mandate.cli credentials aws {' '.join(STACK)}"
    config = tmp_path / "config"
    config.write_text(f"[profile run]\ncredential_process = {process} --broker {client}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    found = botocore.session.Session(profile="run").get_credentials()

    assert found.method == "custom-process"
    assert found.token
    assert json.loads(stage.events()[-1])["accessKeyId"] == found.access_key


def test_kubectls_exec_plugin_reads_the_answer(stage: Stage, tmp_path: Path) -> None:
    """As client-go runs one: another process, told the version, whose whole output is one object.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
    #client-go-credential-plugins
    """
    version = "client.authentication.k8s.io/v1"
    plugin: dict[str, Any] = {
        "apiVersion": version,
        "command": sys.executable,
        "args": ["-m", "pulumi_mandate.cli", "credentials", "kubernetes", *STACK],
        "env": [{"name": "MANDATE_BROKER", "value": str(stage.client_file(CONTROLLER))}],
        "interactiveMode": "Never",
    }
    told = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    done = subprocess.run(
        [plugin["command"], *plugin["args"]],
        env=os.environ
        | {one["name"]: one["value"] for one in plugin["env"]}
        | {"KUBERNETES_EXEC_INFO": json.dumps(told)},
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip

    found = json.loads(done.stdout)
    assert (found["apiVersion"], found["kind"]) == (plugin["apiVersion"], "ExecCredential")
    assert set(found["status"]) == {"token", "expirationTimestamp"}
    assert datetime.fromisoformat(found["status"]["expirationTimestamp"]) > datetime.now(UTC)
    assert found["status"]["token"] not in done.stderr
    assert json.loads(stage.events()[-1])["service"] == "kubernetes"


def test_a_refusal_is_the_brokers_own(say: Any, stage: Stage) -> None:
    client = stage.client_file(SHELL)
    code, out, err = say("credentials", "aws", *STACK, "--broker", str(client))

    assert (code, out) == (3, "")
    assert "refused at step 5: a plan of tier high is run by a controller" in err


def test_a_stack_has_three_names(say: Any) -> None:
    assert say("credentials", "aws", "shop/prod", "--backend", "b")[0] == 2


def test_the_log_is_checked_and_shown(say: Any, stage: Stage, tmp_path: Path) -> None:
    code, out, _ = say("broker", "log", str(stage.settings.log))
    assert code == 0
    assert "access=write" in out

    copy = tmp_path / "log"
    copy.write_text(stage.settings.log.read_text().replace("acme/shop/prod", "acme/shop/test"))
    assert say("broker", "log", str(copy))[0] == 1
    assert say("broker", "log", str(tmp_path / "absent"))[0] == 2


def test_certificates_are_asked_for_issued_and_shown(
    say: Any, authority_uri: str, tmp_path: Path
) -> None:
    ca, key, csr, pem = (tmp_path / name for name in ("ca.pem", "me.key", "me.csr", "me.pem"))
    token = ("--authority-key", authority_uri)
    assert say("certificates", "root", DOMAIN, *token, "--out", str(ca))[0] == 0
    for _ in range(2):  # the key that is there is used again
        assert say("certificates", "request", "--key", str(key), "--out", str(csr))[0] == 0
    words = ("--request", str(csr), "--authority", str(ca), *token, "--out", str(pem))
    assert say("certificates", "issue", str(CONTROLLER), *words)[0] == 0
    code, out, _ = say("certificates", "show", str(pem), "--json")

    assert (code, json.loads(out)["names"]) == (0, [str(CONTROLLER)])
    assert key.stat().st_mode & 0o777 == 0o600
    x509.load_pem_x509_certificate(pem.read_bytes()).verify_directly_issued_by(
        x509.load_pem_x509_certificate(ca.read_bytes())
    )
    for wrong in (("controller", *words), (str(CONTROLLER), *words[:3], str(csr), *words[4:])):
        assert say("certificates", "issue", *wrong)[0] == 2
    assert say("certificates", "root", "Acme", *token, "--out", str(ca))[0] == 2
    assert say("certificates", "show", str(csr))[0] == 2
    csr.write_text("x")
    assert say("certificates", "request", "--key", str(csr), "--out", str(pem))[0] == 2


def test_what_a_plan_has_to_say_of_the_broker_is_printed(
    say: Any, stage: Stage, tmp_path: Path
) -> None:
    home = stage.settings.trust.parent
    code, out, _ = say("broker", "identity", "--config", str(home / "broker.toml"))

    assert code == 0
    assert out.startswith('broker="spiffe://acme.example/broker",\nauthority="')
    assert out.endswith("\nvoted on\n")

    config = _config(stage, tmp_path)  # another log: another file than the one voted on
    code, out, _ = say("broker", "identity", "--config", str(config), "--json")
    found = json.loads(out)
    assert (code, found["votedOn"]) == (3, False)
    pem = str(stage.settings.files.certificate)
    assert json.loads(say("certificates", "show", pem, "--json")[1])["key"] == found["key"]
    assert found["settings"] == hashlib.sha256(config.read_bytes()).hexdigest()
    assert found["reason"].endswith(f"settings is {stage.settings.digest} there")


def test_the_broker_serves_until_it_is_told_to_stop(stage: Stage, tmp_path: Path) -> None:
    config = _config(stage, tmp_path)
    said: list[str] = []

    def stop_it(message: str) -> None:
        said.append(message)
        os.kill(os.getpid(), signal.SIGTERM)

    serve(config, stop_it)

    assert said[0].startswith("spiffe://acme.example/broker listens on 127.0.0.1:")
    assert said[1].endswith("it signs for acme/platform/broker only")  # the file has another log


def test_a_port_that_is_taken_is_said(stage: Stage, tmp_path: Path) -> None:
    config = _config(stage, tmp_path)
    config.write_text(config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{stage.port}"))

    with pytest.raises(UsageError, match="cannot listen"):
        serve(config, print)


def test_a_broker_without_a_file_does_not_start(say: Any, tmp_path: Path) -> None:
    assert say("broker", "serve", "--config", str(tmp_path / "absent.toml"))[0] == 2


def _config(stage: Stage, tmp_path: Path) -> Path:
    """The stage's own file, with a log of its own."""
    config = tmp_path / "broker.toml"
    config.touch(mode=0o600)
    text = (stage.settings.trust.parent / "broker.toml").read_text()
    config.write_text(text.replace(str(stage.settings.log), str(tmp_path / "events.jsonl")))
    return config
