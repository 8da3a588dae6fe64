"""The command `wardround`, also `python -m jobs`."""

from __future__ import annotations

import sys

_INTERRUPTED = 130


def main() -> int:
    """Run the command line and return its exit code. Ctrl-C while it is still being imported is no traceback."""
    try:
        from jobs.cli.main import main as command  # noqa: PLC0415 - takes a moment, in which Ctrl-C may come

        return command()
    except KeyboardInterrupt:
        sys.stderr.write("wardround: interrupted\n")
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
