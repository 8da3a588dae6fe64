"""Gains and losses of sites, and how positions of REF and ALT come to stand beside each other."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.arrow_types import parse_type
from workers.genomics.sequences.splicing.deltas import GENES_TYPE, Sites, gene_entry, largest
from workers.genomics.sequences.splicing.encoding import SpliceVariant
from workers.genomics.sequences.splicing.genes import Gene

SITES = Sites(acceptor=1, donor=2)


def gene(reverse: bool = False, *edges: int) -> Gene:
    return Gene(0, "G", reverse, 1, 1000, np.array(edges or (1,), np.int64))


def track(length: int, **values: float) -> np.ndarray:
    """Probabilities that are 0 but for `a3=0.5`: of an acceptor at place 3."""
    found = np.zeros((length, 3), np.float32)
    for name, value in values.items():
        found[int(name[1:]), SITES.acceptor if name[0] == "a" else SITES.donor] = value
    return found


def entry(ref: np.ndarray, alt: np.ndarray, sizes: tuple[int, int] = (1, 1), masked: bool = False, **more: object):
    variant = SpliceVariant(100, *sizes, ())
    return gene_entry(variant, more.get("gene", gene()), ref, alt, SITES, masked)


def test_gains_and_losses_are_the_largest_differences_and_their_places_from_the_variant() -> None:
    found = entry(track(9, a1=0.5, d6=0.25), track(9, a1=0.25, a7=0.75, d0=0.5))
    assert found == {
        "symbol": "G",
        "ds_ag": 0.75, "ds_al": 0.25, "ds_dg": 0.5, "ds_dl": 0.25,
        "dp_ag": 3, "dp_al": -3, "dp_dg": -4, "dp_dl": 2,
    }  # fmt: skip


def test_a_deletion_is_filled_with_zeros_behind_the_base_that_stays() -> None:
    ref = track(9, a4=0.5, a5=0.75, a8=0.5)
    # Two bases are gone: what stood at 8 stands at 6.
    found = entry(ref, track(7, a4=0.5, a6=0.5, d5=1), (3, 1))
    assert (found["ds_al"], found["dp_al"]) == (0.75, 1)
    assert (found["ds_dg"], found["dp_dg"]) == (1, 3)


def test_the_bases_of_an_insertion_are_one_position_with_the_largest_of_each() -> None:
    found = entry(track(9, a8=0.5), track(12, d5=0.5, a7=0.75, a11=0.5), (1, 4))
    assert (found["ds_ag"], found["dp_ag"]) == (0.75, 0)
    assert (found["ds_dg"], found["dp_dg"]) == (0.5, 0)
    assert found["ds_al"] == 0


def test_positions_of_a_gene_on_the_other_strand_are_turned_first() -> None:
    found = entry(track(9, a1=0.5), track(9, d8=1), gene=gene(True))
    assert (found["dp_al"], found["dp_dg"]) == (3, -4)


@pytest.mark.parametrize(("edge", "kept"), [(101, {"ds_al": 0.5, "ds_dg": 0}), (103, {"ds_al": 0, "ds_dg": 1})])
def test_masked_are_gains_at_the_end_of_an_exon_and_losses_elsewhere(edge: int, kept: dict[str, float]) -> None:
    ref, alt = track(9, a5=0.5), track(9, d5=1)
    found = entry(ref, alt, masked=True, gene=gene(False, edge, 400))
    assert {name: found[name] for name in kept} == kept
    assert entry(ref, alt, gene=gene(False, edge, 400))["ds_dg"] == 1


def test_the_largest_is_over_genes_and_there_is_none_without_a_gene() -> None:
    low, high = entry(track(3), track(3, a0=0.25)), entry(track(3, d0=0.5), track(3))
    assert largest([low, high]) == 0.5
    assert largest([]) is None


def test_the_type_of_the_column_has_an_entry_a_gene() -> None:
    names = [field.name for field in parse_type(GENES_TYPE).value_type]
    assert names == list(entry(track(3), track(3)))
