"""The histories on which trainings are timed: those of `histories.py`, true where one rather rare code occurs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.benchmarks.histories import code_name, data_files, dataset

TELLING = code_name(60)
"""About a sixth of the subjects have it."""
BATCH = 32
RATE = 3e-3
EMBEDDING, HIDDEN = 64, 128


@dataclass(frozen=True)
class LabelledHistories:
    """A MEDS dataset with splits, and the table of what is true at each subject's last event."""

    root: Path
    labels: Path
    events: int
    """Events of those subjects that are learned from."""


def labelled_histories(folder: Path, subjects: int) -> LabelledHistories:
    """Every sixth subject is for tuning. Made once and kept in `folder`."""
    made = dataset(folder, subjects)
    labels = folder / f"meds-{subjects}-planted"
    table = pq.read_table(made.labels)
    subject = table["subject_id"].to_numpy()
    tuning = subject % 6 == 5
    splits = pa.table({"subject_id": subject, "split": np.where(tuning, "tuning", "train")})
    pq.write_table(splits, made.root / "metadata" / "subject_splits.parquet")
    having, events = [], 0
    for path in data_files(made.root):
        rows = pq.read_table(path, columns=["subject_id", "code"])
        having.append(rows.filter(pc.equal(rows["code"].cast(pa.string()), TELLING))["subject_id"].to_numpy())
        events += int((rows["subject_id"].to_numpy() % 6 != 5).sum())
    labels.mkdir(exist_ok=True)
    truth = np.isin(subject, np.concatenate(having))
    pq.write_table(table.set_column(2, "boolean_value", pa.array(truth)), labels / "0.parquet")
    return LabelledHistories(made.root, labels, events)
