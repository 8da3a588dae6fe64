"""Whatever bytes a scoring file holds: its rows are all accounted for, or it is refused in our own words."""

from __future__ import annotations

import gzip
import math
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import SpecError
from workers.genomics.contract import VARIANT_SCHEMA
from workers.genomics.scores.files import read_scores
from workers.genomics.scores.matcher import match
from workers.genomics.scores.reasons import Outcome, Reason
from workers.genomics.scores.settings import Match
from workers.genomics.scores.sheet import ROW_SCHEMA
from workers.genomics.scores.target import Target

TARGET = Target(
    pl.DataFrame(
        [
            (0, "1", 1, "a", "A", "G"),
            (1, "1", 2, "b", "A", "T"),
            (2, "1", 2, "b", "A", "C"),
            (3, "X", 7, "c", "C", "T"),
        ],
        schema=VARIANT_SCHEMA,
        orient="row",
    )
)
COLUMNS = (
    "chr_name",
    "chr_position",
    "effect_allele",
    "other_allele",
    "effect_weight",
    "is_dominant",
    "rsID",
    "hm_pos",
)

quick = settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))

fields = st.one_of(
    st.sampled_from(
        ["", "1", "X", "2", "A", "G", "t", "AT", "NA", "0.1", "-1e3", "1e400", "nan", "True", "chr1", "A/G", "."]
    ),
    st.text(st.characters(exclude_characters=' "', exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), max_size=6),
)
lines = st.lists(st.lists(fields, min_size=0, max_size=11).map("\t".join), max_size=12)


def written(body: bytes, name: str) -> Path:
    path = Path(tempfile.mkdtemp()) / name
    path.write_bytes(body)
    return path


def check(path: Path, rows: int | None) -> None:
    """All rows are there, in order, and have a fate that is one of those we know."""
    try:
        sheet = read_scores(path, None)
    except SpecError:
        return
    assert sheet.rows.schema == pl.Schema(ROW_SCHEMA)
    assert sheet.rows["row_nr"].to_list() == list(range(sheet.rows.height))
    if rows is not None:
        assert sheet.rows.height == rows
    found = match(sheet, TARGET, Match())
    assert found.log.height == sheet.rows.height
    assert set(found.log["outcome"]) <= {outcome.value for outcome in Outcome}
    assert set(found.log["reason"].drop_nulls()) <= {reason.value for reason in Reason}
    lost = found.log.filter((pl.col("outcome") != "matched") & pl.col("reason").is_null())
    assert lost.is_empty()
    weights = found.entries["weights"].explode(empty_as_null=False)
    assert weights.is_finite().all()


@quick
@given(st.binary(max_size=400), st.sampled_from([b"", b"rsID\tA1\tbeta\n", b"rsID,A1,beta\n", b"#rsID A1 beta\n"]))
def test_any_bytes_are_read_or_refused(body: bytes, top: bytes) -> None:
    check(written(top + body, "score.txt"), None)


@quick
@given(st.binary(max_size=300), st.integers(0, 40))
def test_any_gzip_that_is_cut_or_damaged_is_read_or_refused(body: bytes, cut: int) -> None:
    zipped = gzip.compress(b"rsID\teffect_allele\teffect_weight\n" + body)
    check(written(zipped[: max(2, len(zipped) - cut)], "score.txt.gz"), None)


@quick
@given(lines, st.permutations(COLUMNS), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_every_line_that_is_not_empty_is_a_row(body: list[str], columns: list[str], zipped: bool, end: str) -> None:
    text = end.join(["#pgs_id=PGS000001", "\t".join(columns), *body])
    data = gzip.compress(text.encode()) if zipped else text.encode()
    count = sum(bool(line.strip()) for line in body)
    check(written(data, "score.txt"), count)


@quick
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_weights_are_the_numbers_that_their_text_says(values: list[float]) -> None:
    text = "".join(f"1\t{n}\tA\tG\t{value!r}\n" for n, value in enumerate(values))
    path = written(("chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n" + text).encode(), "w.tsv")
    found = read_scores(path).weights[:, 0].tolist()
    assert found == values
    assert all(math.copysign(1, a) == math.copysign(1, b) for a, b in zip(found, values, strict=True))
