"""What the validators of this package find."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pulumi_mandate.checks.validator import BUILT_IN, Report, Verdict
from pulumi_mandate.checks.validators.cost import Cost
from pulumi_mandate.checks.validators.http import HttpAnswer
from pulumi_mandate.checks.validators.quota import Quota
from pulumi_mandate.checks.validators.rego import Rego
from pulumi_mandate.checks.validators.residency import Residency
from pulumi_mandate.checks.validators.slo import ErrorBudget
from pulumi_mandate.checks.worker import find_validator
from pulumi_mandate.errors import UsageError
from pulumi_mandate.plan.markers import unknown
from tests.gate.cases import operation

EC2 = "pulumi-python:dynamic/mandate:Ec2Instance"
S3 = "pulumi-python:dynamic/mandate:S3Bucket"


def made(name: str, op: str = "create", kind: str = EC2, before: Any = None, **inputs: Any) -> Any:
    past = None if op == "create" else {"inputs": inputs if before is None else before}
    after = None if op in ("delete", "abandon") else {"inputs": inputs}
    return operation(name, op, type=kind, before=past, after=after)


def plan(*operations: Any, **config: Any) -> dict[str, Any]:
    return {"operations": list(operations), "config": config}


def messages(report: Report) -> list[str]:
    return [finding.message for finding in report.findings]


def test_every_built_in_is_found_under_its_own_id() -> None:
    for name in BUILT_IN:
        assert find_validator(name).id == name


# ---- cost ----


@pytest.mark.parametrize(
    ("operations", "dollars"),
    [
        ([made("a", instance_type="g5.xlarge")], 734.38),
        ([made("a", "delete", instance_type="g5.xlarge")], -734.38),
        ([made("a", "abandon", instance_type="g5.xlarge")], 0),
        ([made("a", "metadata", instance_type="g5.xlarge")], 0),
        ([made("a", "update", before={"instance_type": "g5.xlarge"}, instance_type="g5.2xlarge")],
         150.38),
        ([made("a", kind="aws:ec2/instance:Instance", instanceType="g5.xlarge")], 734.38),
        ([made("a", kind=S3, bucket="b"), made("k", kind="aws:kms/key:Key")], 1.0),
        ([made("a", "delete-replaced", instance_type="g5.xlarge"),
          made("a", "create-replacement", instance_type="g5.xlarge")], 0),
    ],
)  # fmt: skip
def test_the_cost_is_what_the_plan_adds(operations: list[Any], dollars: float) -> None:
    report = Cost().validate(plan(*operations), {})

    assert report.measures == {"usdPerMonth": dollars, "unpriced": 0}
    assert report.verdict is Verdict.PASS


def test_what_has_no_price_is_told_or_stops() -> None:
    strange = plan(made("a", kind="aws:rds/instance:Instance"), made("b", instance_type=unknown()))

    assert Cost().validate(strange, {}).verdict is Verdict.WARN
    assert len(messages(Cost().validate(strange, {}))) == 2
    assert Cost().validate(strange, {"unpriced": "fail"}).verdict is Verdict.FAIL


def test_a_limit_and_a_table_of_ones_own() -> None:
    one = plan(made("a", instance_type="g5.xlarge"))
    dear = [{"types": [EC2], "input": ["instance_type"], "usd_per_hour": {"g5.xlarge": 10}}]

    assert Cost().validate(one, {"limit": 735}).verdict is Verdict.PASS
    assert Cost().validate(one, {"limit": 734}).verdict is Verdict.FAIL
    assert Cost().validate(one, {"prices": dear}).measures["usdPerMonth"] == 7300


@pytest.mark.parametrize(
    "settings",
    [{"limits": 1}, {"limit": "1"}, {"limit": True}, {"unpriced": "ignore"}, {"prices": {}},
     {"prices": [{}]}, {"prices": [{"types": ["*"]}]}, {"source": "a friend"},
     {"prices": [{"types": "*", "usd_per_month": 1}]}],
)  # fmt: skip
def test_settings_that_cannot_be_used(settings: Any) -> None:
    with pytest.raises(UsageError):
        Cost().validate(plan(), settings)


class _Answers(BaseHTTPRequestHandler):
    """Answers what the test put into `body`, and remembers what it was asked."""

    body: bytes = b""
    status = 200
    location = ""
    asked: str = ""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        type(self).asked = self.path + self.rfile.read(length).decode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        if self.location:
            self.send_header("Location", self.location)
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = _answer  # noqa: N815  # names of the base class

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[_Answers]]]:
    """A stand-in on loopback: it speaks HTTP for real, and says what the test wants."""
    handler = type("Handler", (_Answers,), {})
    served = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}", handler
    served.shutdown()
    served.server_close()
    thread.join()


def test_the_price_list_is_asked_through_boto3(
    server: tuple[str, type[_Answers]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a stand-in for AWS Price List: the answer's form is AWS's own."""
    url, answers = server
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", url)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    dimension = {"x": {"unit": "Hrs", "pricePerUnit": {"USD": "1.2580000000"}}}
    product = {"terms": {"OnDemand": {"y": {"priceDimensions": dimension}}}}
    answers.body = json.dumps(
        {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product)]}
    ).encode()

    wanted = plan(made("a", instance_type="g5.xlarge"), made("b", kind=S3))
    report = Cost().validate(wanted, {"source": "aws-price-list"})

    assert report.measures["usdPerMonth"] == 918.34
    assert '"Value": "eu-central-1"' in answers.asked
    answers.body = json.dumps({"PriceList": []}).encode()
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    listed = Cost().validate(wanted, {"source": "aws-price-list"})
    assert '"Value": "eu-north-1"' in answers.asked, "where our own resources would be made"
    assert listed.measures["usdPerMonth"] == 734.38, "the table decides where the list is silent"
    Cost().validate({**wanted, "config": {"aws:region": "sa-east-1"}}, {"source": "aws-price-list"})
    assert '"Value": "sa-east-1"' in answers.asked


# ---- http ----


@pytest.mark.parametrize(
    ("settings", "status", "body", "wrong"),
    [
        ({}, 200, b"", ""),
        ({"status": 204}, 204, b"", ""),
        ({"status": 301}, 301, b"", ""),
        ({"contains": "it is d\u00f6ne"}, 200, "so: it is d\u00f6ne.".encode(), ""),
        ({}, 503, b"", "the answer is 503, not 200"),
        ({}, 302, b"", "the answer is 302, not 200"),
        ({"contains": "done"}, 200, b"soon", "does not hold the text"),
        ({"contains": "done"}, 500, b"done", "the answer is 500, not 200"),
        ({"contains": "done"}, 200, b"x" * (1 << 20) + b"done", "does not hold the text"),
    ],
)
def test_a_page_answers_as_it_should_or_not(
    settings: dict[str, Any],
    status: int,
    body: bytes,
    wrong: str,
    server: tuple[str, type[_Answers]],
) -> None:
    url, answers = server
    answers.status, answers.body = status, body

    report = HttpAnswer().validate(plan(), {"url": f"{url}/health?deep=1"} | settings)

    assert answers.asked == "/health?deep=1"
    assert report.verdict is (Verdict.FAIL if wrong else Verdict.PASS)
    assert all(wrong in finding.message for finding in report.findings)


def test_a_redirection_is_not_followed(server: tuple[str, type[_Answers]]) -> None:
    url, answers = server
    answers.status, answers.location = 302, f"{url}/elsewhere"

    report = HttpAnswer().validate(plan(), {"url": f"{url}/here"})

    assert answers.asked == "/here"
    assert report.verdict is Verdict.FAIL


def test_where_nobody_answers_it_is_not_healthy() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    report = HttpAnswer().validate(plan(), {"url": f"http://127.0.0.1:{port}"})

    assert [finding.message for finding in report.findings] == ["nobody answers"]


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"url": ""}, {"url": "shop.example"}, {"url": "file:///etc/passwd"},
        {"url": "ftp://shop.example"}, {"url": "http://"}, {"url": "http://[::1"},
        {"url": "https://me:hunter2@shop.example"},
        {"url": "http://a", "status": "200"}, {"url": "http://a", "status": 99},
        {"url": "http://a", "status": True}, {"url": "http://a", "contains": ""},
        {"url": "http://a", "contains": 1}, {"url": "http://a", "method": "POST"},
    ],
)  # fmt: skip
def test_settings_of_a_page_that_cannot_be_used(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        HttpAnswer().validate(plan(), settings)


# ---- residency ----

CLASSES = {"classes": {"public": ["*"], "internal": ["EU", "US"], "personal": ["DE"]}}


def borne(data_class: Any, place: Any, **more: Any) -> Any:
    return made(
        "a", kind=S3, tags={"mandate:data-class": data_class, "mandate:place": place}, **more
    )


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (plan(borne("public", "us-east-1")), ""),
        (plan(borne("internal", "eu-west-1")), ""),
        (plan(borne("internal", "ap-northeast-1")), "may not be in"),
        (plan(borne("personal", "eu-central-1")), ""),
        (plan(borne("personal", "DE")), ""),
        (plan(borne("personal", "eu-west-1")), "only in DE"),
        (plan(borne("personal", "atlantis-1")), "may not be in"),
        (plan(borne("personal", None)), "nobody can say"),
        (plan(borne("personal", None), **{"aws:region": "eu-central-1"}), ""),
        (plan(borne("personal", None, region="eu-west-1")), "only in DE"),
        (plan(borne("personal", unknown())), "nobody can say"),
        (plan(borne("secret", "eu-central-1")), "say nothing about"),
        (plan(borne(unknown(), "eu-central-1")), "is not known"),
        (plan(made("a", "update", kind=S3, data_class="personal", jurisdiction="US")),
         "only in DE"),
        (plan(made("a", "delete", kind=S3, data_class="personal", jurisdiction="US")), ""),
        (plan(made("a", kind=S3)), ""),
    ],
)  # fmt: skip
def test_data_stays_where_it_was_promised(wanted: Any, why: str) -> None:
    report = Residency().validate(wanted, CLASSES)

    assert (report.verdict is Verdict.FAIL) is bool(why)
    assert all(why in message for message in messages(report))


def test_a_region_comes_from_the_provider_before_the_configuration() -> None:
    provider = "urn:pulumi:prod::shop::pulumi:providers:aws::here"
    asked = borne("personal", None) | {
        "provider": {"before": None, "after": {"urn": provider, "id": "x"}}
    }
    there = operation("here", urn=provider, type="pulumi:providers:aws",
                      after={"inputs": {"region": "us-east-1"}})  # fmt: skip

    report = Residency().validate(plan(asked, there, **{"aws:region": "eu-central-1"}), CLASSES)

    assert "us-east-1" in messages(report)[0]


def test_what_has_no_class_and_a_region_of_ones_own() -> None:
    bare = plan(made("a", kind=S3))
    own = {**CLASSES, "regions": {"rack-7": ["DE"]}}

    assert Residency().validate(bare, {**CLASSES, "unclassified": "warn"}).verdict is Verdict.WARN
    assert Residency().validate(bare, {**CLASSES, "unclassified": "fail"}).verdict is Verdict.FAIL
    assert Residency().validate(plan(borne("personal", "rack-7")), own).verdict is Verdict.PASS
    for settings in ({"classes": []}, {"classes": {"a": "EU"}}, {"region": {}}):
        with pytest.raises(UsageError):
            Residency().validate(bare, settings)


# ---- quota ----


def test_how_many_and_how_large() -> None:
    more = {"limit": [{"types": ["*Ec2Instance"], "at_most": 1}]}
    large = {"limit": [{"types": ["*"], "at_most": 8, "input": "gpus"}]}

    assert Quota().validate(plan(made("a"), made("b")), more).verdict is Verdict.FAIL
    assert Quota().validate(plan(made("a"), made("b"), made("c", "delete")), more).verdict is (
        Verdict.PASS
    )
    assert Quota().validate(plan(made("a", gpus=8), made("b")), large).verdict is Verdict.PASS
    for value in (9, unknown(), "9", True):
        assert Quota().validate(plan(made("a", gpus=value)), large).verdict is Verdict.FAIL
    for settings in ({}, {"limit": {}}, {"limit": [{"types": ["*"]}]}, {"limit": [{"at_most": 1}]}):
        with pytest.raises(UsageError):
            Quota().validate(plan(), settings)


# ---- error budget ----


def vector(*values: str) -> bytes:
    result = [{"metric": {}, "value": [1700000000.0, value]} for value in values]
    return json.dumps(
        {"status": "success", "data": {"resultType": "vector", "result": result}}
    ).encode()


def scalar(status: str) -> bytes:
    data = {"resultType": "scalar", "result": [1, "0.5"]}
    return json.dumps({"status": status, "data": data}).encode()


@pytest.mark.parametrize(
    ("body", "status", "verdict"),
    [
        (vector("0.5"), 200, Verdict.PASS),
        (vector("0.25"), 200, Verdict.PASS),
        (vector("0.2"), 200, Verdict.FAIL),
        (scalar("success"), 200, Verdict.PASS),
        (vector(), 200, Verdict.FAIL),
        (vector("0.5", "0.6"), 200, Verdict.FAIL),
        (vector("NaN"), 200, Verdict.FAIL),
        (vector("+Inf"), 200, Verdict.FAIL),
        (vector("plenty"), 200, Verdict.FAIL),
        (vector("0.5"), 500, Verdict.FAIL),
        (vector("0.5"), 302, Verdict.FAIL),
        (scalar("error"), 200, Verdict.FAIL),
        (b"", 200, Verdict.FAIL),
        (b"[]", 200, Verdict.FAIL),
    ],
)  # fmt: skip
def test_an_error_budget_that_nobody_can_tell_is_spent(
    server: tuple[str, type[_Answers]], body: bytes, status: int, verdict: Verdict
) -> None:
    """A stand-in for Prometheus: its query API on loopback."""
    url, answers = server
    answers.body, answers.status = body, status
    settings = {"url": url, "query": 'budget{service="shop"}', "at_least": 0.25}

    report = ErrorBudget().validate(plan(), settings)

    assert report.verdict is verdict
    asked = urlsplit(answers.asked)
    assert asked.path == "/api/v1/query"
    assert parse_qs(asked.query)["query"] == ['budget{service="shop"}']


def test_a_budget_is_asked_for_over_https_or_on_loopback() -> None:
    settings = {"url": "http://192.0.2.1", "query": "x", "at_least": 0}

    with pytest.raises(UsageError, match="https"):
        ErrorBudget().validate(plan(), settings)
    closed = settings | {"url": "http://127.0.0.1:9"}
    assert ErrorBudget().validate(plan(), closed).verdict is Verdict.FAIL
    with pytest.raises(UsageError, match="at_least"):
        ErrorBudget().validate(plan(), {"url": "https://x", "query": "x"})


# ---- Rego ----

POLICY = """package mandate

import rego.v1

deny contains {"urn": op.urn, "message": "nothing is deleted"} if {
	some op in input.operations
	op.op == "delete"
}

warn contains "a warning" if data.table.loud
"""
STAND_IN = """#!{python}
# A stand-in for `opa`: it knows one policy, and answers in the form of opa 1.22.
import json, sys
if sys.argv[1] == "capabilities":
    print(json.dumps({{"builtins": [{{"name": "http.send", "nondeterministic": True}}]}}))
    sys.exit()
named = dict(each[2:].split("=", 1) for each in sys.argv if each[:2] == "--" and "=" in each)
kept = json.load(open(named["capabilities"]))
assert kept == {{"builtins": [], "allow_net": []}}
folder = named["data"].rpartition("/")[0]
policy = open(folder + "/policy.rego").read()
table = json.load(open(folder + "/data.json"))["table"]
if "package mandate" not in policy:
    print("{{}}"), sys.exit()
if "syntax error" in policy or "http.send" in policy:
    print(json.dumps({{"errors": []}})), sys.exit(2)
gone = [op["urn"] for op in json.load(sys.stdin)["operations"] if op["op"] == "delete"]
value = {{"deny": [{{"urn": urn, "message": "nothing is deleted"}} for urn in gone],
         "warn": ["a warning"] if table.get("loud") else []}}
if "deny" not in policy:
    del value["deny"]
print(json.dumps({{"result": [{{"expressions": [{{"value": value}}]}}]}}))
"""


@pytest.fixture(params=["stand-in", *(["opa"] if shutil.which("opa") else [])])
def opa(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our stand-in, and the real one wherever there is one."""
    if request.param == "stand-in":
        import sys

        program = tmp_path / "opa"
        program.write_text(STAND_IN.format(python=sys.executable))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("opa")
def test_a_policy_denies_warns_or_says_nothing() -> None:
    kept, gone = plan(made("a")), plan(made("a", "delete"))

    assert Rego().validate(kept, {"policy": POLICY}).verdict is Verdict.PASS
    denied = Rego().validate(gone, {"policy": POLICY})
    assert denied.verdict is Verdict.FAIL
    assert denied.findings[0].urn.endswith("::a")
    loud = Rego().validate(kept, {"policy": POLICY, "data": {"loud": True}})
    assert messages(loud) == ["a warning"]
    quoted = plan(made("a", tag='" } deny contains "\\'))
    assert Rego().validate(quoted, {"policy": POLICY}).verdict is Verdict.PASS


@pytest.mark.usefixtures("opa")
@pytest.mark.parametrize(
    "policy",
    [
        POLICY.replace("package mandate", "package other"),
        POLICY.replace("deny", "allow"),
        POLICY + "\nsyntax error {",
        POLICY + 'deny contains m if m := http.send({"url": "http://127.0.0.1", "method": "GET"})',
    ],
    ids=["another package", "no deny", "no Rego", "the network"],
)
def test_a_policy_that_cannot_be_evaluated(policy: str) -> None:
    with pytest.raises(UsageError):
        Rego().validate(plan(), {"policy": policy})


def test_without_opa_nothing_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="no `opa`"):
        Rego().validate(plan(), {"policy": POLICY})
