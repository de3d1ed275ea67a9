"""A stand-in for Google Cloud KMS: the official client speaks with it over gRPC on the loopback.

It shows that the client is asked rightly and that its answers and errors are read rightly. It does
not show that Google answers so: what is built on it stays unproven.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.cloud.kms_v1.types import resources, service

RING = "projects/test/locations/here/keyRings/ring/cryptoKeys"
ALGORITHM = resources.CryptoKeyVersion.CryptoKeyVersionAlgorithm


@dataclass
class GcpKms:
    """Keys by name; `faults` are status codes that a key answers with instead."""

    endpoint: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, grpc.StatusCode] = field(default_factory=dict)
    algorithm: Any = ALGORITHM.EC_SIGN_SECP256K1_SHA256
    asked: list[str] = field(default_factory=list)
    hang: threading.Event = field(default_factory=threading.Event)
    """Set: answer at once. Cleared: wait."""

    def new_key(self, name: str) -> str:
        """Its URI."""
        version = f"{RING}/{name}/cryptoKeyVersions/1"
        self.keys[version] = ec.generate_private_key(ec.SECP256K1())
        return f"gcpkms:///{version}?endpoint={self.endpoint}"

    def public(self, request: Any, context: Any) -> Any:
        key = self._find(request.name, context).public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return resources.PublicKey(pem=pem, algorithm=self.algorithm, name=request.name)

    def sign(self, request: Any, context: Any) -> Any:
        digest = request.digest.sha256
        key = self._find(request.name, context)
        signature = key.sign(digest, ec.ECDSA(utils.Prehashed(SHA256())))
        return service.AsymmetricSignResponse(signature=signature, name=request.name)

    def _find(self, name: str, context: Any) -> Any:
        self.asked.append(name)
        self.hang.wait(5)
        if name in self.faults:
            context.abort(self.faults[name], "caller someone@example SECRET")
        if name not in self.keys:
            context.abort(grpc.StatusCode.NOT_FOUND, "SECRET")
        return self.keys[name]


def serve(kms: GcpKms) -> Any:
    """Start it; the caller stops what it gets."""
    kms.hang.set()
    types = {
        "GetPublicKey": (kms.public, service.GetPublicKeyRequest, resources.PublicKey),
        "AsymmetricSign": (
            kms.sign, service.AsymmetricSignRequest, service.AsymmetricSignResponse,
        ),
    }  # fmt: skip
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(act, asked.deserialize, told.serialize)
        for name, (act, asked, told) in types.items()
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("google.cloud.kms.v1.KeyManagementService", handlers)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    kms.endpoint = f"http://127.0.0.1:{port}"
    server.start()
    return server
