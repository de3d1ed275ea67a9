"""A headless Chromium, driven through its own debugging pipe: no driver, no port, no download.

Protocol: https://chromedevtools.github.io/devtools-protocol/; over the pipe its messages are JSON
that ends with a zero byte.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from tools import browser_env

QUIET = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--window-size=1200,900", "--remote-debugging-pipe",
)  # fmt: skip


class Chromium:
    """One browser process; `page` opens a fresh page in it."""

    def __init__(self, profile: Path) -> None:
        browser = browser_env.find()
        assert browser, "no Chromium on this machine: make browser"
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def place() -> None:  # the pipe's two ends are file descriptors 3 and 4, always
            ends = os.dup(to_browser), os.dup(from_browser)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [browser, *QUIET, *sandbox, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=place,  # noqa: PLW1509  # it duplicates two descriptors, and takes no lock
            close_fds=False,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._rest = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []
        """What the browser reported, oldest first."""

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.call("Browser.close")
        self._process.wait(timeout=30)
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command and its result. Raises `AssertionError` where the browser complains."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait_for(self, event: str, **parameters: str) -> None:
        """Read on until the browser has reported this event with these parameters."""
        while not any(
            found.get("method") == event and parameters.items() <= found["params"].items()
            for found in self.events
        ):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._read, 1 << 16)
            assert data, "the browser is gone"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    @contextmanager
    def page(self, *, scripts: bool = True, dark: bool = False) -> Iterator[Page]:
        """A new page in a context of its own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        page = Page(self, attached["sessionId"])
        for domain in ("Page", "Network", "Log", "Runtime"):
            page.call(f"{domain}.enable")
        page.call("Page.setLifecycleEventsEnabled", enabled=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        if not scripts:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
        self.events.clear()
        yield page
        self.call("Target.closeTarget", targetId=target)


class Page:
    """One tab."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def show(self, folder: Path, html: str, *, wait: bool = True) -> None:
        """Load a page from a file, to its end, its scripts included."""
        file = folder / "page.html"
        file.write_text(html, encoding="ascii")
        loader = self.call("Page.navigate", url=file.as_uri())["loaderId"]
        if wait:  # for this load: the empty page's own may be reported after it was left
            self._browser.wait_for("Page.lifecycleEvent", name="load", loaderId=loader)

    def wait_for_download(self) -> None:
        """Until what the page saves is whole. Needs `Browser.setDownloadBehavior` with events."""
        while not any(
            event.get("method") == "Browser.downloadProgress"
            and event["params"]["state"] == "completed"
            for event in self._browser.events
        ):
            self._browser.events.append(self._browser._next())

    def js(self, expression: str) -> Any:
        """The JSON value of an expression. Raises `AssertionError` where it throws."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        return str(self.js(f"document.querySelector({json.dumps(selector)}).innerText"))

    def press(self, key: str) -> None:
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text * (kind == "keyDown"),
                      windowsVirtualKeyCode=codes[key])  # fmt: skip

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def requests(self) -> list[str]:
        """The addresses that the page asked for, whether they were allowed or not."""
        self.call("Runtime.evaluate", expression="0")  # whatever was under way is reported by now
        return [
            event["params"]["request"]["url"]
            for event in self._browser.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
