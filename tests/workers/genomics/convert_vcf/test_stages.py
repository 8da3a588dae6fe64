from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemas.errors import RefusedError
from tests.support.genotype_stages import stage_context
from tests.support.genotype_tables import HEADER, columns_of, convert_table, vcf_line
from workers.genomics.convert_vcf import stages


@pytest.mark.parametrize("how", ["renamed", "touched", "gone"])
def test_the_samples_of_a_run_are_those_that_were_planned_or_no_stage_begins(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.vcf"
    path.write_text(HEADER + columns_of(["p", "q"]) + vcf_line("1", 5, "A", "C", ["0/1", "1/1"]))
    convert_table(f"format: vcf, uri: {path}", tmp_path / "out")
    context = stage_context(tmp_path / "out", "stages/read/")
    stages.read(context).close()
    times = path.stat().st_mtime_ns
    if how == "gone":
        path.unlink()
    else:
        path.write_text(path.read_text().replace("\tq\n", "\tz\n" if how == "renamed" else "\tq\n"))
        os.utime(path, ns=(times + 1, times + 1))
    with pytest.raises(
        RefusedError, match=r"the first file of input\.uri, or input\.sex, was changed since it was planned"
    ):
        stages.variants(stage_context(tmp_path / "out", "stages/variants/"))
