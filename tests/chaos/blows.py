"""What is done to one seed: whom a signal meets, which one, when."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

T = TypeVar("T")

Pool = Literal["serial", "embedded", "standing"]
"""This process; a Ray that the driver starts for itself; a cluster that was there before."""
Victim = Literal["driver", "second driver", "worker", "decoding child", "raylet", "GCS", "S3 server"]
VICTIMS: tuple[Victim, ...] = get_args(Victim)
Moment = Literal["before plan", "planning", "scoring", "committing", "manifest"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)

HOLDS: Mapping[str, float] = {
    "plan.before_put": 0.15,
    "run.after_put": 0.05,
    "commit.before_encode": 0.12,
    "commit.after_put": 0.03,
    "manifest.before_put": 0.15,
    "report.before_put": 0.05,
    "decode.record": 0.02,
}
"""How long a driver or worker stays at each point: what lasts a millisecond is met else once in a thousand tries."""

STAGES: Mapping[str, int] = {"conversion": 6, "genotypes": 3, "scores": 3}
"""More than one: each starts workers of its own on Ray, so there these jobs are fewer."""

STARTED = "started"
"""Stands among the points where a driver is started and no other runs: before it has made or read the plan."""

_SIGNALS = {signal.SIGKILL: 9, signal.SIGTERM: 6, signal.SIGSTOP: 5}
_VICTIMS: Mapping[Pool, Mapping[Victim, int]] = {
    "serial": {"driver": 4, "second driver": 3, "decoding child": 3, "S3 server": 4},
    "embedded": {
        **{"driver": 2, "second driver": 1, "worker": 2, "decoding child": 1},
        **{"raylet": 3, "GCS": 3, "S3 server": 1},
    },
    "standing": {"driver": 1, "second driver": 1, "worker": 3, "decoding child": 1, "raylet": 1, "GCS": 1},
}
POOLS: Mapping[Pool, int] = {"serial": 72, "embedded": 23, "standing": 5}
_LIVES_LATER: tuple[Victim, ...] = ("worker", "decoding child")
"""They are there only while something is scored."""


@dataclass(frozen=True)
class Blow:
    """A signal. `nth`: at which arrival of the moment; `delay` seconds after it; SIGCONT, or the start of a server
    that was ended, follows after `pause`."""

    victim: Victim
    number: signal.Signals
    moment: Moment
    nth: int
    delay: float
    pause: float
    inner: bool
    """Whether it is the process that computes, where a driver has split in two, not the one that a person started."""


@dataclass(frozen=True)
class Plan:
    """All that is done to one seed."""

    seed: int
    job: str
    pool: Pool
    blows: tuple[Blow, ...]

    def meets(self, victim: str | None) -> bool:
        """Whether it is one of those whom a signal meets; None: anybody."""
        return victim is None or any(blow.victim == victim for blow in self.blows)

    @property
    def two_drivers(self) -> bool:
        """Whether two drivers are on the run from its beginning."""
        return any(blow.victim == "second driver" for blow in self.blows)

    def earlier(self) -> Plan:
        """The same, met before anything was planned, or as soon as there is a victim."""
        first = self.blows[0]
        moment: Moment = "scoring" if first.victim in _LIVES_LATER else "before plan"
        return replace(self, blows=(replace(first, moment=moment, nth=1, delay=0.0), *self.blows[1:]))


def plan_of(seed: int, jobs: Mapping[str, int], pools: Mapping[Pool, int] = POOLS) -> Plan:
    """The plan that this seed stands for; `jobs` and `pools` with their weights."""
    chance = random.Random(seed)
    pool = _drawn(chance, pools)
    job = _drawn(
        chance, {job: weight if pool == "serial" else weight / STAGES.get(job, 1) for job, weight in jobs.items()}
    )
    victims = dict(_VICTIMS[pool])
    if job not in ("images", "masks"):
        del victims["decoding child"]
    blows = tuple(_blow(chance, victims) for _ in range(chance.choice((1, 1, 2, 3) if pool == "serial" else (1, 1, 2))))
    return Plan(seed, job, pool, blows)


def _blow(chance: random.Random, victims: Mapping[Victim, int]) -> Blow:
    victim = _drawn(chance, victims)
    moments: Sequence[Moment] = ("scoring", "committing") if victim in _LIVES_LATER else MOMENTS
    moment = chance.choice(moments)
    return Blow(
        victim,
        _drawn(chance, _SIGNALS),
        moment,
        nth=chance.randint(1, 4) if moment in ("scoring", "committing") else 1,
        # Before the plan nothing tells how far a driver is: its start takes about so long.
        delay=chance.uniform(0.0, 1.0 if moment == "before plan" else 0.2),
        pause=chance.uniform(0.1, 2.0),
        inner=chance.random() < 0.4,
    )


def _drawn(chance: random.Random, weights: Mapping[T, float]) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]


def moments_of(passed: Iterable[str]) -> list[Moment]:
    """Where a run was from its beginning on, as it passed these points in their order."""
    moments: list[Moment] = ["before plan"]
    for point in passed:
        moment = _after(point, moments[-1])
        if moment != moments[-1]:
            moments.append(moment)
    return moments


def _after(point: str, moment: Moment) -> Moment:
    if point == STARTED:
        return "before plan"
    if point == "plan.before_put":
        return "planning"
    if point == "commit.before_encode":
        return "committing"
    if point in ("manifest.before_put", "report.before_put"):
        return "manifest"
    if point in ("run.after_put", "decode.record") or (point == "commit.after_put" and moment == "committing"):
        return "scoring"
    return moment
