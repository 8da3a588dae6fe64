"""The command `wardround`, also `python -m jobs`."""

import atexit
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

_INTERRUPTED = 130


def main() -> int:
    """Run the command line and return its exit code. Ctrl-C while it is still being imported is no traceback, and
    SIGTERM, which batch systems send, is Ctrl-C from here to the end of the process."""
    try:
        _on(signal.SIGTERM, _interrupt)
        _take_our_packages()
        from jobs.cli.main import main as command  # noqa: PLC0415 - takes a moment, in which Ctrl-C may come

        code = command(own_process=True)
        _let_nothing_change(code)
        return code
    except KeyboardInterrupt:
        _let_nothing_change(_INTERRUPTED)
        sys.stderr.write("wardround: interrupted\n")
        return _INTERRUPTED


def _take_our_packages() -> None:
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # `python -m` puts the working directory first, and a folder `schemas` there is not ours.
    sys.path.insert(0, root)
    from schemas.import_path import claim  # noqa: PLC0415 - see above

    claim(root)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _let_nothing_change(code: int) -> None:
    """All is done and said: a signal that comes while the interpreter waits for threads ends it with this code."""

    def end(number: int, frame: FrameType | None) -> None:
        os._exit(code)

    def ignore() -> None:
        # From here on no handler of Python's runs any more, and the signal itself would be the answer.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    for number in (signal.SIGINT, signal.SIGTERM):
        _on(number, end)
    atexit.register(ignore)
    # CPython ends `python -m` by SIGINT, whatever the code, once an interrupt has passed through exec() of a text (as
    # dataclasses do, while modules are imported) and no other exec() came after it.
    exec("")


def _on(number: signal.Signals, handler: Callable[[int, FrameType | None], None]) -> None:
    # What the caller had us ignore stays ignored.
    if signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
