"""`python -m tests.chaos --seeds 200`: a table and one JSON line at the end, exit 1 if anything differed."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from cluster.embedded_s3 import EmbeddedS3
from cluster.storage import StorageSettings, Store, open_store
from tests.chaos.blows import POOLS, VICTIMS, Plan, Pool, plan_of
from tests.chaos.field import Field
from tests.chaos.harness import ChaosError, Content, compare, content
from tests.chaos.kinds import KINDS
from tests.chaos.processes import knowing
from tests.chaos.seed import Seed, disturbed
from tests.chaos.table import as_json, as_table

_BUCKET = "chaos"
_REPEATS = 4
_LEAVE_S = 90.0


class Campaign:
    """The inputs, and what an undisturbed run of each job says."""

    def __init__(self, jobs: Sequence[str], folder: Path, server: EmbeddedS3) -> None:
        self._folder, self._endpoint = folder, server.endpoint_url
        self._said = {job: KINDS[job].fill(self._store(f"{job}-input"), folder) for job in jobs}
        self._clean = {job: self._undisturbed(job) for job in jobs}
        self.field = Field(folder, server)
        self.failed: list[str] = []

    def run(self, plans: Sequence[Plan], at_once: int) -> list[Seed]:
        """Every seed, so many at a time."""
        began = time.monotonic()

        def one(plan: Plan) -> Seed | None:
            try:
                done = self._until_met(plan)
            except ChaosError as error:
                sys.stderr.write(f"{time.monotonic() - began:.0f} s: {error}\n")
                self.failed.append(str(error))
                return None
            sys.stderr.write(f"{time.monotonic() - began:.0f} s: {_line(done)}\n")
            return done

        with ThreadPoolExecutor(at_once) as pool:
            return [done for done in pool.map(one, plans) if done is not None]

    def close(self) -> None:
        """End the servers. Raises ChaosError where processes of a run stay."""
        self.field.close()
        end = time.monotonic() + _LEAVE_S
        while (left := knowing(str(self._folder))) and time.monotonic() < end:
            time.sleep(0.5)
        if left:
            raise ChaosError(f"processes are left behind: {left}")

    def _until_met(self, plan: Plan) -> Seed:
        """A run that ended before any signal met it says nothing: the seed is repeated with an earlier one."""
        for repeat in range(_REPEATS):
            name = f"{plan.job}-seed-{plan.seed}-{repeat}"
            done = disturbed(plan if repeat == 0 else plan.earlier(), self.field, self._spec(plan.job, name, plan.pool))
            try:
                compare(self._clean[plan.job], self._store(name))
            except Exception as error:
                raise ChaosError(f"seed {plan.seed} ({plan.job}, {plan.pool}) after {done.tries}: {error}") from error
            if done.tries:
                return replace(done, repeats=repeat)
        raise ChaosError(f"seed {plan.seed}: ended {_REPEATS} times before any signal met it")

    def _undisturbed(self, job: str) -> Content:
        name = f"{job}-clean"
        command = [sys.executable, "-m", "jobs", "run", str(self._spec(job, name, "serial")), "--progress", "none"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise ChaosError(f"the undisturbed run of {job} ended with {done.returncode}: {done.stderr[-2000:]}")
        return content(self._store(name))

    def _spec(self, job: str, name: str, pool: Pool) -> Path:
        path = self._folder / f"{name}.yaml"
        path.write_text(KINDS[job].spec(self._said[job], f"s3://{_BUCKET}/{name}", self._endpoint, pool))
        return path

    def _store(self, name: str) -> Store:
        return open_store(f"s3://{_BUCKET}/{name}", StorageSettings(endpoint_url=self._endpoint))


def campaign(
    folder: Path,
    server: EmbeddedS3,
    plans: Sequence[Plan],
    at_once: int,
) -> list[Seed]:
    """All seeds against one server. Raises ChaosError for any difference, foreign exit code, hang or word."""
    folder.mkdir(exist_ok=True)
    made = Campaign(sorted({plan.job for plan in plans}), folder, server)
    try:
        done = made.run(plans, at_once)
    finally:
        made.close()
    if made.failed:
        print(as_table(done))
        raise ChaosError(f"{len(made.failed)} of {len(plans)} seeds failed:\n" + "\n".join(made.failed))
    return done


def _line(done: Seed) -> str:
    met = ", ".join(f"{one.number.name} {one.victim} {one.moment} -> {one.codes}" for one in done.tries)
    return f"seed {done.plan.seed} {done.plan.job} {done.plan.pool}: {met}; {done.starts} starts, {done.seconds:.1f} s"


JOBS = {"images": 35, "masks": 10, "conversion": 20, "genotypes": 10, "scores": 25}


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--job", choices=sorted(KINDS), help="only this one")
    parser.add_argument("--pool", choices=["serial", "embedded", "standing"], help="only this one")
    parser.add_argument("--victim", choices=VICTIMS, help="only seeds that meet it")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=3)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wr-chaos-") as name:
        folder = Path(name)
        with EmbeddedS3(folder / "s3", _BUCKET) as server:
            os.environ.update({**server.environment, "AWS_ENDPOINT_URL": server.endpoint_url})
            jobs = {options.job: 1} if options.job else JOBS
            pools = {options.pool: 1} if options.pool else POOLS
            every = (plan_of(seed, jobs, pools) for seed in count(options.first))
            plans = list(islice((plan for plan in every if plan.meets(options.victim)), options.seeds))
            done = campaign(folder / "runs", server, plans, options.at_once)
    print(as_table(done))
    print(as_json(done, time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
