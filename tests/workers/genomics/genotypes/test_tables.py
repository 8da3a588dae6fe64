from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from tests.support.score_rows import variants_of
from workers.genomics.contract import SAMPLE_SCHEMA
from workers.genomics.genotypes.tables import components_at, file_digest, frequencies_at

STORAGE = StorageSettings()


def samples(*ids: tuple[str | None, str]) -> pl.DataFrame:
    return pl.DataFrame([(at, fid, iid, 0) for at, (fid, iid) in enumerate(ids)], schema=SAMPLE_SCHEMA, orient="row")


THREE = samples(("f", "a"), ("f", "b"), ("f", "c"))


def components(folder: Path, text: str, people: pl.DataFrame = THREE) -> list[tuple[float | None, ...]]:
    path = folder / "pcs.txt"
    path.write_text(text)
    return components_at(str(path), STORAGE, file_digest(str(path), STORAGE), people).rows()


@pytest.mark.parametrize(
    "text",
    [
        "#FID\tIID\tPC1\tPC2\nf\tc\t3\t0.5\nf\ta\t1\tNA\n",
        "iid,PC1,PC2\nc,3,0.5\na,1,\n",
        "#IID SID PC1 PC2\nc 0 3 0.5\na 0 1 nan\n",
    ],
    ids=["tabs", "commas", "blanks"],
)
def test_components_come_in_the_order_of_the_samples_and_are_null_where_the_table_has_none(
    tmp_path: Path, text: str
) -> None:
    assert components(tmp_path, text) == [(1.0, None), (None, None), (3.0, 0.5)]


def test_parquet_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "pcs"
    pl.DataFrame({"IID": ["b"], "PC1": [2.0]}).write_parquet(path)
    assert components_at(str(path), STORAGE, file_digest(str(path), STORAGE), THREE).rows() == [
        (None,),
        (2.0,),
        (None,),
    ]


def test_where_an_iid_is_there_twice_the_fid_tells_who_is_meant(tmp_path: Path) -> None:
    two = samples(("f", "a"), ("g", "a"))
    assert components(tmp_path, "FID\tIID\tPC1\ng\ta\t2\nf\ta\t1\n", two) == [(1.0,), (2.0,)]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("name,PC1\na,1\n", "has no column IID"),
        ("IID,PC1\na,one\n", "something else than numbers"),
        ("IID,PC1\na,1\na,2\n", "or a sample twice"),
        ("IID,FID\na,f\n", "has no column of numbers"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(SpecError, match=wrong):
        components(tmp_path, text)


def test_a_table_that_is_gone_or_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pcs.txt"
    with pytest.raises(SpecError, match=r"pcs\.txt: is not there; correct the prepare step"):
        file_digest(str(path), STORAGE)
    path.write_text("IID,PC1\na,1\n")
    digest = file_digest(str(path), STORAGE)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text("IID,PC1\na,2\n")
    with pytest.raises(SpecError, match="was changed since the run was planned"):
        components_at(str(path), STORAGE, digest, THREE)
    path.unlink()
    with pytest.raises(SpecError, match="is missing"):
        components_at(str(path), STORAGE, digest, THREE)


def test_frequencies_are_turned_to_the_alleles_of_the_genotypes(tmp_path: Path) -> None:
    path = tmp_path / "some.afreq"
    path.write_text("#CHROM\tPOS\tREF\tALT\tALT_FREQS\n1\t1\tG\tA\t0.25\n")
    found = frequencies_at(str(path), STORAGE, file_digest(str(path), STORAGE), variants_of("A>G", "C>T"))
    assert found.rows() == [(0, 0.75), (10, None)]
