"""A folder of a user's that holds modules of our names, of the standard library's and of packages that we use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("jobs", "workers", "cluster", "schemas", "dl")
STANDARD = ("queue", "types", "random", "logging", "json", "dataclasses", "tempfile", "socket")
INSTALLED = ("numpy", "yaml", "pyarrow", "ray", "rich", "cv2")
_RAISES = "raise RuntimeError('a module of the user, called {name}, was imported')\n"


def make(folder: Path, *, standard: bool = True) -> Path:
    """Packages and modules that raise when they are imported, and an empty folder `wardround`."""
    (folder / "wardround").mkdir(parents=True)
    for name in OURS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(_RAISES.format(name=name))
    for name in (*INSTALLED, *(STANDARD if standard else ())):
        (folder / f"{name}.py").write_text(_RAISES.format(name=name))
    return folder


def command(folder: Path) -> Path:
    """The command as an installer writes it, in a folder of its own."""
    path = folder / "bin" / "wardround"
    path.parent.mkdir(parents=True)
    path.write_text("import sys\nfrom wardround import main\nif __name__ == '__main__':\n    sys.exit(main())\n")
    return path


def ended(words: list[str], cwd: Path, path: str = str(ROOT), **environment: str) -> subprocess.CompletedProcess[str]:
    """Python with these words, once it has ended, in that working directory and with that PYTHONPATH."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
