"""`EdgeBundle` on the real engine, and its pure parts without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi.output import Unknown

from pulumi_mandate.edge import Binding, Bundle, EdgeMachine, create_signing_key, sign_bundle
from pulumi_mandate.models import Digest, to_hex
from pulumi_mandate.resources import governed
from pulumi_mandate.resources._permit import Permit
from pulumi_mandate.resources.edge_bundle import EdgeBundleProvider

PROGRAM = """
    import pulumi
    from pulumi_mandate import EdgeBundle

    secret = pulumi.Config().get_secret("token") or pulumi.Output.secret("t-1")
    site = EdgeBundle("site", site={site!r}, inbox={inbox!r}, files={{"agent.toml": "x = 1"}},
                      config={config!r} | {{"token": secret}}, expires_at=4000000000)
    pulumi.export("revision", site.revision)
    pulumi.export("key", site.key_id)
"""


def program(site="store-17", inbox="stores", **config):
    return PROGRAM.format(site=site, inbox=inbox, config=config)


@pytest.fixture
def machine(pulumi_env):
    home = Path(pulumi_env["MANDATE_HOME"]) / "edge"
    (home / "trusted").mkdir(parents=True)
    key = create_signing_key(home / "signing-key.pem")
    (home / "trusted" / "key.pem").write_bytes(key.public_pem())
    return EdgeMachine.from_environment(pulumi_env)


@pytest.fixture
def stack(engine_stack, machine):
    return engine_stack({})


@pytest.mark.engine
def test_the_whole_life_of_a_site(stack, machine):
    inbox = machine.inbox("stores")

    # preview: nothing is written
    stack.program(program(shelf=1))
    assert stack.preview()["site"] == "create"
    assert inbox.accept("store-17") is None

    # create
    stack.up()
    assert inbox.accept("store-17") == Bundle(
        "store-17",
        1,
        {"agent.toml": "x = 1"},
        {"shelf": 1, "token": "t-1"},
        expires_at=4000000000,
    )
    assert stack.outputs() == {"revision": 1, "key": machine.signing_key().key_id}
    assert stack.preview()["site"] == "same"

    # update: the revision rises by itself, and the preview already says so
    stack.program(program(shelf=2))
    assert stack.preview()["site"] == "update"
    assert stack.preview_inputs("site")["revision"] == 2
    stack.up()
    assert inbox.accept("store-17").config["shelf"] == 2

    # replace: another site is another agent
    stack.program(program(site="store-18", shelf=2))
    assert stack.preview()["site"] == "replace"
    stack.up()
    assert machine.inbox("stores").accept("store-18").revision == 1
    assert inbox.accept("store-17") is None

    # delete
    stack.destroy()
    assert inbox.accept("store-18") is None
    assert inbox.highest_revision("store-17") == 2


@pytest.mark.engine
def test_drift_is_seen_by_refresh_and_repaired_by_up(stack, machine):
    inbox = machine.inbox("stores")
    stack.program(program(shelf=1)).up()
    path = machine.inboxes / "stores" / "store-17.bundle.json"

    # altered by somebody without the key
    envelope = json.loads(path.read_bytes())
    envelope["signatures"] = []
    path.write_text(json.dumps(envelope))
    stack.refresh()
    assert stack.preview()["site"] == "update"
    stack.up()
    assert inbox.accept("store-17").revision == 1  # the same content, delivered again

    # delivered by another hand that does hold a trusted key
    other = Bundle("store-17", 9, config={"shelf": 9})
    inbox.deliver(sign_bundle(other, machine.signing_key()), "store-17")
    stack.refresh()
    assert stack.preview()["site"] == "update"
    stack.up()
    assert inbox.accept("store-17").revision == 10
    assert inbox.accept("store-17").config["shelf"] == 1

    stack.refresh()
    assert "t-1" not in stack.pulumi("stack", "export").stdout
    assert stack.preview()["site"] == "same"

    # gone
    path.unlink()
    stack.refresh()
    assert stack.preview()["site"] == "create"


@pytest.mark.engine
def test_a_stack_that_is_behind_its_site_is_told_what_to_do(stack, machine):
    newer = Bundle("store-17", 5)
    machine.inbox("stores").deliver(sign_bundle(newer, machine.signing_key()), "store-17")

    said = stack.program(program(shelf=1)).up(ok=False)

    assert "older than what the site has already seen" in said
    assert stack.state("site") is None


@pytest.mark.engine
def test_a_secret_is_secret_in_the_state_and_bad_names_fail_in_the_preview(stack):
    stack.program(program(shelf=1)).up()
    stored = stack.pulumi("stack", "export").stdout
    assert "t-1" not in stored
    assert '"contentDigest"' not in stored

    stack.program(program(site="../x", shelf=1))
    done = stack.pulumi("preview", ok=False)
    assert "site is not a name" in done.stdout + done.stderr


def test_a_change_of_anything_told_to_the_site_raises_the_revision():
    provider = EdgeBundleProvider()
    state = provider.check({}, {"site": "s"}).inputs
    assert state["revision"] == 1

    def revision(**news):
        return provider.check(state, {"site": "s"} | news).inputs["revision"]

    assert revision() == 1
    assert revision(config={"x": 1}) == 2
    assert revision(files={"f": ""}) == 2
    assert revision(expires_at=9.0) == 2
    assert revision(config={"x": Unknown()}) == 2
    assert revision(site="t") == 1
    assert revision(revision=7.0) == 7


@pytest.mark.parametrize(
    ("news", "property_"),
    [
        ({"site": "No"}, "site"),
        ({"site": "s", "inbox": "../x"}, "inbox"),
        ({"site": "s", "files": {"../x": ""}}, "config"),
        ({"site": "s", "revision": 0}, "config"),
        ({"site": "s", "not_before": 9, "expires_at": 9}, "config"),
        ({}, "site"),
    ],
)
def test_what_no_agent_would_take_fails_in_check(news, property_):
    failures = EdgeBundleProvider().check({}, news).failures

    assert {failure.property for failure in failures} >= {property_}


def test_unknown_values_are_not_judged_before_they_are_known():
    news = {"site": Unknown(), "config": {"x": [Unknown()]}}

    assert EdgeBundleProvider().check({}, news).failures == []


@pytest.mark.parametrize("bound", [True, False])
def test_a_bundle_names_the_mandate_it_was_delivered_under(machine, pulumi_env, monkeypatch, bound):
    wanted = Binding(Digest(b"p" * 32), Digest(b"r" * 32), 31337, "0x" + "01" * 20)
    permit = Permit("d" * 64, wanted) if bound else Permit()
    monkeypatch.setattr(governed, "permit_for", lambda *_: permit)
    monkeypatch.setenv("MANDATE_HOME", pulumi_env["MANDATE_HOME"])

    inputs = EdgeBundleProvider().check({}, {"site": "store-17", "revision": 1}).inputs
    delivered = EdgeBundleProvider().create(inputs).outs

    assert machine.inbox("store-17").accept("store-17").binding == permit.binding
    assert delivered["plan_hash"] == (to_hex(wanted.plan_hash) if bound else "")
