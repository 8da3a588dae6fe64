"""A name that stands in a record is in no message and in no record of a run: neither ours nor a native library's."""

from __future__ import annotations

import gzip
import struct
import zlib
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pysam
import pytest

from tests.chaos.archive import make_model
from tests.support import runs
from tests.support.meds_runs import run_events, with_history_format

CANARY = "JANE^ROE"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tail(folder: Path) -> str:
    return f"output: {{uri: {folder / 'out'}}}\ncompute: {{pool: serial}}\n"


def no_canary(folder: Path, said: str) -> None:
    assert CANARY not in said
    for path in folder.rglob("*"):
        # Rows of the run may hold it: they are the user's own data.
        if path.is_file() and path.suffix != ".parquet":
            body = path.read_bytes()
            assert CANARY.encode() not in (gzip.decompress(body) if path.suffix == ".gz" else body), path.name


def test_the_name_of_a_colour_profile_is_seen_by_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plain = cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()
    profile = chunk(
        b"iCCP", CANARY.encode() + b"\0\0" + zlib.compress(struct.pack(">I", 400) + np.random.default_rng(0).bytes(396))
    )
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a.png").write_bytes(plain[:33] + profile + plain[33:])
    cv2.imdecode(np.frombuffer(plain[:33] + profile + plain[33:], np.uint8), cv2.IMREAD_UNCHANGED)
    assert CANARY in capfd.readouterr().err, "libpng says it where nobody takes its stderr"
    make_model(tmp_path / "model")
    runs.run(
        f"job: predict\nname: canary\ninput: {{collection: images, uri: {tmp_path / 'archive'}}}\n"
        f"models: {{m: {{uri: {tmp_path / 'model'}}}}}\n{tail(tmp_path)}"
    )
    assert runs.rows(tmp_path / "out")["status"].to_list() == ["ok"]
    no_canary(tmp_path / "out", "".join(capfd.readouterr()))


def test_a_sample_and_a_field_of_a_cohort_are_seen_by_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    header = pysam.VariantHeader()
    header.add_sample(CANARY)
    for line in ("##contig=<ID=1,length=9999>", '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">'):
        header.add_line(line)
    with pysam.VariantFile(str(tmp_path / "cohort.bcf"), "wb", header=header) as file:
        for position in range(10, 20):
            record = file.new_record(contig="1", start=position, alleles=("A", "G"), id=CANARY)
            record.samples[CANARY]["GT"] = (0, 1)
            file.write(record)
    # A last record that htslib refuses, and says so.
    body = gzip.decompress((tmp_path / "cohort.bcf").read_bytes())
    (tmp_path / "cohort.bcf").write_bytes(gzip.compress(body[:-3]))
    capfd.readouterr()
    source = f"input: {{format: vcf, uri: {tmp_path / 'cohort.bcf'}, build: GRCh38}}"
    runs.run(f"job: convert\nname: canary\n{source}\n{tail(tmp_path)}")
    no_canary(tmp_path / "out", "".join(capfd.readouterr()))


def test_a_code_and_a_text_of_a_history_are_seen_by_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_history_format(monkeypatch)
    (tmp_path / "meds" / "data").mkdir(parents=True)
    (tmp_path / "meds" / "metadata").mkdir()
    times = [datetime(2024, 1, day) for day in (1, 2, 3)]
    events = pl.DataFrame(
        {
            "subject_id": [7, 7, 7],
            "time": times,
            "code": [CANARY, "B", "C"],
            "numeric_value": [1.0, float("nan"), None],
        },
        schema_overrides={"numeric_value": pl.Float32, "time": pl.Datetime("us")},
    )
    events.with_columns(text_value=pl.lit(CANARY)).write_parquet(tmp_path / "meds" / "data" / "0.parquet")
    capfd.readouterr()
    run_events(tmp_path, f"uri: {tmp_path / 'meds'}, task: {{at: 2030-01-01}}")
    no_canary(tmp_path / "out", "".join(capfd.readouterr()))
