"""The cases of `tests/cases/aces`: events of a made-up hospital, and what es-aces finds in them for each task file.

`python -m tests.support.aces_cases` writes them anew; it needs `make oracles`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

FOLDER = Path(__file__).parents[1] / "cases" / "aces"
EVENTS = FOLDER / "events.parquet"
ORACLES = Path(__file__).parents[2] / ".venv-oracles" / "bin"
SCHEMA = {
    "subject_id": pl.Int64,
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "unit": pl.String,
}
ROWS = {"subject_id": pl.Int64, "prediction_time": pl.Datetime("us"), "boolean_value": pl.Boolean}
SEED = 20_240_601
SUBJECTS = 300

START = datetime(2020, 1, 1)

Event = tuple[int, datetime | None, str, float | None, str | None]


def task_names() -> list[str]:
    """One folder a task."""
    return sorted(path.parent.name for path in FOLDER.glob("*/task.yaml"))


def task_texts(name: str) -> tuple[str, str | None]:
    """The task file, and its predicates file where it has one."""
    predicates = FOLDER / name / "predicates.yaml"
    return (FOLDER / name / "task.yaml").read_text(), predicates.read_text() if predicates.exists() else None


def expected(name: str) -> pl.DataFrame:
    """What es-aces found."""
    return pl.read_csv(FOLDER / name / "expected.csv", schema=ROWS)


def by_es_aces(name: str, folder: Path) -> pl.DataFrame:
    """Run the command of es-aces. A trigger whose windows do not all exist may leave a row without a time there."""
    out = folder / f"{name}.parquet"
    predicates = FOLDER / name / "predicates.yaml"
    words = [
        ORACLES / "aces-cli",
        f"cohort_dir={folder}",
        f"cohort_name={name}",
        f"config_path={FOLDER / name / 'task.yaml'}",
        "data.standard=meds",
        f"data.path={EVENTS}",
        f"output_filepath={out}",
        *([f"predicates_path={predicates}"] if predicates.exists() else []),
    ]
    subprocess.run(words, check=True, capture_output=True, cwd=folder)
    found = pl.read_parquet(out).select(pl.col(column).cast(kind) for column, kind in ROWS.items())
    return found.drop_nulls("prediction_time").unique().sort("subject_id", "prediction_time")


def at(*rows: tuple[int, float | None, str]) -> pl.DataFrame:
    """Events of (subject, hours since the start or None, code)."""
    times = [None if hours is None else START + timedelta(hours=hours) for _, hours, _ in rows]
    return pl.DataFrame(
        {"subject_id": [row[0] for row in rows], "time": times, "code": [row[2] for row in rows]},
        {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String},
    )


def hospital(subjects: int = SUBJECTS, seed: int = SEED) -> pl.DataFrame:
    """Histories with facts without a time, stays, several events at one time, and times that are whole hours."""
    random = np.random.default_rng(seed)
    events = [event for subject in random.permutation(subjects) for event in _life(random, 10 + 7 * int(subject))]
    return pl.DataFrame(events, SCHEMA, orient="row")


def _life(random: np.random.Generator, subject: int) -> Iterator[Event]:
    for sex in ("F", "M"):
        if random.random() < 0.55:
            yield subject, None, f"GENDER//{sex}", None, None
    now = datetime(2015, 1, 1) + timedelta(hours=int(random.integers(0, 20_000)))
    if random.random() < 0.1:
        yield subject, None, "LAB//HB", 11.0, "g/dL"
    for _ in range(int(random.integers(0, 5))):
        stay = list(_stay(random, subject, now))
        yield from stay
        if any(event[2] == "MEDS_DEATH" for event in stay):
            return
        now = (stay[-1][1] or now) + timedelta(hours=float(random.choice([0, 6, 100, 300, 719, 720, 721, 4000])))
    if random.random() < 0.2:
        yield subject, now, "MEDS_DEATH", None, None


def _stay(random: np.random.Generator, subject: int, start: datetime) -> Iterator[Event]:
    now = start
    yield subject, now, f"HOSPITAL_ADMISSION//{random.choice(['EMERGENCY', 'ELECTIVE', 'TRANSFER'])}", None, None
    for _ in range(int(random.integers(0, 14))):
        now += timedelta(hours=float(random.choice([0, 0, 0.5, 2, 12, 24, 36])))
        yield subject, now, *_measured(random)
    now += timedelta(hours=float(random.choice([0, 1, 24])))
    if random.random() < 0.1:
        yield subject, now, "MEDS_DEATH", None, None
    if random.random() < 0.9:
        yield subject, now, f"HOSPITAL_DISCHARGE//{random.choice(['HOME', 'REHAB', 'OTHER'])}", None, None


def _measured(random: np.random.Generator) -> tuple[str, float | None, str | None]:
    kind = random.choice(["CREATININE", "CREAT", "HB", "RX", "ICU_ADMISSION//MICU", "ICU_DISCHARGE", "DX"])
    missing = random.random() < 0.1
    if kind in ("CREATININE", "CREAT"):
        value = float(random.choice([0.5, 0.7, 0.9, 1.3, 1.31, 4.0]))
        return f"LAB//{kind}", None if missing else value, str(random.choice(["mg/dL", "umol/L"]))
    if kind == "HB":
        return "LAB//HB", None if missing else float(random.choice([8, 11.9, 12, 14])), "g/dL"
    if kind == "RX":
        return f"RX//{random.choice(['FUROSEMIDE', 'TORASEMIDE', 'ASPIRIN'])}", None, None
    if kind == "DX":
        return f"DIAGNOSIS//ICD10CM//{random.choice(['I50.9', 'I10', 'E11.65'])}", None, None
    return str(kind), None, None


def main() -> None:
    """Write the events and what es-aces finds in them."""
    hospital().write_parquet(EVENTS, compression="zstd", compression_level=19)
    with tempfile.TemporaryDirectory() as folder:
        for name in task_names():
            found = by_es_aces(name, Path(folder))
            found.write_csv(FOLDER / name / "expected.csv")
            sys.stdout.write(f"{name}: {found.height} rows, {found['boolean_value'].sum()} positive\n")


if __name__ == "__main__":
    main()
