"""Sites of one to three ALTs: as an undivided VCF, as biallelic records, and scores over them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tests.workers.genomics.kernels.naive import Cohort
from workers.genomics.contract import VARIANT_SCHEMA
from workers.genomics.scores.joined import SITES, JoinedSites

SAMPLES = 80
ALTS = ("C", "G", "T")


class Sites:
    """Sites of one to three ALTs as undivided genotypes, and the biallelic records that a reader makes of them."""

    def __init__(self, seed: int, sites: int) -> None:
        rng = np.random.default_rng(seed)
        self.alts = rng.integers(1, 4, sites)
        share = [rng.dirichlet(np.ones(count + 1)) for count in self.alts]
        alleles = [rng.choice(count + 1, (2, SAMPLES), p=p) for count, p in zip(self.alts, share, strict=True)]
        self.alleles = np.stack(alleles)
        self.missing = rng.random((sites, SAMPLES)) < 0.05
        rows: list[tuple[int, str, int, str, str, str]] = []
        calls = []
        for site, count in enumerate(self.alts):
            for alt in rng.permutation(count):
                rows.append((len(rows), "1", site + 1, f"s{site}", "A", ALTS[alt]))
                copies = (self.alleles[site] == alt + 1).sum(axis=0).astype(np.uint8)
                calls.append(np.where(self.missing[site], 3, copies))
        self.variants = pl.DataFrame(rows, schema=VARIANT_SCHEMA, orient="row")
        self.cohort = Cohort(np.arange(len(rows)), np.stack(calls), np.zeros((len(rows), SAMPLES), bool))

    @property
    def frequencies(self) -> pl.DataFrame:
        """Frequency of ALT of each record, over called alleles."""
        calls = np.where(self.cohort.calls == 3, np.nan, self.cohort.calls.astype(float))
        return pl.DataFrame({"variant_idx": self.cohort.variant_idx, "alt_freq": np.nanmean(calls, axis=1) / 2})

    def joined(self, sites: JoinedSites) -> Cohort:
        """The records, and behind them these sites as one variant each: REF against everything else."""
        of_site = [self.cohort.calls[list(members)].astype(int) for members in sites.members]
        calls = [np.where((part == 3).any(axis=0), 3, part.sum(axis=0)) for part in of_site]
        every = np.concatenate([self.cohort.calls, np.array(calls, np.uint8).reshape(-1, SAMPLES)])
        numbers = np.concatenate([self.cohort.variant_idx, SITES + np.arange(len(calls))])
        return Cohort(numbers, every, np.zeros(every.shape, bool))

    def copies(self, site: int, allele: str) -> NDArray[np.float64]:
        """Copies of an allele at the undivided site, missing calls filled with the mean."""
        code = ("A", *ALTS).index(allele)
        copies = (self.alleles[site] == code).sum(axis=0).astype(float)
        return np.asarray(np.where(self.missing[site], copies[~self.missing[site]].mean(), copies))

    def called(self, site: int, allele: str) -> NDArray[np.float64]:
        """Alleles called at the undivided site, none of a missing call."""
        return np.asarray(np.where(self.missing[site], 0, self.copies(site, allele)))

    def vcf(self, path: Path) -> None:
        """Write the undivided sites."""
        samples = "\t".join(f"p{n}" for n in range(SAMPLES))
        lines = [
            "##fileformat=VCFv4.2",
            "##contig=<ID=1>",
            '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
            f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{samples}",
        ]
        for site, count in enumerate(self.alts):
            calls = [
                "./." if gone else f"{a}/{b}"
                for gone, a, b in zip(self.missing[site], *self.alleles[site], strict=True)
            ]
            fields = ["1", str(site + 1), f"s{site}", "A", ",".join(ALTS[:count]), ".", ".", ".", "GT", *calls]
            lines.append("\t".join(fields))
        path.write_text("\n".join(lines) + "\n")


def score_file(path: Path, sites: Sites, seed: int) -> list[tuple[int, str, float, float]]:
    """Write a table with one effect allele or two of every site, and two scores of them; give its rows."""
    rng = np.random.default_rng(seed)
    rows = []
    for site, count in enumerate(sites.alts):
        there = ("A", *ALTS[:count])
        for allele in rng.choice(there, 2 if count > 1 and site % 2 else 1, replace=False):
            rows.append((site, str(allele), float(rng.normal()), float(rng.normal())))
    lines = ["CHROM\tPOS\tID\tA1\tone\ttwo", *(f"1\t{site + 1}\ts{site}\t{a}\t{x!r}\t{y!r}" for site, a, x, y in rows)]
    path.write_text("\n".join(lines) + "\n")
    (path.parent / "layout.yaml").write_text("weights: [one, two]\n")
    return rows
