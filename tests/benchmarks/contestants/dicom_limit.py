"""What the cores can do at most: one pinned process a core that decodes frames which lie in its memory.

Nothing is read, parsed, prepared, scored, sent or waited for. Each syntax has the decoder that it is given.

Usage: dicom_limit.py OBJECTS COUNT DECODERS
DECODERS is a JSON object of decoders by syntax. Prints one JSON object: `seconds` for all objects, had the cores ended
at the same moment, and those `by_syntax`, of one core.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.benchmarks.dicom_decoders import decoder_of
from tests.benchmarks.dicom_objects import SYNTAXES, frames_of, planned

Seconds = dict[str, float]


@dataclass(frozen=True)
class Work:
    """What the cores do together: each has every so manieth object."""

    folder: Path
    objects: int
    decoders: Mapping[str, str]
    cores: Sequence[int]


def measure(core: int, work: Work, start: Barrier, out: SimpleQueue[Seconds]) -> None:
    """Seconds by syntax of one core for its share; `start` makes all cores begin together."""
    os.sched_setaffinity(0, {core})
    frames = frames_of(work.folder, work.objects)
    decoders = {syntax: decoder_of(syntax, name) for syntax, name in work.decoders.items()}
    mine = planned(work.objects)[work.cores.index(core) :: len(work.cores)]
    for one in {one.syntax: one for one in mine}.values():
        # Imports, and what a decoder sets up once.
        decoders[one.syntax](frames[one.frame], one.kind)
    spent = dict.fromkeys(SYNTAXES, 0.0)
    start.wait()
    for one in mine:
        frame, decode = frames[one.frame], decoders[one.syntax]
        began = time.perf_counter()
        decode(frame, one.kind)
        spent[one.syntax] += time.perf_counter() - began
    out.put(spent)


def main(folder: Path, objects: int, names: Mapping[str, str]) -> None:
    """All cores at once."""
    context = mp.get_context("spawn")
    cores = sorted(os.sched_getaffinity(0))
    work = Work(folder, objects, names, cores)
    start, out = context.Barrier(len(cores)), context.SimpleQueue()
    processes = [context.Process(target=measure, args=(core, work, start, out), daemon=True) for core in cores]
    for process in processes:
        process.start()
    spent = [out.get() for _ in processes]
    for process in processes:
        process.join()
    by_syntax = {syntax: sum(each[syntax] for each in spent) for syntax in SYNTAXES}
    print(json.dumps({"seconds": sum(by_syntax.values()) / len(cores), "by_syntax": by_syntax}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
