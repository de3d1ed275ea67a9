"""What the state says of where a resource was made: lines of the program, no places of a machine.

The SDK sends the whole call stack with each resource, down to the interpreter's own files, and the
engine keeps it in the state. Nobody approved that part, it names folders of whoever ran the update,
and the engine writes the whole state anew at each operation. ADR 0027.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_WITH_STACK = ("RegisterResource", "ReadResource")
"""The monitor's calls whose requests have a `stackTrace` (pulumi/proto/pulumi/resource.proto)."""


def send_own_frames_only(monitor: Any, root: Path) -> None:
    """From now on `monitor` is told the frames below `root`, and always the innermost one.

    The innermost frame is the line that made the resource. `root` is absolute.
    """
    own = root.as_uri() + "/"
    for name in _WITH_STACK:
        setattr(monitor, name, _shortened(getattr(monitor, name), own))


def _shortened(send: Any, own: str) -> Any:
    def call(request: Any, *rest: Any, **named: Any) -> Any:
        frames = request.stackTrace.frames
        kept = [
            frame
            for index, frame in enumerate(frames)
            if index == 0 or frame.pc.uri.startswith(own)
        ]
        if len(kept) < len(frames):
            del request.stackTrace.frames[:]
            request.stackTrace.frames.extend(kept)
        return send(request, *rest, **named)

    return call
