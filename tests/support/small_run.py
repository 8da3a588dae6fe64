"""A small archive, a small real model, and the command that scores one with the other in a process of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from jobs.cli.main import main
from tests.chaos.archive import make_model

ROOT = Path(__file__).parents[2]


def make_archive(folder: Path, images: int = 12) -> Path:
    """PNG images and one file that is none."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(3)
    for number in range(images):
        cv2.imwrite(str(folder / f"{number:02d}.png"), chance.integers(0, 255, (20, 24), dtype=np.uint8))
    (folder / "05-letter.txt").write_text("no image")
    return folder


def write_spec(folder: Path, output: str, compute: str = "pool: serial, shard_records: 4", more: str = "") -> Path:
    """A spec over `folder/archive`, both made if they are not there yet."""
    if not (folder / "archive").exists():
        make_archive(folder / "archive")
        make_model(folder / "model")
    path = folder / f"{abs(hash((output, compute, more)))}.yaml"
    path.write_text(
        f"job: predict\nname: small\ninput: {{collection: images, uri: {folder / 'archive'}}}\n"
        f"models: {{mean: {{uri: {folder / 'model'}}}}}\noutput: {{uri: {output}}}\ncompute: {{{compute}}}\n{more}"
    )
    return path


def start(spec: Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """`wardround run` on the spec."""
    return subprocess.Popen(
        [sys.executable, "-m", "jobs", "run", str(spec), "--progress", "none"],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], timeout_s: float = 120) -> tuple[int, str]:
    """Its exit code and what it said on stderr."""
    try:
        _, said = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, said


def go_on(spec: Path) -> tuple[int, str]:
    """The same command as `start`, in this process, which spares the imports: its exit code and what it said.

    What a run that was killed left is all on storage, so it does not matter which process finds it.
    """
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main(["run", str(spec), "--progress", "none"])
    return code, said.getvalue()
