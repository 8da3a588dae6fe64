"""A directory of scoring files as a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SpecError
from workers.genomics.genotypes.formats.pgs import FORMAT
from workers.models.detect import describe

TABLE = "ID\tA1\t{}\nrs1\tA\t0.5\n"


def test_every_score_is_an_output_of_its_name_in_order_of_files(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text("ID\tA1\ttall\tbroad\nrs1\tA\t0.5\t1\n")
    (tmp_path / "layout.yaml").write_text("files: {b.tsv: {weights: [tall, broad]}}")
    (tmp_path / "a.txt").write_text("#pgs_id=PGS000004\n" + TABLE.format("weight"))
    kind, card = describe(tmp_path, "genotypes")
    assert kind == "pgs"
    assert [(field.name, field.type) for field in card.outputs] == [
        ("PGS000004", "float64"), ("tall", "float64"), ("broad", "float64"), ("low_overlap", "list<string>")
    ]  # fmt: skip
    assert card.settings == {
        "scores": ["PGS000004", "tall", "broad"],
        "files": [{"name": "a.txt", "scores": ["PGS000004"]}, {"name": "b.tsv", "scores": ["tall", "broad"]}],
    }


def test_a_directory_with_a_config_is_another_format(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TABLE.format("weight"))
    assert FORMAT.recognises(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert not FORMAT.recognises(tmp_path)


def test_two_scores_of_one_name_are_refused_with_both_files(tmp_path: Path) -> None:
    (tmp_path / "layout.yaml").write_text("weights: [tall]")
    (tmp_path / "a.txt").write_text(TABLE.format("tall"))
    (tmp_path / "b.txt").write_text(TABLE.format("tall"))
    with pytest.raises(SpecError, match=r"'a\.txt' and 'b\.txt' both hold a score 'tall'"):
        describe(tmp_path, "genotypes")


@pytest.mark.parametrize("name", ["status", "low_overlap", "denom", "a b", "x__y", "größe"])
def test_a_score_cannot_have_the_name_of_a_column_of_the_run(tmp_path: Path, name: str) -> None:
    (tmp_path / "layout.yaml").write_text("weights: all")
    (tmp_path / "a.txt").write_text(TABLE.format(name))
    with pytest.raises(SpecError, match="cannot be the name of a score"):
        describe(tmp_path, "genotypes")


def test_a_file_that_is_no_scoring_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TABLE.format("weight"))
    (tmp_path / "b.csv").write_text("something,else\n1,2\n")
    with pytest.raises(SpecError, match=r"b\.csv: no column effect_allele"):
        describe(tmp_path, "genotypes")
