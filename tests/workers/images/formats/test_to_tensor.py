from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Affine
from workers.images.formats.to_tensor import ToTensor

COLOUR = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def refusal(converter: ToTensor, array: Any) -> str:
    with pytest.raises(RecordError) as caught:
        converter.check(array)
    assert caught.value.status == Status.OUT_OF_CONTRACT
    return str(caught.value)


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_images_are_scaled_then_shifted_channel_by_channel(channels_last: bool, dtype: Any) -> None:
    affine = Affine(scale=0.5, mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0))
    batch = [COLOUR.astype(dtype), COLOUR.astype(dtype) + 1]
    found = ToTensor(affine, "cpu", 3)(batch, channels_last)
    expected = (np.stack(batch).astype(np.float64) * 0.5 - [1, 2, 3]) / [1, 2, 4]
    assert found.dtype == torch.float32
    assert np.allclose(found.permute(0, 2, 3, 1).numpy(), expected)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert found.is_contiguous(memory_format=layout)


def test_grey_images_become_one_channel() -> None:
    found = ToTensor(None, "cpu", 1)([COLOUR[..., 0]], channels_last=False)
    assert found.shape == (1, 1, 2, 3)
    assert found[0, 0].tolist() == COLOUR[..., 0].tolist()


def test_the_images_themselves_are_not_changed() -> None:
    image = np.ones((2, 2), np.float32)
    ToTensor(Affine(scale=3.0), "cpu", 1)([image], channels_last=True)
    assert (image == 1).all()


def test_what_a_network_cannot_take_is_refused_record_by_record() -> None:
    assert "takes 1 channel(s), the prepared image has 3" in refusal(ToTensor(None, "cpu", 1), COLOUR)
    assert "another number of channels" in refusal(ToTensor(Affine(mean=(1.0, 2.0)), "cpu", None), COLOUR)
    assert "3 pixels a side or more" in refusal(ToTensor(None, "cpu", 3, smallest_side=3), COLOUR)
    assert "numeric images of two dimensions" in refusal(ToTensor(None, "cpu", None), np.zeros((1, 2, 2, 3)))
    assert "numeric images of two dimensions" in refusal(ToTensor(None, "cpu", None), np.array([["a"]]))
