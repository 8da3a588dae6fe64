"""Notes from a spec to rows: wherever they lie, however they are cut, with one model or two, whatever breaks."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import open_store
from jobs.cli.main import main
from jobs.cli.summary import warnings
from schemas.errors import FingerprintError, SpecError
from tests.support.counting_notes import write_model
from tests.support.note_inputs import attachment, document, some_notes, write_lines, write_notes
from tests.support.runs import rows, run
from tests.support.seaweed import S3
from workers import registry


@pytest.fixture(autouse=True)
def _counting_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model format of these tests: one line in the registry, as any other has."""
    monkeypatch.setitem(registry.FORMATS, "notes", {"counting": "tests.support.counting_notes"})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def spec(uri: Path | str, out: Path | str, models: dict[str, Path], shard: int = 1000, **more: str) -> str:
    listed = ", ".join(f"{name}: {{uri: {path}}}" for name, path in models.items())
    given = {"input": "", "prepare": "", "compute": "pool: serial", **more}
    return (
        f"job: predict\nname: notes\ninput: {{collection: notes, uri: '{uri}'{given['input']}}}\nmodels: {{{listed}}}\n"
        f"output: {{uri: {out}}}\ncompute: {{{given['compute']}, shard_records: {shard}}}\n{given['prepare']}\n"
    )


def expected(frame: pl.DataFrame) -> list[dict[str, object]]:
    """What the counting model says of these notes, by Python alone."""
    found: list[dict[str, object]] = []
    for row in frame.to_dicts():
        good = bool((row["text"] or "").strip())
        found.append(
            {
                "record_id": row["note_id"],
                "subject_id": row["subject_id"],
                "status": "ok" if good else "empty",
                "detail": None if good else "the note has no text",
                "site": row["site"],
                "note_time": _utc(row["note_time"]),
                "note_type": row["note_type"],
                "characters": len(row["text"]) if good else None,
                "crc": zlib.crc32(row["text"].encode()) if good else None,
            }
        )
    return found


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    offset = moment.utcoffset()
    assert offset is not None
    return moment.replace(tzinfo=None) - offset


@pytest.mark.parametrize(
    ("name", "shard"), [("a.parquet", 1), ("a.parquet", 10), ("a.csv", 10), ("a.csv.gz", 10), ("a.ndjson", 1000)]
)
def test_every_note_has_its_row_at_any_shard_size(tmp_path: Path, model: Path, name: str, shard: int) -> None:
    frame = some_notes(24)
    path = write_notes(frame, tmp_path / name)
    run(spec(path, tmp_path / "out", {"m": model}, shard, input=", carry: [site]"))
    assert rows(tmp_path / "out").to_dicts() == expected(frame)


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson.gz"])
def test_notes_on_s3_are_scored_as_on_a_disk(
    tmp_path: Path, model: Path, bucket_prefix: str, s3: S3, ending: str
) -> None:
    frame = some_notes(24)
    store = open_store(f"{bucket_prefix}/in", s3.settings)
    for part in range(2):
        body = write_notes(frame[part * 12 : part * 12 + 12], tmp_path / f"part-{part}.{ending}").read_bytes()
        store.put_if_absent(f"part-{part}.{ending}", body, {})
    text = spec(f"{bucket_prefix}/in/", tmp_path / "out", {"m": model}, 7, input=", carry: [site]")
    run(text + f"storage: {{endpoint_url: {s3.endpoint_url}}}\n")
    assert rows(tmp_path / "out").to_dicts() == expected(frame)


def test_an_object_that_changed_on_s3_after_the_plan_is_never_scored(
    tmp_path: Path, model: Path, bucket_prefix: str, s3: S3
) -> None:
    frame = some_notes(12)
    store = open_store(f"{bucket_prefix}/in", s3.settings)
    paths = [write_notes(frame[part * 4 : part * 4 + 4], tmp_path / f"{part}.csv") for part in range(3)]
    for path in paths:
        store.put_if_absent(path.name, path.read_bytes(), {})
    text = spec(f"{bucket_prefix}/in/", tmp_path / "out", {"m": model}, 5)
    text += f"storage: {{endpoint_url: {s3.endpoint_url}, backoff: 0.02}}\n"
    run(text)
    for part in (tmp_path / "out" / "predictions").iterdir():
        part.unlink()
    (tmp_path / "out" / "manifest.json").unlink()
    store.put("1.csv", paths[1].read_bytes().replace(b"Pt said", b"Pt says"), {})
    store.delete("2.csv")
    run(text)
    found = rows(tmp_path / "out")["status"].to_list()
    assert found == ["ok", "ok", "ok", "empty", *["input_changed"] * 4, *["missing"] * 4]


def test_a_run_goes_on_where_it_stopped_without_listing_again(tmp_path: Path, model: Path) -> None:
    frame = some_notes(24)
    write_notes(frame, tmp_path / "in" / "a.ndjson.gz")
    text = spec(tmp_path / "in", tmp_path / "out", {"m": model}, 5, input=", carry: [site]")
    run(text)
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "predictions" / "shard-000002.parquet").unlink()
    write_notes(some_notes(6)[:3], tmp_path / "in" / "b.ndjson.gz")
    assert not run(text).nothing_to_do
    assert rows(tmp_path / "out").to_dicts() == expected(frame)
    assert run(text).nothing_to_do


def test_two_models_read_a_note_once_each_with_its_own_preparation(tmp_path: Path) -> None:
    page = "<b>Plan</b> [**2101-3-4**] &amp; more"
    rest = "nothing but <br/>"
    write_lines(
        tmp_path / "a.ndjson",
        [{"note_id": "1", "text": page}, {"note_id": "2", "text": "<br/>"}, {"note_id": "3", "text": rest}],
    )
    raw = write_model(tmp_path / "raw", refuses="nothing")
    clean = write_model(tmp_path / "clean", prepare=["html", "deid_marks", {"prefix": {"characters": 20}}])
    run(spec(tmp_path / "a.ndjson", tmp_path / "out", {"raw": raw, "clean": clean}, input=", keep_text: true"))
    found = rows(tmp_path / "out").with_columns(pl.col("raw__status", "clean__status").cast(pl.String))
    assert found["status"].to_list() == ["ok"] * 3
    assert found["text"].to_list() == [page, "<br/>", rest]
    assert found["raw__status"].to_list() == ["ok", "ok", "out_of_contract"]
    assert found["clean__status"].to_list() == ["ok", "empty", "ok"]
    assert found["raw__crc"].to_list() == [zlib.crc32(page.encode()), zlib.crc32(b"<br/>"), None]
    cleaned = "   Plan     " + " " * 14 + " &     more"
    assert found["clean__crc"][0] == zlib.crc32(cleaned[:20].encode())
    assert found["clean__characters"].to_list() == [20, None, len(rest)]


def test_a_time_that_cannot_be_read_is_said_beside_the_scores_and_the_reason_of_a_rejection_stands(
    tmp_path: Path,
) -> None:
    notes = [{"note_id": "1", "text": "x", "note_time": "now"}, {"note_id": "2", "text": "bad", "note_time": "now"}]
    write_lines(tmp_path / "a.ndjson", notes)
    model = write_model(tmp_path / "model", refuses="bad")
    run(spec(tmp_path / "a.ndjson", tmp_path / "out", {"m": model}))
    found = rows(tmp_path / "out")
    assert found["status"].to_list() == ["ok", "out_of_contract"]
    assert found["detail"].to_list() == [
        "its time cannot be read, so note_time is null",
        "it has what this model does not take",
    ]


def test_rows_show_a_remark_beside_the_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(tmp_path / "a.ndjson", [{"note_id": "1", "text": "x", "note_time": "now"}])
    run(spec(tmp_path / "a.ndjson", tmp_path / "out", {"m": write_model(tmp_path / "model")}))
    assert main(["rows", str(tmp_path / "out"), "--status", "ok"]) == 0
    assert "characters 1" in (line := capsys.readouterr().out.splitlines()[1])
    assert line.endswith("; its time cannot be read, so note_time is null")


def test_a_remark_on_most_of_the_notes_is_a_warning_and_one_on_a_few_is_none(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", refuses="bad")
    for bad, warned in ((20, True), (6, False)):
        times = ["discharge"] * bad + ["2024-02-03"] * (20 - bad)
        notes = [{"note_id": f"{at}", "subject_id": f"{at}", "text": "x", "note_time": t} for at, t in enumerate(times)]
        write_lines(tmp_path / f"{bad}.ndjson", notes)
        told = warnings(run(spec(tmp_path / f"{bad}.ndjson", tmp_path / f"out{bad}", {"m": model})))
        said = f"20 records of 20 that are ok: its time cannot be read, so note_time is null; wardround rows {tmp_path}"
        assert [line[: len(said)] for line in told] == ([said] if warned else [])


def test_another_input_setting_or_cleaning_is_another_run(tmp_path: Path, model: Path) -> None:
    path = write_notes(some_notes(6), tmp_path / "a.csv")
    run(spec(path, tmp_path / "out", {"m": model}))
    with pytest.raises(FingerprintError, match="changed: input"):
        run(spec(path, tmp_path / "out", {"m": model}, input=", errors: replace"))
    with pytest.raises(FingerprintError, match="changed: prepare"):
        run(spec(path, tmp_path / "out", {"m": model}, prepare="prepare: [html]"))


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ("[htlm]", r"prepare\[0\]: unknown step 'htlm', did you mean 'html'"),
        ("[{unicode: {from: NFC}}]", "unknown key 'from', did you mean 'form'"),
        ("[{prefix: {characters: 3}}, html]", "goes before the model's own steps"),
        ("[{html: {}, controls: {}}]", "expected a step's name"),
    ],
)
def test_a_wrong_prepare_list_is_told_with_the_model_and_the_nearest_name(
    tmp_path: Path, model: Path, steps: str, says: str
) -> None:
    path = write_notes(some_notes(6), tmp_path / "a.csv")
    with pytest.raises(SpecError, match=f"model 'm': .*{says}"):
        run(spec(path, tmp_path / "out", {"m": model}, prepare=f"prepare: {steps}"))


def test_a_plan_says_how_long_the_notes_are_and_what_would_be_refused(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = write_lines(tmp_path / "a.ndjson", [{"note_id": str(n), "text": "x" * n} for n in range(50)]).read_bytes()
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(body)[:-20])
    (tmp_path / "spec.yaml").write_text(spec(tmp_path / "a.ndjson.gz", tmp_path / "out", {"m": model}))
    assert main(["plan", str(tmp_path / "spec.yaml"), "--json", "--sample", "4"]) == 0
    facts = json.loads(capsys.readouterr().out)
    found = facts["found"]
    assert found["format"] == "ndjson"
    assert found["places_cut_off"] == 1
    assert found["would_be_refused"]["empty"] == 1
    assert facts["sampled"] == 4


def test_versions_of_a_note_that_do_not_count_are_rows_with_their_reason(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = [{**document(1, attachment(f"note {n}")), "meta": {"versionId": str(n)}} for n in range(3)]
    gone = {"request": {"method": "DELETE", "url": f"DocumentReference/{document(2, attachment('x'))['id']}"}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": document(2, attachment("note 9"))}, gone]}
    write_lines(tmp_path / "in.ndjson", [*reversed(versions), bundle])
    (tmp_path / "spec.yaml").write_text(spec(tmp_path / "in.ndjson", tmp_path / "out", {"m": model}, 2))
    assert main(["run", str(tmp_path / "spec.yaml"), "--progress", "none"]) == 0
    assert re.search(r"unsupported +3", capsys.readouterr().out)
    assert rows(tmp_path / "out")["detail"].to_list() == [
        None,
        "repeated: a newer version counts",
        "repeated: a newer version counts",
        "deleted since",
    ]
    assert main(["verify", str(tmp_path / "out")]) == 0


def test_fhir_and_omop_run_as_any_other_input(tmp_path: Path, model: Path) -> None:
    write_lines(tmp_path / "in.ndjson", [document(n, attachment(f"note {n}")) for n in range(5)])
    run(spec(tmp_path / "in.ndjson", tmp_path / "fhir", {"m": model}, 2))
    assert rows(tmp_path / "fhir")["crc"].to_list() == [zlib.crc32(f"note {n}".encode()) for n in range(5)]
    frame = pl.DataFrame({"note_id": [1, 2], "person_id": [7, 7], "note_text": ["a", "b"], "note_title": ["x", None]})
    frame.write_parquet(tmp_path / "note.parquet")
    run(spec(tmp_path / "note.parquet", tmp_path / "omop", {"m": model}, input=", carry: [note_title]"))
    found = rows(tmp_path / "omop")
    assert found["crc"].to_list() == [zlib.crc32(b"a"), zlib.crc32(b"b")]
    assert found["note_title"].to_list() == ["x", None]
    assert found["subject_id"].to_list() == ["7", "7"]
