"""A network of MONAI, trained by name: its scores are those of MONAI's class with the weights that lie there."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from monai.networks import nets
from safetensors.torch import load_file

from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.train_runs import predict_spec, train_spec


def test_a_network_of_monai_is_trained_by_name_and_scores_as_monai_s_own(tmp_path: Path) -> None:
    settings = {"widen_factor": 0.125, "no_max_pool": True}
    keys = f"network: {{name: monai.resnet10, settings: {json.dumps(settings)}}}"
    run(train_spec(tmp_path, tmp_path / "out", keys, fit="epochs: 2, learning_rate: 0.01"))
    model = tmp_path / "out" / "model"
    run(predict_spec(tmp_path, model, tmp_path / "scored"))
    assert json.loads((model / "config.json").read_text())["network"] == "monai.resnet10"
    network = nets.resnet10(spatial_dims=2, n_input_channels=1, num_classes=1, **settings).eval()
    network.load_state_dict(load_file(model / "model.safetensors"))
    found = rows(tmp_path / "scored")
    paths = [str(tmp_path / "pictures" / name) for name in found["record_id"]]
    images = np.stack([cv2.imread(path, cv2.IMREAD_UNCHANGED) for path in paths])[:, None].astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images * np.float32(1 / 255))).sigmoid()[:, 0]
    np.testing.assert_allclose(found["score_sick"].to_numpy(), expected.numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("{name: monai.UNet}", "network 'monai.UNet' is unknown"),
        ("{name: monai.DenseNet121, settings: {pretrained: true}}", "weights are not downloaded"),
        ("{name: monai.DenseNet121}", "29 pixels a side or more; the prepared images have 8 x 8 pixels"),
        ("{name: monai.resnet10}\nfit: {batch: 8, accumulate: 8}", "parts of 1 image are too few for the network"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_so(tmp_path: Path, network: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        run(train_spec(tmp_path, tmp_path / "out", f"network: {network}"))
