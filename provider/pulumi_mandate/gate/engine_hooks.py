"""Our three hooks and the transform that puts them on every resource, spoken on the wire.

A gRPC server of our own instead of the SDK's `ResourceHook` and `register_resource_transform`: the
SDK's transform rebuilds the options and forgets some (`replaceWith`, `hideDiff`), its hook
arguments lose secrets, and both run on the program's event loop, which a call to a chain would
block. Service: pulumi/proto/pulumi/callback.proto and resource.proto.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any

from pulumi_mandate.errors import MandateError, Refused

from .wire import MOMENTS, HookCall, Moment, read_call

HOOK_NAMES: dict[Moment, str] = {
    "create": "mandate:before-create",
    "update": "mandate:before-update",
    "delete": "mandate:before-delete",
}
"""Kept in the state for ever: a delete hook is called under the name it was created with."""


def carries(moment: Moment, options: Mapping[str, Any] | None) -> bool:
    """Whether one side of an operation's options has our hook of a moment."""
    hooks = (options or {}).get("resourceHooks") or {}
    return HOOK_NAMES[moment] in (hooks.get(f"Before{moment.capitalize()}") or [])


_TRANSFORM = "mandate:transform"
_MESSAGE_LIMIT = 400 * 1024 * 1024
_WORKERS = 16

Judge = Callable[[HookCall], None]
"""Returns where the operation may go ahead; raises `MandateError` where not."""


def refuse_everything(call: HookCall) -> None:
    """The judge until a run has begun."""
    raise Refused(10, f"no run has begun, so {call.moment} of {call.urn} is refused")


class EngineHooks:
    """Serves the engine's calls until the program ends."""

    def __init__(self) -> None:
        self._judge: Judge = refuse_everything
        self._server: Any = None
        self._target = ""

    def decide_with(self, judge: Judge) -> None:
        """From now on this one decides; before it, everything is refused."""
        self._judge = judge

    def register(self, monitor: Any) -> None:
        """Start serving, and tell the engine. Must happen before the program's first resource.

        Dry runs need it as well: a preview fails where a hook that the state names is not
        registered.
        """
        import grpc
        from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

        limit = [
            ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
            ("grpc.max_send_message_length", _MESSAGE_LIMIT),
        ]
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=_WORKERS), options=limit)
        servicer: Any = _Servicer(self)
        callback_pb2_grpc.add_CallbacksServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        atexit.register(server.stop, 0)
        self._server, self._target = server, f"127.0.0.1:{port}"
        for moment in MOMENTS:
            monitor.RegisterResourceHook(
                resource_pb2.RegisterResourceHookRequest(
                    name=HOOK_NAMES[moment],
                    callback=callback_pb2.Callback(token=HOOK_NAMES[moment], target=self._target),
                )
            )
        monitor.RegisterStackTransform(callback_pb2.Callback(token=_TRANSFORM, target=self._target))

    def answer(self, token: str, data: bytes) -> bytes:
        """One call of the engine: serialised request in, serialised response out."""
        if token == _TRANSFORM:
            return add_hooks(data)
        from pulumi.runtime.proto import resource_pb2

        moment = next((moment for moment in MOMENTS if HOOK_NAMES[moment] == token), None)
        error = ""
        try:
            if moment is None:
                raise Refused(10, "the engine called a hook that is not ours")
            self._judge(read_call(moment, data))
        except MandateError as refusal:
            error = refusal.diagnostics()
        except Exception as failure:  # whatever goes wrong, the operation does not happen
            # Only the class: a message may quote an input.
            error = (
                f"the check of this operation failed ({type(failure).__name__}), so it is refused"
            )
        answer: bytes = resource_pb2.ResourceHookResponse(error=error).SerializeToString()
        return answer


class _Servicer:
    """The generated base class adds nothing that gRPC needs."""

    def __init__(self, hooks: EngineHooks) -> None:
        self._hooks = hooks

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's own name
        from pulumi.runtime.proto import callback_pb2

        answer = self._hooks.answer(request.token, request.request)
        return callback_pb2.CallbackInvokeResponse(response=answer)


def add_hooks(data: bytes) -> bytes:
    """A `TransformRequest` answered with everything unchanged but our hooks, which come first.

    First, so that a user's own hook runs only for an operation that is allowed.
    """
    from pulumi.runtime.proto import resource_pb2

    request = resource_pb2.TransformRequest.FromString(data)
    response = resource_pb2.TransformResponse(
        properties=request.properties, options=request.options
    )
    for moment, name in HOOK_NAMES.items():
        names = getattr(response.options.hooks, f"before_{moment}")
        others = [other for other in names if other != name]
        del names[:]
        names.extend([name, *others])
    answer: bytes = response.SerializeToString()
    return answer
