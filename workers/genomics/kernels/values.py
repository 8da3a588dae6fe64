"""Sums over dosages, which come as floats."""

import numpy as np

from workers.genomics.kernels.machine import compiled

_TILE = 2048


@compiled
def add_dosages(dosage, haploid, mixed, starts, column, weight, rule, fill, first, last, total):  # type: ignore[no-untyped-def]  # numba infers the types
    """Add entries of variants with `dosage` (variants, samples) to `total` (columns, samples) in float64.

    `starts` cuts the entries by variant; `haploid` bits count where `mixed`. Samples `first` to `last - 1`.
    """
    effect = np.empty(_TILE)
    for start in range(first, last, _TILE):
        many = min(_TILE, last - start)
        for i in range(dosage.shape[0]):
            # Entries of a variant that follow one rule share their effects, which are computed once.
            before = -1
            for at in range(starts[i], starts[i + 1]):
                if rule[at] != before:
                    before = rule[at]
                    kind, flip = before // 2, before % 2
                    for s in range(many):
                        copies = np.float64(dosage[i, start + s])
                        filled = np.isnan(copies)
                        if filled:
                            copies = fill[i]
                        ploidy = 2.0
                        if mixed[i] and (haploid[i, (start + s) >> 3] >> ((start + s) & 7)) & 1:
                            copies, ploidy = copies / 2, 1.0
                        shown = float(ploidy - copies if flip else copies)
                        # What fills a dominant or recessive effect is the allele's frequency, as plink2 has it.
                        if kind > 0 and filled and ploidy == 2.0:
                            shown = shown / 2
                        elif kind == 1:
                            shown = min(shown, 1.0)
                        elif kind == 2:
                            shown = max(shown - 1.0, 0.0)
                        effect[s] = 0.0 if np.isnan(copies) else shown
                into = total[column[at], start : start + many]
                for s in range(many):
                    into[s] += weight[at] * effect[s]
