"""A small training over made pictures: one with a bright corner is positive."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl

from tests.support.runs import rows

SIDE = 8


def make_pictures(folder: Path, records: int = 48, seed: int = 0) -> pl.DataFrame:
    """PNG files, a few a subject, with the labels that are true of them."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(records):
        truth = int(chance.random() < 0.5)
        pixels = chance.integers(0, 160, (SIDE, SIDE), dtype=np.uint8)
        pixels[:4, :4] += np.uint8(90 * truth)
        cv2.imwrite(str(folder / f"{number:03d}.png"), pixels)
        split = ("train", "train", "tuning", "held_out")[number // 2 % 4]
        rows.append((f"{number:03d}.png", f"p{number // 2}", truth, truth + number % 2, split))
    return pl.DataFrame(rows, ["image", "person", "sick", "grade", "split"], orient="row")


def train_spec(
    folder: Path, output: Path | str, keys: str = "", more: str = "", fit: str = "epochs: 3, learning_rate: 0.01"
) -> str:
    """The text of a spec over `folder/pictures` and `folder/labels.csv`, both made if they are not there yet.

    `keys` are lines of `input:` that replace or add to the usual ones, `more` lines of the spec itself.
    """
    if not (folder / "pictures").exists():
        make_pictures(folder / "pictures").write_csv(folder / "labels.csv")
    given = {
        "labels": f"{{uri: {folder / 'labels.csv'}, key: image}}",
        "outputs": "{sick: {}}",
        "splits": "{column: split}",
        "network": "{name: smallcnn, settings: {channels: [4, 8], strides: [1, 2]}}",
        "fit": f"{{batch: 8, {fit}}}",
    }
    given |= dict(line.split(": ", 1) for line in keys.splitlines() if line.strip())
    lines = "".join(f"  {name}: {value}\n" for name, value in given.items() if value != "none")
    return (
        f"job: train\nname: small\ninput:\n  collection: images\n  uri: {folder / 'pictures'}\n{lines}"
        "prepare: [to_uint8, {rescale: {factor: 0.00392156862745098}}]\n"
        f"output: {{uri: {output}}}\ncompute: {{pool: serial, shard_records: 16}}\n{more}"
    )


def predict_spec(folder: Path, model: Path, output: Path) -> str:
    """The same pictures scored with a model directory."""
    return (
        f"job: predict\nname: small\ninput: {{collection: images, uri: {folder / 'pictures'}}}\n"
        f"models: {{m: {{uri: {model}}}}}\noutput: {{uri: {output}}}\ncompute: {{pool: serial, shard_records: 16}}\n"
    )


def weights(output: Path) -> dict[str, bytes]:
    """Every file of weights of the model directory that a training left."""
    return {path.name: path.read_bytes() for path in sorted((output / "model").glob("*.safetensors"))}


def assert_mean_of_members(model: Path, predict: Callable[[Path, Path], object], score: str) -> None:
    """What `predict`, which scores with a model directory into a folder, says with the directory of a training is the
    mean of what it says with directories of one member each, and these differ."""
    config = json.loads((model / "config.json").read_text())
    found = []
    for place, name in enumerate(config["members"]):
        alone = model.parent / f"member-{place}"
        shutil.copytree(model, alone, ignore=shutil.ignore_patterns("*.safetensors", "SHA256SUMS"))
        shutil.copy(model / name, alone / "model.safetensors")
        (alone / "config.json").write_text(json.dumps({key: one for key, one in config.items() if key != "members"}))
        predict(alone, model.parent / f"scored-{place}")
        found.append(rows(model.parent / f"scored-{place}")[score].to_numpy().astype(np.float64))
    predict(model, model.parent / "scored")
    together = rows(model.parent / "scored")[score].to_numpy()
    np.testing.assert_allclose(together, np.mean(found, axis=0), atol=1e-6)
    assert np.nanmax(np.abs(found[0] - found[1])) > 1e-4
