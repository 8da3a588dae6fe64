"""What the cores can do at most: one pinned process a core, decoding and scoring images that lie in its memory.

Nothing is read, written, sent or waited for. Every batch size, both memory layouts, the network as it stands and as
wardround folds it (batch norm and ReLU inside the convolution); the best counts.

Usage: limit.py IMAGES [SETTINGS]
Prints one JSON object: `img_s`, and as `settings` the best ones, best first. Given back as the second argument they
spare the next measurement the search.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

SEARCH_IMAGES = 128
IMAGES = 256
FINALISTS = 3
TRIES = 5


@dataclass(frozen=True)
class Setting:
    """One way to run the network."""

    batch: int
    channels_last: bool
    folded: bool


SETTINGS = tuple(Setting(*values) for values in product((8, 16, 64), (False, True), (False, True)))
Rates = dict[Setting, list[float]]


@dataclass(frozen=True)
class Work:
    """What each core does: every setting `tries` times over `images` images."""

    folder: Path
    settings: Sequence[Setting]
    images: int
    tries: int


def measure(core: int, work: Work, start: Barrier) -> Rates:
    """Images a second on one core, for each setting and try; `start` makes all cores begin each one together."""
    os.sched_setaffinity(0, {core})
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    pngs = pq.read_table(min(work.folder.glob("*.parquet")), columns=["png"])["png"].to_pylist()[: work.images]
    rates: Rates = {setting: [] for setting in work.settings}
    for _ in range(work.tries):
        for setting in work.settings:
            rates[setting].append(_once(setting, pngs, start))
    return rates


def _once(setting: Setting, pngs: Sequence[bytes], start: Barrier) -> float:
    import torch

    from tests.benchmarks.network import decode_batch, network, score
    from workers.images.networks.fold import fold

    model = fold(network(), "cpu") if setting.folded else network()
    if setting.channels_last:
        model = model.to(memory_format=torch.channels_last)
    score(model, decode_batch(pngs[: setting.batch]), setting.channels_last)
    start.wait()
    began = time.perf_counter()
    for place in range(0, len(pngs), setting.batch):
        score(model, decode_batch(pngs[place : place + setting.batch]), setting.channels_last)
    return len(pngs) / (time.perf_counter() - began)


def _answer(core: int, work: Work, start: Barrier, out: SimpleQueue[Rates]) -> None:
    out.put(measure(core, work, start))


def on_all_cores(work: Work) -> dict[Setting, float]:
    """Images a second of all cores together, best setting first: of each the median of its tries."""
    context = mp.get_context("spawn")
    cores = sorted(os.sched_getaffinity(0))
    start, out = context.Barrier(len(cores)), context.SimpleQueue()
    processes = [context.Process(target=_answer, args=(core, work, start, out), daemon=True) for core in cores]
    for process in processes:
        process.start()
    rates = [out.get() for _ in processes]
    for process in processes:
        process.join()
    totals = {name: median(map(sum, zip(*(each[name] for each in rates), strict=True))) for name in work.settings}
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def main(folder: Path, given: str | None) -> None:
    """Try every setting once, unless some are given, then the best ones longer."""
    if given is None:
        settings = list(on_all_cores(Work(folder, SETTINGS, SEARCH_IMAGES, 1)))[:FINALISTS]
    else:
        settings = [Setting(**values) for values in json.loads(given)]
    rates = on_all_cores(Work(folder, settings, IMAGES, TRIES))
    answer = {"img_s": round(max(rates.values()), 1), "settings": [asdict(setting) for setting in rates]}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
