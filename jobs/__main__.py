"""The command `wardround`, also `python -m jobs`."""

import os
import sys

_INTERRUPTED = 130


def main() -> int:
    """Run the command line and return its exit code. Ctrl-C while it is still being imported is no traceback."""
    try:
        _take_our_packages()
        from jobs.cli.main import main as command  # noqa: PLC0415 - takes a moment, in which Ctrl-C may come

        return command(own_process=True)
    except KeyboardInterrupt:
        sys.stderr.write("wardround: interrupted\n")
        return _INTERRUPTED


def _take_our_packages() -> None:
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # `python -m` puts the working directory first, and a folder `schemas` there is not ours.
    sys.path.insert(0, root)
    from schemas.import_path import claim  # noqa: PLC0415 - see above

    claim(root)


if __name__ == "__main__":
    sys.exit(main())
