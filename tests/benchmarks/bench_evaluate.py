"""`make bench-evaluate`: memory and seconds of the tally of many rows, and the error of its area; one JSON line.

Usage: python tests/benchmarks/bench_evaluate.py [rows]. Scores are made in parts, so that nothing but the tally grows.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator

import numpy as np
import polars as pl

from workers.evaluation.columns import SUBJECT
from workers.evaluation.tally import Tally
from workers.statistics.discrimination import auroc, tie_error
from workers.statistics.logistic import expit
from workers.statistics.ranks import rank

PART = 1_000_000


def parts(rows: int) -> Iterator[pl.DataFrame]:
    """Float32 probabilities of 30 % positive rows, every part of its own seed."""
    for seed, start in enumerate(range(0, rows, PART)):
        generator, number = np.random.default_rng(seed), min(PART, rows - start)
        truth = generator.random(number) < 0.3
        scores = expit(generator.normal(size=number) + 1.5 * truth - 1).astype(np.float32).astype(np.float64)
        yield pl.DataFrame({"score": scores, "truth": truth.astype(np.float64)}).with_columns(
            pl.lit(None, pl.String).alias(SUBJECT)
        )


def peak_mib() -> float:
    """Largest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """One JSON line."""
    rows = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10**8
    before, making, adding = peak_mib(), 0.0, 0.0
    tally = Tally(2_000_000)
    source = parts(rows)
    while True:
        start = time.perf_counter()
        part = next(source, None)
        making += time.perf_counter() - start
        if part is None:
            break
        start = time.perf_counter()
        tally.add(part)
        adding += time.perf_counter() - start
    ranks = tally.ranks()
    found, peak = auroc(ranks).value or 0.0, peak_mib()
    told = {
        "rows": rows,
        "seconds": round(adding, 1),
        "seconds_to_make_rows": round(making, 1),
        "peak_mib": round(peak),
        "peak_mib_before": round(before),
        "bins": len(ranks.scores),
        "auroc": found,
        "stated_error": tie_error(ranks),
    }
    if rows <= 10**7:
        every = pl.concat(parts(rows))
        exact = auroc(rank(every["score"].to_numpy(), every["truth"].cast(pl.Int64).to_numpy())).value or 0.0
        told["error"] = abs(found - exact)
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
