from __future__ import annotations

from pathlib import Path

from tests.support.genotype_stages import ScoredRun
from workers.contract import ModelCard
from workers.genomics.genotypes.models import GenotypeModel, open_models, settle
from workers.genomics.genotypes.outputs import ADJUSTED
from workers.genomics.genotypes.steps import parse_steps


def test_a_model_is_opened_under_the_steps_of_the_run(scored: ScoredRun) -> None:
    (model,) = open_models(scored.context("predict"))
    assert (model.name, model.is_panel) == ("pgs", False)
    # It is opened where it cannot become another model: in the node's cache, under its digest.
    assert model.directory.name == scored.context("predict").run.models["pgs"].sha256
    assert sorted(path.name for path in model.directory.iterdir()) == sorted(
        path.name for path in (scored.root / "scores").iterdir()
    )
    assert model.steps.adjust is not None
    assert model.steps.columns.average
    assert model.card.settings["scores"] == ["A1", "A2", "B", "CUT", "LOW"]
    names = [field.name for field in model.card.outputs]
    assert {"A1_avg", "A1_z", "A1_z_norm1", "LOW_z_norm2"} <= set(names)


def test_the_card_of_a_panel_stays_as_its_directory_says() -> None:
    card = ModelCard("panel", (), settings={"variants": 3})
    assert settle(card, [{"columns": {"average": True}}]) is card
    assert ADJUSTED not in card.settings
    assert GenotypeModel("net", Path("."), card, parse_steps([])).is_panel
