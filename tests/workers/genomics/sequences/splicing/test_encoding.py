"""What a splice model is shown of a variant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schemas.status import Status
from tests.support.splicing import PlainGene, write_genes
from tests.support.variants import random_bases
from workers.genomics.sequences.splicing.encoding import SpliceEncoder
from workers.genomics.sequences.splicing.genes import read_genes
from workers.genomics.sequences.windows import VariantWindow, reverse_complement

CONTIG = np.frombuffer(random_bases(200, 3).encode(), np.uint8)
GENES = (PlainGene("A", "1", "+", 95, 150, ((95, 150),)), PlainGene("B", "1", "-", 40, 104, ((40, 104),)))


@pytest.fixture
def encoder(tmp_path: Path) -> SpliceEncoder:
    return SpliceEncoder(read_genes(write_genes(tmp_path / "genes.txt", GENES)), distance=5)


def window(place: int, ref: int, alt: bytes) -> VariantWindow:
    """21 bases around a place (0-based), and what a deletion would let in."""
    bases = CONTIG[place - 10 : place + 10 + ref]
    return VariantWindow("1", place - 10, bases, 21, 10, ref, np.frombuffer(alt, np.uint8))


def test_each_gene_has_its_window_on_its_strand_with_n_beyond_the_transcript(encoder: SpliceEncoder) -> None:
    (encoded,) = encoder.encode([window(100, 3, b"A")])
    variant = encoded.value
    assert (variant.pos, variant.ref_length, variant.alt_length) == (101, 3, 1)
    ahead, back = variant.genes
    assert [each.gene.symbol for each in variant.genes] == ["A", "B"]
    whole = CONTIG[90:111].copy()
    of_a, of_b = whole.copy(), whole.copy()
    of_a[:5] = ord("N")
    of_b[14:] = ord("N")
    np.testing.assert_array_equal(ahead.window.ref_window(), of_a)
    np.testing.assert_array_equal(back.window.ref_window(), reverse_complement(of_b))
    edited = np.concatenate([of_b[:10], np.frombuffer(b"A", np.uint8), of_b[13:]])
    np.testing.assert_array_equal(back.window.alt_window(), reverse_complement(edited))
    assert encoded.nbytes > 42


def test_alleles_of_a_site_share_their_bases_and_genes_are_contigs_of_their_own(encoder: SpliceEncoder) -> None:
    one, other = encoder.encode([window(100, 1, b"A"), window(100, 1, b"AC")])
    assert one.value.genes[0].window.bases is other.value.genes[0].window.bases
    assert one.value.genes[0].window.contig != one.value.genes[1].window.contig


@pytest.mark.parametrize(
    ("ref", "alt", "status"),
    [(2, b"AC", Status.UNSUPPORTED), (11, b"A", Status.OUT_OF_CONTRACT), (10, b"A", None), (1, b"A" * 40, None)],
)
def test_what_the_procedure_has_no_score_of_says_why(
    encoder: SpliceEncoder, ref: int, alt: bytes, status: Status | None
) -> None:
    (encoded,) = encoder.encode([window(100, ref, alt)])
    assert (encoded.fault and encoded.fault.status) == status
    # Outside of all genes nothing is asked of a variant.
    (outside,) = encoder.encode([window(20, ref, alt)])
    assert outside.fault is None
    assert outside.value.genes == ()
