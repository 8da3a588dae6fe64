from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from schemas.outputs import OutputField
from schemas.spec import Compute
from workers.contract import ModelCard
from workers.genomics.contract import SAMPLE_SCHEMA, VARIANT_SCHEMA
from workers.genomics.genotypes.planning import (
    BLOCK,
    COUNT_BYTES,
    bytes_a_sample,
    range_batches,
    sample_batches,
    samples_a_shard,
    score_batches,
)
from workers.genomics.genotypes.source import Identity

FOUND = Identity("d", 1)


def card(outputs: int, **settings: Any) -> ModelCard:
    fields = tuple(OutputField(name=f"s{at}", type="float64", meaning="m") for at in range(outputs))
    return ModelCard(settings.pop("format", "pgs"), fields, settings=settings)


def samples(*ids: tuple[str | None, str]) -> pl.DataFrame:
    rows = [(at, fid, iid, 1) for at, (fid, iid) in enumerate(ids)]
    return pl.DataFrame(rows, schema=SAMPLE_SCHEMA, orient="row")


def test_ranges_cover_every_variant_once_whatever_gaps_their_numbers_have() -> None:
    numbers = [0, 5, 6, 20, 21]
    variants = pl.DataFrame([(at, "1", 1, None, "A", "C") for at in numbers], schema=VARIANT_SCHEMA, orient="row")
    # Two variants of so many samples are one piece.
    (batch,) = range_batches(variants, 2 * COUNT_BYTES, "u", FOUND)
    ranges = list(zip(batch["low"].to_pylist(), batch["high"].to_pylist(), strict=True))
    assert [[at for at in numbers if low <= at < high] for low, high in ranges] == [[0, 5], [6, 20], [21]]
    assert batch["record_id"].to_pylist() == ["variants-000000", "variants-000001", "variants-000002"]


def test_without_variants_there_is_nothing_to_count() -> None:
    (batch,) = range_batches(pl.DataFrame(schema=VARIANT_SCHEMA), 10, "u", FOUND)
    assert batch.num_rows == 0


def test_scores_of_one_file_are_one_subject_and_a_panel_is_one_record() -> None:
    files = [{"name": "a", "scores": ["x", "y"]}, {"name": "b", "scores": ["z"]}]
    batches = score_batches({"pgs": card(3, files=files), "net": card(1, format="panel")}, "u", FOUND)
    rows = [
        row for batch in batches for row in batch.select(["record_id", "subject_id", "score", "number"]).to_pylist()
    ]
    assert [tuple(row.values()) for row in rows] == [
        ("pgs/x", "pgs/0", "x", 0),
        ("pgs/y", "pgs/0", "y", 0),
        ("pgs/z", "pgs/1", "z", 1),
        ("net", "net", None, None),
    ]


def test_a_sample_is_named_by_its_iid_and_by_both_ids_where_that_is_there_twice() -> None:
    (plain,) = sample_batches(samples(("f", "a"), (None, "b")), "u", FOUND)
    assert plain["record_id"].to_pylist() == ["a", "b"]
    (twice,) = sample_batches(samples(("f", "a"), ("g", "a"), (None, "b")), "u", FOUND)
    assert twice["record_id"].to_pylist() == ["f:a", "g:a", "0:b"]
    assert twice["subject_id"].to_pylist() == ["a", "a", "b"]
    assert twice["member"].to_pylist() == [0, 1, 2]


def compute(**given: Any) -> Compute:
    return Compute.model_validate(given)


@pytest.mark.parametrize(
    ("count", "blocks", "settings", "expected"),
    [
        (10, False, {}, 1),
        (4 * BLOCK, False, {"workers": 1}, 4),
        (4 * BLOCK, False, {"workers": 4}, 1),
        (4 * BLOCK + 1, False, {"workers": 2}, 3),  # a scan a worker, so that no third one is needed
        (9 * BLOCK, True, {"shard_records": 100}, 1),
        (9 * BLOCK, True, {"shard_records": 3 * BLOCK - 1}, 2),
    ],
)
def test_shards_are_whole_blocks_of_samples(count: int, blocks: bool, settings: dict[str, Any], expected: int) -> None:
    assert samples_a_shard(count, {"pgs": card(1)}, blocks, compute(**settings)) == expected * BLOCK


def test_no_shard_holds_more_than_half_of_the_memory() -> None:
    models = {"net": card(1, variants=1 << 16)}
    assert bytes_a_sample(models) == (1 << 16) + 64
    memory = 2 * 3 * BLOCK * bytes_a_sample(models)
    assert samples_a_shard(50 * BLOCK, models, False, compute(workers=1, memory_per_worker=memory)) == 3 * BLOCK
    assert samples_a_shard(50 * BLOCK, models, False, compute(workers=1, memory_per_worker=1 << 20)) == BLOCK
