"""Score REF and ALT of 60 variants by a dilated residual network of 10 kb context: sharing what windows share, against
each window by itself in batches, with the same network on the same cores, in turn.

Prints one JSON object at the end; see README.md for what each figure means.

Usage: bench_variants.py [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from tests.benchmarks.variants import layout, windows_of
from workers.genomics.sequences.networks.dilated_resnet import Config, DilatedResnet, VariantScorer, build
from workers.genomics.sequences.windows import Bases, VariantWindow

ROUNDS = 2
CORES = 2
BATCHES = (2, 4, 8)
"""Tried in the first round; the best goes on."""
TOLERANCE = 1e-5
CONFIG = Config(num_outputs=3 * 101, positions=101, pooling="each")
"""As published: 32 channels, 16 blocks of two convolutions, kernels 11 to 41, dilations 1 to 25, three outputs for each
of 101 positions."""

Scores = NDArray[np.float32]
_COLUMN = np.full(256, 4)
_COLUMN[list(b"ACGT")] = range(4)


class WrongAnswer(Exception):
    """Shared computation gave something else than each window by itself."""


def separately(network: DilatedResnet, bases: Sequence[Bases], batch: int) -> Scores:
    """The plain forward pass on each window, in batches."""
    answers = []
    with torch.inference_mode():
        for first in range(0, len(bases), batch):
            columns = torch.from_numpy(_COLUMN[np.stack(bases[first : first + batch])])
            one_hot = torch.nn.functional.one_hot(columns, 5)[..., :4].to(torch.float32)
            answers.append(network(one_hot.transpose(1, 2).contiguous()).numpy())
    return np.concatenate(answers)


def degrees(windows: Sequence[VariantWindow]) -> dict[str, list[VariantWindow]]:
    """The same work with ever more of the sharing: what may share is said by place and by the array itself."""
    alone = [replace(window, contig="", bases=window.bases.copy()) for window in windows]
    return {
        "cone": [
            VariantWindow("", 0, bases, window.length, window.centre)
            for window in windows
            for bases in (window.ref_window(), window.alt_window())
        ],
        "edit": alone,
        "site": [replace(window, contig="") for window in windows],
        "ours": list(windows),
    }


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def largest_difference(network: DilatedResnet, scorer: VariantScorer, windows: Sequence[VariantWindow]) -> float:
    """The largest difference in any output between ours and the network by itself. Raises WrongAnswer."""
    ref, alt = scorer.score(windows)
    worst = max(
        float(np.abs(ref - separately(network, [window.ref_window() for window in windows], 8)).max()),
        float(np.abs(alt - separately(network, [window.alt_window() for window in windows], 8)).max()),
    )
    if not worst <= TOLERANCE:
        raise WrongAnswer(f"outputs differ by {worst:.2g}, allowed is {TOLERANCE}")
    return worst


def summary(seconds: dict[str, list[float]], batch: int, off_by: float) -> dict[str, float]:
    """Medians, ours against the others, and the share that each step of sharing has in it."""
    of = {name: median(values) for name, values in seconds.items()}
    best = of[f"separate_{batch}"]
    return {
        "ours_vs_separate": best / of["ours"],
        "ours_vs_separate_cone": of["cone"] / of["ours"],
        "separate_s": best,
        "cone_s": of["cone"],
        "edit_s": of["edit"],
        "site_s": of["site"],
        "ours_s": of["ours"],
        "by_cone": best / of["cone"],
        "by_edit": of["cone"] / of["edit"],
        "by_site": of["edit"] / of["site"],
        "by_cluster": of["site"] / of["ours"],
        "off_by": off_by,
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate, so that a slow minute of the machine hits all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(CORES)
    torch.manual_seed(0)
    network = build(CONFIG).eval().requires_grad_(False)
    scorer = VariantScorer(network, CONFIG, "cpu")
    windows = windows_of(layout(), CONFIG.window)
    off_by = largest_difference(network, scorer, windows)
    both = [bases for window in windows for bases in (window.ref_window(), window.alt_window())]
    seconds: dict[str, list[float]] = {}
    batches = BATCHES
    for _ in range(arguments.rounds):
        for batch in batches:
            separate = timed(partial(separately, network, both, batch))
            seconds.setdefault(f"separate_{batch}", []).append(separate)
        batches = (min(BATCHES, key=lambda batch: seconds[f"separate_{batch}"][0]),)
        for name, same in degrees(windows).items():
            seconds.setdefault(name, []).append(timed(partial(scorer.score, same)))
        print("  ".join(f"{name} {values[-1]:.2f}" for name, values in seconds.items()), flush=True)
    figures = summary(seconds, batches[0], off_by)
    print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()}))


if __name__ == "__main__":
    main()
