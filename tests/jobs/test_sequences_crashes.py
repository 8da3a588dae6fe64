"""Variants are scored exactly once, whatever dies on the way."""

from __future__ import annotations

import gzip
import signal
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import open_store
from jobs.verification.verify import verify
from tests.support.runs import rows, run
from tests.support.small_run import finish, go_on, start
from tests.support.variants import random_bases, save_cnn, some_variants, write_fasta, write_vcf

CONTIGS = {"1": random_bases(600, 7)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compressed VCF with a broken line and a torn end."""
    made = tmp_path_factory.mktemp("variants")
    write_fasta(made / "ref.fa", CONTIGS)
    lines = write_vcf(made / "in.vcf", some_variants(CONTIGS, 10)).read_bytes().splitlines(keepends=True)
    lines[5] = b"1\tbroken\n"
    (made / "in.vcf.gz").write_bytes(gzip.compress(b"".join(lines))[:-6])
    save_cnn(made / "cnn")
    return made


def spec_text(folder: Path, out: Path, compute: str, shard: int = 6) -> str:
    return (
        f"job: predict\nname: variants\nlimits: {{max_rejects: 50%}}\n"
        f"input: {{collection: sequences, uri: {folder / 'in.vcf.gz'}, reference: {folder / 'ref.fa'}}}\n"
        f"models: {{cnn: {{uri: {folder / 'cnn'}}}}}\noutput: {{uri: {out}}}\n"
        f"compute: {{{compute}, shard_records: {shard}}}\n"
    )


@pytest.fixture(scope="module")
def clean(folder: Path) -> pl.DataFrame:
    """The rows of a run that nothing disturbed."""
    run(spec_text(folder, folder / "clean", "pool: serial"))
    found = rows(folder / "clean")
    assert found.filter(pl.col("status") != "ok")["record_id"].to_list() == ["in.vcf.gz#6", "in.vcf.gz#13"]
    return found


def test_a_run_over_variants_that_was_killed_is_completed_by_the_same_command(
    folder: Path, clean: pl.DataFrame, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(spec_text(folder, tmp_path / "out", "pool: serial"))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": "commit.after_put:4"}))
    assert code == -signal.SIGKILL
    assert len(list((tmp_path / "out" / "predictions").iterdir())) == 2
    code, said = go_on(spec)
    assert code == 0, said
    verify(open_store(str(tmp_path / "out")))
    assert rows(tmp_path / "out").equals(clean)
