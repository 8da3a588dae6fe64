from __future__ import annotations

from typing import Any

import pytest

from workers.genomics.genotypes.layout import counts_key, entries_key, log_key, stages_of
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.genotypes.steps import parse_steps

BY_FREQUENCY = {"match": {"ambiguous": "frequency"}}


def stages(format: str, *prepare: list[Any], fills: bool = True) -> str:
    source = GenotypesInput.model_validate({"collection": "genotypes", "uri": "u", "format": format})
    return " ".join(stages_of(source, [parse_steps(one) for one in prepare], fills))


@pytest.mark.parametrize(
    ("format", "prepare", "fills", "expected"),
    [
        ("bed", [], True, "match count predict"),
        ("bed", [], False, "match predict"),
        ("table", [], True, "match predict"),  # a table has its counts
        ("pgen", [BY_FREQUENCY], True, "count match predict"),  # matching needs them
        ("pgen", [BY_FREQUENCY], False, "count match predict"),
        ("table", [BY_FREQUENCY], True, "match predict"),
        ("bed", [{"adjust": {"z": True}}], True, "match count score fit predict"),
        ("table", [{"adjust": {"z": True}}], False, "match score fit predict"),
    ],
)
def test_there_is_a_stage_for_what_is_not_known_yet(
    format: str, prepare: list[Any], fills: bool, expected: str
) -> None:
    assert stages(format, prepare, fills=fills) == expected


def test_one_model_that_needs_a_stage_gives_it_to_all() -> None:
    assert stages("bed", [], [BY_FREQUENCY], [{"adjust": {"z": True}}]) == "count match score fit predict"


def test_keys_of_shards_sort_as_their_numbers_do() -> None:
    assert log_key("m", 2, 10) < log_key("m", 10, 2)
    assert log_key("m", 1, 0) == "matches/m/000001-000.parquet"
    assert entries_key("m", 1, 0) == "stages/match/entries/m/000001-000.parquet"
    assert counts_key(12) == "stages/count/counts/000012.parquet"
