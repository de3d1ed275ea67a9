"""Asking the broker: one JSON question, one JSON answer, over mutual TLS.

Where the broker is and who it must be stands in a file of the machine (`client_path`). Whoever
answers at that place without the broker's SPIFFE id gets no question.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pulumi_mandate.errors import (
    ChainError,
    MandateError,
    Refused,
    SignerError,
    UsageError,
)
from pulumi_mandate.owned import owned_text

from .identity import SpiffeId, peer_of
from .tls import Files, client_context

VERSION = 1
TIMEOUT_SECONDS = 60.0
MAX_ANSWER = 1 << 20
LONGEST_OF_A_BROKER = timedelta(days=1)
_WORDS = {"version", "url", "broker", "authority", "certificate", "key"}
_BY_CODE: dict[int, type[MandateError]] = {2: UsageError, 4: ChainError, 5: SignerError}


@dataclass(frozen=True, slots=True)
class BrokerAt:
    """Where the broker is, who it must be, and who we are."""

    host: str
    port: int
    broker: SpiffeId
    files: Files


def client_path() -> Path:
    """`$MANDATE_BROKER`, or the file below the user's configuration folder."""
    named = os.environ.get("MANDATE_BROKER")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "pulumi-mandate" / "broker-client.toml"


def read_client(path: Path | None = None) -> BrokerAt:
    """Read the file. Raises `UsageError`, and `Refused` where it is somebody else's."""
    chosen = client_path() if path is None else path
    text = owned_text(
        chosen,
        "broker client file",
        meaning="it says whom this machine asks for credentials and signatures",
        absent="write it (docs/reference/broker.md), or set $MANDATE_BROKER",
    )
    try:
        return _parse(tomllib.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the broker client file {chosen} is malformed: {error}",
            next_step="compare it with docs/reference/broker.md",
        ) from error


def _parse(content: dict[str, Any]) -> BrokerAt:
    if set(content) != _WORDS or content["version"] != VERSION:
        raise ValueError(f"it holds exactly {', '.join(sorted(_WORDS))}, of version {VERSION}")
    url = urlsplit(content["url"])
    if url.scheme != "https" or not url.hostname or url.path.strip("/") or url.query:
        raise ValueError("`url` is https://HOST:PORT")
    places = [Path(content[name]) for name in ("authority", "certificate", "key")]
    if not all(place.is_absolute() for place in places):
        raise ValueError("paths are absolute")
    return BrokerAt(
        url.hostname, url.port or 443, SpiffeId.parse(content["broker"]), Files(*places)
    )


class BrokerCaller:
    """One machine's questions to its broker. A connection a question: they are rare."""

    def __init__(self, at: BrokerAt) -> None:
        self._at = at

    def ask(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """The broker's answer. Raises what the broker says (`Refused` and others, by exit code),
        and `SignerError` where it cannot be reached or is somebody else."""
        try:
            return self._ask(path, json.dumps(question).encode())
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, ssl.SSLError) else type(error).__name__
            raise SignerError(
                f"the broker at {self._at.host}:{self._at.port} cannot be asked: {reason}",
                meaning="Nothing was signed and no credentials were given.",
                next_step="check that it runs, and that both certificates are in date: "
                "mandate certificates show FILE",
            ) from None

    def _ask(self, path: str, body: bytes) -> dict[str, Any]:
        connection = http.client.HTTPSConnection(
            self._at.host,
            self._at.port,
            timeout=TIMEOUT_SECONDS,
            context=client_context(self._at.files),
        )
        try:
            connection.connect()
            self._check_broker(connection.sock)
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read(MAX_ANSWER + 1)
        finally:
            connection.close()
        answer = json.loads(data) if len(data) <= MAX_ANSWER else None
        if not isinstance(answer, dict):
            raise ValueError("the answer is no JSON object")
        if response.status != http.client.OK:
            raise _error(answer)
        return answer

    def _check_broker(self, sock: ssl.SSLSocket) -> None:
        presented = sock.getpeercert(binary_form=True) or b""
        found = peer_of(presented, self._at.broker.domain, LONGEST_OF_A_BROKER)
        if found != self._at.broker:
            raise SignerError(
                f"{found} answers in the place of {self._at.broker}",
                meaning="It was asked nothing.",
                next_step="treat it as an incident, or correct the broker client file",
            )


def _error(answer: dict[str, Any]) -> MandateError:
    texts = {name: str(answer.get(name, "")) for name in ("happened", "meaning", "next")}
    told = {"meaning": texts["meaning"], "next_step": texts["next"]}
    happened = texts["happened"] or "the broker said no, and not why"
    code = answer.get("exitCode", Refused.exit_code)
    if code != Refused.exit_code:
        return _BY_CODE.get(code, MandateError)(happened, **told)
    return Refused(
        int(answer.get("step") or 0),
        happened,
        field=str(answer.get("field", "")),
        expected=str(answer.get("expected", "")),
        found=str(answer.get("found", "")),
        **told,
    )
