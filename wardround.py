"""Batch inference for medicine from Python: run a spec, look at what it would do, read and prove what it wrote."""

from __future__ import annotations

import os
import sys

_ROOT = os.path.dirname(os.path.abspath(__file__))


def _take_our_packages() -> None:
    sys.path.insert(0, _ROOT)
    try:
        import cluster  # noqa: PLC0415, F401
        import jobs  # noqa: PLC0415, F401
        import schemas  # noqa: PLC0415, F401
        import workers  # noqa: PLC0415, F401
    finally:
        sys.path.remove(_ROOT)


def main() -> int:
    """The command `wardround`."""
    _take_our_packages()
    from jobs.__main__ import main as command  # noqa: PLC0415

    return command()


if __name__ == "__main__":
    sys.exit(main())
