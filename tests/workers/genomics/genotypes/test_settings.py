from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from workers.genomics.genotypes.settings import GenotypesInput


def settings(**given: Any) -> GenotypesInput:
    return GenotypesInput.model_validate({"collection": "genotypes", "uri": "u", "format": "bed", **given})


def test_by_default_no_build_is_assumed_and_quality_is_of_what_is_read_anyway() -> None:
    assert (settings().build, settings().qc, settings().chunk_bytes) == (None, "scored", None)


def test_a_size_may_be_written_with_its_unit() -> None:
    assert settings(chunk_bytes="4MiB").chunk_bytes == 4 << 20


@pytest.mark.parametrize(
    "wrong", [{"format": "vcf"}, {"build": "hg38"}, {"qc": "some"}, {"chunk_bytes": 0}, {"bfile": "x"}]
)
def test_what_no_run_could_use_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        settings(**wrong)
