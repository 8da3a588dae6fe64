from __future__ import annotations

from workers.genomics.genotype_order import copies_of_pairs, pairs_of


def test_genotypes_are_ordered_by_their_last_allele() -> None:
    assert pairs_of(1) == [(0, 0)]
    assert pairs_of(3) == [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)]


def test_each_has_two_copies_in_all() -> None:
    assert copies_of_pairs(2).tolist() == [[2, 0], [1, 1], [0, 2]]
    assert (copies_of_pairs(4).sum(axis=1) == 2).all()
