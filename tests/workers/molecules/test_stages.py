from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.genotype_stages import stage_context
from tests.support.runs import rows, run
from workers.children.child_pool import ChildPool
from workers.children.inline_pool import InlinePool
from workers.molecules.contract import Wanted
from workers.molecules.reader import MoleculeReader
from workers.molecules.stages import load_scoring, model_views, predict, run_models


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of three molecules and a model of two properties."""
    folder = tmp_path_factory.mktemp("molecules")
    (folder / "in.smi").write_text("CCO a\nnothing b\nc1ccccc1 c\n")
    (folder / "model").mkdir()
    config = {"format": "properties", "format_version": 1, "properties": ["heavy_atoms", "tpsa"]}
    (folder / "model/config.json").write_text(json.dumps(config))
    run(
        f"job: predict\nname: m\ninput: {{collection: molecules, uri: {folder}/in.smi}}\n"
        f"models: {{p: {{uri: {folder}/model}}}}\noutput: {{uri: {folder}/out}}\n"
        "compute: {pool: serial, decode: threads}\n"
    )
    return folder / "out"


def test_a_molecule_that_is_none_is_a_row_without_numbers(finished: Path) -> None:
    found = rows(finished).select("record_id", "status", "heavy_atoms", "tpsa", "canonical_smiles").rows()
    assert found == [
        ("a", "ok", 3, 20.23, "CCO"),
        ("b", "unreadable", None, None, None),
        ("c", "ok", 6, 0.0, "c1ccccc1"),
    ]


def test_rdkit_runs_in_child_processes_unless_the_spec_says_threads(finished: Path) -> None:
    context = stage_context(finished, "")
    for decode, kind in (("threads", InlinePool), ("processes", ChildPool)):
        context.compute = context.compute.model_copy(update={"decode": decode})
        stage = predict(context)
        assert isinstance(stage.reader, MoleculeReader)
        try:
            assert type(stage.reader._pool) is kind
        finally:
            stage.reader.close()


def test_models_of_a_run_say_what_they_want_before_any_is_loaded(finished: Path) -> None:
    models = run_models(stage_context(finished, ""))
    (view,) = model_views(models)
    assert isinstance(view.encoder, Wanted)
    assert view.encoder.wants == {"properties": ["heavy_atoms", "tpsa"]}
    assert load_scoring(models).device == "cpu"
