from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save

from workers.models.tensor_files import metadata_of, with_metadata


def test_a_file_gets_texts_beside_those_that_it_has_and_keeps_its_tensors() -> None:
    body = with_metadata(save({"a": torch.arange(5.0)}, {"kept": "x"}), {"fingerprint": "f"})
    assert metadata_of(body) == {"kept": "x", "fingerprint": "f"}
    assert torch.equal(load(body)["a"], torch.arange(5.0))


@pytest.mark.parametrize("body", [b"", b"short", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0[]"])
def test_what_is_no_such_file_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="no safetensors file"):
        metadata_of(body)
