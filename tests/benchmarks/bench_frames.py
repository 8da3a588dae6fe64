"""`make bench-frames`: frames as records of their own against one record of all frames; one JSON line.

Usage: python tests/benchmarks/bench_frames.py [frames]. One native 8-bit object of 256 x 256; each way is run twice by
turns as a process of its own, the faster one counts, and every frame must have its score.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl

from tests.benchmarks.processes import BUILD, run
from tests.chaos.archive import make_model
from tests.support.dicom_files import dataset, stored

FOLDER = BUILD / "frames"
ROUNDS = 2
WAYS = {"frame": "record: frame", "all": "frame: all"}
SIDE = 256


def make_object(frames: int) -> Path:
    """The archive: one object."""
    archive = FOLDER / f"archive-{frames}"
    if not archive.exists():
        pixels = np.random.default_rng(1).integers(0, 255, (frames, SIDE, SIDE), dtype=np.uint8)
        archive.mkdir(parents=True)
        (archive / "cine.dcm").write_bytes(stored(dataset(pixels, NumberOfFrames=frames)))
    return archive


def seconds_of(way: str, archive: Path, frames: int) -> float:
    """Seconds from the start of the process to its end. Raises ValueError where a record has no score."""
    out = FOLDER / f"out-{way}"
    shutil.rmtree(out, ignore_errors=True)
    spec = FOLDER / f"{way}.yaml"
    spec.write_text(
        f"job: predict\nname: frames\ninput: {{collection: images, uri: {archive}, {WAYS[way]}}}\n"
        f"models: {{mean: {{uri: {FOLDER / 'model'}}}}}\noutput: {{uri: {out}}}\n"
        f"compute: {{pool: serial}}\n"
    )
    finished = run([sys.executable, "-m", "jobs", "run", str(spec)], BUILD / "logs" / f"frames-{way}.log", 1800)
    statuses = pl.read_parquet(out / "predictions" / "*.parquet")["status"].cast(pl.String).to_list()
    if statuses != ["ok"] * (frames if way == "frame" else 1):
        raise ValueError(f"{WAYS[way]}: not every record was scored")
    return finished.seconds


def main() -> int:
    """One JSON line; 1 where frames as records take more than 1.3 times as long."""
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    archive = make_object(frames)
    if not (FOLDER / "model").exists():
        make_model(FOLDER / "model")
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in WAYS:
            found[way].append(seconds_of(way, archive, frames))
    best = {way: min(seconds) for way, seconds in found.items()}
    ratio = best["frame"] / best["all"]
    told = {"frames": frames, **{f"{way}_s": round(value, 2) for way, value in best.items()}, "ratio": round(ratio, 3)}
    print(json.dumps(told))
    return int(ratio > 1.3)


if __name__ == "__main__":
    sys.exit(main())
