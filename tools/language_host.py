"""A stand-in for `pulumi-language-python`, for machines that cannot install the official one, and
for what `pulumi-language-go` does with a program that is compiled already.

Serves the parts of Pulumi's `LanguageRuntime` gRPC service that previews, updates, component
plugins and policy packs use (pulumi/proto/pulumi/language.proto). Development only: `make` puts it
on PATH only where no official host is found. ADR 0005 says why it exists and what it leaves out.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import language_pb2 as pb
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

PROGRAM_RUNNER = Path(__file__).with_name("run_program.py")
SECONDS_BETWEEN_LOOKS = 1


def options_of(info: Any) -> dict[str, Any]:
    """`runtime.options` of the project."""
    return MessageToDict(info.options) if info.HasField("options") else {}


def interpreter(info: Any) -> str:
    """The Python of the project's `virtualenv` option, else the active one, else ours."""
    for root in (options_of(info).get("virtualenv"), os.environ.get("VIRTUAL_ENV")):
        if root:
            candidate = Path(info.root_directory or ".", root, "bin", "python")
            if candidate.exists():
                return str(candidate)
    return sys.executable


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Each call's parameters and results are Pulumi's own messages."""

    def __init__(self, engine_address: str) -> None:
        self._engine = engine_address
        self._children: set[subprocess.Popen[bytes]] = set()

    def end(self) -> None:
        """End the programs that still run: they speak to an engine that is no more."""
        for child in self._children.copy():
            child.terminate()

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's own names
        self._engine = request.engine_address
        return pb.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version="0.0.0-stand-in")

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.GetRequiredPluginsResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        yield pb.InstallDependenciesResponse(
            stderr=b"dependencies are installed by make, not here\n"
        )

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802
        found = [
            pb.DependencyInfo(name=d.metadata["Name"], version=d.version)
            for d in metadata.distributions()
        ]
        return pb.GetProgramDependenciesResponse(dependencies=found)

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Run one program to its end; its output goes straight to ours."""
        if binary := options_of(request.info).get("binary"):
            return self._run_compiled(request, str(Path(request.pwd, binary)))
        job = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "rootDirectory": request.info.root_directory,
            "dryRun": request.dryRun,
            "parallel": request.parallel,
            "config": dict(request.config),
            "secretKeys": list(request.configSecretKeys),
            "program": str(Path(request.pwd, request.info.entry_point or ".")),
            "args": list(request.args),
        }
        python = interpreter(request.info)
        # Configuration holds secrets, so it travels by pipe: argv and environment are readable.
        child = subprocess.Popen(
            [python, "-u", str(PROGRAM_RUNNER)],
            cwd=request.pwd,
            stdin=subprocess.PIPE,
            env=os.environ | {"PULUMI_LANGUAGE_PYTHON_STAND_IN": "1"},
        )
        self._children.add(child)
        child.communicate(json.dumps(job).encode())
        self._children.discard(child)
        if child.returncode == 0:
            return pb.RunResponse()
        # 32 is the SDK's own "the error was already shown".
        return pb.RunResponse(
            error="" if child.returncode == 32 else f"program exited with code {child.returncode}",
            bail=child.returncode == 32,
        )

    def _run_compiled(self, request: Any, binary: str) -> Any:
        """A compiled program is told everything by its environment, as Pulumi's Go SDK reads it."""
        told = {
            "PULUMI_ORGANIZATION": request.organization,
            "PULUMI_PROJECT": request.project,
            "PULUMI_STACK": request.stack,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            "PULUMI_DRY_RUN": str(request.dryRun).lower(),
            "PULUMI_PARALLEL": str(request.parallel),
            "PULUMI_MONITOR": request.monitor_address,
            "PULUMI_ENGINE": self._engine,
        }
        child = subprocess.Popen([binary], cwd=request.pwd, env=os.environ | told)
        self._children.add(child)
        code = child.wait()
        self._children.discard(child)
        return pb.RunResponse(error=f"program exited with code {code}" if code else "")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Start a plugin written in Python and relay its output until it ends."""
        entry = str(Path(request.info.program_directory, request.info.entry_point or "."))
        environment = dict(item.split("=", 1) for item in request.env) or dict(os.environ)
        child = subprocess.Popen(
            [interpreter(request.info), "-u", entry, *request.args],
            cwd=request.pwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(child.terminate)
        assert child.stdout is not None
        assert child.stderr is not None
        errors: list[bytes] = []
        reader = threading.Thread(target=lambda err=child.stderr: errors.extend(err), daemon=True)
        reader.start()
        for line in child.stdout:
            yield pb.RunPluginResponse(stdout=line)
        reader.join(timeout=5)
        for line in errors:
            yield pb.RunPluginResponse(stderr=line)
        yield pb.RunPluginResponse(exitcode=child.wait())

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


def main() -> None:
    """Serve on a free loopback port and print it, as the engine expects."""
    positional = [a for a in sys.argv[1:] if not a.startswith("-")]
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_receive_message_length", 400 * 1024 * 1024)],
    )
    host = LanguageHost(positional[-1] if positional else "")
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine ends its plugins with SIGINT: that is the normal way out, not a failure.
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    print(port, flush=True)
    # An engine that was killed sends nothing; it is our parent, so we notice.
    engine = os.getppid()
    while not stopped.wait(SECONDS_BETWEEN_LOOKS) and os.getppid() == engine:
        pass
    if os.getppid() != engine:
        host.end()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
