"""How long a provider's call may take: Pulumi tells dynamic providers no time-outs, so ours ask.

A call that takes too long is answered for, not ended: Python cannot end it. It goes on beside until
the engine, to which it has failed, ends its providers. What it may still do bears the operation's
key (`Permit.key`), by which the same operation of the same run finds it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from ..errors import EngineError

Made = TypeVar("Made")


def within(seconds: float, what: str, act: Callable[[], Made]) -> Made:
    """What `act` gives, or raises. Raises `EngineError` where that takes longer than `seconds`."""
    done: Future[Made] = Future()

    def run() -> None:
        try:
            done.set_result(act())
        except BaseException as error:  # whoever waits raises it
            done.set_exception(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), daemon=True).start()
    try:
        return done.result(seconds)
    except TimeoutError:
        if done.done():  # it is the call's own
            raise
    raise EngineError(
        f"{what} took longer than {seconds:g} seconds, so nobody waits for it any more. Whether it "
        "was done is not known here: the same command goes on with this run, and finds it"
    )
