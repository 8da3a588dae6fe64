"""The command `wardround`, also `python -m jobs`."""

from __future__ import annotations

import sys

from jobs.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
