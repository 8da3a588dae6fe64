"""A simulated cohort: chromosomes that descend from common ancestors, so that neighbouring variants go together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.errors import MissingExtraError
from workers.genomics.bgzip import write_bgzip

_ANCESTORS = 10_000
_MUTATIONS = 1.29e-8
_RECOMBINATION = 1e-8
_STARTS = {"1": 10_000_000, "22": 20_000_000}
_LENGTHS = {"1": 248_956_422, "22": 50_818_468}
"""Bases of each chromosome in GRCh38."""
_ROWS = 512


@dataclass(frozen=True)
class Site:
    """A place that varies. `twice`: its record stands in the file a second time."""

    chrom: str
    pos: int
    alleles: tuple[str, ...]
    row: int
    twice: bool = False


@dataclass(frozen=True)
class Cohort:
    """`carried` is (sites, samples, 2): which allele of its site each chromosome carries; `missing` (sites, samples)
    are the calls that are not known."""

    sites: tuple[Site, ...]
    carried: NDArray[np.int8]
    missing: NDArray[np.bool_]

    @property
    def samples(self) -> list[str]:
        """Their names."""
        return [f"P{number:05d}" for number in range(1, self.carried.shape[1] + 1)]

    def copies(self, site: Site, allele: str) -> NDArray[np.int64]:
        """How many copies of one allele each sample has, as if no call were missing."""
        return np.asarray((self.carried[site.row] == site.alleles.index(allele)).sum(axis=1))

    def share(self, site: Site, allele: str) -> float:
        """The allele's frequency."""
        return float((self.carried[site.row] == site.alleles.index(allele)).mean())


def simulate_cohort(samples: int, variants: int, seed: int, missing: float) -> Cohort:
    """By the coalescent with recombination, on two chromosomes, three variants in five on the first.

    Alleles are drawn by Jukes and Cantor's model, so that some sites have several ALTs. Raises MissingExtraError.
    """
    first = variants * 3 // 5
    parts = [_chromosome(samples, first, seed), _chromosome(samples, variants - first, seed + 1)]
    rng = np.random.default_rng(seed)
    sites: list[Site] = []
    for chrom, (places, alleles, _) in zip(_STARTS, parts, strict=True):
        for place, named in zip(places, alleles, strict=True):
            twice = len(named) == 2 and rng.random() < 0.01
            sites.append(Site(chrom, _STARTS[chrom] + place, named, len(sites), twice))
    carried = np.concatenate([part[2] for part in parts]).reshape(variants, samples, 2)
    return Cohort(tuple(sites), carried, rng.random((variants, samples), np.float32) < missing)


def write_vcf(cohort: Cohort, folder: Path) -> int:
    """One bgzipped VCF a chromosome. Returns how many records they have."""
    folder.mkdir(parents=True, exist_ok=True)
    records = 0
    for chrom, length in _LENGTHS.items():
        sites = [site for site in cohort.sites if site.chrom == chrom]
        records += len(sites) + sum(site.twice for site in sites)
        head = (
            "##fileformat=VCFv4.2",
            f"##contig=<ID=chr{chrom},length={length}>",
            '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
            "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *cohort.samples]),
        )
        text = "".join(f"{line}\n" for line in head).encode()
        write_bgzip(folder / f"chr{chrom}.vcf.gz", chain([text], _lines(cohort, sites)), level=1)
    return records


def _chromosome(samples: int, variants: int, seed: int) -> tuple[list[int], list[tuple[str, ...]], NDArray[np.int8]]:
    """Places of exactly so many sites, their alleles with REF first, and (sites, chromosomes) which is carried."""
    try:
        import msprime  # noqa: PLC0415 - of extra demo, and slow to import
    except ModuleNotFoundError as error:
        raise MissingExtraError("msprime", "demo") from error

    per_base = 4 * _ANCESTORS * _MUTATIONS * float((1 / np.arange(1, 2 * samples)).sum())
    length = 1.1 * variants / per_base
    places: list[int] = []
    while len(places) < variants:
        ancestry = msprime.sim_ancestry(
            samples,
            population_size=_ANCESTORS,
            sequence_length=int(length),
            recombination_rate=_RECOMBINATION,
            random_seed=seed,
        )
        mutated = msprime.sim_mutations(ancestry, rate=_MUTATIONS, random_seed=seed)
        places, alleles, carried = [], [], np.empty((variants, 2 * samples), np.int8)
        for variant in mutated.variants():
            found = _present(variant.alleles, variant.genotypes)
            if found is not None and len(places) < variants:
                carried[len(places)] = found[1]
                places.append(int(variant.site.position) + 1)
                alleles.append(found[0])
        length *= 1.5
    return places, alleles, carried


def _present(alleles: Sequence[str], carried: NDArray[np.int8]) -> tuple[tuple[str, ...], NDArray[np.int8]] | None:
    """The ancestral allele and those that somebody carries, numbered anew; None where all carry one allele."""
    counts = np.bincount(carried, minlength=len(alleles))
    kept = [number for number in range(len(alleles)) if number == 0 or counts[number]]
    if (counts > 0).sum() < 2:
        return None
    numbers = np.zeros(len(alleles), np.int8)
    numbers[kept] = np.arange(len(kept))
    return tuple(alleles[number] for number in kept), numbers[carried]


def _lines(cohort: Cohort, sites: Sequence[Site]) -> Iterator[bytes]:
    for start in range(0, len(sites), _ROWS):
        some = sites[start : start + _ROWS]
        rows = [site.row for site in some]
        calls = np.empty((len(rows), cohort.carried.shape[1], 4), np.uint8)
        calls[:, :, 0], calls[:, :, 1] = cohort.carried[rows, :, 0] + ord("0"), ord("|")
        calls[:, :, 2], calls[:, :, 3] = cohort.carried[rows, :, 1] + ord("0"), ord("\t")
        calls[cohort.missing[rows]] = np.frombuffer(b"./.\t", np.uint8)
        calls[:, -1, 3] = ord("\n")
        for site, call in zip(some, calls, strict=True):
            fixed = (f"chr{site.chrom}", site.pos, f"sim{site.row}", site.alleles[0], ",".join(site.alleles[1:]))
            line = "\t".join([*map(str, fixed), ".", "PASS", ".", "GT", ""]).encode() + call.tobytes()
            yield line
            if site.twice:
                yield line
