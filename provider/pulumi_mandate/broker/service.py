"""The broker's door: three questions over mutual TLS, and nothing for whoever is not known.

* `/v1/executor` → the address of the executor's key,
* `/v1/sign` `{kind, message}` → a signature under an order, a renewal or an outcome,
* `/v1/credentials` `{service, subject}` → what this caller may have of AWS or Kubernetes now.

Each answer is written to the log before it leaves, and each refusal too.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from pulumi_mandate.errors import MandateError, Refused, UsageError
from pulumi_mandate.gate.machine import Machine, open_machine
from pulumi_mandate.models import (
    Address,
    Digest,
    ExecutionOrder,
    Outcome,
    OutcomeKind,
    Renewal,
    Subject,
    digest,
    to_hex,
)
from pulumi_mandate.svid import SpiffeId, peer_of, server_context

from . import aws, kubernetes
from .aws import Credentials
from .events import Events
from .identity import Standing, running_with
from .judge import Judge
from .settings import Settings, load_settings

MAX_BODY = 16 * 1024
RELOAD_SECONDS = 30.0
"""How soon a new certificate of the broker's own is used."""
_NOTHING = "no run of yours is final on this stack"
JSON = dict[str, Any]


class Broker:
    """What is behind the door. Its methods may be called from several threads."""

    def __init__(self, settings: Settings, machine: Machine, events: Events) -> None:
        """Raises `SignerError` where the executor's key may not sign for this chain, `UsageError`
        for certificates that cannot be used."""
        self._settings, self._machine, self._events = settings, machine, events
        self.tls = server_context(settings.files)
        self._standing = Standing(
            machine, settings.identity, lambda: running_with(settings, self.tls)
        )
        self._judge = Judge(machine, settings)
        self._executor = machine.order_key()

    def standing(self) -> str:
        """One sentence for whoever starts it."""
        try:
            self._standing.require()
        except MandateError as error:
            only = f"it signs for {self._settings.identity} only"
            differs = f": {error.field} is {error.found}" if isinstance(error, Refused) else ""
            return f"{error.happened}{differs}; until that is put right {only}"
        return f"plans of {self._settings.identity} say that this is the broker"

    def answer(self, caller: SpiffeId, path: str, question: JSON) -> JSON:
        """One question of somebody whose certificate was checked.

        Raises `MandateError`, after it was written down; then nothing was given.
        """
        try:
            return self._answer(caller, path, question)
        except MandateError as error:
            told = {"path": path, "error": type(error).__name__, "reason": error.happened}
            self._events.append("refused", str(caller), **told)
            raise

    def turned_away(self, error: Refused) -> None:
        """Somebody's certificate was signed by our authority and says too little, or too much."""
        self._events.append("refused", "nobody", path="", error="Refused", reason=error.happened)

    def _answer(self, caller: SpiffeId, path: str, question: JSON) -> JSON:
        if caller not in self._settings.runners:
            raise Refused(2, f"{caller} is not enrolled at this broker", field="runner")
        if path == "/v1/executor":
            return {"address": self._executor.address}
        if path == "/v1/sign":
            return self._sign(caller, question)
        if path == "/v1/credentials":
            return self._credentials(caller, question)
        raise UsageError("the broker is not asked that")

    def _sign(self, caller: SpiffeId, question: JSON) -> JSON:
        message = message_of(question)
        domain = self._machine.domain
        if isinstance(message, ExecutionOrder):
            self._require_standing(subject := self._judge.order(caller, message))
            signature = self._executor.sign_order(domain, message)
        elif isinstance(message, Renewal):
            self._require_standing(subject := self._judge.renewal(caller, message))
            signature = self._executor.sign_renewal(domain, message)
        else:
            self._require_standing(subject := self._judge.outcome(caller, message))
            signature = self._executor.sign_outcome(domain, message)
        facts = {"kind": question["kind"], "subject": str(subject), "run": to_hex(message.run_id)}
        if isinstance(message, ExecutionOrder):
            facts["plan"] = to_hex(message.plan_hash)
        self._events.append("signed", str(caller), **facts)
        return {"signature": "0x" + signature.hex()}

    def _require_standing(self, subject: Subject) -> None:
        """A broker that nobody voted on signs for the stack that says who it is, and no other."""
        if subject != self._settings.identity:
            self._standing.require()

    def _credentials(self, caller: SpiffeId, question: JSON) -> JSON:
        self._standing.require()
        subject, service = subject_of(question), question.get("service")
        _, enrolled = self._settings.enrolled(caller, subject)
        run = self._judge.run(caller, subject)
        if service == "aws" and enrolled.aws is not None:
            given = (
                aws.write_credentials(enrolled.aws, run)
                if run
                else aws.read_credentials(enrolled.aws, subject, _NOTHING)
            )
        elif service == "kubernetes" and enrolled.kubernetes is not None:
            given = (
                kubernetes.write_token(enrolled.kubernetes, run)
                if run
                else kubernetes.read_token(enrolled.kubernetes, subject, _NOTHING)
            )
        else:
            raise UsageError(f"the broker has nothing of {str(service)[:20]!r} for {subject}")
        return self._given(caller, subject, str(service), run, given)

    def _given(
        self, caller: SpiffeId, subject: Subject, service: str, run: Any, given: Credentials
    ) -> JSON:
        facts = {"service": service, "subject": str(subject), **given.facts}
        if run is not None:
            facts |= {"plan": to_hex(run.plan_hash), "run": to_hex(run.run_id)}
        self._events.append("credentials", str(caller), **facts)
        return given.answer


def message_of(question: JSON) -> ExecutionOrder | Renewal | Outcome:
    """The message to be signed, member by member. Raises `UsageError`."""
    try:
        told: JSON = dict(question["message"])
        whole = {name: value for name, value in told.items() if type(value) is int and value >= 0}
        made: ExecutionOrder | Renewal | Outcome
        if question["kind"] == "order":
            made = ExecutionOrder(
                plan_hash=_digest(told, "plan_hash"),
                run_id=_digest(told, "run_id"),
                runner=Address(told["runner"]),
                **{name: whole[name] for name in ("lease_until", "key_epoch", "deadline")},
            )
        elif question["kind"] == "renewal":
            made = Renewal(
                run_id=_digest(told, "run_id"),
                **{name: whole[name] for name in ("lease_until", "key_epoch", "deadline")},
            )
        elif question["kind"] == "outcome":
            made = Outcome(
                run_id=_digest(told, "run_id"),
                kind=OutcomeKind(told["kind"]),
                receipt_root=_digest(told, "receipt_root"),
                post_state=_digest(told, "post_state"),
                key_epoch=whole["key_epoch"],
            )
        else:
            raise ValueError("unknown kind")
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"that is no message to sign ({type(error).__name__})") from None
    return made


def subject_of(question: JSON) -> Subject:
    """Raises `UsageError`."""
    told = question.get("subject")
    names = ("backend", "organisation", "project", "stack")
    if not isinstance(told, Mapping) or set(told) != set(names):
        raise UsageError("a subject is backend, organisation, project and stack")
    if not all(isinstance(value, str) and value for value in told.values()):
        raise UsageError("a subject's parts are texts")
    return Subject(**told)


def _digest(told: JSON, name: str) -> Digest:
    return digest(told[name])


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_STATUS = {2: 400, 3: 403, 4: 503, 5: 502}


def build_app(broker: Broker, settings: Settings) -> web.Application:
    """The application; the caller puts it behind `server_context`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            caller = _caller(request, broker, settings)
            question = await request.json()
            if not isinstance(question, dict):
                raise UsageError("a question is a JSON object")
            # The chain and the key store are asked in a thread: others are answered meanwhile.
            said = await asyncio.to_thread(broker.answer, caller, request.path, question)
        except MandateError as error:
            status = _STATUS.get(error.exit_code, 500)
            return web.json_response(error.as_dict(), status=status)
        except ValueError:
            return web.json_response(UsageError("that is not JSON").as_dict(), status=400)
        return web.json_response(said)

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_post("/v1/{what:executor|sign|credentials}", answer)
    return app


def _caller(request: web.Request, broker: Broker, settings: Settings) -> SpiffeId:
    """Who asks, from the certificate of this connection. Raises `Refused`."""
    tls = request.transport.get_extra_info("ssl_object") if request.transport else None
    presented = tls.getpeercert(binary_form=True) if tls is not None else None
    try:
        return peer_of(presented or b"", settings.id.domain, settings.longest)
    except Refused as error:
        broker.turned_away(error)
        raise


async def listen(broker: Broker, settings: Settings) -> tuple[web.AppRunner, int]:
    """Open the door; (runner to clean up, its port). Raises `UsageError`."""
    runner = web.AppRunner(build_app(broker, settings), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, ssl_context=broker.tls).start()
    except OSError as error:
        await runner.cleanup()
        raise UsageError(
            f"the broker cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from None
    return runner, runner.addresses[0][1]


def serve(config: Path, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT. Raises `MandateError` where it cannot begin."""
    settings = load_settings(config)
    machine = open_machine(settings.trust)
    events = Events(settings.log)
    try:
        asyncio.run(_serve(Broker(settings, machine, events), settings, say))
    finally:
        events.close()


async def _serve(broker: Broker, settings: Settings, say: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner, port = await listen(broker, settings)
    say(f"{settings.id} listens on {settings.host}:{port}")
    say(await asyncio.to_thread(broker.standing))
    try:
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), RELOAD_SECONDS)
            except TimeoutError:
                _renew(broker.tls, settings, say)
    finally:
        await runner.cleanup()


def _renew(context: ssl.SSLContext, settings: Settings, say: Callable[[str], None]) -> None:
    """New connections use the certificate that lies there now: its life is shorter than ours."""
    try:
        context.load_cert_chain(settings.files.certificate, settings.files.key)
    except (OSError, ssl.SSLError) as error:
        say(f"the broker's new certificate cannot be used ({type(error).__name__}): the old one is")
