"""Variants laid out as a VCF of one person's exome has them, on a made-up chromosome, and their windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.genomics.sequences.windows import Bases, VariantWindow

VARIANTS = 60
"""ALT alleles."""
SITES_A_CLUSTER = (1, 1, 1, 2, 2, 3, 4, 6)
GAP = 30, 3_000
"""Bases from one site of a cluster to the next, the logarithm drawn evenly: exons and what is beside them."""
APART = 60_000
_BASES = np.frombuffer(b"ACGT", dtype=np.uint8)


@dataclass(frozen=True)
class Site:
    """One record: `ref` bases from `place` on (0-based), each of `alts` in their stead."""

    place: int
    ref: int
    alts: tuple[bytes, ...]


@dataclass(frozen=True)
class Layout:
    """A chromosome and the records on it, in order."""

    chromosome: Bases
    sites: tuple[Site, ...]


def layout(seed: int = 11) -> Layout:
    """A third of the sites alone, the others in clusters of two to six; one in eight has all three other bases as its
    alternatives, one in six is a short insertion or deletion."""
    random = np.random.default_rng(seed)
    chromosome = _BASES[random.integers(0, 4, 4_000_000)]
    sites: list[Site] = []
    place, left = APART, VARIANTS
    while left:
        for _ in range(int(random.choice(SITES_A_CLUSTER))):
            site = _site(chromosome, place, left, random)
            sites.append(site)
            left -= len(site.alts)
            if not left:
                break
            place += int(np.exp(random.uniform(*np.log(GAP))))
        place += APART
    return Layout(chromosome, tuple(sites))


def _site(chromosome: Bases, place: int, left: int, random: np.random.Generator) -> Site:
    base = bytes(chromosome[place : place + 1])
    others = [bytes([letter]) for letter in b"ACGT" if letter != base[0]]
    kind = random.random()
    if kind < 1 / 8 and left >= len(others):
        return Site(place, 1, tuple(others))
    if kind < 1 / 8 + 1 / 6:
        length = int(random.integers(1, 9))
        if random.random() < 0.5:
            return Site(place, 1 + length, (base,))
        return Site(place, 1, (base + bytes(_BASES[random.integers(0, 4, length)]),))
    return Site(place, 1, (others[int(random.integers(3))],))


def windows_of(made: Layout, length: int) -> list[VariantWindow]:
    """One an ALT allele, centred on its site; those of one site share the array of the reference."""
    windows = []
    for site in made.sites:
        start = site.place - length // 2
        spare = max(max(0, site.ref - len(alt)) for alt in site.alts)
        bases = made.chromosome[start : start + length + spare]
        for alt in site.alts:
            put = np.frombuffer(alt, dtype=np.uint8)
            windows.append(VariantWindow("1", start, bases, length, length // 2, site.ref, put))
    return windows


def clusters(sites: Sequence[Site], length: int) -> list[int]:
    """How many sites each run of overlapping windows has."""
    sizes: list[int] = []
    for number, site in enumerate(sites):
        if number and site.place - sites[number - 1].place < length:
            sizes[-1] += 1
        else:
            sizes.append(1)
    return sizes
