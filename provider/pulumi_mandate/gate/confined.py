"""The cell of a preview, from inside: makes it, starts one command in it, ends what uses too much.

Run as `python -I -S confined.py FD` by `previewer`: only the standard library, because nothing of
the checkout or its packages may run before the cell is closed. FD is a socket: one line of JSON
comes in, one goes out when the cell stands or cannot be made (with the sockets on which it
listens), one when it is over.

What is asked of the kernel (Linux 5.12, mount_setattr): namespaces for network, processes, mounts
and IPC, for who is not root inside a user namespace; every mount read-only, without devices and
set-user-id; no capability, none by exec either; and resource limits.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from typing import Any

_CLONE = {"mount": 0x00020000, "ipc": 0x08000000, "process": 0x20000000, "network": 0x40000000}
_CLONE_USER = 0x10000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_MS_RDONLY = 1
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_RDONLY, _NOSUID, _NODEV = 1, 2, 4
_PDEATHSIG, _NO_NEW_PRIVS, _CAPBSET_DROP = 1, 38, 24
_LAST_CAPABILITY = 63
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_DEVICES = ("null", "zero", "full", "random", "urandom")
_SIZE_MAX = 1 << 20
_TICK = 0.05
_MIB, _BLOCK = 1 << 20, 4096


class _Unmakable(Exception):
    """A part of the cell that this machine does not give."""


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def main(descriptor: int) -> None:
    with socket.socket(fileno=descriptor) as control:
        control.set_inheritable(False)
        _serve(control)


def _serve(control: socket.socket) -> None:
    """Make one cell, run its command, say how that went."""
    cell = json.loads(_line(control))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        if cell["closed"]:
            _enter_namespaces()
        begun, begins = os.pipe()
        first = os.fork()
    except (_Unmakable, OSError, AttributeError) as error:
        _tell(control, {"failed": str(error)})
        return
    if first == 0:
        _become(control, cell)
    os.close(begins)
    os.read(begun, 1)  # ends when the command is started, or could not be
    _tell(control, _watch(first, control, cell))


def _become(control: socket.socket, cell: dict[str, Any]) -> None:
    """The first process of the cell, which becomes the command."""
    try:
        os.setsid()
        listeners = []
        if cell["closed"]:
            _close_files(cell)
            listeners = _open_network(cell["ports"])
        _give_up_rights(cell)
        os.chdir(cell["folder"])
        _tell(control, {"made": True}, [listener.fileno() for listener in listeners])
        for listener in listeners:
            listener.close()
        # Nothing starts before the other end listens and has said yes.
        if _line(control) != b"go":
            os._exit(125)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        os.execvpe(cell["command"][0], cell["command"], dict(os.environ))  # noqa: S606
    except FileNotFoundError as error:
        _tell(control, {"failed": f"{error.strerror}: {error.filename}"})
    except BaseException as error:  # nothing may go on in here
        _tell(control, {"failed": str(error) or type(error).__name__})
    os._exit(125)


def _enter_namespaces() -> None:
    user, group = os.geteuid(), os.getegid()
    if user != 0:
        _call("user namespace", "unshare", _CLONE_USER)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    for name, flag in _CLONE.items():
        _call(f"{name} namespace", "unshare", flag)


def _close_files(cell: dict[str, Any]) -> None:
    """Only the cell's own folder can be written, no device be opened; what is hidden is gone."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    # Processes outside are not even listed, so nothing can be read of them or sent to them.
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    devices = [f"/dev/{name}" for name in _DEVICES]
    for path in (*cell["writable"], *devices):
        _mount(path, path, None, _MS_BIND)
    _attributes("/", _AT_RECURSIVE, set_=_RDONLY | _NOSUID | _NODEV)
    for path in cell["writable"]:
        _attributes(path, clear=_RDONLY)
    for path in devices:
        _attributes(path, clear=_NODEV)
    for path in cell["hidden"]:
        if os.path.isdir(path):
            flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
            _mount("none", path, "tmpfs", flags, "size=4k,mode=0555")
        elif os.path.lexists(path):
            # A device on a mount without devices: whoever opens it is denied.
            _mount("/dev/null", path, None, _MS_BIND)
            _attributes(path, set_=_RDONLY | _NODEV)


def _open_network(ports: list[int]) -> list[socket.socket]:
    """Sockets that listen inside, for the other end to answer from outside."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
    listeners = []
    for port in ports:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        listeners.append(listener)
    return listeners


def _give_up_rights(cell: dict[str, Any]) -> None:
    limits = cell["limits"]
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits["disk_mib"] * _MIB)
    _limit(resource.RLIMIT_DATA, limits["memory_mib"] * _MIB)
    _limit(resource.RLIMIT_CPU, limits["seconds"])
    linux = sys.platform == "linux"
    if linux:
        for capability in range(_LAST_CAPABILITY + 1):
            _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    if cell["user"] is not None:
        user, group = cell["user"]
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    if linux:
        _call("no new rights", "prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)
        # After the user changed, which clears it: who ends the watching process ends the cell.
        _call("end together", "prctl", _PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _watch(first: int, control: socket.socket, cell: dict[str, Any]) -> dict[str, Any]:
    """Wait for the first process and end the rest: `code`, or why it was `stopped` before."""
    ends = time.monotonic() + cell["limits"]["seconds"]
    stopped = None
    while not (ended := os.waitpid(first, os.WNOHANG))[0]:
        if time.monotonic() > ends:
            stopped = f"it took longer than {cell['limits']['seconds']} seconds"
        elif _other_end_is_gone(control):
            stopped = "nobody waits for it"
        else:
            stopped = _uses_too_much(cell)
        if stopped is not None:
            os.kill(first, signal.SIGKILL)  # not waited for yet, so it is still this one
            ended = os.waitpid(first, 0)
            break
        _await_a_child()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(first, signal.SIGKILL)  # where no namespace of processes has done so
    return {"code": os.waitstatus_to_exitcode(ended[1]), "stopped": stopped}


def _await_a_child() -> None:
    """Until one ends, or a tick."""
    if sys.platform == "linux":
        signal.sigtimedwait({signal.SIGCHLD}, _TICK)
    else:
        time.sleep(_TICK)


def _uses_too_much(cell: dict[str, Any]) -> str | None:
    limits = cell["limits"]
    if cell["closed"]:
        # This /proc is the cell's own: it lists the cell's processes and no other.
        processes = [name for name in os.listdir("/proc") if name.isdigit()]
        if len(processes) > limits["processes"]:
            return f"it ran more than {limits['processes']} processes"
        if sum(map(_resident, processes)) > limits["memory_mib"] * _MIB:
            return f"it used more than {limits['memory_mib']} MiB of memory"
    most = limits["disk_mib"] * _MIB
    if any(_is_larger(folder, most) for folder in cell["writable"]):
        return f"it wrote more than {limits['disk_mib']} MiB"
    return None


def _resident(process: str) -> int:
    """Bytes that are this process's own."""
    try:
        with open(f"/proc/{process}/statm") as file:
            _, resident, shared, *_ = map(int, file.read().split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * resource.getpagesize()


def _is_larger(folder: str, most: int) -> bool:
    """Whether what is below a folder takes more bytes; a file takes a block at least."""
    total = 0
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            with suppress(OSError):
                total += max(_BLOCK, os.lstat(os.path.join(parent, name)).st_blocks * 512)
        if total > most:
            return True
    return False


def _limit(which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    kept = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (kept, kept))


def _attributes(path: str, flags: int = 0, *, set_: int = 0, clear: int = 0) -> None:
    wanted = _Attributes(set_, clear, 0, 0)
    size = ctypes.sizeof(wanted)
    arguments = (_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, ctypes.byref(wanted), size)
    _call(f"attributes of {path}", "syscall", *arguments)


def _mount(source: str, at: str, kind: str | None, flags: int, data: str = "") -> None:
    typed = kind.encode() if kind else None
    _call(f"mount {at}", "mount", os.fsencode(source), os.fsencode(at), typed, flags, data.encode())


_libc = ctypes.CDLL(None, use_errno=True)


def _call(what: str, name: str, *arguments: Any) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        raise _Unmakable(f"{what}: {os.strerror(ctypes.get_errno())}")


def _line(control: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        got = control.recv(1 << 16)
        if not got or len(data) > _SIZE_MAX:
            return b""
        data += got
    return data[:-1]


def _other_end_is_gone(control: socket.socket) -> bool:
    try:
        return control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _tell(control: socket.socket, message: dict[str, Any], sockets: Any = ()) -> None:
    data = json.dumps(message).encode() + b"\n"
    with suppress(OSError):
        if sockets:
            socket.send_fds(control, [data], sockets)
        else:
            control.sendall(data)


if __name__ == "__main__":
    main(int(sys.argv[1]))
