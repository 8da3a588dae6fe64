from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cluster.storage import open_store
from schemas.errors import RefusedError, SpecError
from workers.ehr.convert_omop.concepts import Concepts, load_concepts
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.meds.chunks import Chunk

HEADER = "concept_id\tconcept_name\tvocabulary_id\tconcept_code\n"


def loaded(folder: Path, *tables: str, etag: str | None = None) -> Concepts:
    store = open_store(str(folder))
    files = []
    for number, table in enumerate(tables):
        key = f"concept{number}.csv"
        (folder / key).write_text(table)
        head = store.head(key)
        assert head is not None
        files.append((Chunk(key, etag or head.etag, "concept", 0, 0, head.size), head.size))
    return load_concepts(store, files, OmopInput(format="omop", uri=str(folder)))


def test_ids_become_vocabulary_and_code_in_the_order_asked_for(tmp_path: Path) -> None:
    concepts = loaded(tmp_path, HEADER + "7\tFever\tSNOMED\t386661006\n", HEADER + '8\tDose "x"\tUCUM\tmg\n')
    looked = concepts.look_up(pl.Series([8, 7, 8, 5, 0, None]))
    assert looked.name.to_list() == ["UCUM/mg", "SNOMED/386661006", "UCUM/mg", "CONCEPT/5", None, None]
    assert looked.code.to_list() == ["mg", "386661006", "mg", "5", None, None]
    assert looked.said.to_list() == ['Dose "x"', "Fever", 'Dose "x"', None, None, None]


def test_without_a_table_each_id_names_itself(tmp_path: Path) -> None:
    assert loaded(tmp_path).look_up(pl.Series([7])).name.to_list() == ["CONCEPT/7"]


def test_a_concept_in_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="concept_id twice"):
        loaded(tmp_path, HEADER + "7\ta\tb\tc\n", HEADER + "7\ta\tb\tc\n")


@pytest.mark.parametrize("table", ["concept_id\tconcept_name\n7\ta\n", HEADER + "7\ta\tb\n"])
def test_a_table_that_cannot_be_read_says_from_which_row_on(tmp_path: Path, table: str) -> None:
    with pytest.raises(SpecError, match="cannot be read from row 1 of one of its files"):
        loaded(tmp_path, table)


def test_a_table_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not the one that the run was planned with"):
        loaded(tmp_path, HEADER + "7\ta\tb\tc\n", etag="another")
