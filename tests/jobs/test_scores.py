"""The model's own answer, whatever the batch, the shard, the workers and the pool."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
import torch
import transformers
from PIL import Image

from tests.support.runs import rows, run

IMAGES = 70
TOLERANCE = 1e-5


def save_resnet(folder: Path) -> None:
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=3
    )
    transformers.ResNetForImageClassification(config).save_pretrained(folder)
    processor = {"image_processor_type": "ConvNextImageProcessor", "do_resize": True, "size": {"shortest_edge": 32}}
    save_processor(folder, {**processor, "crop_pct": 0.875})


def save_vit(folder: Path) -> None:
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        num_labels=3,
        problem_type="multi_label_classification",
    )
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    save_processor(
        folder, {"image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": 32, "width": 32}}
    )


def save_processor(folder: Path, settings: dict[str, object]) -> None:
    import json

    rest = {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "resample": 2}
    rest |= {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, **rest}))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colour images of several sizes, and one file that is none."""
    folder = tmp_path_factory.mktemp("archive")
    chance = np.random.default_rng(1)
    for number in range(IMAGES):
        shape = (40 + number % 3 * 8, 48 + number % 2 * 16, 3)
        cv2.imwrite(str(folder / f"{number:03d}.png"), chance.integers(0, 255, shape, dtype=np.uint8))
    (folder / "035-broken.png").write_bytes(b"\x89PNG\r\n\x1a\n not really")
    return folder


@pytest.fixture(scope="module", params=[save_resnet, save_vit], ids=["resnet", "vit"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face directory with seeded weights."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    request.param(folder)
    return folder


@pytest.fixture(scope="module")
def expected(archive: Path, model: Path) -> pl.DataFrame:
    """What transformers' own processor and model say, one image at a time."""
    processor = transformers.AutoImageProcessor.from_pretrained(model, backend="pil")
    network = transformers.AutoModelForImageClassification.from_pretrained(model).eval()
    multi = network.config.problem_type == "multi_label_classification"
    found = []
    for path in sorted(archive.glob("*.png")):
        if "broken" in path.name:
            found.append({"record_id": path.name, "status": "unreadable"} | dict.fromkeys(columns(network)))
            continue
        with Image.open(path) as image:
            inputs = processor(image.convert("RGB"), return_tensors="pt")
        with torch.inference_mode():
            logits = network(**inputs).logits[0]
        scores = logits.sigmoid() if multi else logits.softmax(0)
        values = dict(zip(columns(network), scores.tolist(), strict=True))
        found.append({"record_id": path.name, "status": "ok", **values})
    return pl.DataFrame(found, infer_schema_length=None)


def columns(network: transformers.PreTrainedModel) -> list[str]:
    return [f"score_{network.config.id2label[index].lower()}" for index in range(network.config.num_labels)]


def spec(archive: Path, model: Path, out: Path, compute: str) -> str:
    return f"""
job: predict
name: equality
input: {{collection: images, uri: {archive}}}
models: {{hf: {{uri: {model}}}}}
output: {{uri: {out}}}
compute: {{{compute}}}
"""


def assert_equal(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    assert found["record_id"].to_list() == expected["record_id"].to_list()
    assert found["status"].to_list() == expected["status"].to_list()
    names = [name for name in expected.columns if name.startswith("score_")]
    ours, theirs = (frame.select(names).drop_nulls().to_numpy() for frame in (found, expected))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)
    assert found.filter(pl.col("status") != "ok").select(names).null_count().sum_horizontal().item() == len(names)


@pytest.mark.parametrize(("batch", "shard"), list(itertools.product([1, 7, 64], [1, 10, 1000])))
def test_scores_equal_those_of_transformers_at_any_batch_and_shard_size(
    archive: Path, model: Path, expected: pl.DataFrame, tmp_path: Path, batch: int, shard: int
) -> None:
    run(spec(archive, model, tmp_path / "out", f"pool: serial, batch: {batch}, shard_records: {shard}"))
    assert_equal(rows(tmp_path / "out"), expected)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """One embedded Ray for the whole module."""
    from cluster.session import Session, SessionSettings

    with Session(SessionSettings(cpus=2)):
        yield


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.parametrize(
    ("model", "workers", "batch", "shard"),
    [
        (save, *case)
        for save in (save_resnet, save_vit)
        for case in [(2, 7, 10), (1, 7, 10), (2, 64, 10), (2, 1, 1), (2, 7, 1000)]
    ],
    indirect=["model"],
)
def test_scores_equal_those_of_transformers_with_any_number_of_ray_workers(
    cluster: None,
    archive: Path,
    model: Path,
    expected: pl.DataFrame,
    tmp_path: Path,
    workers: int,
    batch: int,
    shard: int,
) -> None:
    run(spec(archive, model, tmp_path / "out", f"workers: {workers}, batch: {batch}, shard_records: {shard}"))
    assert_equal(rows(tmp_path / "out"), expected)
