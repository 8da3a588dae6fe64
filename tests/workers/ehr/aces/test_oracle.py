"""What es-aces finds is what is found here: on task files as people write them, and on random trees of windows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from tests.support import aces_cases
from tests.support.aces_cases import EVENTS, ORACLES, ROWS, expected, task_names, task_texts
from tests.support.aces_random import random_task
from workers.ehr.aces.extract import extract
from workers.ehr.aces.predicates import timeline_of
from workers.ehr.aces.task import compile_task

needs_oracles = pytest.mark.skipif(not (ORACLES / "aces-cli").exists(), reason="es-aces is not there: make oracles")
SCRIPT = Path(aces_cases.__file__).with_name("aces_oracle.py")
TASKS = 25


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return pl.read_parquet(EVENTS)


@pytest.mark.parametrize("name", task_names())
def test_subjects_times_and_labels_are_those_of_es_aces(name: str, events: pl.DataFrame) -> None:
    rows = compile_task(*task_texts(name), where=name).rows(events)
    assert rows.equals(expected(name))
    assert 0 < rows["boolean_value"].sum() < rows.height


@needs_oracles
def test_the_command_of_es_aces_still_finds_what_the_cases_say(tmp_path: Path) -> None:
    name = "from_a_predicates_file"
    assert aces_cases.by_es_aces(name, tmp_path).equals(expected(name))


@needs_oracles
def test_trees_of_windows_made_at_random_give_the_rows_of_es_aces(tmp_path: Path, events: pl.DataFrame) -> None:
    random = np.random.default_rng(7)
    paths = [tmp_path / f"task-{number}.yaml" for number in range(TASKS)]
    for path in paths:
        path.write_text(yaml.safe_dump(random_task(random), sort_keys=False))
    command = [ORACLES / "python", SCRIPT, EVENTS, *paths]
    subprocess.run(command, check=True, capture_output=True)
    theirs = [pl.read_parquet(path.with_suffix(".parquet")) for path in paths]
    assert sum(found.height > 0 for found in theirs) > TASKS // 2
    for path, found in zip(paths, theirs, strict=True):
        assert every_trigger(path.read_text(), events).equals(found), path.read_text()


def every_trigger(text: str, events: pl.DataFrame) -> pl.DataFrame:
    """As `Task.rows`, before triggers that share a time of prediction become one row."""
    task = compile_task(text)
    names = [name for node in task.tree.nodes for name in (*node.has, node.bound.event) if name]
    timeline = timeline_of(events, task.config, {*names, task.config.trigger, task.tree.label}, "task")
    found = extract(timeline, task.config.trigger, task.tree)
    times = pl.Series(found.prediction_times, dtype=pl.Int64).cast(pl.Datetime("us"))
    columns = {"subject_id": found.subjects, "prediction_time": times, "boolean_value": found.labels}
    return pl.DataFrame(columns, ROWS).sort(list(ROWS))
