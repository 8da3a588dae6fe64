"""Find the command, run it, and end with one line and an exit code whatever happens.

argparse, not typer or click: it costs 10 ms of start-up against 65 ms, and only the module of the command that was
asked for is imported, so `wardround status` does not wait for what `wardround run` needs.
"""

import argparse
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from typing import Any, NoReturn

from cluster.storage.errors import ObjectError
from jobs.cli.arguments import examples
from jobs.console import say
from schemas.errors import InfrastructureError, MissingExtraError, UsageError, WardroundError
from schemas.extras import missing_extra
from schemas.loading import nearest

COMMANDS: dict[str, str] = {
    "init": "look at an input and write a commented spec for it",
    "run": "score every record of a spec, or go on where an earlier command stopped",
    "plan": "what a run would read, and whether it can be read; writes nothing",
    "status": "how far a run is, from storage alone",
    "rows": "the records of one status, and why they have it",
    "verify": "read every object of a finished run again and prove it",
    "report": "make report.html again",
    "export": "the rows of a finished run in a format of others",
    "model": "what a model directory holds, and whether it works",
    "schema": "every key of a spec, as JSON Schema for editors or as a page",
    "doctor": "whether this machine, cluster and store are fit for a run",
    "submit": "run a spec on a Ray cluster",
    "discard": "take a run away so that another can lie in its place; deletes with --yes",
    "gc": "what crashed attempts left behind; deletes it with --yes",
    "demo": "a whole run on a real S3 server on this machine",
    "completion": "the script that completes all this in a shell",
}
EXAMPLES = (
    "wardround init images --input archive/ --model models/cxr",
    "wardround plan images.yaml --sample 200",
    "wardround run images.yaml",
)
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as for every other error."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None, *, own_process: bool = False) -> int:
    """Run one command line and return its exit code: 0, or that of the error (see `schemas.errors`), or 130.

    `own_process`: this process is the command's alone, which may split it in two (`jobs.watchdog`).
    Such a process is ended at once where a thread of a worker never ends: the interpreter would wait for it.
    """
    code = _run(argv, own_process)
    threaded = sys.modules.get("workers.pipeline.threaded")
    if own_process and threaded is not None and threaded.left_behind():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _run(argv: Sequence[str] | None, own_process: bool) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments, unexpected = _parser(_command(words)).parse_known_args(words)
        if unexpected:
            raise UsageError(_unexpected(arguments, unexpected))
        arguments.own_process = own_process
        code: int = arguments.call(arguments)
        sys.stdout.flush()
        return code
    except WardroundError as error:
        _debug()
        say(" ".join(str(error).split()))
        return error.exit_code
    except KeyboardInterrupt:
        _debug()
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has seen enough; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        _debug()
        found = missing_extra(error)
        say(str(found or f"wardround is not whole here, {error.name} is missing: install it again"))
        return MissingExtraError.exit_code
    except (OSError, MemoryError, ObjectError) as error:
        _debug()
        say(_of_the_machine(error))
        return InfrastructureError.exit_code
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line, without the message's content
        _debug()
        say(f"internal error {type(error).__name__} at {_place(error)}; WARDROUND_DEBUG=1 shows the traceback")
        return 1


def whole_parser() -> argparse.ArgumentParser:
    """The parser with the arguments of every command."""
    return _parser(*COMMANDS)


def _command(words: Sequence[str]) -> str:
    """The command that is meant; empty where none is named. Raises UsageError for one that is not known."""
    wanted = next((word for word in words if not word.startswith("-")), "")
    if wanted and wanted not in COMMANDS:
        raise UsageError(f"unknown command {wanted!r}{nearest(wanted, COMMANDS)}; see wardround --help")
    return wanted


def _parser(*wanted: str) -> argparse.ArgumentParser:
    """With the arguments of these commands only, whose modules are imported for it."""
    parser = _Parser(
        prog="wardround",
        description="Batch inference for medicine: every record of a collection gets its row of predictions, once.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 complete, 1 internal error, 2 bad spec or usage, 3 refused, 4 incomplete and resumable,\n"
        f"5 verification failed, 6 reject limit, 130 interrupted\n\n{examples(EXAMPLES)}",
    )
    parser.add_argument("--version", action="version", version=f"wardround {metadata.version('wardround')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name in wanted:
            module: Any = importlib.import_module(f"jobs.cli.{name}")
            sub.formatter_class, sub.epilog = argparse.RawDescriptionHelpFormatter, examples(module.EXAMPLES)
            module.add_arguments(sub)
            sub.set_defaults(call=module.call, hint=getattr(module, "hint", None))
    return parser


def _unexpected(arguments: argparse.Namespace, words: Sequence[str]) -> str:
    """What to do about words that belong to no argument; a command may know what they were meant for."""
    hint = arguments.hint(arguments, words) if arguments.hint is not None else ""
    return f"unexpected {' '.join(words)!r}{hint or ''}; see wardround {arguments.command} --help"


def _of_the_machine(error: BaseException) -> str:
    """One line for what no program can help: no memory, no space, no handles. The path is left out: it may be a key."""
    again = "then run the same command again"
    if isinstance(error, MemoryError):
        return f"this process got no more memory ({_place(error)}): give it more or make shards smaller, {again}"
    if isinstance(error, ObjectError):
        return f"{error} ({_place(error)}): something was removed or replaced while it was read; stop that, {again}"
    code = errno.errorcode.get(getattr(error, "errno", None) or 0, type(error).__name__)
    said = getattr(error, "strerror", None) or "no reason given"
    return f"the system refused: {code}, {said} ({_place(error)}): free what is short or grant access, {again}"


def _debug() -> None:
    if os.environ.get("WARDROUND_DEBUG"):
        traceback.print_exc()


def _place(error: BaseException) -> str:
    trace = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(trace[-1].filename)}:{trace[-1].lineno}" if trace else "unknown place"
