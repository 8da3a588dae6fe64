from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.storage import ObjectChanged, ObjectInfo, ObjectMissing, StorageSettings
from schemas.errors import RecordError, RefusedError, SpecError
from schemas.status import Status
from tests.support.plink_files import cohort, write_bed
from workers.genomics.genotypes.settings import GenotypesInput
from workers.genomics.genotypes.source import Genotypes, digest_of


def genotypes(uri: Path, format: str = "bed", build: str | None = None) -> Genotypes:
    given = {"collection": "genotypes", "uri": str(uri), "format": format, "build": build}
    return Genotypes(GenotypesInput.model_validate(given), StorageSettings())


@pytest.fixture
def bed(tmp_path: Path) -> Path:
    return write_bed(tmp_path, cohort(samples=9, variants=12))


def test_the_identity_is_that_of_all_three_files_however_they_are_named(bed: Path) -> None:
    found = genotypes(bed).identity()
    assert genotypes(bed.with_suffix("")).identity() == found
    assert found.bytes == sum(bed.with_suffix(end).stat().st_size for end in (".bed", ".bim", ".fam"))
    # What lies beside them, though its name begins alike, is no part of it.
    bed.with_suffix(".log").write_text("x")
    bed.with_name("cohort2.bed").write_text("x")
    assert genotypes(bed).identity() == found
    bed.with_suffix(".fam").write_text(bed.with_suffix(".fam").read_text() + "\n")
    assert genotypes(bed).identity().digest != found.digest


def test_where_nothing_lies_the_remedy_fits_the_format(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no genotypes of format 'bed' lie there; correct it"):
        genotypes(tmp_path / "none.bed").identity()
    with pytest.raises(SpecError, match="name table/ of a run of job: convert"):
        genotypes(tmp_path, "table").identity()


def test_files_are_checked_against_the_plan_when_they_are_opened(bed: Path) -> None:
    digest = genotypes(bed).identity().digest
    genotypes(bed).check(digest)
    os.utime(bed, ns=(1, 1))
    with pytest.raises(ObjectChanged):
        genotypes(bed).check(digest)
    for end in (".bed", ".bim", ".fam"):
        bed.with_suffix(end).unlink()
    with pytest.raises(ObjectMissing):
        genotypes(bed).check(digest)


def test_a_stage_that_needs_all_of_it_is_refused_what_is_not_as_planned(bed: Path) -> None:
    source = genotypes(bed)
    digest = source.identity().digest
    with source.as_planned(digest) as opened:
        assert opened is source.opened
    with (
        pytest.raises(RefusedError, match="cannot be read: it ends early"),
        genotypes(bed).as_planned(digest),
    ):
        raise RecordError(Status.UNREADABLE, "it ends early")
    with pytest.raises(RefusedError, match="were changed since the run began"), genotypes(bed).as_planned("0" * 32):
        pass


def test_files_have_the_build_that_the_spec_says_or_none_and_no_counts(bed: Path) -> None:
    assert genotypes(bed).build is None
    assert genotypes(bed, build="GRCh37").build == "GRCh37"
    assert not genotypes(bed).has_counts


def test_closing_what_was_never_opened_opens_nothing(tmp_path: Path) -> None:
    genotypes(tmp_path / "none.bed").close()


def test_a_digest_depends_on_name_size_and_etag_and_of_nothing_there_is_none() -> None:
    digests = {
        digest_of([ObjectInfo(key, size, etag, datetime.now(UTC))])
        for key, size, etag in (("a", 1, "e"), ("b", 1, "e"), ("a", 2, "e"), ("a", 1, "f"))
    }
    assert len(digests) == 4
    assert digest_of([]) is None
