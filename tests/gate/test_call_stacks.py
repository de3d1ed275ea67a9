"""What the state is told of where a resource was made."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi.runtime.proto import resource_pb2, source_pb2

from pulumi_mandate.gate.call_stacks import send_own_frames_only

ROOT = Path("/srv/ana/shop")


class Monitor:
    """Keeps what it is told, as a stub of gRPC sends it."""

    def __init__(self):
        self.told = []

    def RegisterResource(self, request, timeout=None):
        self.told.append((request, timeout))
        return "registered"

    def ReadResource(self, request, timeout=None):
        self.told.append((request, timeout))
        return "read"


def frames(*uris):
    """Innermost first; a frame without a place is one of frozen modules."""
    return source_pb2.StackTrace(
        frames=[
            source_pb2.StackFrame(pc=source_pb2.SourcePosition(uri=uri, line=1) if uri else None)
            for uri in uris
        ]
    )


def kept(monitor):
    return [frame.pc.uri for frame in monitor.told[-1][0].stackTrace.frames]


@pytest.fixture
def monitor():
    found = Monitor()
    send_own_frames_only(found, ROOT)
    return found


@pytest.mark.parametrize(
    ("call", "made", "answer"),
    [
        ("RegisterResource", resource_pb2.RegisterResourceRequest, "registered"),
        ("ReadResource", resource_pb2.ReadResourceRequest, "read"),
    ],
)
def test_frames_of_the_program_stay_and_places_of_the_machine_go(monitor, call, made, answer):
    stack = frames(
        "file:///srv/ana/shop/web.py",
        "",
        "file:///srv/ana/shop/__main__.py",
        "file:///srv/ana/.venv/lib/pulumi/runtime/stack.py",
        "file:///srv/ana/shopping/other.py",
    )

    assert getattr(monitor, call)(made(name="web", stackTrace=stack), timeout=3) == answer

    assert kept(monitor) == ["file:///srv/ana/shop/web.py", "file:///srv/ana/shop/__main__.py"]
    assert monitor.told[-1][0].name == "web"
    assert monitor.told[-1][1] == 3


def test_the_line_that_made_a_resource_stays_wherever_it_is(monitor):
    inner = "file:///opt/venv/lib/components/bucket.py"

    monitor.RegisterResource(
        resource_pb2.RegisterResourceRequest(
            stackTrace=frames(inner, "file:///opt/venv/lib/pulumi/runtime/stack.py"),
            sourcePosition=source_pb2.SourcePosition(uri=inner, line=7),
        )
    )

    assert kept(monitor) == [inner]
    assert monitor.told[-1][0].sourcePosition.line == 7


def test_a_request_without_a_stack_is_sent_as_it_is(monitor):
    monitor.RegisterResource(resource_pb2.RegisterResourceRequest(name="web"))

    assert kept(monitor) == []
