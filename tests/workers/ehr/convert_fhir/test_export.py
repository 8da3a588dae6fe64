"""Lines of an export in parts of bounded size, and FHIR's values as numbers, texts and units."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from cluster.storage import ObjectMissing, open_store
from schemas.loading import validate
from workers.ehr.convert_fhir.export import ExportLines
from workers.ehr.convert_fhir.places import Place
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.convert_fhir.values import number_of, read_number, read_text, read_unit
from workers.ehr.meds.chunks import Chunk

LINES = [f'{{"n": {number}}}' for number in range(10)]
SIZE = len(LINES[0]) + 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten lines, plain and packed."""
    text = "".join(f"{line}\n" for line in LINES)
    (tmp_path / "a.ndjson").write_text(text)
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path


def parts(folder: Path, name: str, start: int = 0, stop: int | None = None, **settings: Any) -> list[list[str]]:
    source = validate(FhirInput, {"format": "fhir", "uri": str(folder), **settings}, "input")
    store = open_store(str(folder))
    (info,) = [info for info in store.list() if info.key == name]
    chunk = Chunk(name, info.etag, None, 0, start, info.size if stop is None else stop)
    return [
        [line.data.decode().strip() for line in part] for part in ExportLines(store, source).parts(chunk, info.size)
    ]


@pytest.mark.parametrize("name", ["a.ndjson", "b.ndjson.gz"])
def test_parts_are_of_bounded_size_and_hold_each_line_once_in_order(folder: Path, name: str) -> None:
    assert parts(folder, name) == [LINES]
    cut = parts(folder, name, chunk_bytes=3 * (SIZE - 1))
    assert [len(part) for part in cut] == [3, 3, 3, 1]
    assert [line for part in cut for line in part] == LINES


def test_a_line_belongs_to_the_chunk_in_which_it_begins(folder: Path) -> None:
    bounds = ((0, SIZE + 1), (SIZE + 1, 5 * SIZE), (5 * SIZE, 10 * SIZE))
    assert [parts(folder, "a.ndjson", *bound)[0] for bound in bounds] == [LINES[:2], LINES[2:5], LINES[5:]]


def test_a_file_that_is_gone_is_missing(folder: Path) -> None:
    store = open_store(str(folder))
    info = next(store.list())
    (folder / "a.ndjson").unlink()
    source = validate(FhirInput, {"format": "fhir", "uri": str(folder)}, "input")
    with pytest.raises(ObjectMissing):
        list(ExportLines(store, source).parts(Chunk("a.ndjson", info.etag, None, 0, 0, info.size), info.size))


@pytest.mark.parametrize(
    ("node", "number"),
    [
        (5, 5.0),
        (0.5, 0.5),
        (True, None),
        ("5", None),
        (1e39, None),
        (10**400, None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_a_number_is_one_that_float32_can_hold(node: Any, number: float | None) -> None:
    assert number_of(node) == number


@pytest.mark.parametrize(
    ("node", "number"),
    [
        ({"value": 7, "unit": "mg"}, 7.0),
        ({"numerator": {"value": 1}, "denominator": {"value": 4}}, 0.25),
        ({"numerator": {"value": 1}, "denominator": {"value": 0}}, None),
        ({"numerator": {"value": 1}}, None),
    ],
)
def test_a_quantity_is_its_value_and_a_ratio_its_quotient(node: Any, number: float | None) -> None:
    assert read_number(Place(node, ("x",))).value == number


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ("positive", "positive"),
        (False, "false"),
        ({"numerator": {"value": 1}, "denominator": {"value": 128}}, "1:128"),
        ({"low": {"value": 1}, "high": {"value": 5}}, "1 - 5"),
        ({"low": {"value": 1}}, ">= 1"),
        ({"high": {"comparator": "<", "value": 5}}, "<= <5"),
        ({"start": "2024-01-01", "end": "2024-02-01"}, "2024-01-01/2024-02-01"),
        ({"end": "2024-02-01"}, "../2024-02-01"),
        ({}, None),
        (7, None),
    ],
)
def test_a_text_says_what_a_data_type_says_on_one_line(node: Any, text: str | None) -> None:
    assert read_text(Place(node, ())).value == text


@pytest.mark.parametrize(
    ("node", "unit"),
    [
        ({"code": "mg/dL", "unit": "milligrams"}, "mg/dL"),
        ({"unit": "Milligrams"}, "mg"),
        ({"unit": "drops"}, "drops"),
        ({"low": {"code": "mg"}, "high": {"code": "g"}}, "mg"),
        ({"value": 5}, None),
        ("milligrams", "mg"),
    ],
)
def test_a_unit_is_its_code_else_its_name_written_in_one_way(node: Any, unit: str | None) -> None:
    assert read_unit(Place(node, ()), {"milligrams": "mg"}).value == unit
