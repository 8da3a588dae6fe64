"""`python -m tests.support.mistakes [--repeat 20] [--alone | --forked] [WORD]`: a table of mistakes and their ends."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.support.mistakes.corpus import Mistake, corpus
from tests.support.mistakes.trying import Ending, attempt, forget_worlds, is_alone, make


def main() -> int:
    """0 where every mistake ends as it must, every time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("word", nargs="?", default="", help="only mistakes with this word in their name")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="each as a process of its own: aborts at its end show")
    parser.add_argument("--forked", action="store_true", help="the same, spared the imports")
    arguments = parser.parse_args()
    arguments.alone |= arguments.forked
    chosen = [mistake for mistake in corpus() if arguments.word in str(mistake)]
    codes: Counter[int | None] = Counter()
    bad = 0
    for mistake in chosen:
        endings = [ending for _ in range(arguments.repeat) for ending in _try(mistake, arguments)]
        faults = sorted({fault for ending in endings for fault in ending.faults(mistake)})
        codes.update(ending.code for ending in endings)
        bad += bool(faults)
        slowest = max(ending.seconds for ending in endings)
        way = "alone" if is_alone(mistake, arguments.alone) else "here"
        print(f"{mistake.area:12} {mistake.code:3} {len(endings):4}x {slowest:6.2f} s {way:5}  {mistake.mistake}")
        for line in faults and [*faults, *sorted({ending.said.strip() for ending in endings})]:
            print(f"      !! {line}")
        sys.stdout.flush()
    forget_worlds()
    counted = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items(), key=str))
    print(f"{len(chosen)} mistakes, exit codes {counted}; {bad} do not end as they must")
    return 1 if bad else 0


def _try(mistake: Mistake, arguments: argparse.Namespace) -> list[Ending]:
    with tempfile.TemporaryDirectory(prefix="wr-mistake-") as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            make(mistake, Path(folder))
        return attempt(mistake, Path(folder), alone=arguments.alone, forked=arguments.forked)


if __name__ == "__main__":
    sys.exit(main())
