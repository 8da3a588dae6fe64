from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import ObjectChanged, StorageSettings
from schemas.spec import Compute
from tests.support.plink_files import cohort, write_bed
from workers.genomics.convert_plink.collection import open_collection
from workers.genomics.convert_plink.planning import PlinkFiles
from workers.genomics.convert_plink.settings import PlinkInput
from workers.genomics.files.fileset import versions_digest
from workers.genomics.files.opening import open_source
from workers.genomics.table.layout import rows_of_part


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More variants than one part of the table holds, of two samples."""
    return write_bed(tmp_path_factory.mktemp("plink"), cohort(samples=2, variants=70_000))


def files(bed: Path, **settings: int) -> PlinkFiles:
    given = {"format": "bed", "uri": str(bed.with_suffix("")), **settings}
    return PlinkFiles(PlinkInput.model_validate(given), StorageSettings())


def test_chunks_cover_every_variant_once_in_whole_parts(bed: Path) -> None:
    chunks = list(files(bed, chunk_bytes=1).chunks())
    part = rows_of_part(2, False)
    assert [(chunk.start, chunk.stop) for chunk in chunks] == [(0, part), (part, 70_000)]
    assert all(chunk.first == chunk.start and chunk.kind == "bed" for chunk in chunks)
    assert sum(chunk.size for chunk in chunks) == 70_000
    assert {chunk.file_size for chunk in chunks} == {bed.stat().st_size}
    assert len(list(files(bed).chunks())) == 1


def test_workers_open_the_files_that_were_planned_and_no_others(bed: Path) -> None:
    state = files(bed).state()
    versions = files(bed).opened.versions()
    assert [version.name for version in versions] == ["cohort.bed", "cohort.bim", "cohort.fam"]
    assert state["files"] == versions_digest(versions)
    open_source("bed", str(bed), StorageSettings(), state["files"]).close()
    other = [*versions[:2], type(versions[2])("cohort.fam", versions[2].size + 1, versions[2].etag)]
    with pytest.raises(ObjectChanged):
        open_source("bed", str(bed), StorageSettings(), versions_digest(other))


def test_the_conversion_plans_these_chunks(bed: Path) -> None:
    source = PlinkInput(format="bed", uri=str(bed), chunk_bytes=1)
    plan = open_collection(source, StorageSettings(), Compute()).plan("read", (), {})
    names = [name for batch in plan.batches() for name in batch["record_id"].to_pylist()]
    assert names == ["cohort.bed@0", f"cohort.bed@{rows_of_part(2, False)}"]
    assert "cohort" not in str(plan.state), "a run file names no file of the input"
