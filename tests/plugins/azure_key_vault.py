"""A stand-in for Azure Key Vault: the official client speaks with it over HTTPS on the loopback.

It challenges, as a vault does, and wants a token. It shows that the client is asked rightly and
that its answers and errors are read rightly. It does not show that Azure answers so: what is built
on it stays unproven.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import json
import secrets
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

CHALLENGE = 'Bearer authorization="https://login.example/tenant", resource="https://vault.example"'


@dataclass
class AzureKeyVault:
    """Keys by `name/version`; `faults` are statuses that a key answers with instead."""

    host: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    curve: str = "P-256K"
    asked: list[str] = field(default_factory=list)
    cut: int = 64
    """How many bytes of a signature it returns."""
    hang: threading.Event = field(default_factory=threading.Event)
    """Set: answer at once. Cleared: wait."""

    def new_key(self, name: str) -> str:
        """Its URI."""
        version = secrets.token_hex(16)
        self.keys[f"{name}/{version}"] = ec.generate_private_key(ec.SECP256K1())
        return f"azurekeyvault:///{self.host}/{name}/{version}"

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        _, _, name, version, *act = path.partition("?")[0].split("/")
        place = f"{name}/{version}"
        self.asked.append("/".join([place, *act]))
        self.hang.wait(5)
        status = self.faults.get(place, 404 if place not in self.keys else 200)
        if status != 200:
            return status, {"error": {"code": "Refused", "message": "caller SECRET"}}
        key = self.keys[place]
        kid = f"https://{self.host}/keys/{place}"
        if act == ["sign"]:
            digest = base64.urlsafe_b64decode(body["value"] + "==")
            r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(SHA256()))))
            value = (r.to_bytes(32, "big") + s.to_bytes(32, "big"))[: self.cut]
            return 200, {"kid": kid, "value": _text(value)}
        point = key.public_key().public_numbers()
        x, y = (_text(part.to_bytes(32, "big")) for part in (point.x, point.y))
        jwk = {"kid": kid, "kty": "EC-HSM", "crv": self.curve, "x": x, "y": y, "key_ops": ["sign"]}
        return 200, {"key": jwk, "attributes": {"enabled": True}}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def serve(vault: AzureKeyVault, folder: Path) -> tuple[Any, Path]:
    """Start it; the server to stop, and the certificate that its clients believe."""
    vault.hang.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != "Bearer emulator":
                self._say(401, {}, {"WWW-Authenticate": CHALLENGE})
                return
            self._say(*vault.answer(self.path, json.loads(body or b"{}")), {})

        do_GET = do_POST = _do  # noqa: N815  # the names that the base class calls

        def _say(self, status: int, told: dict[str, Any], headers: dict[str, str]) -> None:
            data = json.dumps(told).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            with contextlib.suppress(OSError):  # nobody waits any more
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    certificate, key = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    vault.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server, certificate


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, SHA256())
    )
    certificate, private = folder / "stand-in.pem", folder / "stand-in.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private
