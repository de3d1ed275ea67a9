"""A stand-in for a cloud's provider plugin: it keeps nothing and answers with what it was told.

No provider's binary is to be had from a package registry, so the engine's tests use this one. It is
a whole `ResourceProvider` service, spoken over gRPC with the real engine. Inputs steer it:

| input | what the provider does |
|---|---|
| `kind` changes | asks for a replacement |
| `first: "delete"` | asks for the old one to be deleted before the new one is made |
| `named: "x"` without `name` | chooses the name `x-1a2b3c4`, from the engine's seed |
| `outs: true` | has one output of every type, unknown until it is made |
| `hush: true` | has a secret output |

Source of the protocol: `proto/pulumi/provider.proto` of Pulumi v3.259.0.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

ANY = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_OUTS = {
    "text": ANY,
    "flag": "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "number": "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "array": "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "file": "030794c1-ac77-496b-92df-f27374a8bd58",
    "archive": "e48ece36-62e2-4504-bad9-02848725956a",
    "object": "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}
KNOWN_OUTS = {"text": "t", "flag": True, "number": 7, "array": ["a"], "object": {"k": "v"}}
ANYTHING = {"$ref": "pulumi.json#/Any"}
SCHEMA = {
    "name": "echo",
    "version": "1.0.0",
    "resources": {
        "echo:index:Thing": {
            "inputProperties": dict.fromkeys(("label", "kind", "named", "hush"), ANYTHING),
            "properties": {"label": ANYTHING, "arn": {"type": "string"}},
            "required": ["arn"],
        }
    },
}
"""For programs in YAML, whose host checks the types of what it registers."""
CALLS = "ECHO_CALLS"
"""A variable that names a file: one line per call that would have changed a cloud."""
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # the engine's format, no secret


class Echo(provider_pb2_grpc.ResourceProviderServicer):
    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True,
            accept_resources=True,
            accept_outputs=True,
            supports_autonaming_configuration=True,
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=json.dumps(SCHEMA))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return _diff(request)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True,
            supportsPreview=True,
            acceptResources=True,
            acceptOutputs=True,
            supports_autonaming_configuration=True,
        )

    def Check(self, request: Any, context: Any) -> Any:
        news = Struct()
        news.CopyFrom(request.news)
        if "named" in news and "name" not in news:
            news["name"] = _name(request)
        return provider_pb2.CheckResponse(inputs=news)

    def Diff(self, request: Any, context: Any) -> Any:
        return _diff(request)

    def Create(self, request: Any, context: Any) -> Any:
        name = request.urn.rpartition("::")[2]
        if not request.preview:
            _note("create", request.urn)
        done = _outputs(request.properties, None if request.preview else f"arn:{name}")
        return provider_pb2.CreateResponse(
            id="" if request.preview else f"id-{name}", properties=done
        )

    def Update(self, request: Any, context: Any) -> Any:
        if not request.preview:
            _note("update", request.urn)
        return provider_pb2.UpdateResponse(
            properties=_outputs(request.news, dict(request.olds).get("arn", "?"))
        )

    def Read(self, request: Any, context: Any) -> Any:
        found = Struct()
        found.CopyFrom(request.inputs)
        if not found.fields:
            found["label"] = request.id
        return provider_pb2.ReadResponse(
            id=request.id, inputs=found, properties=_outputs(found, f"arn:{request.id}")
        )

    def Delete(self, request: Any, context: Any) -> Any:
        _note("delete", request.urn)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def _note(what: str, urn: str) -> None:
    if CALLS in os.environ:
        with Path(os.environ[CALLS]).open("a") as log:
            log.write(f"{what} {urn.rpartition('::')[2]}\n")


def _name(request: Any) -> str:
    """The old name, the engine's proposal under `pulumi:autonaming`, or one from the seed."""
    if "name" in request.olds:
        return str(request.olds["name"])
    if request.HasField("autonaming") and request.autonaming.proposed_name:
        return str(request.autonaming.proposed_name)
    return f"{request.news['named']}-{hashlib.sha256(request.randomSeed).hexdigest()[:7]}"


def _diff(request: Any) -> Any:
    old, new = request.old_inputs.fields, request.news.fields
    ignored = set(request.ignoreChanges)
    changed = sorted(
        key for key in {*old, *new} if old.get(key) != new.get(key) and key not in ignored
    )
    # `hasDetailedDiff`: or the engine's replaceOnChanges would not know what changed.
    detailed = {
        key: provider_pb2.PropertyDiff(
            kind=provider_pb2.PropertyDiff.UPDATE_REPLACE
            if key == "kind"
            else provider_pb2.PropertyDiff.UPDATE,
            inputDiff=True,
        )
        for key in changed
    }
    answer = provider_pb2.DiffResponse
    return answer(
        changes=answer.DIFF_SOME if changed else answer.DIFF_NONE,
        replaces=[key for key in changed if key == "kind"],
        diffs=changed,
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace="first" in new and new["first"].string_value == "delete",
    )


def _outputs(inputs: Struct, arn: str | None) -> Struct:
    done = Struct()
    done.CopyFrom(inputs)
    done["arn"] = ANY if arn is None else arn
    if "outs" in inputs:
        done["outs"] = UNKNOWN_OUTS if arn is None else KNOWN_OUTS
    if "hush" in inputs:
        done["token"] = {SIGNATURE: SECRET, "value": done["arn"]}
    return done


def install(folder: Path, *names: str) -> Path:
    """Executables `pulumi-resource-NAME` in `folder`, which belongs on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        launcher = folder / f"pulumi-resource-{name}"
        run = f"import runpy\nrunpy.run_path({__file__!r}, run_name='__main__')\n"
        launcher.write_text(f"#!{sys.executable} -P\n{run}")
        launcher.chmod(0o755)
    return folder


def serve() -> None:
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    serve()
