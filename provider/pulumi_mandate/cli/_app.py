"""The whole command: its list of subcommands, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import click

from ..errors import MandateError, UsageError
from ._command import Call, TeachingGroup
from ._output import Answer, Style, print_answer, print_error, wants_colour
from .abandon import abandon
from .advance import advance
from .attest import attest
from .ballots import ballots
from .broker import broker
from .certificates import certificates
from .contracts import contracts
from .cosign import cosign
from .council import council
from .credentials import credentials
from .destroy import destroy
from .dev import dev
from .doctor import doctor
from .emergency import emergency
from .executors import executors
from .import_ import import_
from .keys import keys
from .obligations import obligations
from .observe import observe
from .preview import preview
from .propose import propose
from .queue import queue
from .ratify import ratify
from .refresh import refresh
from .resume import resume
from .revalidate import revalidate
from .revoke import revoke
from .rules import rules
from .show import show
from .state import state
from .status import status
from .subjects import subjects
from .trace import trace
from .trust import trust
from .up import up
from .verify import verify
from .veto import veto
from .vote import vote
from .withdraw import withdraw

INTERRUPTED = 130

EXIT_CODES = """Exit codes:
  0  done
  1  a defect of ours
  2  the command or its input is unusable
  3  refused; no resource was changed
  4  the chain is down, lies, or is not the pinned one
  5  a key is missing, disabled or not ours
  6  Pulumi, a program or a provider failed
  7  partly applied: `mandate resume`"""


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print("mandate", version("pulumi-mandate"))
        except PackageNotFoundError:
            print("mandate, run from a checkout that is not installed")
        context.exit()


@click.group(
    "mandate",
    cls=TeachingGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    examples=(
        "mandate doctor",
        "mandate dev start",
        'mandate propose --as ana --title "A bucket for the shop"',
        "mandate verify 1",
        "mandate vote 1 for --as bo",
        "mandate up",
    ),
    epilog=EXIT_CODES,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def app() -> None:
    """Infrastructure that changes only by mandate.

    Every Pulumi diff becomes a proposal on chain; `pulumi up` runs only what was approved, once,
    signed by the executor's key in its KMS.
    """


for _subcommand in (
    doctor,
    dev,
    preview,
    propose,
    show,
    verify,
    attest,
    vote,
    cosign,
    veto,
    ballots,
    queue,
    advance,
    status,
    up,
    destroy,
    refresh,
    import_,
    state,
    resume,
    observe,
    revalidate,
    withdraw,
    revoke,
    abandon,
    emergency,
    ratify,
    obligations,
    trace,
    subjects,
    executors,
    council,
    rules,
    keys,
    credentials,
    broker,
    certificates,
    trust,
    contracts,
):
    app.add_command(_subcommand)


def _invoke(arguments: Sequence[str], call: Call) -> Answer | int:
    """Click's own complaints become ours, so that `--json` and the exit codes hold for them."""
    try:
        answer: Answer | int = app.main(
            args=list(arguments), prog_name="mandate", standalone_mode=False, obj=call
        )
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return UsageError.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "mandate"
        raise UsageError(error.format_message(), next_step=f"{where} --help") from error
    except click.ClickException as error:
        raise UsageError(error.format_message()) from error
    return answer


def run(arguments: Sequence[str] | None = None) -> int:
    """Parse, call, render; see `pulumi_mandate.cli.main`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    call = Call(style=Style(wants_colour(sys.stdout)))
    try:
        answer = _invoke(arguments, call)
        if isinstance(answer, Answer):
            print_answer(answer, as_json=call.as_json)
            return answer.exit_code
        return answer or 0
    except MandateError as error:
        # A usage error may come before `--json` was parsed.
        print_error(error, as_json=call.as_json or "--json" in arguments)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`) left; Python would complain once more while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        print_error(_defect(error), as_json=call.as_json or "--json" in arguments)
        return MandateError.exit_code


def _defect(error: Exception) -> MandateError:
    """A foreign exception's text may hold anything, a password too: give its place only."""
    if os.environ.get("MANDATE_TRACEBACK"):
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return MandateError(
        f"{type(error).__name__} in {os.path.basename(place.filename)}, line {place.lineno}",
        meaning="This is a defect of pulumi-mandate, not of your input.",
        next_step="run it again with MANDATE_TRACEBACK=1 and open an issue with what it prints",
    )
