"""The exact test for Hardy-Weinberg equilibrium, of many variants at once.

Of n people with a copies of an allele, h are heterozygous with probability

    P(h) = n! / ((a-h)/2)! / h! / (n-h-(a-h)/2)! * 2^h * a! * (2n-a)! / (2n)!

and p is the sum of P over all h that are no likelier than what was seen (Wigginton, Cutler and Abecasis 2005; no
mid-p). On X, women give genotypes and men alleles: the copies that the men carry are hypergeometric, and p is the sum
over both (Graffelman and Weir 2016). These are the tests of `plink2 --hardy`.
"""

import math

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_TIE = 1e-7
"""Likelihoods nearer than this (their logarithms come from sums of logarithms) are equal."""
_NEGLIGIBLE = 1e-12


class HardyWeinberg:
    """For cohorts of up to `samples` people: logarithms of factorials are made once."""

    def __init__(self, samples: int) -> None:
        logs = np.log(np.arange(1, 2 * samples + 1, dtype=np.longdouble))
        self._fact: Floats = np.concatenate([[0.0], np.cumsum(logs)]).astype(np.float64)

    def p(self, hom_ref: Ints, het: Ints, hom_alt: Ints) -> Floats:
        """(variants,) p values; 1 where nobody was called."""
        people = hom_ref + het + hom_alt
        copies = np.minimum(het + 2 * hom_alt, het + 2 * hom_ref)
        seen = self._log_p(people, copies, het)
        sums = self._tails(people, copies, seen)
        return np.minimum(1.0, np.exp(seen) * sums)

    def p_x(self, women: tuple[int, int, int], men: tuple[int, int]) -> float:
        """One variant on X: women by genotype (hom_ref, het, hom_alt) and men by allele (ref, alt)."""
        people, males = sum(women), sum(men)
        copies = women[1] + 2 * women[2] + men[1]
        carried = np.arange(max(0, copies - 2 * people), min(males, copies) + 1)
        row = self._log_hypergeometric(people, males, copies, carried)
        at = men[1] - int(carried[0])
        n = np.full(len(carried), people)
        a = np.minimum(copies - carried, 2 * people - (copies - carried))
        seen = float(row[at] + self._log_p(n[at], a[at], np.asarray(women[1])))
        # Rows that are rarer as a whole than what was seen count whole; a row too rare to matter is passed over.
        whole = row <= seen + _TIE
        total = float(np.exp(row[whole] - seen).sum())
        rest = ~whole
        total += float(self._tails(n[rest], a[rest], seen - row[rest]).sum())
        return min(1.0, math.exp(seen) * total)

    def _log_hypergeometric(self, women: int, men: int, copies: int, carried: Ints) -> Floats:
        fact = self._fact
        alleles = 2 * women + men
        chosen = fact[men] - fact[carried] - fact[men - carried]
        others = fact[2 * women] - fact[copies - carried] - fact[2 * women - copies + carried]
        found: Floats = chosen + others - (fact[alleles] - fact[copies] - fact[alleles - copies])
        return found

    def _log_p(self, n: Ints, a: Ints, h: Ints) -> Floats:
        fact = self._fact
        rare = (a - h) // 2
        found: Floats = (
            fact[n] - fact[rare] - fact[h] - fact[n - h - rare] + h * math.log(2.0)
            + fact[a] + fact[2 * n - a] - fact[2 * n]
        )  # fmt: skip
        return found

    def _tails(self, n: Ints, a: Ints, bound: Floats) -> Floats:
        """Sum of P(h) over all h with log P(h) <= bound, divided by exp(bound). `a` is the rarer allele's."""
        parity = a % 2
        mode = self._mode(n, a)
        sums = np.zeros(len(n))
        all_of_it = self._log_p(n, a, mode) <= bound + _TIE
        sums[all_of_it] = np.exp(-bound[all_of_it])
        rest = np.flatnonzero(~all_of_it)
        n, a, bound, mode, parity = n[rest], a[rest], bound[rest], mode[rest], parity[rest]
        for side in (-1, 1):
            end = parity if side < 0 else a
            edge = self._edge(n, a, bound, mode, end)
            there = edge >= 0
            sums[rest[there]] += self._walk(n[there], a[there], edge[there], bound[there], side)
        return sums

    def _mode(self, n: Ints, a: Ints) -> Ints:
        """The likeliest h: ratios of neighbours cross 1 where h (h - 1) = 4 (rare + 1) (common + 1)."""
        guess = (a * (2 * n - a) // np.maximum(2 * n, 1)).astype(np.int64)
        guess += (guess - a) % 2
        best = np.clip(guess, a % 2, a)
        for step in (-4, -2, 2, 4):
            other = np.clip(guess + step, a % 2, a)
            best = np.where(self._log_p(n, a, other) > self._log_p(n, a, best), other, best)
        return best

    def _edge(self, n: Ints, a: Ints, bound: Floats, mode: Ints, end: Ints) -> Ints:
        """The h nearest to the mode, towards `end`, with log P(h) <= bound; -1 if there is none."""
        step = 2 * np.sign(end - mode)
        inside, outside = np.zeros_like(mode), np.abs(end - mode) // 2
        none = self._log_p(n, a, end) > bound + _TIE
        while bool(((outside - inside > 1) & ~none).any()):
            middle = (inside + outside) // 2
            low = self._log_p(n, a, mode + step * middle) <= bound + _TIE
            outside = np.where(low, middle, outside)
            inside = np.where(low, inside, middle)
        return np.where(none, -1, mode + step * outside)

    def _walk(self, n: Ints, a: Ints, h: Ints, bound: Floats, side: int) -> Floats:
        """Sum of P from h to its end on one side, divided by exp(bound)."""
        term = np.exp(self._log_p(n, a, h) - bound)
        sums = term.copy()
        at = np.arange(len(n))
        h = h.astype(np.float64)
        rare = (a - h) / 2
        common = n - h - rare
        while len(at):
            if side < 0:
                term = term * (h * (h - 1)) / (4 * (rare + 1) * (common + 1))
            else:
                term = term * (4 * rare * common) / ((h + 2) * (h + 1))
            h, rare, common = h + 2 * side, rare - side, common - side
            sums[at] += term
            going = term > _NEGLIGIBLE * sums[at]
            if not going.all():
                term, h, rare, common, at = term[going], h[going], rare[going], common[going], at[going]
        return sums
