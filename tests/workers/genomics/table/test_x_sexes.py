"""Sex from calls on X, and the counts that follow from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from schemas.errors import SpecError
from tests.support.genotype_tables import HEADER, columns_of, convert_table, variants_of, vcf_line
from tests.support.plink2 import needs_plink2, run_plink2

SAMPLES = 24
CALLS = ("0/0", "0/1", "1/1")


def write(folder: Path, samples: int) -> list[int]:
    """A VCF of X in which men's calls are 0/0 or 1/1, and who is a man."""
    random = np.random.default_rng(4)
    sex = [1 + at % 2 for at in range(samples)]
    names = [f"s{at}" for at in range(samples)]
    lines = []
    for number in range(120):
        chrom, share = ("chrX", random.uniform(0.2, 0.8)) if number < 100 else ("chr1", 0.5)
        copies = [2 * random.binomial(1, share) if s == 1 else random.binomial(2, share) for s in sex]
        if number >= 100:
            copies = random.binomial(2, share, samples).tolist()
        lines.append(vcf_line(chrom, 5_000_000 + number, "A", "C", [CALLS[c] for c in copies], id=f"v{number}"))
    (folder / "in.vcf").write_text(HEADER + columns_of(names) + "".join(lines))
    (folder / "sex.txt").write_text("#IID\tSEX\n" + "".join(f"{n}\t{s}\n" for n, s in zip(names, sex, strict=True)))
    return sex


@needs_plink2
def test_sex_from_x_is_that_of_the_samples_and_counts_are_those_of_plink2_that_is_told_it(tmp_path: Path) -> None:
    sex = write(tmp_path, SAMPLES)
    store = convert_table(f"format: vcf, uri: {tmp_path / 'in.vcf'}, impute_sex: true", tmp_path / "out")
    assert pl.read_parquet(store.get("table/samples.parquet"))["sex"].to_list() == sex
    run_plink2(tmp_path, ["--vcf", "in.vcf", "--update-sex", "sex.txt", "--freq", "counts", "--out", "in"])
    theirs = pl.read_csv(tmp_path / "in.acount", separator="\t")
    ours = variants_of(store)
    assert ours.sort("id")["alt_count"].to_list() == theirs.sort("ID")["ALT_CTS"].to_list()
    assert ours.sort("id")["allele_count"].to_list() == theirs.sort("ID")["OBS_CT"].to_list()


def test_where_too_few_samples_say_too_little_it_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, 4)
    with pytest.raises(SpecError, match=r"input\.impute_sex: needs 10 samples"):
        convert_table(f"format: vcf, uri: {tmp_path / 'in.vcf'}, impute_sex: true", tmp_path / "out")
