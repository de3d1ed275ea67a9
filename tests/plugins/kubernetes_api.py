"""A stand-in for the API server, over TLS: Secrets and TokenRequest, as the broker uses them.

It checks the bearer token, names and bounds as the real one does, and keeps what it was asked. It
authorises nobody: roles are the cluster's affair.

Source: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

from __future__ import annotations

import ipaddress
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class KubernetesApi:
    """`with KubernetesApi(folder, token) as api:` serves on loopback; `api.ca` is its root."""

    def __init__(self, folder: Path, token: str) -> None:
        self.ca, self.requests = folder / "cluster.pem", []  # type: Path, list[dict[str, Any]]
        self.secrets: dict[str, dict[str, Any]] = {}
        self.down = 0
        """Not 0: the status of every answer."""
        api, bearer = self, f"Bearer {token}"

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def do_GET(self) -> None:
                self._answer(None)

            def _answer(self, body: Any) -> None:
                if self.headers["Authorization"] != bearer:
                    status, found = 401, {"kind": "Status"}
                else:
                    status, found = api.answer(self.path, body)
                data = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = _context(self.ca).wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        if self.down:
            return self.down, {"kind": "Status"}
        self.requests.append({"path": path, "body": body})
        if path.endswith("/secrets"):
            name = body["metadata"]["name"]
            if name in self.secrets:
                return 409, {"kind": "Status", "reason": "AlreadyExists"}
            metadata = {**body["metadata"], "uid": f"uid-{len(self.secrets)}"}
            self.secrets[name] = {**body, "metadata": metadata}
            return 201, self.secrets[name]
        if "/secrets/" in path:
            return 200, self.secrets[path.rpartition("/")[2]]
        return self._token(body["spec"])

    def _token(self, spec: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        bound = spec.get("boundObjectRef")
        if spec["expirationSeconds"] < 600:
            return 422, {"kind": "Status", "reason": "Invalid"}
        if bound and self.secrets[bound["name"]]["metadata"]["uid"] != bound["uid"]:
            return 409, {"kind": "Status", "reason": "Conflict"}
        until = datetime.now(UTC) + timedelta(seconds=spec["expirationSeconds"])
        status = {"token": "a.very.secret", "expirationTimestamp": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
        return 201, {"kind": "TokenRequest", "spec": spec, "status": status}

    def __enter__(self) -> KubernetesApi:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _context(ca: Path) -> ssl.SSLContext:
    """Of a self-signed certificate for 127.0.0.1, which is written to `ca`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    ca.write_bytes(pem)
    private = ca.with_suffix(".key")
    private.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(private)
    return context
