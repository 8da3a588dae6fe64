"""First act, second part: scikit-learn's handwritten digits. A network is trained on them and scores them all, and
those that it never saw are held against what they are."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from jobs.demo.stage_set import StageSet, package_folder
from schemas.spec import Spec
from workers.images.png import png_of

_PUTS = 16
COLUMNS = ("picture", "label", "split")


def digits() -> Iterator[tuple[str, bytes, int, str]]:
    """Name, PNG, digit and split of 1,797 pictures of 8 x 8 pixels, 0 to 240.

    A third is held out, a tenth of the rest is for tuning. Raises MissingExtraError.
    """
    package_folder("sklearn", "demo")
    from sklearn.datasets import load_digits  # noqa: PLC0415 - half a second

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    splits = np.full(len(order), "train", dtype="<U8")
    splits[order[: len(order) // 3]] = "held_out"
    splits[order[len(order) // 3 :][::10]] = "tuning"
    for place, image in enumerate(found.images):
        body = png_of((image * 15).astype(np.uint8))
        yield f"digit-{place:05d}.png", body, int(found.target[place]), str(splits[place])


def train(stage: StageSet, announce: Callable[[str], None]) -> Spec:
    """Put pictures and their table into the bucket; the spec that trains on them."""
    store, rows = stage.store("digits"), list(digits())
    with ThreadPoolExecutor(_PUTS) as pool:
        list(pool.map(lambda row: store.put(f"pictures/{row[0]}", row[1], {}), rows))
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows((name, digit, split) for name, _, digit, split in rows)
    store.put("labels.csv", text.getvalue().encode(), {})
    announce(f"{len(rows):,} handwritten digits are in the bucket, and a table of what they are")
    return stage.spec("demo-train.yaml")


def score(stage: StageSet, announce: Callable[[str], None]) -> Spec:
    """The spec that scores all of them with the network that was trained."""
    announce("the network is trained; its directory is scored with as any other")
    return stage.spec("demo-digits.yaml")


def evaluate(stage: StageSet, announce: Callable[[str], None]) -> Spec:
    """The spec that holds the scores of the digits that were kept apart against what they are."""
    announce("the digits that the training never read are evaluated")
    return stage.spec("demo-evaluate.yaml")


def accuracy(figures: Path) -> tuple[float, float, float]:
    """Share of held-out digits that were read right, and its interval, from `metrics.json`."""
    rows = json.loads((figures / "metrics.json").read_text())["outcomes"]["digit"]["all"]
    row = next(row for row in rows if row["figure"] == "accuracy")
    return row["value"], row["low"], row["high"]
