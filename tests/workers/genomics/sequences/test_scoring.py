"""The numbers of a model on sequences become columns: one side, or three."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from schemas.outputs import OutputField
from workers.contract import Encoded
from workers.genomics.sequences.contract import Scores
from workers.genomics.sequences.outputs import ColumnScorer
from workers.pipeline.holding import HeldScoring
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows


class Lengths:
    """Length of the reference and of ALT, and how often it has an A."""

    outputs = (
        OutputField(name="length", type="float32", meaning="length"),
        OutputField(name="a", type="float32", meaning="how often A"),
    )

    def score(self, values: Sequence[tuple[str, str | None]]) -> tuple[Scores, Scores | None]:
        sides = [
            np.array([[len(text), text.count("A")] for text in side if text is not None], np.float32)
            for side in zip(*values, strict=True)
        ]
        return sides[0], sides[1] if len(sides[1]) else None


def scored(values: Sequence[tuple[str, str | None]], has_variants: bool) -> dict[str, list[float]]:
    scoring = HeldScoring({"m": ColumnScorer(Lengths(), has_variants)}, "cpu")
    count = len(values)
    rows = ShardRows(pa.table({"record_id": ["x"] * count}), {}, [None] * count, [None] * count)
    scoring.start(rows)
    scoring.score(rows, [Prepared(row, [Encoded(value, 1)]) for row, value in enumerate(values)])
    scoring.finish(rows)
    return {name: column.to_pylist() for name, column in rows.models["m"].finish().items()}


def test_a_variant_has_the_reference_the_alternative_and_their_difference() -> None:
    assert scored([("AAC", "AC"), ("G", "GAA")], has_variants=True) == {
        "length_ref": [3.0, 1.0],
        "length_alt": [2.0, 3.0],
        "length_delta": [-1.0, 2.0],
        "a_ref": [2.0, 0.0],
        "a_alt": [1.0, 2.0],
        "a_delta": [-1.0, 2.0],
    }


def test_a_sequence_has_the_columns_of_the_model_itself() -> None:
    assert scored([("AAC", None), ("G", None)], has_variants=False) == {"length": [3.0, 1.0], "a": [2.0, 0.0]}
