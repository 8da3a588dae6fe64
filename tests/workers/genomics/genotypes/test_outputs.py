from __future__ import annotations

from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.genomics.genotypes.outputs import ADJUSTED, adjusted_names, with_columns
from workers.genomics.genotypes.steps import Adjust, parse_steps

FIELDS = [("b", "float64"), ("a", "float64"), ("low_overlap", "list<string>")]
CARD = ModelCard(
    "pgs",
    tuple(OutputField(name=name, type=kind, meaning="m") for name, kind in FIELDS),
    settings={"scores": ["b", "a"]},
)


def names(*prepare: object) -> list[str]:
    return [field.name for field in with_columns(CARD, parse_steps(list(prepare))).outputs]


def test_sums_come_first_in_the_order_of_the_directory() -> None:
    assert names() == ["b", "a", "low_overlap", "allele_ct", "denom", "named_dosage"]
    assert names({"columns": {"counts": False}}) == ["b", "a", "low_overlap"]


def test_averages_and_adjusted_columns_follow_the_sums() -> None:
    asked = names({"columns": {"average": True, "counts": False}}, {"adjust": {"z": False, "components": "p.tsv"}})
    assert asked == ["b", "a", "b_avg", "a_avg", "b_z_norm1", "b_z_norm2", "a_z_norm1", "a_z_norm2", "low_overlap"]


def test_the_card_says_which_columns_are_adjusted_so_that_an_earlier_stage_leaves_them_out() -> None:
    card = with_columns(CARD, parse_steps([{"adjust": {"z": True}}]))
    assert card.settings[ADJUSTED] == {"b": {"z": "b_z"}, "a": {"z": "a_z"}}
    assert with_columns(CARD, parse_steps([])).settings[ADJUSTED] == {}
    assert ADJUSTED not in CARD.settings


def test_adjusted_columns_are_those_that_are_asked_for() -> None:
    assert adjusted_names("s", None) == {}
    assert adjusted_names("s", Adjust(z=True, components="p")) == {
        "z": "s_z", "z_norm1": "s_z_norm1", "z_norm2": "s_z_norm2"
    }  # fmt: skip
