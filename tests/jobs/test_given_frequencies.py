"""A table of frequencies, and what else a run over genotypes is given: used and counted, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from cluster.storage import open_store
from jobs.cli.summary import as_table
from jobs.report_file import write_report
from schemas.errors import SpecError
from tests.support import runs
from tests.support.genotype_runs import spec
from tests.support.genotype_tables import HEADER, columns_of, convert_table, vcf_line
from tests.support.panel_models import make_panel_model_directory
from tests.support.vcf_scores import catalog_file

SAMPLES = 12
SOURCE = "format: table, uri: ROOT/converted/table"
FIRST = ["./.", "0/1", "0/2", "1/1", "1/2", "2/2", "0/0", "0/1", "0/0", "0/2", "1/2", "0/1"]
SECOND = ["./.", "0/1", "1/1", "1/1", "0/1", "1/1", "1/1", "0/1", "1/1", "1/1", "1/1", "0/1"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two sites, the first of two ALTs, the first sample without a call at either, and a score of three rows."""
    names = [f"s{number}" for number in range(SAMPLES)]
    lines = vcf_line("chr1", 1000, "A", "C,G", FIRST, id="m1") + vcf_line("chr1", 2000, "A", "G", SECOND, id="m2")
    (tmp_path / "a.vcf").write_text(HEADER + columns_of(names) + lines)
    convert_table(f"format: vcf, uri: {tmp_path}/a.vcf, build: GRCh38", tmp_path / "converted")
    (tmp_path / "scores").mkdir()
    catalog_file(
        tmp_path / "scores/S.txt", [("1", 1000, "C", "A", 1), ("1", 2000, "G", "A", 10), ("1", 3000, "G", "A", 5)]
    )
    return tmp_path


def text_of(root: Path, frequencies: str, models: str = "pgs: {uri: ROOT/scores}") -> str:
    (root / "f.tsv").write_text(frequencies)
    more = "prepare: [{match: {min_overlap: 0}}, {impute: {frequencies: ROOT/f.tsv}}]"
    return spec(root, SOURCE, models=models, more=more)


def test_a_call_that_is_missing_at_a_site_of_several_alternatives_is_filled_as_plink2_writes_it(root: Path) -> None:
    afreq = "#CHROM\tID\tREF\tALT\tALT_FREQS\tOBS_CT\n1\tm1\tA\tC,G\t0.3,0.4\t100\n1\tm2\tA\tG\t0.9\t100\n"
    outcome = runs.run(text_of(root, afreq))
    assert runs.rows(root / "out")["PGS000001"][0] == pytest.approx(0.6 + 10 * 1.8)
    told = {"model": "pgs", "variants": 2, "with_frequency": 2}
    assert outcome.manifest.tables["Given frequencies"] == (told,)


def test_how_many_variants_of_the_scores_have_a_frequency_is_told_everywhere(root: Path) -> None:
    outcome = runs.run(text_of(root, "chrom\tpos\tref\talt\talt_freq\n1\t2000\tA\tG\t0.9\n1\t7\tA\tG\t0.9\n"))
    told = {"model": "pgs", "variants": 2, "with_frequency": 1}
    assert outcome.manifest.tables["Given frequencies"] == (told,)
    assert runs.rows(root / "out")["PGS000001"][0] == pytest.approx(10 * 1.8)
    assert "Given frequencies" in as_table(outcome)
    write_report(open_store(outcome.run_uri))
    assert "Given frequencies" in (root / "out/report.html").read_text()


def test_a_table_that_covers_genotypes_but_no_variant_that_counts_is_refused(root: Path) -> None:
    weights = [("1", 2000, "G", "A", 10), ("1", 3000, "G", "A", 5)]
    catalog_file(root / "scores/S.txt", weights)
    with pytest.raises(SpecError, match=r"impute\.frequencies: has none of the variants that count in model pgs"):
        runs.run(text_of(root, "chrom\tpos\tref\talt\talt_freq\n1\t1000\tA\tC\t0.3\n"))


OF_OTHERS = {
    "ids": ("#CHROM\tID\tREF\tALT\tALT_FREQS\tOBS_CT\n1\trs1\tA\tG\t0.9\t100\n", "has none of the 3 variants"),
    "positions": ("chrom\tpos\tref\talt\talt_freq\n1\t7\tA\tG\t0.9\n", "has none of the 3 variants"),
    "alleles": ("chrom\tpos\tref\talt\talt_freq\n1\t2000\tC\tG\t0.9\n", "has none of the 3 variants"),
    "of the minor allele": ("chrom\tpos\tref\talt\tmaf\n1\t2000\tA\tG\t0.1\n", "maf may be the frequency of either"),
}


@pytest.mark.parametrize("kind", OF_OTHERS)
def test_a_table_that_covers_no_variant_is_refused_before_anything_is_written(root: Path, kind: str) -> None:
    frequencies, says = OF_OTHERS[kind]
    with pytest.raises(SpecError, match=says):
        runs.run(text_of(root, frequencies))
    assert not (root / "out").exists()


def test_a_panel_has_frequencies_of_its_own_and_a_table_of_them_is_refused(root: Path) -> None:
    copies_of(root, "A")
    frequencies = "chrom\tpos\tref\talt\talt_freq\n1\t1000\tA\tC\t0.3\n"
    with pytest.raises(
        SpecError, match=r"impute\.frequencies: is of no use to a panel, which has its own: take it out"
    ):
        runs.run(text_of(root, frequencies, "panel: {uri: ROOT/panel}"))
    outcome = runs.run(text_of(root, frequencies, "panel: {uri: ROOT/panel}\n  pgs: {uri: ROOT/scores}"))
    told = {"model": "pgs", "variants": 2, "with_frequency": 1}
    assert outcome.manifest.tables["Given frequencies"] == (told,)


@pytest.mark.parametrize("places", [1, 2])
def test_a_panel_place_that_means_ref_of_several_alternatives_gives_copies_of_ref(root: Path, places: int) -> None:
    copies_of(root, "A", places)
    runs.run(spec(root, SOURCE, models="panel: {uri: ROOT/panel}", more="prepare: [{match: {min_overlap: 0}}]"))
    copies = [float("nan") if "." in call else call.count("0") for call in FIRST]
    expected = np.where(np.isnan(copies), 2 * 0.3, copies)
    np.testing.assert_allclose(runs.rows(root / "out")["score_outcome"].to_numpy(), expected, atol=1e-6)


def test_a_reference_for_genotypes_without_blocks_is_refused(root: Path) -> None:
    (root / "ref.fa").write_text(">chr1\n" + "A" * 3000 + "\n")
    with pytest.raises(SpecError, match=r"input\.reference: the genotypes have no blocks of a gVCF, .*: take it out"):
        runs.run(spec(root, SOURCE + ", reference: ROOT/ref.fa", more="prepare: [{impute: {missing: none}}]"))
    assert not (root / "out").exists()


def copies_of(root: Path, effect: str, places: int = 1) -> None:
    """A linear panel whose score is the copies of one allele at the first site; the other place counts nothing."""
    panel = pl.DataFrame(
        {
            "chrom": ["1", "1"],
            "pos": [1000, 2000],
            "effect_allele": [effect, "G"],
            "other_allele": ["C", "A"],
            "effect_frequency": [0.3, 0.9],
        }
    ).head(places)
    folder = root / "panel"
    make_panel_model_directory(folder, "panel_mlp", panel, settings={"hidden": []}, activation="none", scale="copies")
    weights = load_file(folder / "model.safetensors")
    weights["head.weight"] = torch.tensor([[1.0, 0.0]])[:, :places].contiguous()
    weights["head.bias"] = torch.zeros(1)
    save_file(weights, folder / "model.safetensors")
