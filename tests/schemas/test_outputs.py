"""Types of output columns, those of side objects among them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from schemas.errors import SpecError
from schemas.outputs import OutputField, column_type, object_suffix


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("object<png>", "png"),
        ("list<object<nii.gz>>", "nii.gz"),
        ("string", None),
        ("list<string>", None),
        ("object<png", None),
        ("list<object<png>", None),
        ("object<>", None),
        ("object<../x>", None),
    ],
)
def test_an_object_is_known_by_its_type(kind: str, suffix: str | None) -> None:
    assert object_suffix(kind) == suffix


def test_a_column_of_objects_holds_their_uris() -> None:
    assert column_type("object<png>") == pa.string()
    assert column_type("list<object<npy>>") == pa.list_(pa.string())
    assert column_type("list<float32>") == pa.list_(pa.float32())


@pytest.mark.parametrize("kind", ["object<../x>", "struct<mask: object<png>>"])
def test_a_type_that_no_column_has_is_refused(kind: str) -> None:
    with pytest.raises(SpecError, match="unknown"):
        column_type(kind)


@pytest.mark.parametrize(
    ("name", "kind", "fold"),
    [("m", "object<png>", "mean"), ("m", "object<png>", "concat"), ("m", "list<object<png>>", "sum")],
)
def test_objects_of_frames_are_not_added_up(name: str, kind: str, fold: str) -> None:
    with pytest.raises(ValidationError, match="over_frames of"):
        OutputField(name=name, type=kind, meaning="a mask", over_frames=fold)


def test_the_name_of_a_column_of_objects_can_be_a_folder() -> None:
    with pytest.raises(ValidationError, match="lie in that folder"):
        OutputField(name="a/b", type="object<png>", meaning="a mask", over_frames="first")
