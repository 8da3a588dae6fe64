"""Whole runs over collection `events`."""

from __future__ import annotations

import hashlib
import io
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from cluster.storage import StorageSettings, open_store
from jobs.cli.main import main
from jobs.demo.stage_set import put_folder
from jobs.hosts import open_host
from jobs.running import run_stages
from jobs.verification.verify import verify
from schemas.errors import FingerprintError, SpecError, VerificationError
from schemas.figures import FIGURES_KEY
from schemas.sealed_json import sealed
from schemas.spec import parse_spec
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.meds_data import FIRST_DAY, break_column, events, write_dataset, write_file, write_labels
from tests.support.meds_runs import expected, run_events, spec, with_history_format
from tests.support.runs import QUIET, run
from tests.support.seaweed import S3
from workers.finished_runs.documents import existing_run
from workers.finished_runs.figures import figures_of
from workers.finished_runs.stage import FinishedStage
from workers.pipeline import seal

Asked = list[tuple[int, datetime]]

BIG = 9_007_199_254_740_993
"""A subject id that no float64 holds."""
TOLD = ("record_id", "status", "last_event_time", "n_events", "total", "codes", "ages")


@pytest.fixture(autouse=True)
def _history_format(monkeypatch: pytest.MonkeyPatch) -> None:
    with_history_format(monkeypatch)


@pytest.fixture
def dataset(tmp_path: Path) -> pl.DataFrame:
    """Two files with row groups that subjects straddle; returns all rows."""
    parts = [events([BIG, *range(100, 120)], 1), events(range(50, 70), 2)]
    write_dataset(tmp_path / "meds", parts, row_group=40)
    return pl.concat(parts)


def ask(rows: pl.DataFrame, folder: Path, strangers: int = 1) -> Asked:
    """A label table in two files, in no order: two times a subject, and subjects that are not in the data."""
    choice = random.Random(9)
    subjects = rows["subject_id"].unique(maintain_order=True).to_list() + list(range(900, 900 + strangers))
    asked = [
        (subject, FIRST_DAY + timedelta(days=choice.randint(-100, 1500), hours=choice.choice([0, 7])))
        for subject in subjects
        for _ in range(2)
    ]
    choice.shuffle(asked)
    write_labels(folder / "labels" / "a.parquet", asked[:10], boolean_value=[i % 2 == 0 for i in range(10)])
    write_labels(
        folder / "labels" / "b.parquet",
        asked[10:],
        boolean_value=[i % 3 == 0 for i in range(len(asked) - 10)],
        integer_value=[None] * (len(asked) - 10),
    )
    return asked


def in_order(rows: pl.DataFrame, asked: Asked) -> Asked:
    """As the plan has them: by place in the data, then by time."""
    place = {subject: row for row, subject in reversed(list(enumerate(rows["subject_id"].to_list())))}
    return sorted(asked, key=lambda item: (place.get(item[0], 10**9 + item[0]), item[1]))


def test_every_row_of_a_label_table_has_its_row_with_what_was_known_by_then(
    tmp_path: Path, dataset: pl.DataFrame
) -> None:
    asked = in_order(dataset, ask(dataset, tmp_path))
    found = run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels}}, carry: [boolean_value]")
    assert_frame_equal(found.select(TOLD), expected(dataset, asked).select(TOLD))
    assert found["prediction_time"].to_list() == [when for _, when in asked]
    assert found["subject_id"].to_list() == [str(subject) for subject, _ in asked]
    columns = ["subject_id", "prediction_time", "boolean_value"]
    labels = pl.concat(pl.read_parquet(path, columns=columns) for path in (tmp_path / "labels").glob("*"))
    truth = {(subject, when): value for subject, when, value in labels.iter_rows()}
    assert found["boolean_value"].to_list() == [truth[item] for item in asked]


def test_on_s3_with_other_shards_the_rows_are_the_same(
    tmp_path: Path, dataset: pl.DataFrame, s3: S3, bucket_prefix: str
) -> None:
    ask(dataset, tmp_path)
    here = run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels}}", shard_records=5)
    store = open_store(bucket_prefix, s3.settings)
    for path in [*tmp_path.glob("meds/**/*"), *tmp_path.glob("labels/*")]:
        if path.is_file():
            store.put(str(path.relative_to(tmp_path)), path, {})
    source = f'uri: "{bucket_prefix}/meds", task: {{labels: "{bucket_prefix}/labels"}}'
    extra = f"storage: {{endpoint_url: {s3.endpoint_url}}}"
    run_stages(
        parse_spec(spec(tmp_path, source, f"{bucket_prefix}/out", 1000, extra)), open_host, QUIET, lambda line: None
    )
    again = verify(open_store(f"{bucket_prefix}/out", s3.settings)).recheck
    assert again is not None
    assert again.checked > 60
    there = pl.read_parquet(store.get("out/predictions/shard-000000.parquet"))
    assert_frame_equal(there.with_columns(pl.col("status").cast(pl.String)), here)


def test_no_subject_is_in_two_shards_and_their_sizes_vary_around_what_was_asked(
    tmp_path: Path, dataset: pl.DataFrame
) -> None:
    ask(dataset, tmp_path)
    run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels}}", shard_records=5)
    shards = [set(pl.read_parquet(path)["subject_id"]) for path in (tmp_path / "out" / "predictions").glob("*.parquet")]
    assert len(shards) > 10
    assert sum(map(len, shards)) == len(set.union(*shards))


def test_a_run_that_lost_shards_goes_on_and_ends_as_it_would_have(tmp_path: Path, dataset: pl.DataFrame) -> None:
    ask(dataset, tmp_path)
    source = f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels}}"
    whole = run_events(tmp_path, source)
    (tmp_path / "out" / "manifest.json").unlink()
    for shard in ("predictions/shard-000002.parquet", "predictions/shard-000000.parquet"):
        (tmp_path / "out" / shard).unlink()
    assert_frame_equal(run_events(tmp_path, source), whole)


def test_times_that_are_exact_let_midnight_in(tmp_path: Path) -> None:
    day = datetime(2020, 5, 5)
    columns = {
        "subject_id": [1, 1, 1],
        "time": [datetime(2020, 5, 4, 9), day, day + timedelta(hours=9)],
        "code": ["A", "BB", "CCC"],
        "numeric_value": [1.0, 2.0, 4.0],
    }
    rows = pl.DataFrame(columns, schema_overrides={"numeric_value": pl.Float32})
    write_dataset(tmp_path / "meds", [rows])
    write_labels(tmp_path / "labels.parquet", [(1, day + timedelta(hours=9))])
    task = f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels.parquet}}"
    assert run_events(tmp_path, task)["total"].to_list() == [5.0]
    assert run_events(tmp_path, f"{task}, time_precision: exact", "exact")["total"].to_list() == [7.0]


def test_a_prediction_before_birth_has_no_events(tmp_path: Path, dataset: pl.DataFrame) -> None:
    write_labels(tmp_path / "labels.parquet", [(BIG, datetime(1900, 1, 1))])
    found = run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels.parquet}}")
    assert found.select("status", "n_events", "last_event_time", "total").row(0) == ("no_events", 0, None, None)


def test_every_end_of_a_visit_is_a_record_if_there_is_enough_history(tmp_path: Path, dataset: pl.DataFrame) -> None:
    task = "{every: visit_end, min_events: 5, min_days: 30}"
    found = run_events(tmp_path, f"uri: {tmp_path}/meds, task: {task}")
    ends = dataset.filter(pl.col("code").str.starts_with("ENCOUNTER_END//"))
    asked = in_order(dataset, list(dict.fromkeys(ends.select("subject_id", "time").iter_rows())))
    asked = [item for item in asked if _has_history(dataset, item, events=5, days=30)]
    assert 0 < len(asked) < len(ends)
    assert_frame_equal(found.select(TOLD), expected(dataset, asked).select(TOLD))


def _has_history(rows: pl.DataFrame, item: tuple[int, datetime], events: int, days: int) -> bool:
    midnight = item[1].replace(hour=0, minute=0, second=0, microsecond=0)
    known = rows.filter((pl.col("subject_id") == item[0]) & (pl.col("time") <= item[1]) & (pl.col("time") != midnight))[
        "time"
    ]
    return len(known) >= events and item[1] - known.min() >= timedelta(days=days)


def test_a_fixed_time_makes_one_record_of_each_subject_in_the_order_of_the_data(
    tmp_path: Path, dataset: pl.DataFrame
) -> None:
    found = run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{at: 2019-06-01}}")
    asked = [(subject, datetime(2019, 6, 1)) for subject in dataset["subject_id"].unique(maintain_order=True)]
    assert_frame_equal(found.select(TOLD), expected(dataset, asked).select(TOLD))


def test_a_cohort_definition_gives_times_and_labels(tmp_path: Path, dataset: pl.DataFrame) -> None:
    (tmp_path / "task.yaml").write_text(
        """
predicates:
  admission: {code: ENCOUNTER_START//IP}
  sugar: {code: LAB//glucose}
trigger: admission
windows:
  input: {start: null, end: trigger, start_inclusive: true, end_inclusive: true, index_timestamp: end}
  target: {start: input.end, end: start + 300d, start_inclusive: false, end_inclusive: true, label: sugar}
"""
    )
    found = run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{aces: {tmp_path}/task.yaml}}, carry: [boolean_value]")
    starts = dataset.filter(pl.col("code") == "ENCOUNTER_START//IP")
    asked = in_order(dataset, list(dict.fromkeys(starts.select("subject_id", "time").iter_rows())))
    assert len(asked) > 20
    assert_frame_equal(found.select(TOLD), expected(dataset, asked).select(TOLD))
    sugar = dataset.filter(pl.col("code") == "LAB//glucose")
    truth = [
        not sugar.filter(
            (pl.col("subject_id") == s) & (pl.col("time") > t) & (pl.col("time") <= t + timedelta(days=300))
        ).is_empty()
        for s, t in asked
    ]
    assert found["boolean_value"].to_list() == truth
    text = (tmp_path / "task.yaml").read_text()
    (tmp_path / "task.yaml").write_text(text.replace("300d", "30d"))
    with pytest.raises(FingerprintError, match="what earlier stages found"):
        run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{aces: {tmp_path}/task.yaml}}, carry: [boolean_value]")


def test_what_is_scattered_and_unsorted_is_gathered_where_the_spec_asks_for_it(
    tmp_path: Path, dataset: pl.DataFrame
) -> None:
    asked = in_order(dataset, ask(dataset, tmp_path))
    orderly = expected(dataset, asked).select(TOLD).sort("record_id")
    mixed = dataset.sample(fraction=1.0, shuffle=True, seed=1)
    for place, part in enumerate([mixed[: len(mixed) // 3], mixed[len(mixed) // 3 :]]):
        write_file(tmp_path / "mixed" / "data" / f"{place}.parquet", part, row_group=50)
    task = f"uri: {tmp_path}/mixed, task: {{labels: {tmp_path}/labels}}"
    with pytest.raises(SpecError, match=r"data/0.parquet, row group \d: .*, or set input.repair: sort"):
        run_events(tmp_path, task, "refused")
    found = run_events(tmp_path, f"{task}, repair: sort", "mended", shard_records=7)
    assert_frame_equal(found.select(TOLD).sort("record_id"), orderly)


def test_an_object_changed_gone_or_damaged_after_planning_is_a_status_of_its_records(
    tmp_path: Path, dataset: pl.DataFrame
) -> None:
    ask(dataset, tmp_path)
    source = f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels}}"
    run_events(tmp_path, source)
    for name in ("manifest.json", "predictions"):
        target = tmp_path / "out" / name
        _ = target.unlink() if target.is_file() else [path.unlink() for path in target.iterdir()]
    (tmp_path / "meds/data/0.parquet").unlink()
    write_file(tmp_path / "meds/data/1.parquet", events(range(50, 70), 3))
    counts = run(spec(tmp_path, source, tmp_path / "out")).manifest.statuses
    assert counts == {"missing": 42, "input_changed": 40, "no_events": 2}


def test_a_broken_row_group_costs_its_own_subjects_only(tmp_path: Path) -> None:
    rows = events(range(40), 7)
    root = write_dataset(tmp_path / "meds", [rows], row_group=60)
    break_column(root / "data" / "0.parquet", group=2, column="code")
    found = run_events(tmp_path, f"uri: {root}, task: {{at: 2023-01-01}}", shard_records=3)
    hit = set(rows[120:180]["subject_id"])
    told = {int(s): status for s, status in found.select("subject_id", "status").iter_rows()}
    assert {subject for subject, status in told.items() if status == "unreadable"} == hit
    assert sum(status == "ok" for status in told.values()) == 40 - len(hit)


def test_verify_computes_rows_again_from_the_source_and_finds_one_that_is_wrong(
    tmp_path: Path, dataset: pl.DataFrame
) -> None:
    ask(dataset, tmp_path, strangers=0)
    run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels}}", shard_records=100)
    store = open_store(str(tmp_path / "out"), StorageSettings())
    again = verify(store).recheck
    assert again is not None
    assert (again.checked, again.gone, again.wrong) == (64, 0, ())
    _forge(tmp_path / "out")
    with pytest.raises(VerificationError, match=r"row 0 of .*shard-000000.parquet is not what the source gives"):
        verify(store)


def _forge(out: Path) -> None:
    """A count of events that is off by one, in a run that is otherwise whole: the run itself was wrong."""
    path = out / "predictions" / "shard-000000.parquet"
    table = pq.read_table(path)
    column = table.column_names.index("n_events")
    counts = table["n_events"].to_pylist()
    table = table.set_column(column, table.schema.field(column), [[counts[0] + 1, *counts[1:]]])
    last = stage_of(out)
    kept = {key: value for key, value in table.schema.metadata.items() if key.decode() != seal.KEY}
    kept[FIGURES_KEY.encode()] = figures_of(table, last.run.columns).model_dump_json().encode()
    with pq.ParquetWriter(path, table.schema.with_metadata(kept)) as writer:
        writer.write_table(table.replace_schema_metadata(kept))
        writer.add_key_value_metadata({seal.KEY: seal.BLANK})
    path.write_bytes(seal.sealed(io.BytesIO(path.read_bytes())))
    manifest = json.loads((out / "manifest.json").read_text())
    for record in manifest["files"]:
        if record["key"] == "predictions/shard-000000.parquet":
            record |= {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    manifest["figures"] = last.all_figures().anonymous().model_dump(mode="json")
    (out / "manifest.json").write_bytes(sealed(manifest))


def stage_of(out: Path) -> FinishedStage:
    """The last stage of the run in this folder."""
    store = open_store(str(out), StorageSettings())
    return FinishedStage(store, "", existing_run(store))


def test_verify_says_that_a_source_is_gone_and_finds_no_fault_in_it(
    tmp_path: Path, dataset: pl.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(dataset, tmp_path, strangers=0)
    run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{labels: {tmp_path}/labels}}")
    (tmp_path / "meds" / "data" / "1.parquet").unlink()
    again = verify(open_store(str(tmp_path / "out"), StorageSettings())).recheck
    assert again is not None
    assert again.gone > 20
    assert again.checked + again.gone == 64
    assert main(["verify", str(tmp_path / "out")]) == 0
    assert (
        f"{again.checked} rows from the source; of {again.gone} more the source is missing" in capsys.readouterr().out
    )


def test_verify_of_a_run_whose_source_cannot_be_reached_says_how_to_check_the_run_alone(
    tmp_path: Path, s3: S3, bucket_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "meds", [events([1, 2, 3])])
    put_folder(tmp_path / "meds", open_store(bucket_prefix, s3.settings))
    with FaultProxy(s3.endpoint_url) as proxy:
        storage = f'storage: {{endpoint_url: "{proxy.endpoint_url}"}}'
        run(spec(tmp_path, f"uri: {bucket_prefix}, task: {{at: 2030-01-01}}", tmp_path / "out", extra=storage))
        assert main(["verify", str(tmp_path / "out")]) == 0
        proxy.use(Fault("forbidden", times=1000))
        assert main(["verify", str(tmp_path / "out")]) == 4
        assert "verify --no-source" in capsys.readouterr().err
        assert main(["verify", str(tmp_path / "out"), "--no-source"]) == 0


def test_a_cohort_that_cannot_be_understood_is_told_before_anything_is_read(
    tmp_path: Path, dataset: pl.DataFrame
) -> None:
    (tmp_path / "task.yaml").write_text("predicates: {a: {code: A}}\ntrigger: b\nwindows: {}\n")
    with pytest.raises(SpecError, match="'b' is not defined"):
        run_events(tmp_path, f"uri: {tmp_path}/meds, task: {{aces: {tmp_path}/task.yaml}}")
    assert not (tmp_path / "out" / "stages").exists()
