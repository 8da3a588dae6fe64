from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from tests.support.genotype_tables import HEADER, columns_of, vcf_line
from workers.genomics.convert_vcf.collection import open_collection
from workers.genomics.convert_vcf.settings import VcfInput
from workers.genomics.table.collection import TableConversion


def opened(uri: Path) -> TableConversion:
    return open_collection(VcfInput(format="vcf", uri=str(uri)), StorageSettings(), Compute())


def test_the_first_stage_plans_the_chunks_of_every_file_and_keeps_what_workers_go_by(tmp_path: Path) -> None:
    for name in ("a.vcf", "b.vcf"):
        (tmp_path / name).write_text(HEADER + columns_of(["p"]) + vcf_line("1", 5, "A", "C", ["0/1"]))
    conversion = opened(tmp_path)
    assert conversion.stages == ("read", "variants", "account")
    plan = conversion.plan("read", (), {})
    names = [name for batch in plan.batches() for name in batch["record_id"].to_pylist()]
    assert [name.rpartition("@")[0] for name in names] == ["a.vcf", "b.vcf"]
    assert "a.vcf" not in str(plan.state)


def test_files_of_other_samples_and_no_files_at_all_are_refused(tmp_path: Path) -> None:
    for name, samples in (("a.vcf", ["p"]), ("b.vcf", ["q"])):
        (tmp_path / name).write_text(HEADER + columns_of(samples) + vcf_line("1", 5, "A", "C", ["0/1"]))
    with pytest.raises(SpecError, match=r"file 2 of input\.uri has other samples"):
        list(opened(tmp_path).plan("read", (), {}).batches())
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecError):
        list(opened(tmp_path / "empty").plan("read", (), {}).batches())
