"""Limits that only refuse records may be made smaller for a run that has begun, in every collection that has some."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from schemas.errors import FingerprintError
from tests.chaos.archive import make_model
from tests.support.counting_notes import write_model
from tests.support.runs import rows, run
from tests.support.variants import kmer_words, save_esm, write_fasta
from workers import registry

SIZES = (10, 40, 10, 40)
"""Pixels, characters, atoms or bases of four records, which are two shards."""


def images(folder: Path) -> str:
    (folder / "in").mkdir()
    for number, size in enumerate(SIZES):
        cv2.imwrite(str(folder / "in" / f"{number}.png"), np.full((1, size), 9, np.uint8))
    make_model(folder / "model")
    return "collection: images"


def notes(folder: Path) -> str:
    (folder / "in").mkdir()
    texts = ["a" * size for size in SIZES]
    pl.DataFrame({"note_id": list("abcd"), "text": texts}).write_parquet(folder / "in" / "n.parquet")
    write_model(folder / "model")
    return "collection: notes"


def molecules(folder: Path) -> str:
    (folder / "in").mkdir()
    pl.DataFrame({"id": list("abcd"), "smiles": ["C" * size for size in SIZES]}).write_parquet(
        folder / "in" / "m.parquet"
    )
    (folder / "model").mkdir()
    config = {"format": "properties", "format_version": 1, "properties": ["heavy_atoms"]}
    (folder / "model" / "config.json").write_text(json.dumps(config))
    return "collection: molecules"


def sequences(folder: Path) -> str:
    write_fasta(folder / "in.fa", {name: "ACGTA" * (size // 5) for name, size in zip("abcd", SIZES, strict=True)})
    save_esm(folder / "model", kmer_words())
    return "collection: sequences"


def spec(folder: Path, source: str, limit: str, value: int) -> str:
    uri = folder / "in" if (folder / "in").is_dir() else folder / "in.fa"
    return (
        f"job: predict\nname: limits\ninput: {{{source}, uri: {uri}, {limit}: {value}}}\n"
        f"models: {{m: {{uri: {folder / 'model'}}}}}\noutput: {{uri: {folder / 'out'}}}\n"
        "limits: {max_rejects: 60%}\ncompute: {pool: serial, shard_records: 2}\n"
    )


@pytest.mark.parametrize(
    ("prepare", "limit"),
    [(images, "max_pixels"), (notes, "max_chars"), (molecules, "max_atoms"), (sequences, "max_bases")],
)
def test_a_run_that_was_interrupted_goes_on_under_a_smaller_limit_and_is_refused_under_a_larger(
    prepare: Callable[[Path], str], limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.FORMATS, "notes", {"counting": "tests.support.counting_notes"})
    source = prepare(tmp_path)
    run(spec(tmp_path, source, limit, 100))
    before = rows(tmp_path / "out")
    assert before["status"].to_list() == ["ok"] * 4
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "predictions" / "shard-000001.parquet").unlink()

    with pytest.raises(FingerprintError, match="changed: input"):
        run(spec(tmp_path, source, limit, 101))
    run(spec(tmp_path, source, limit, 20))
    after = rows(tmp_path / "out")
    assert after["status"].to_list() == ["ok", "ok", "ok", "too_large"]
    assert after.head(2).equals(before.head(2))
