"""The only way out of a preview's cell: connections to what the machine's list names.

The cell has a network of its own with nothing in it but loopback. The sockets that listen there
were made inside and handed out; they are answered here, outside, so that nothing in the cell holds
a way out and no process of ours is in it. One port of loopback leads to the same port here; the
proxy's (HTTP CONNECT) to a host and port of the list, by the name that the cell asked for.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from pulumi_mandate.chain.previewing import Previewer

_FIRST_PROXY_PORT = 3128
_HEAD_LIMIT = 8192
_CHUNK = 1 << 16
_SECONDS = 20.0


def ports_of(previewer: Previewer) -> tuple[int, ...]:
    """Where the cell listens: this machine's own ports that it may reach; the proxy's is last."""
    own = sorted({peer.port for peer in previewer.egress if peer.here})
    if all(peer.here for peer in previewer.egress):
        return tuple(own)
    return (*own, next(port for port in range(_FIRST_PROXY_PORT, 1 << 16) if port not in own))


def proxy_environment(previewer: Previewer) -> dict[str, str]:
    """What tells programs of the way out; empty where there is none beyond this machine."""
    if all(peer.here for peer in previewer.egress):
        return {}
    address = f"http://127.0.0.1:{ports_of(previewer)[-1]}"
    direct = "127.0.0.1,localhost,::1"
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), address)
    return proxies | dict.fromkeys(("NO_PROXY", "no_proxy"), direct)


class Egress:
    """Answers the cell's sockets while the `with` block runs, in a thread of its own."""

    def __init__(self, previewer: Previewer, listeners: Sequence[socket.socket]) -> None:
        self._previewer = previewer
        self._listeners = listeners
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Egress:
        if self._listeners:
            self._thread.start()
            self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._over is not None:
            with suppress(RuntimeError):  # it ended by itself
                self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()  # nobody waits for one that could not begin: nothing is reached

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._answer(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        servers = [
            await asyncio.start_server(answer, sock=listener, limit=_HEAD_LIMIT)
            for listener in self._listeners
        ]
        self._ready.set()
        await self._over.wait()
        for server in servers:
            server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection out of the cell, to its end."""
        outside: asyncio.StreamWriter | None = None
        try:
            port = writer.get_extra_info("sockname")[1]
            if proxy_environment(self._previewer) and port == ports_of(self._previewer)[-1]:
                target = await _asked_for(reader)
                if target is None or not self._previewer.allows(*target):
                    writer.write(b"HTTP/1.1 403 not on the list of this preview\r\n\r\n")
                    await writer.drain()
                    return
                addresses = await _addresses(*target)
            else:
                target, addresses = None, [("127.0.0.1", port)]
            back, outside = await _connect(addresses)
            if target is not None:
                writer.write(b"HTTP/1.1 200 connected\r\n\r\n")
            await asyncio.gather(_pipe(reader, outside), _pipe(back, writer))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            for end in (writer, outside):
                if end is not None:
                    end.close()
                    with suppress(OSError):
                        await end.wait_closed()


async def _asked_for(reader: asyncio.StreamReader) -> tuple[str, int] | None:
    """Host and port of a CONNECT; None for anything else."""
    async with asyncio.timeout(_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or words[0] != "CONNECT":
        return None
    host, _, port = words[1].rpartition(":")
    return (host, int(port)) if port.isascii() and port.isdigit() else None


async def _addresses(host: str, port: int) -> list[tuple[str, int]]:
    """Where a name leads, this machine and link-local addresses excepted.

    Whoever owns a name of the list chooses its address: not loopback, not a metadata service.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    return [(address, port) for address in addresses if not _is_close(address)]


def _is_close(address: str) -> bool:
    value = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(value, "ipv4_mapped", None)
    value = mapped or value
    return value.is_loopback or value.is_link_local or value.is_unspecified or value.is_multicast


async def _connect(
    addresses: Sequence[tuple[str, int]],
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for host, port in addresses:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_SECONDS):
                return await asyncio.open_connection(host, port)
    raise ConnectionError("nobody answers there")


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()
