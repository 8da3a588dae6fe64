"""Loading a directory of our own format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from schemas.errors import SpecError
from workers.contract import Affine, Placement
from workers.images.formats import native
from workers.images.formats.native_loaded import load

MakeDirectory = Callable[..., Path]


def test_the_folded_network_answers_as_its_author_runs_it(native_directory: MakeDirectory, network: nn.Module) -> None:
    directory = native_directory()
    model = load(directory, native.FORMAT.describe(directory), Placement("cpu", 1, Affine(1 / 255)))
    image = np.random.default_rng(0).integers(0, 255, (20, 24), dtype=np.uint8)
    with torch.inference_mode():
        expected = torch.softmax(network(torch.from_numpy(image)[None, None].float() / 255), 1)[0]
    found = model.forward([image])
    np.testing.assert_allclose([found["score_normal"][0], found["score_pneumonia"][0]], expected, atol=1e-6)


def test_weights_of_another_network_are_refused_by_the_tensor(native_directory: MakeDirectory) -> None:
    settings = {"in_channels": 1, "num_outputs": 2, "channels": [4, 8, 8], "strides": [2, 2, 1]}
    directory = native_directory(settings=settings)
    with pytest.raises(SpecError, match=r"model\.safetensors: does not fit the network: missing: "):
        load(directory, native.FORMAT.describe(directory), Placement("cpu", 1))
