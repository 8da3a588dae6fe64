"""Cohorts that lie in several files, and in BGEN: scored as they lie and through a table, as one file and as plink2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from schemas.errors import SpecError
from tests.support import runs
from tests.support.genotype_runs import spec, weights_of, write_score
from tests.support.genotype_tables import convert_table, variants_of
from tests.support.meds import account
from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.plink_files import Cohort, cohort, write_bed, write_pgen
from workers.genomics.files.opening import open_source
from workers.genomics.files.settings import BgenSettings
from workers.genomics.kernels.codes import unpack

CHROMOSOMES = [str(number) for number in range(1, 23)]


@dataclass(frozen=True)
class Sets:
    """`one.bed`, `one.pgen` and 22 sets `chr<n>` of each, and a score over most of their variants."""

    root: Path
    data: Cohort


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Sets:
    root = tmp_path_factory.mktemp("sets")
    plain = cohort(61, 132, seed=3)
    data = Cohort(plain.calls, [CHROMOSOMES[row // 6] for row in range(132)], plain.sex)
    write_bed(root, data, "one")
    write_pgen(root, data, "one")
    for folder in ("bed", "pgen"):
        (root / folder).mkdir()
    for at, name in enumerate(CHROMOSOMES):
        part = Cohort(data.calls[6 * at : 6 * at + 6], [name] * 6, data.sex)
        bed, pgen = write_bed(root / "bed", part, f"chr{name}"), write_pgen(root / "pgen", part, f"chr{name}")
        # Numbered within their chromosome they have the positions and ids of the whole.
        for path in (bed.with_suffix(".bim"), pgen.with_suffix(".pvar")):
            text = path.read_text()
            for row in reversed(range(6)):
                text = text.replace(f"v{row}\t", f"v{6 * at + row}\t").replace(str(5_000_000 + row), f"P{row}")
                text = text.replace(f"P{row}", str(5_000_000 + 6 * at + row))
            path.write_text(text)
    write_score(root / "scores/PGS.txt", weights_of(data))
    return Sets(root, data)


@pytest.mark.parametrize("format", ["bed", "pgen"])
def test_22_filesets_and_one_have_the_same_rows(sets: Sets, tmp_path: Path, format: str) -> None:
    found = {}
    for name, uri in {"one": f"one.{format}", "folder": f"{format}/", "glob": f"{format}/chr*.{format}"}.items():
        text = spec(sets.root, f"format: {format}, uri: ROOT/{uri}, qc: all", out=f"out-{format}-{name}")
        runs.run(text)
        found[name] = runs.rows(sets.root / f"out-{format}-{name}")
    assert found["one"]["PGS"].null_count() == 0
    assert found["folder"].equals(found["one"])
    assert found["glob"].equals(found["one"])


@pytest.mark.long
def test_22_filesets_become_the_table_that_one_becomes(sets: Sets, tmp_path: Path) -> None:
    one = convert_table(f"format: bed, uri: {sets.root}/one.bed", tmp_path / "one")
    many = convert_table(f"format: bed, uri: {sets.root}/bed/", tmp_path / "many")
    own = ("file", "record")
    assert variants_of(many).drop(own).equals(variants_of(one).drop(own))
    assert variants_of(many)["file"].to_list() == [row // 6 for row in range(132)]
    said = account(many)
    assert said["record_id"].to_list() == [f"chr{name}.bed#{row}" for name in CHROMOSOMES for row in range(6)]
    for name, store in {"one": one, "many": many}.items():
        runs.run(spec(sets.root, f"format: table, uri: {store.uri}/table", out=f"table-{name}"))
    assert runs.rows(sets.root / "table-many").equals(runs.rows(sets.root / "table-one"))


def test_what_fits_nothing_and_settings_of_another_format_are_refused(sets: Sets) -> None:
    with pytest.raises(SpecError, match="no genotypes of format 'bed' lie there"):
        runs.run(spec(sets.root, "format: bed, uri: 'ROOT/bed/chr99*'"))
    with pytest.raises(SpecError, match="samples goes with format: bgen"):
        runs.run(spec(sets.root, "format: bed, uri: ROOT/one.bed, samples: ROOT/x.sample"))


@dataclass(frozen=True)
class Imputed:
    """`d.bgen` with `d.sample`, by plink2: 8 bits a probability, REF first. Weights of half of its variants."""

    root: Path
    scores: pl.DataFrame


BITS = {"bgen-1.2 bits=8": 8, "bgen-1.2": 16, "bgen-1.3 bits=12": 12}


@pytest.fixture(scope="module", params=list(BITS))
def imputed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Imputed:
    root = tmp_path_factory.mktemp("imputed")
    run_plink2(
        root, ["--dummy", "70", "200", "0.02", "acgt", "dosage-freq=0.6", "--seed", "5", "--make-pgen", "--out", "m"]
    )
    run_plink2(root, ["--pfile", "m", "--export", *request.param.split(), "ref-first", "--out", "d"])
    run_plink2(root, ["--bgen", "d.bgen", "ref-first", "--sample", "d.sample", "--make-pgen", "--out", "r"])
    variants = pl.read_csv(root / "m.pvar", separator="\t", comment_prefix="##")[::2]
    chance = np.random.default_rng(1)
    turned = chance.random(variants.height) < 0.5
    effect = pl.select(pl.when(pl.Series(turned)).then(variants["REF"]).otherwise(variants["ALT"])).to_series()
    weights = variants.select("ID", effect.alias("A1"), weight=pl.Series(chance.normal(size=variants.height).round(5)))
    (root / "scores").mkdir()
    weights.write_csv(root / "scores/S.txt", separator="\t")
    run_plink2(root, ["--pfile", "r", "--score", "scores/S.txt", "header-read", "cols=+scoresums,+denom", "--out", "s"])
    return Imputed(root, pl.read_csv(root / "s.sscore", separator="\t"))


STEPS = "prepare: [{match: {ambiguous: keep, strand_flips: false}}]"


@needs_plink2
def test_dosages_and_calls_of_bgen_are_those_that_plink2_reads(imputed: Imputed) -> None:
    ours = open_source("bgen", str(imputed.root / "d.bgen"), how=BgenSettings(format="bgen"))
    theirs = open_source("pgen", str(imputed.root / "r.pgen"))
    assert ours.variants().drop("record").equals(theirs.variants().drop("record"))
    assert ours.samples().equals(theirs.samples())
    for found, wanted in zip(ours.chunks(0, 70, None, 1 << 30), theirs.chunks(0, 70, None, 1 << 30), strict=True):
        assert found.dosage is not None
        assert wanted.dosage is not None
        # plink2 keeps a dosage to 1/16384 of a copy.
        np.testing.assert_allclose(found.dosage, wanted.dosage, atol=1 / 16384)
        near = np.abs(np.abs(found.dosage - np.rint(found.dosage)) - 0.1) < 1 / 8192
        assert ((unpack(found.packed, 70) == unpack(wanted.packed, 70)) | near).all()


@needs_plink2
def test_scores_over_bgen_are_those_of_plink2(imputed: Imputed, tmp_path: Path) -> None:
    root = imputed.root
    runs.run(spec(root, "format: bgen, uri: ROOT/d.bgen", more=STEPS, out="direct"))
    store = convert_table(f"format: bgen, uri: {root}/d.bgen", root / "converted")
    runs.run(spec(root, f"format: table, uri: {store.uri}/table", more=STEPS, out="table"))
    wanted = imputed.scores
    # plink2 and the table keep a dosage to 1/16384 of a copy, and plink2 prints six digits.
    for name, off in {"direct": 2e-3, "table": 5e-4}.items():
        rows = runs.rows(root / name)
        assert rows["subject_id"].to_list() == wanted["#IID"].to_list()
        np.testing.assert_allclose(rows["S"].to_numpy(), wanted["weight_SUM"].to_numpy(), atol=off, rtol=1e-5)
        assert rows["allele_ct"].list.first().to_list() == wanted["ALLELE_CT"].to_list()
        assert rows["denom"].list.first().to_list() == wanted["DENOM"].to_list()


@needs_plink2
def test_bgen_of_each_chromosome_and_of_all_have_the_same_rows(imputed: Imputed) -> None:
    root = imputed.root
    (root / "many").mkdir()
    for number, (low, high) in enumerate(((0, 49), (50, 129), (130, 199)), 1):
        part = ["--from", f"snp{low}", "--to", f"snp{high}", "--export", "bgen-1.2", "bits=8", "ref-last"]
        run_plink2(root, ["--pfile", "r", *part, "--out", f"many/p{number}"])
        (root / f"many/p{number}.sample").rename(root / "all.sample")
    run_plink2(root, ["--pfile", "r", "--export", "bgen-1.2", "bits=8", "ref-last", "--out", "whole"])
    more = ", samples: ROOT/all.sample, alleles: ref-last"
    runs.run(spec(root, f"format: bgen, uri: 'ROOT/many/p?'{more}", more=STEPS, out="many-out"))
    runs.run(spec(root, f"format: bgen, uri: ROOT/whole.bgen{more}", more=STEPS, out="whole-out"))
    # Dosages are summed chunk by chunk, and chunks end with files.
    assert_frame_equal(runs.rows(root / "many-out"), runs.rows(root / "whole-out"), rel_tol=1e-9, abs_tol=1e-9)
