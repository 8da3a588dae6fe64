from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.plink2 import needs_plink2, run_plink2
from tests.support.plink_files import Cohort, cohort, write_bed, write_pgen
from workers.genomics.convert_plink.reader import PlinkReader
from workers.genomics.files.opening import open_source
from workers.genomics.kernels.codes import unpack
from workers.genomics.table.layout import DOSAGE_MISSING, DOSAGE_ONE
from workers.genomics.table.records import Chunk, Records


def chunk(start: int, stop: int) -> Chunk:
    return Chunk("cohort", "e", 1, "bed", 0, 1, start, stop, start)


@pytest.fixture
def data() -> Cohort:
    return cohort(samples=7, variants=12)


def test_a_range_of_variants_comes_with_its_calls_and_outcomes_last(tmp_path: Path, data: Cohort) -> None:
    reader = PlinkReader(open_source("bed", str(write_bed(tmp_path, data))))
    *parts, last = reader.records(chunk(3, 9))
    assert sum(part.variants.height for part in parts) == 6
    assert all(part.outcomes.height == 0 for part in parts)
    calls = np.concatenate([unpack(part.calls.packed, 7) for part in parts])
    assert (calls == data.calls[3:9]).all()
    assert parts[0].variants["record"].to_list() == list(range(6))
    assert last.variants.height == 0
    assert (
        last.outcomes.select("status", "outcome", "reason", "n_variants").rows() == [("ok", "converted", None, 1)] * 6
    )
    assert last.outcomes["chrom"].to_list() == data.chrom[3:9]


def test_what_cannot_be_read_to_its_end_says_so_of_every_record_that_is_lost(tmp_path: Path, data: Cohort) -> None:
    path = write_pgen(tmp_path, data)
    body = path.read_bytes()
    path.write_bytes(body[:-8] + b"\xff" * 8)
    *_, last = PlinkReader(open_source("pgen", str(path))).records(chunk(0, 12))
    told = last.outcomes.select("status", "outcome", "reason", "n_variants").rows()
    assert told == [("unreadable", "unreadable", "the .pgen file is damaged", 0)] * 12


def soft(folder: Path, *records: str) -> list[Records]:
    """Records of a VCF that plink2 made to PGEN; each is what stands behind POS and ID, for two samples."""
    lines = [f"1\t{at + 1}\tv{at}\t{text}" for at, text in enumerate(records)]
    formats = (
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="">\n##FORMAT=<ID=DS,Number=A,Type=Float,Description="">\n'
    )
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tp\tq\n"
    (folder / "in.vcf").write_text("##fileformat=VCFv4.2\n" + formats + columns + "\n".join(lines) + "\n")
    dosage = ["dosage=DS"] if "DS" in records[0] else []
    run_plink2(folder, ["--vcf", "in.vcf", *dosage, "--make-pgen", "--out", "made"])
    reader = PlinkReader(open_source("pgen", str(folder / "made.pgen")))
    return list(reader.records(chunk(0, reader._variants.height)))


@needs_plink2
def test_dosages_are_kept_where_they_say_more_than_the_calls(tmp_path: Path) -> None:
    first, _ = soft(tmp_path, "A\tC\t.\t.\t.\tGT:DS\t0/1:1\t./.:.", "A\tC\t.\t.\t.\tGT:DS\t0/1:0.75\t./.:.")
    assert first.calls.has_dosage is not None
    assert first.calls.dosage is not None
    assert first.calls.has_dosage.tolist() == [False, True]
    assert first.calls.dosage[1].tolist() == [round(0.75 * DOSAGE_ONE), DOSAGE_MISSING]


@needs_plink2
def test_a_record_of_several_alternatives_is_one_record_of_several_variants(tmp_path: Path) -> None:
    *parts, last = soft(tmp_path, "A\tC,G\t.\t.\t.\tGT\t0/1\t1/2", "A\tC\t.\t.\t.\tGT\t0/0\t1/1")
    variants = [row for part in parts for row in part.variants.select("alt", "n_alleles", "record").rows()]
    assert variants == [("C", 3, 0), ("G", 3, 0), ("C", 2, 1)]
    assert last.outcomes.select("outcome", "n_variants").rows() == [("split", 2), ("converted", 1)]
