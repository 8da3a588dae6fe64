from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.genotype_stages import stage_context
from tests.support.runs import rows, run
from tests.support.variants import random_bases, save_cnn, write_fasta, write_vcf
from workers.genomics.sequences.reader import SequenceReader
from workers.genomics.sequences.stages import load_scoring, model_views, predict, run_models
from workers.genomics.sequences.vcf_fetching import VariantFetcher

BASES = random_bases(400, 1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of one variant that changes nothing, one that does, and one of another reference."""
    folder = tmp_path_factory.mktemp("sequences")
    write_fasta(folder / "ref.fa", {"1": BASES})
    other = "ACGT".replace(BASES[199], "")[0]
    write_vcf(
        folder / "in.vcf",
        [("1", 200, BASES[199], BASES[199] * 2), ("1", 200, other, "N"), ("1", 200, BASES[199], other)],
    )
    save_cnn(folder / "model")
    run(
        f"job: predict\nname: s\ninput: {{collection: sequences, uri: {folder}/in.vcf, reference: {folder}/ref.fa}}\n"
        f"models: {{m: {{uri: {folder}/model}}}}\noutput: {{uri: {folder}/out}}\ncompute: {{pool: serial}}\n"
    )
    return folder / "out"


def test_a_record_has_the_reference_the_alternative_and_their_difference_or_says_why_not(finished: Path) -> None:
    found = rows(finished)
    assert found["status"].to_list() == ["ok", "ref_mismatch", "ok"]
    (name, *_) = (column.removesuffix("_ref") for column in found.columns if column.endswith("_ref"))
    ref, alt, delta = (found[f"{name}_{side}"].to_numpy() for side in ("ref", "alt", "delta"))
    np.testing.assert_allclose(delta, alt - ref, atol=1e-6)
    # Both are of one place of one reference.
    assert ref[0] == pytest.approx(ref[2], abs=1e-6)
    assert np.isnan(ref[1])


def test_of_a_vcf_the_reference_is_read_as_wide_as_the_models_need(finished: Path) -> None:
    context = stage_context(finished, "")
    (view,) = model_views(run_models(context))
    assert (view.view.steps.left, view.view.steps.right) == (44, 45)
    stage = predict(context)
    assert isinstance(stage.reader, SequenceReader)
    assert isinstance(stage.reader._fetcher, VariantFetcher)
    stage.reader.close()
    assert load_scoring(run_models(context), has_variants=True).device == "cpu"
