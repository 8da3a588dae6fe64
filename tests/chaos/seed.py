"""One seed: a run whose drivers, workers and servers are met by signals until it ends, and how each try ended."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.blows import STARTED, Blow, Moment, Plan, Victim, moments_of
from tests.chaos.field import Driver, Field
from tests.chaos.harness import ChaosError
from tests.chaos.processes import command_line, descendants, heeds, knowing, parent, send

_PATIENCE_S = 300.0
_FIND_S = 30.0
_LEAVE_S = 30.0
_SLOW_TO_LEAVE = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Ray's own agents look after their raylet now and then, and take up to a minute to follow it."""
_MOST_STARTS = 12
_LOOK_S = 0.01
ALLOWED = (0, 4, 130)
"""What a driver may end with that nobody killed."""
_FOREIGN = re.compile(rb"Traceback|internal error|\*\*\* SIG|Check failed|StackTrace|\.cc:\d+|GCS|core dumped|Aborted")
"""Text that no user should see."""


@dataclass
class Try:
    """One signal that met somebody, and what the drivers ended with before the next one."""

    victim: Victim
    number: signal.Signals
    moment: Moment
    codes: list[int] = field(default_factory=list)
    resumed: bool = False
    """Whether the command had to be given again before the next one, or before the run was complete."""


@dataclass
class Seed:
    """What one seed came to."""

    plan: Plan
    tries: list[Try]
    starts: int
    seconds: float
    repeats: int = 0


class Run:
    """The drivers of one run."""

    def __init__(self, plan: Plan, field: Field, spec: Path, env: Mapping[str, str], passed: Path) -> None:
        self._plan, self._field, self._spec, self._env, self._passed = plan, field, spec, env, passed
        self._running: list[Driver] = []
        self._killed: set[int] = set()
        self._ended_well = False
        self._cluster_is_gone = False
        self._offset = 0
        self.starts = 0
        self.tries: list[Try] = []
        self.name = f"seed {plan.seed} ({plan.job}, {plan.pool})"

    def go(self) -> None:
        """All blows, then the command again and again until a driver says that the run is complete."""
        self._start()
        if self._plan.two_drivers:
            self._start()
        for blow in self._plan.blows:
            if not self._running and not self._ended_well:
                self._start()
            if self._reach(blow):
                self._strike(blow)
        while self._running or not self._ended_well:
            if not self._running:
                self._start()
            self._wait(_PATIENCE_S, lambda: not self._running, "a driver does not end")
        self._wait(_LEAVE_S, lambda: not self._left_behind(), "processes are left behind")
        self._read_what_was_said()

    def end(self) -> None:
        """End what still runs, whatever became of the run."""
        for driver in self._running:
            send(driver.pid, signal.SIGKILL)

    def _start(self) -> None:
        if self.starts >= _MOST_STARTS:
            raise ChaosError(f"{self.name}: not complete after {self.starts} starts: {self._said()}")
        self.starts += 1
        if self.tries:
            self.tries[-1].resumed = True
        if self._cluster_is_gone and not self._running:
            # An operator's part: the command finds a cluster again.
            self._cluster_is_gone = False
            self._field.drop_standing()
            self._env = self._field.renew_standing().env_of_drivers
        if not self._running:
            with self._passed.open("a") as passed:
                passed.write(f"{STARTED} 0\n")
        self._running.append(self._field.start(self._spec, self._passed, self._env))

    def _reach(self, blow: Blow) -> bool:
        """Wait for the blow's moment; whether somebody still runs then."""
        began = len(self._moments())
        end = time.monotonic() + _PATIENCE_S

        def there() -> bool:
            since = self._moments()[began - 1 :]
            past = "manifest" in since[1:] or time.monotonic() > end
            return blow.moment == "before plan" or past or since[1:].count(blow.moment) >= blow.nth

        self._wait(_PATIENCE_S + 1, lambda: there() or not self._running, "a driver gets nowhere")
        self._pause(blow.delay)
        return bool(self._running)

    def _strike(self, blow: Blow) -> None:
        moment = self._moments()[-1]
        if blow.victim == "S3 server":
            met = self._field.strike_server(blow.number, blow.pause)
            if met:
                self.tries.append(Try(blow.victim, blow.number, moment))
            return
        pid = self._find(blow)
        above = parent(pid) if pid else 0
        moment = self._moments()[-1]
        if pid is None or not send(pid, blow.number):
            return
        self.tries.append(Try(blow.victim, blow.number, moment))
        if blow.number == signal.SIGSTOP:
            time.sleep(blow.pause)
            send(pid, signal.SIGCONT)
        elif blow.number == signal.SIGKILL:
            # The one that waits for the other ends by the same signal.
            self._killed |= {pid, above}
        if self._plan.pool == "standing" and blow.victim in ("raylet", "GCS") and blow.number != signal.SIGSTOP:
            self._cluster_is_gone = True

    def _find(self, blow: Blow) -> int | None:
        """The process to be met, as soon as there is one."""
        end = time.monotonic() + _FIND_S
        while time.monotonic() < end:
            self._collect()
            if not self._running:
                return None
            found = self._candidates(blow.victim)
            if blow.inner:
                found = [half for pid in found for half in _halves(pid)] or found
            if blow.number == signal.SIGTERM and blow.victim in ("driver", "second driver"):
                found = [pid for pid in found if heeds(pid, signal.SIGTERM)]
            if found:
                return found[0]
            time.sleep(_LOOK_S)
        return None

    def _candidates(self, victim: Victim) -> list[int]:
        drivers = [driver.pid for driver in self._running]
        if victim == "driver":
            return drivers[:1]
        if victim == "second driver":
            return drivers[1:]
        below = descendants(drivers)
        if self._plan.pool == "standing" and self._field.standing is not None:
            below |= self._field.standing.processes()
        return sorted(pid for pid in below if _IS[victim](pid))

    def _moments(self) -> list[Moment]:
        try:
            lines = self._passed.read_text().splitlines()
        except OSError:
            lines = []
        return moments_of(line.split()[0] for line in lines if line)

    def _wait(self, seconds: float, until: Callable[[], bool], otherwise: str) -> None:
        end = time.monotonic() + seconds
        while True:
            self._collect()
            if until():
                return
            if time.monotonic() > end:
                raise ChaosError(f"{self.name}: {otherwise} within {seconds:g} s after {self.tries}: {self._said()}")
            time.sleep(_LOOK_S)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._running:
            time.sleep(_LOOK_S)
            self._collect()

    def _collect(self) -> None:
        for driver in list(self._running):
            code = driver.poll()
            if code is None:
                continue
            self._running.remove(driver)
            self._ended_well |= code == 0
            if self.tries:
                self.tries[-1].codes.append(code)
            expected = (-signal.SIGKILL, *ALLOWED) if driver.pid in self._killed else ALLOWED
            if code not in expected:
                raise ChaosError(f"{self.name}: a driver ended with {code} after {self.tries}: {self._said()}")

    def _left_behind(self) -> list[str]:
        """Processes that know this run's log by their environment."""
        if self._plan.pool == "standing":
            return []
        return [line for line in knowing(str(self._passed)) if not line.startswith(_SLOW_TO_LEAVE)]

    def _read_what_was_said(self) -> None:
        log = self._spec.with_suffix(".log").read_bytes()
        if found := _FOREIGN.search(log):
            raise ChaosError(f"{self.name}: says {found.group().decode()!r} after {self.tries}: {self._said()}")

    def _said(self) -> str:
        left = f"; left behind: {self._left_behind()}" if self._left_behind() else ""
        return self._spec.with_suffix(".log").read_text(errors="replace")[-3000:] + left


def _halves(driver: int) -> list[int]:
    """The process into which a driver has split to compute."""
    return [pid for pid in descendants([driver]) if parent(pid) == driver and "-m jobs run" in command_line(pid)]


def _is_worker(pid: int) -> bool:
    return command_line(pid).startswith("ray::WorkerEntry")


def _is_program(pid: int, name: str) -> bool:
    return command_line(pid).split(" ")[0].rsplit("/", 1)[-1] == name


_IS: Mapping[Victim, Callable[[int], bool]] = {
    "worker": _is_worker,
    "decoding child": lambda pid: "workers.children.main" in command_line(pid) and parent(pid) > 1,
    "raylet": lambda pid: _is_program(pid, "raylet"),
    "GCS": lambda pid: _is_program(pid, "gcs_server"),
}


def disturbed(plan: Plan, field: Field, spec: Path) -> Seed:
    """Carry the plan out. Raises ChaosError for an exit code, a hang or a word that must not be."""
    began = time.monotonic()
    if plan.pool != "standing":
        return _carried_out(plan, Run(plan, field, spec, {}, spec.with_suffix(".points")), began)
    with field.standing_use:
        cluster = field.renew_standing()
        field.standing_log.write_text("")
        try:
            return _carried_out(plan, Run(plan, field, spec, cluster.env_of_drivers, field.standing_log), began)
        finally:
            if any(blow.victim in ("raylet", "GCS") for blow in plan.blows):
                field.drop_standing()


def _carried_out(plan: Plan, run: Run, began: float) -> Seed:
    try:
        run.go()
    finally:
        run.end()
    return Seed(plan, run.tries, run.starts, time.monotonic() - began)
