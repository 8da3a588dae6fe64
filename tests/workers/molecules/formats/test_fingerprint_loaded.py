from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from schemas.errors import SpecError
from workers.contract import Placement
from workers.molecules.formats.fingerprint import FORMAT
from workers.molecules.formats.fingerprint_loaded import FingerprintScorer, load

WEIGHT, BIAS = np.arange(16, dtype=np.float32).reshape(1, 16) / 16, 0.25


def directory(folder: Path, counts: bool, weight: np.ndarray = WEIGHT) -> Path:
    """A linear model over 16 bits or counts, without an activation."""
    config = {
        "format": "fingerprint",
        "format_version": 1,
        "network": "fingerprint_mlp",
        "settings": {"num_inputs": 16, "num_outputs": 1, "hidden": []},
        "fingerprint": {"bits": 16, "counts": counts},
        "head": {"activation": "none", "labels": ["active"]},
    }
    (folder / "config.json").write_text(json.dumps(config))
    tensors = {"head.weight": torch.from_numpy(weight), "head.bias": torch.tensor([BIAS])}
    save_file(tensors, folder / "model.safetensors")
    return folder


def loaded(folder: Path) -> FingerprintScorer:
    return load(folder, FORMAT.describe(folder), Placement("cpu"))


def test_packed_bits_are_seen_as_zeros_and_ones_in_their_order(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (5, 16)).astype(np.uint8)
    found = loaded(directory(tmp_path, counts=False)).score(list(np.packbits(bits, axis=1)))
    np.testing.assert_allclose(found["score_active"], bits @ WEIGHT[0] + BIAS, rtol=1e-6)


def test_counts_are_seen_as_they_are(tmp_path: Path) -> None:
    counts = np.random.default_rng(2).integers(0, 300, (3, 16)).astype(np.uint16)
    found = loaded(directory(tmp_path, counts=True)).score(list(counts))
    np.testing.assert_allclose(found["score_active"], counts @ WEIGHT[0] + BIAS, rtol=1e-5)


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        loaded(directory(tmp_path, counts=True, weight=np.ones((1, 15), np.float32)))
