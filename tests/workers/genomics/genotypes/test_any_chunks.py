"""However genotypes are cut, and whatever of them a score finds in a chunk, nothing crashes and no score changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.genotype_tables import vcf_line
from tests.support.vcf_scores import catalog_file, score_lines

SAMPLES = 3
CHROMS = ["1", "X", "Y", "MT"]
CALLS = ["0/0", "0/1", "1/1", "./.", "0", "1", "."]
Variant = tuple[str, int, str, tuple[tuple[str, float | None], ...], int | None]
"""Chromosome, position, ALT, call and dosage of each sample, and which allele has a weight: 0 REF, 1 ALT."""


@st.composite
def variants(draw: st.DrawFn) -> list[Variant]:
    """Some; several may lie at one place."""
    found: list[Variant] = []
    for _ in range(draw(st.integers(1, 7))):
        chrom, alt = draw(st.sampled_from(CHROMS)), draw(st.sampled_from("CT"))
        pos = 5_000_000 + draw(st.integers(0, 4))
        dosed = draw(st.booleans())
        of = []
        for _ in range(SAMPLES):
            call = draw(st.sampled_from(CALLS))
            most = 1 if "/" not in call else 2
            of.append((call, draw(st.none() | st.integers(0, 10).map(lambda n, m=most: m * n / 10)) if dosed else None))
        found.append((chrom, pos, alt, tuple(of), draw(st.none() | st.sampled_from([0, 1]))))
    return sorted(found, key=lambda one: (CHROMS.index(one[0]), one[1]))


ON_Y: list[Variant] = [("1", 5_000_000, "C", (("0/1", 0.5),) * 3, 1), ("Y", 5_000_000, "C", (("0/1", None),) * 3, 1)]


@pytest.mark.parametrize("sex", [None, [1, 2, 0], [2, 2, 2]])
@settings(deadline=None, max_examples=30)
@given(variants(), st.integers(1, 4), st.booleans())
@example(ON_Y, 1, True)
def test_a_chunk_may_have_nothing_of_a_score(
    tmp_path_factory: pytest.TempPathFactory, sex: list[int] | None, found: list[Variant], cut: int, filled: bool
) -> None:
    lines, rows = [], set()
    for chrom, pos, alt, of, weighted in found:
        dosed = any(dosage is not None for _, dosage in of)
        texts = [call + (f":{'.' if dosage is None else dosage}" if dosed else "") for call, dosage in of]
        lines.append(vcf_line(chrom, pos, "A", alt, texts, format="GT:DS" if dosed else "GT"))
        if weighted is not None:
            rows.add((chrom, pos, *((alt, "A") if weighted else ("A", alt)), 1 + len(rows)))
    score = catalog_file(_score_path(tmp_path_factory), sorted(rows))
    frequencies = [0.25] * len(lines) if filled else None
    whole = score_lines(lines, SAMPLES, score, sex=sex, frequencies=frequencies, dosage="DS")
    parts = score_lines(lines, SAMPLES, score, sex=sex, frequencies=frequencies, dosage="DS", cut=cut)
    assert parts.alleles == whole.alleles
    np.testing.assert_allclose(_numbers(parts.sums), _numbers(whole.sums), atol=1e-6)


def _numbers(sums: list[float]) -> list[float]:
    return [np.nan if value is None else value for value in sums]


def _score_path(factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp() / "any-chunks"
    folder.mkdir(exist_ok=True)
    return folder / "PGS000001.txt"
