from __future__ import annotations

import numpy as np

from schemas.outputs import OutputField
from workers.genomics.sequences.outputs import columns_of, variant_outputs

TWO = tuple(OutputField(name=name, type="float32", meaning=f"score {name}") for name in ("a", "b"))
VECTOR = (OutputField(name="embedding", type="list<float32>", meaning="vector"),)
REF, ALT = np.array([[1, 2], [3, 4]], np.float32), np.array([[1.5, 2], [0, 4]], np.float32)


def test_every_output_of_a_variant_is_there_three_times() -> None:
    fields = variant_outputs(TWO)
    assert [field.name for field in fields] == ["a_ref", "a_alt", "a_delta", "b_ref", "b_alt", "b_delta"]
    assert fields[2].meaning == "score a: with the variant less without"
    assert {field.type for field in fields} == {"float32"}


def test_the_difference_is_with_the_variant_less_without() -> None:
    found = columns_of(TWO, REF, ALT)
    assert {name: values.tolist() for name, values in found.items()} == {
        "a_ref": [1, 3], "b_ref": [2, 4], "a_alt": [1.5, 0], "b_alt": [2, 4], "a_delta": [0.5, -3], "b_delta": [0, 0]
    }  # fmt: skip
    assert set(found) == {field.name for field in variant_outputs(TWO)}


def test_without_variants_columns_are_the_models_own() -> None:
    assert {name: values.tolist() for name, values in columns_of(TWO, REF, None).items()} == {"a": [1, 3], "b": [2, 4]}


def test_a_vector_is_one_column_of_lists() -> None:
    found = columns_of(VECTOR, REF, ALT)
    assert list(found) == ["embedding_ref", "embedding_alt", "embedding_delta"]
    assert [row.tolist() for row in found["embedding_delta"]] == [[0.5, 0], [-3, 0]]
