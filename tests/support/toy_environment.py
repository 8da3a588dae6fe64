"""A fresh environment with what this one has, and a package of the user's installed into it, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).parent / "toy_plugin"


@dataclass(frozen=True)
class Environment:
    """Its Python, and a folder to run commands in."""

    python: Path
    folder: Path

    def wardround(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """One command, with nothing of this process's path but what is installed."""
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [self.python, "-m", "jobs", *words]
        return subprocess.run(
            command, cwd=self.folder, env=clean, capture_output=True, text=True, timeout=240, check=False
        )


def make_environment(folder: Path) -> Environment:
    """A virtual environment that sees this one's packages and this checkout, with the toy plugin installed by pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    query = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    own = subprocess.run([python, "-c", query], capture_output=True, text=True, check=True).stdout.strip()
    Path(own, "project.pth").write_text(f"{ROOT}\n{sysconfig.get_paths()['purelib']}\n")
    # setuptools builds where the sources lie.
    shutil.copytree(TOY, folder / "source")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *offline, folder / "source"]
    subprocess.run(install, check=True)
    (folder / "here").mkdir()
    return Environment(python, folder / "here")
