"""What a campaign came to: a table by victim, signal and moment, and one line that sums it up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from tests.chaos.blows import MOMENTS
from tests.chaos.seed import Seed, Try


def as_table(seeds: Sequence[Seed]) -> str:
    """Markdown. `survived`: nobody had to give the command again before the next signal or the end of the run;
    `resumed`: somebody had, and the run went on. -9 is a driver that SIGKILL met."""
    tries = [one for seed in seeds for one in seed.tries]
    lines = ["| victim | signal | moment | tries | survived | resumed | exit codes |", "|---|---|---|---|---|---|---|"]
    groups: dict[tuple[str, str, int], list[Try]] = {}
    for one in tries:
        groups.setdefault((one.victim, one.number.name, MOMENTS.index(one.moment)), []).append(one)
    for (victim, number, moment), found in sorted(groups.items()):
        resumed = sum(one.resumed for one in found)
        codes = Counter(code for one in found for code in one.codes)
        said = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
        cells = (victim, number, MOMENTS[moment], len(found), len(found) - resumed, resumed, said)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def as_json(seeds: Sequence[Seed], seconds: float) -> str:
    """One line that sums it up: a campaign that comes to its end has lost and doubled nothing."""
    tries = [one for seed in seeds for one in seed.tries]
    return json.dumps(
        {
            "seeds": len(seeds),
            "signals": len(tries),
            "starts": sum(seed.starts for seed in seeds),
            "repeated": sum(seed.repeats > 0 for seed in seeds),
            "jobs": Counter(seed.plan.job for seed in seeds),
            "pools": Counter(seed.plan.pool for seed in seeds),
            "victims": Counter(one.victim for one in tries),
            "exit_codes": {str(code): n for code, n in sorted(Counter(c for o in tries for c in o.codes).items())},
            "lost": 0,
            "doubled": 0,
            "seconds": round(seconds, 1),
        }
    )
