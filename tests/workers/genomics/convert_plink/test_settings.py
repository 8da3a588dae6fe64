from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from workers.genomics.convert_plink.settings import PlinkInput


def test_a_chunk_has_64_mib_of_calls_unless_somebody_says_otherwise() -> None:
    assert PlinkInput(format="bed", uri="u").chunk_bytes == 64 << 20
    assert PlinkInput.model_validate({"format": "pgen", "uri": "u", "chunk_bytes": "1MiB"}).chunk_bytes == 1 << 20


@pytest.mark.parametrize("wrong", [{"format": "ped"}, {"chunk_bytes": 0}, {"build": "hg19"}, {"sex": "f.txt"}])
def test_what_no_conversion_could_use_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        PlinkInput.model_validate({"format": "bed", "uri": "u", **wrong})
