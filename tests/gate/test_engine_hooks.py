"""The transform adds our hooks and changes nothing else; hooks refuse unless allowed."""

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from pulumi_mandate.errors import Refused
from pulumi_mandate.gate.engine_hooks import HOOK_NAMES, EngineHooks, add_hooks


class Monitor:
    def __init__(self):
        self.hooks, self.transforms = [], []

    def RegisterResourceHook(self, request):
        self.hooks.append(request)

    def RegisterStackTransform(self, callback):
        self.transforms.append(callback)


def transform(request):
    return resource_pb2.TransformResponse.FromString(add_hooks(request.SerializeToString()))


def test_our_hooks_come_first_and_the_users_stay():
    request = resource_pb2.TransformRequest(type="t", name="n")
    request.options.hooks.before_create.extend(["theirs", HOOK_NAMES["create"]])
    request.options.hooks.after_create.append("after")

    hooks = transform(request).options.hooks

    assert list(hooks.before_create) == [HOOK_NAMES["create"], "theirs"]
    assert list(hooks.before_update) == [HOOK_NAMES["update"]]
    assert list(hooks.before_delete) == [HOOK_NAMES["delete"]]
    assert list(hooks.after_create) == ["after"]


def test_properties_and_every_other_option_are_untouched():
    request = resource_pb2.TransformRequest(type="t", name="n", custom=True)
    ParseDict({"a": [1, {"b": None}]}, request.properties)
    request.options.protect = False
    request.options.replace_with.append("urn:other")
    request.options.hide_diff.append("path")
    setattr(request.options, "import", "id")

    response = transform(request)

    assert response.properties == request.properties
    for field in request.options.DESCRIPTOR.fields:
        if field.name != "hooks":
            given = getattr(request.options, field.name)
            assert getattr(response.options, field.name) == given, field.name
    assert response.options.HasField("protect")


@pytest.fixture
def served():
    hooks, monitor = EngineHooks(), Monitor()
    hooks.register(monitor)
    return hooks, monitor


def call(monitor, token, message):
    with grpc.insecure_channel(monitor.transforms[0].target) as channel:
        stub = callback_pb2_grpc.CallbacksStub(channel)
        request = callback_pb2.CallbackInvokeRequest(
            token=token, request=message.SerializeToString()
        )
        return stub.Invoke(request).response


def hook(monitor, token, **fields):
    answer = call(monitor, token, resource_pb2.ResourceHookRequest(**fields))
    return resource_pb2.ResourceHookResponse.FromString(answer).error


def test_three_hooks_and_one_transform_are_registered(served):
    _, monitor = served

    assert {h.name: h.callback.token for h in monitor.hooks} == {n: n for n in HOOK_NAMES.values()}
    assert not any(h.on_dry_run or h.ignore_errors for h in monitor.hooks)
    assert len(monitor.transforms) == 1


def test_until_a_run_begins_everything_is_refused(served):
    _, monitor = served

    for name in HOOK_NAMES.values():
        assert "no run has begun" in hook(monitor, name, urn="u")


def test_the_judge_decides(served):
    hooks, monitor = served
    seen = []
    hooks.decide_with(seen.append)

    assert hook(monitor, HOOK_NAMES["update"], urn="u") == ""
    assert [(c.moment, c.urn) for c in seen] == [("update", "u")]

    def refuse(_):
        raise Refused(10, "not this one", field="f", expected="a", found="b")

    hooks.decide_with(refuse)
    assert "refused at step 10: not this one" in hook(monitor, HOOK_NAMES["create"], urn="u")


def test_a_broken_judge_refuses_without_quoting_its_input(served):
    hooks, monitor = served

    def broken(_):
        raise RuntimeError("the secret is 42")

    hooks.decide_with(broken)
    error = hook(monitor, HOOK_NAMES["create"], urn="u")

    assert "refused" in error
    assert "42" not in error


def test_a_hook_of_another_name_is_refused(served):
    hooks, monitor = served
    hooks.decide_with(lambda _: None)

    assert "not ours" in hook(monitor, "somebody:else", urn="u")


def test_the_transform_is_served_too(served):
    _, monitor = served
    answer = call(monitor, monitor.transforms[0].token, resource_pb2.TransformRequest(name="n"))

    hooks = resource_pb2.TransformResponse.FromString(answer).options.hooks
    assert list(hooks.before_delete) == [HOOK_NAMES["delete"]]
