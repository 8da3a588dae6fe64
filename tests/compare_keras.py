"""Trains Keras's first example by Keras itself and by `job: train`, on the same digits, and compares both.

`python -m tests.compare_keras [--seeds N] [--epochs N]`: the network of jobs/specs/train-digits.yaml, its pictures,
split, scaling and batch, but Adam as Keras has it by default (0.001, constant), no smoothing, and the last epoch.
Prints a line a seed, then one JSON object: accuracies on the held-out third, means, standard deviations, and whether
the mean of ours lies among Keras's seeds; ends with 1 if it does not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import cv2
import numpy as np
import polars as pl
import torch
import yaml
from numpy.typing import NDArray

from jobs.demo.digits import digits
from tests.support.cli import ROOT
from tests.support.labelled_pictures import write
from tests.support.runs import run
from workers import registry
from workers.images.formats.native import FORMAT
from workers.models.weights import build_network

SEEDS, EPOCHS = 5, 5
FIT = {
    "learning_rate": 1e-3,
    "schedule": "constant",
    "warmup": 0,
    "weight_decay": 0,
    "clip": None,
    "keep": "last",
}
"""Adam as Keras has it by default."""


class Split(NamedTuple):
    """`images` (n, 1, rows, columns) float32, scaled as the spec says; `labels` (n,)."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def spec_of(folder: Path, seeds: Sequence[int], epochs: int) -> dict[str, Any]:
    """The example, with Adam as Keras has it."""
    text = (ROOT / "jobs" / "specs" / "train-digits.yaml").read_text(encoding="utf-8")
    spec: dict[str, Any] = yaml.safe_load(text.replace("../../", f"{folder}/"))
    batch = spec["input"]["fit"]["batch"]
    spec["input"]["fit"] = {**FIT, "epochs": epochs, "batch": batch}
    spec["input"]["seeds"] = list(seeds)
    return spec


def split_of(folder: Path, spec: dict[str, Any], name: str) -> Split:
    """The pictures of one split."""
    table = pl.read_csv(folder / "digits" / "labels.csv").filter(pl.col("split") == name)
    paths = [str(folder / "digits" / "pictures" / picture) for picture in table["picture"]]
    scale = next(step["standardise"] for step in spec["prepare"] if "standardise" in step)
    pixels = np.stack([cv2.imread(path, cv2.IMREAD_UNCHANGED) for path in paths])[:, None].astype(np.float32)
    images = (pixels - np.float32(scale["mean"][0])) / np.float32(scale["std"][0])
    return Split(images, table["label"].to_numpy())


def ours(folder: Path, spec: dict[str, Any], held_out: Split) -> Iterator[float]:
    """Accuracy of each seed of one `job: train`."""
    run(yaml.safe_dump(spec))
    model = folder / "runs" / "digits" / "model"
    card = FORMAT.describe(model)
    for weights in card.settings["weights"]:
        network = build_network(model, card, registry.networks("images"), weights).network
        with torch.inference_mode():
            logits = network(torch.from_numpy(held_out.images)).numpy()
        yield float(np.mean(logits.argmax(1) == held_out.labels))


def keras_s(spec: dict[str, Any], train: Split, held_out: Split, seeds: Sequence[int], epochs: int) -> Iterator[float]:
    """Accuracy of each seed of `keras.Model.fit` over the same network."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    given, layers = spec["input"]["network"]["settings"], keras.layers
    kernel = {"kernel_size": 3, "activation": "relu", "padding": given["padding"]}
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        parts = [layers.Input((*train.images.shape[2:], 1))]
        for features in (32, 64):
            parts += [layers.Conv2D(features, **kernel), layers.MaxPooling2D(2)]
        parts += [layers.Flatten(), layers.Dropout(given["dropout"]), layers.Dense(10, activation="softmax")]
        model = keras.Sequential(parts)
        model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
        batch = spec["input"]["fit"]["batch"]
        model.fit(_last(train.images), train.labels, batch_size=batch, epochs=epochs, verbose=0)
        scores = model.predict(_last(held_out.images), verbose=0)
        yield float(np.mean(scores.argmax(1) == held_out.labels))


def _last(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def _told(who: str, accuracies: Iterator[float]) -> list[float]:
    found = []
    for seed, accuracy in enumerate(accuracies):
        found.append(accuracy)
        print(f"{who:<8}seed {seed}   {accuracy:.4f}", flush=True)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Both, and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, choices=range(2, 101), metavar="N")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args(argv)
    seeds = range(arguments.seeds)
    with tempfile.TemporaryDirectory(prefix="wardround-keras-") as name:
        folder = Path(name)
        write(digits(), folder / "digits")
        spec = spec_of(folder, seeds, arguments.epochs)
        train, held_out = (split_of(folder, spec, part) for part in ("train", "held_out"))
        theirs = _told("keras", keras_s(spec, train, held_out, seeds, arguments.epochs))
        mine = _told("ours", ours(folder, spec, held_out))
    within = min(theirs) <= mean(mine) <= max(theirs)
    figures = {
        f"{who}_{name}": round(of(found), 4)
        for who, found in (("ours", mine), ("keras", theirs))
        for name, of in (("mean", mean), ("sd", stdev), ("lowest", min), ("highest", max))
    }
    print(json.dumps({**figures, "within": within, "train": len(train.labels), "held_out": len(held_out.labels)}))
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
