"""Delta scores and positions of whole runs against the published procedure in plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.splicing import PlainGene, PlainSplice, save_splice, splice_variants
from tests.support.variants import random_bases, write_fasta, write_vcf
from workers.contract import Placement
from workers.genomics.sequences.formats.splice import FORMAT
from workers.genomics.sequences.formats.splice_loaded import load
from workers.genomics.sequences.splicing.deltas import KINDS
from workers.genomics.sequences.steps import parse_steps, resolve, settled

LENGTH = 4000
GENES = (
    PlainGene("ONE", "1", "+", 300, 1900, ((300, 420), (700, 815), (1300, 1390), (1700, 1900))),
    PlainGene("TWO", "1", "-", 1500, 2600, ((1500, 1600), (2000, 2121), (2500, 2600))),
    PlainGene("SHORT", "1", "-", 2700, 2790, ((2700, 2720), (2750, 2790))),
    PlainGene("ONE-AS", "1", "-", 400, 1200, ((400, 500), (1100, 1200))),
    PlainGene("ELSEWHERE", "2", "+", 300, 1900, ((300, 1900),)),
)


def scored(folder: Path, variants: Sequence[Any], prepare: str = "") -> list[dict[str, Any]]:
    """The rows of a run over these variants."""
    write_vcf(folder / "in.vcf", variants)
    run(
        f"job: predict\nname: s\ninput: {{collection: sequences, uri: {folder}/in.vcf, reference: {folder}/ref.fa}}\n"
        f"models: {{splice: {{uri: {folder}/model}}}}\noutput: {{uri: {folder}/out}}\n{prepare}\n"
        "compute: {pool: serial, shard_records: 80}\nlimits: {max_rejects: 100%}\n"
    )
    return list(rows(folder / "out").iter_rows(named=True))


def compare(found: Sequence[dict[str, Any]], model: PlainSplice, bases: str, genes: Sequence[PlainGene]) -> None:
    """Fails unless every delta score is that of the procedure within 1e-5 and every place the very same."""
    for row in found:
        assert row["status"] == "ok", row
        inside = [gene for gene in genes if gene.chrom == row["chrom"]]
        wanted = model.entries(bases, row["pos"], row["ref"], row["alt"], inside)
        assert [entry["symbol"] for entry in row["genes"]] == [entry["symbol"] for entry in wanted]
        for entry, expected in zip(row["genes"], wanted, strict=True):
            assert {name: entry[name] for name in entry if name.startswith("dp")} == {
                name: expected[name] for name in expected if name.startswith("dp")
            }, row
            for kind in KINDS:
                assert entry[f"ds_{kind}"] == pytest.approx(expected[f"ds_{kind}"], abs=1e-5)
        largest = max(entry[f"ds_{kind}"] for entry in row["genes"] for kind in KINDS)
        assert row["ds_max"] == pytest.approx(largest, abs=1e-7)


@pytest.mark.parametrize(("distance", "masked"), [(20, False), (20, True)])
def test_200_variants_in_genes_of_both_strands_are_those_of_the_published_procedure(
    tmp_path: Path, distance: int, masked: bool
) -> None:
    bases = random_bases(LENGTH, 5)
    write_fasta(tmp_path / "ref.fa", {"1": bases})
    save_splice(tmp_path / "model", GENES, distance=distance, masked=masked)
    variants = splice_variants(bases, GENES[:4], 200, 2 * distance, seed=20 + masked)
    found = scored(tmp_path, variants)
    assert len(found) == 200
    assert {(len(row["ref"]) > 1, len(row["alt"]) > 1) for row in found} == {(0, 0), (0, 1), (1, 0)}
    assert sum(len(row["genes"]) > 1 for row in found) > 20
    compare(found, PlainSplice(tmp_path / "model", distance, masked), bases, GENES)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_200_variants_by_five_networks_of_the_published_2000_bases_are_those_of_the_procedure(tmp_path: Path) -> None:
    settings = {
        "num_outputs": 3,
        "channels": 8,
        "kernels": [11] * 8 + [21] * 4,
        "dilations": [1] * 4 + [4] * 4 + [10] * 4,
        "skip_every": 4,
        "norm_eps": 0.001,
    }
    genes = (
        PlainGene("PLUS", "chr7", "+", 1_200, 9_000, ((1_200, 1_300), (3_000, 3_140), (8_000, 9_000))),
        PlainGene("MINUS", "chr7", "-", 6_000, 13_000, ((6_000, 7_000), (12_000, 13_000))),
    )
    bases = random_bases(16_000, 8)
    write_fasta(tmp_path / "ref.fa", {"7": bases})
    save_splice(tmp_path / "model", genes, settings=settings)
    found = scored(tmp_path, splice_variants(bases, genes, 200, 30, seed=1))
    assert len(found) == 200
    compare(found, PlainSplice(tmp_path / "model", 50), bases, genes)


def test_what_the_procedure_does_not_score_says_why(tmp_path: Path) -> None:
    bases = random_bases(LENGTH, 5)
    write_fasta(tmp_path / "ref.fa", {"1": bases})
    save_splice(tmp_path / "model", [*GENES, PlainGene("EDGE", "1", "+", 0, 200, ((0, 200),))], 1, distance=20)
    variants = [
        ("1", 60, bases[59], "ACGT".replace(bases[59], "")[0]),
        ("1", 250, bases[249], "ACGT".replace(bases[249], "")[0]),
        ("1", 600, bases[599:602], "AC" if bases[599:601] != "AC" else "GT"),
        ("1", 800, bases[799:840], bases[799]),
        ("1", 900, bases[899:939], bases[899]),
        ("1", 3100, bases[3099:3102], "TT"),
    ]
    found = {row["pos"]: row for row in scored(tmp_path, variants)}
    assert {pos: row["status"] for pos, row in found.items()} == {
        60: "out_of_contract",
        250: "ok",
        600: "unsupported",
        800: "out_of_contract",
        900: "ok",
        3100: "ok",
    }
    assert "end of its contig" in found[60]["detail"]
    assert "several bases" in found[600]["detail"]
    assert "twice the distance of 20" in found[800]["detail"]
    for pos in (250, 3100):
        assert (found[pos]["genes"], found[pos]["ds_max"]) == ([], None)


def test_distance_and_mask_of_a_spec_take_the_place_of_the_models(tmp_path: Path) -> None:
    bases = random_bases(LENGTH, 5)
    write_fasta(tmp_path / "ref.fa", {"1": bases})
    save_splice(tmp_path / "model", GENES, networks=2)
    variants = splice_variants(bases, GENES[:2], 12, 8, seed=3)
    found = scored(tmp_path, variants, "prepare: [{splice: {distance: 80, masked: true}}]")
    compare(found, PlainSplice(tmp_path / "model", 80, masked=True), bases, GENES)


def test_weights_of_another_context_and_networks_without_positions_are_refused(tmp_path: Path) -> None:
    folder = save_splice(tmp_path / "model", GENES, networks=1, context=80)
    card = FORMAT.describe(folder)
    steps = parse_steps(list(resolve(card, None, has_variants=True)))
    with pytest.raises(SpecError, match="says a context of 80 bases, its network looks at 84"):
        load(folder, settled(card, steps), Placement("cpu", 1))


def test_a_run_of_many_variants_is_cut_where_its_probabilities_would_be_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bases = random_bases(LENGTH, 5)
    write_fasta(tmp_path / "ref.fa", {"1": bases})
    save_splice(tmp_path / "model", GENES, networks=2)
    monkeypatch.setattr("workers.genomics.sequences.formats.splice_loaded.HELD_BYTES", 10_000)
    found = scored(tmp_path, splice_variants(bases, GENES[:4], 30, 8, seed=3))
    compare(found, PlainSplice(tmp_path / "model", 50), bases, GENES)
    assert np.isfinite([row["ds_max"] for row in found]).all()
