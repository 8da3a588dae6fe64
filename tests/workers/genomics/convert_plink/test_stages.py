from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import RefusedError
from tests.support.genotype_stages import stage_context
from tests.support.genotype_tables import convert_table
from tests.support.plink_files import cohort, write_bed
from workers.genomics.convert_plink import stages


@pytest.mark.parametrize(("end", "gone"), [(".bed", False), (".bim", True), (".fam", False)])
def test_no_stage_begins_on_files_that_are_not_those_of_the_plan(tmp_path: Path, end: str, gone: bool) -> None:
    bed = write_bed(tmp_path, cohort(samples=5, variants=12))
    convert_table(f"format: bed, uri: {bed}", tmp_path / "out")
    context = stage_context(tmp_path / "out", "stages/read/")
    stages.read(context).close()
    path = bed.with_suffix(end)
    kept = path.read_bytes()
    path.unlink()
    if not gone:
        path.write_bytes(kept + b"\n")
    for opened in (stages.read, stages.variants):
        with pytest.raises(RefusedError, match="were changed or removed since they were planned"):
            opened(context)
