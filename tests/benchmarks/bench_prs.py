"""Score 20,000 samples x 50,000 variants with plink2 and wardround in turn; print one JSON object at the end.

See README.md for what each figure means.

Usage: bench_prs.py [--only NAME ...] [--threads N]
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tests.benchmarks.genomes import SAMPLES, VARIANTS, Genomes, genomes, weight_table
from tests.benchmarks.processes import BUILD, python, run
from tests.support.plink2 import plink2_command

_TIMEOUT = 300


@dataclass(frozen=True)
class Case:
    """So many scores on every `every`-th variant; `filled`: variants of each score, None: all."""

    name: str
    scores: int
    every: int
    filled: int | None = None


CASES = (
    Case("k1", 1, 1),
    Case("k10", 10, 1),
    Case("k100", 100, 1),
    Case("k1000", 1000, 10),
    Case("sparse", 1000, 10, 50),
)


@dataclass
class Family:
    """The most memory that one process under another had: Debian's plink2 is a script that starts the program."""

    peak: int = 0

    def look(self, pid: int) -> None:
        """Called while it runs."""
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for child in children:
                told = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{child}/status").read_text())
                self.peak = max(self.peak, int(told.group(1)) * 1024 if told else 0)
        except (FileNotFoundError, ProcessLookupError):
            return  # it has just ended


@dataclass
class Bench:
    """What was measured so far."""

    cohort: Genomes
    plink2: str
    threads: int
    figures: dict[str, float | str] = field(default_factory=dict)

    def contest(self, case: Case) -> None:
        """Both on one case; their scores must agree."""
        table = weight_table(self.cohort, case.scores, case.every, case.filled)
        theirs = self._theirs(case, table)
        ours = self._ours(case, table)
        scale = np.abs(theirs).max()
        worst = float((np.abs(ours - theirs) / (np.abs(theirs) + 1e-3 * scale)).max())
        if worst > 1e-4:
            raise SystemExit(f"{case.name}: the scores of both differ by {worst:.1e}")
        speedup = float(self.figures[f"plink2_{case.name}_s"]) / float(self.figures[f"ours_{case.name}_s"])
        self.note(f"speedup_{case.name}", speedup, f"off by {worst:.1e}")

    def note(self, name: str, value: float, more: str = "") -> None:
        """Keep a figure and show it."""
        self.figures[name] = round(value, 3)
        print(f"{name:<24}{value:10.3f}  {more}", flush=True)

    def _theirs(self, case: Case, table: pl.DataFrame) -> NDArray[np.float64]:
        """plink2 from its start to its end: (samples, scores)."""
        folder = _empty(BUILD / "out" / f"prs-plink2-{case.name}")
        weights = folder / "weights.tsv"
        table.fill_null(0.0).write_csv(weights, separator="\t")
        first = table.columns.index("score0000") + 1
        columns = str(first) if case.scores == 1 else f"{first}-{first + case.scores - 1}"
        command = [
            self.plink2, "--pfile", str(self.cohort.prefix), "--threads", str(self.threads),
            "--score", str(weights), "1", str(table.columns.index("effect_allele") + 1), "header-read",
            "cols=scoresums", "--score-col-nums", columns, "--out", str(folder / "scores"),
        ]  # fmt: skip
        family = Family()
        finished = run(command, BUILD / "logs" / f"prs-plink2-{case.name}.log", _TIMEOUT, watch=family.look)
        self.note(f"plink2_{case.name}_s", finished.seconds)
        self.note(f"plink2_{case.name}_mb", max(finished.peak_rss, family.peak) / 1e6)
        frame = pl.read_csv(folder / "scores.sscore", separator="\t")
        return frame.select(pl.col("^score.*_SUM$")).to_numpy()

    def _ours(self, case: Case, table: pl.DataFrame) -> NDArray[np.float64]:
        """`wardround run` in the serial pool, after imports: (samples, scores)."""
        folder = _empty(BUILD / "out" / f"prs-ours-{case.name}")
        _write_scores(folder / "scores", case, table)
        spec = folder / "spec.yaml"
        spec.write_text(_SPEC.format(pgen=self.cohort.file(".pgen"), folder=folder, threads=self.threads))
        command = python("contestants/prs.py", str(spec))
        finished = run(command, BUILD / "logs" / f"prs-ours-{case.name}.log", _TIMEOUT)
        answer = json.loads(finished.output.splitlines()[-1])
        self.note(f"ours_{case.name}_s", answer["seconds"], f"imports and machine code {answer['imports']:.1f} s")
        self.note(f"ours_{case.name}_imports_s", answer["imports"])
        self.note(f"ours_{case.name}_mb", finished.peak_rss / 1e6)
        rows = pl.concat([pl.read_parquet(path) for path in sorted((folder / "run" / "predictions").glob("*.parquet"))])
        return rows.select(pl.col("^score[0-9]+$")).to_numpy()

    def share(self) -> None:
        """What part of the matrix product's peak the kernel and the whole run reach at a thousand scores."""
        case = next(case for case in CASES if case.name == "k1000")
        shape = (self.cohort.samples, self.cohort.variants // case.every, case.scores)
        command = python("contestants/prs_kernel.py", *map(str, shape), str(self.threads))
        answer = json.loads(run(command, BUILD / "logs" / "prs-kernel.log", _TIMEOUT).output.splitlines()[-1])
        peak = answer["peak_gflops"]
        self.note("peak_gflops", peak)
        self.note("gemm_share_k1000", answer["kernel_gflops"] / peak, "the kernel alone")
        if "ours_k1000_s" in self.figures:
            whole = 2e-9 * float(np.prod(shape, dtype=float)) / float(self.figures["ours_k1000_s"])
            self.note("run_share_k1000", whole / peak, "the whole run")


_SPEC = """\
name: bench-prs
job: predict
input: {{collection: genotypes, format: pgen, uri: {pgen}, build: GRCh38}}
models:
  pgs: {{uri: {folder}/scores}}
prepare:
  - columns: {{counts: false}}
output: {{uri: {folder}/run}}
compute: {{pool: serial, workers: 1, cpus_per_worker: {threads}}}
"""


def _write_scores(folder: Path, case: Case, table: pl.DataFrame) -> None:
    """Dense scores as one table, sparse ones as a scoring file each, as their authors give them."""
    folder.mkdir()
    named = table.drop("id").rename({"chrom": "chr_name", "pos": "chr_position"})
    if case.filled is None:
        (folder / "scores.tsv").write_text("#genome_build=GRCh38\n" + named.write_csv(separator="\t"))
        (folder / "layout.yaml").write_text("weights: all\n")
        return
    places = named.columns[:4]
    for score in named.columns[4:]:
        rows = named.filter(pl.col(score).is_not_null()).select(*places, pl.col(score).alias("effect_weight"))
        text = f"#pgs_id={score}\n#genome_build=GRCh38\n" + rows.write_csv(separator="\t")
        (folder / f"{score}.txt").write_text(text)


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _build_of(plink2: str) -> str:
    """As it says itself."""
    told = subprocess.run([plink2, "--version"], capture_output=True, text=True, check=True).stdout
    return re.sub(r"\s+", " ", told).strip()


def main(argv: Sequence[str] | None = None) -> None:
    """One case after the other, both tools in turn."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*names, "share"], default=[*names, "share"])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args(argv)
    command = plink2_command()
    if command is None:
        sys.exit("plink2 is not here: install the Debian package plink2, or run `make oracles`")
    bench = Bench(genomes(BUILD, SAMPLES, VARIANTS), command, arguments.threads)
    bench.figures["plink2"] = _build_of(command)
    print(bench.figures["plink2"], flush=True)
    for case in CASES:
        if case.name in arguments.only:
            bench.contest(case)
    if "share" in arguments.only:
        bench.share()
    print(json.dumps(bench.figures))


if __name__ == "__main__":
    main()
