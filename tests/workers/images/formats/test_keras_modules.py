"""Arithmetic of single layers where backends of Keras differ."""

import torch

from workers.images.formats.keras_graph import Layer
from workers.images.formats.keras_modules import module_of


def test_averages_leave_uneven_padding_out() -> None:
    settings = {"pool_size": [1, 3], "strides": [1, 2], "padding": "same"}
    pool = module_of(Layer("pool", "AveragePooling2D", settings, ("image",), ""), {})
    assert torch.allclose(pool(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]])), torch.tensor([2.0, 3.5]))
