from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tests.benchmarks import answers
from tests.benchmarks.images import GROUP_ROWS, SIDE, image_files, read_some, record_id
from tests.benchmarks.network import OUTPUTS, decode_batch, network, score
from tests.benchmarks.ours import write_model
from workers.contract import Placement
from workers.images.formats import native
from workers.images.networks.fold import fold
from workers.images.prepare.plan import split
from workers.images.steps import parse_steps

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_files(tmp_path_factory.mktemp("bench"), 600)


def test_the_images_are_the_same_every_time_and_differ_from_each_other(images: Path, tmp_path: Path) -> None:
    again = pq.read_table(image_files(tmp_path, 600))
    first = pq.read_table(images)
    assert first.equals(again)
    assert first["id"].to_pylist() == [record_id(row) for row in range(600)]
    assert len(set(first["png"].to_pylist())) == 600
    assert pq.read_metadata(next(images.glob("*.parquet"))).row_group(0).num_rows == GROUP_ROWS
    assert decode_batch(first["png"].to_pylist()[:2]).shape == (2, 1, SIDE, SIDE)


@pytest.mark.parametrize("channels_last", [False, True])
def test_the_folded_network_answers_as_the_plain_one(images: Path, channels_last: bool) -> None:
    pixels = decode_batch(read_some(images, 16).values())
    folded = fold(network(), "cpu")
    if channels_last:
        folded = folded.to(memory_format=torch.channels_last)
    found = score(folded, pixels, channels_last)
    assert found.shape == (16, OUTPUTS)
    np.testing.assert_allclose(found, score(network(), pixels), rtol=0, atol=1e-6)


def test_the_model_directory_answers_as_the_plain_network(images: Path, tmp_path: Path) -> None:
    model_folder = write_model(tmp_path)
    card = native.FORMAT.describe(model_folder)
    steps, affine = split(parse_steps(card.prepare))
    assert not steps
    pixels = decode_batch(read_some(images, 8).values())
    values = native.FORMAT.load(model_folder, card, Placement("cpu", 1, affine)).forward(list(pixels[:, 0]))
    found = np.stack([values[f"score_{output:02d}"] for output in range(OUTPUTS)], axis=1)
    np.testing.assert_allclose(found, score(network(), pixels), rtol=0, atol=1e-6)


def test_a_contestant_that_leaves_out_a_record_is_found(images: Path) -> None:
    wanted = answers.expected(images)
    found = {record_id(row): np.zeros(OUTPUTS, np.float32) for row in range(600)} | dict(wanted)
    assert answers.check(found, 600, wanted) == 0
    del found[record_id(5)]
    with pytest.raises(answers.WrongAnswer, match="missing"):
        answers.check(found, 600, wanted)


def test_a_contestant_that_scores_otherwise_is_found(images: Path) -> None:
    wanted = answers.expected(images)
    found = {record_id(row): np.zeros(OUTPUTS, np.float32) for row in range(600)}
    with pytest.raises(answers.WrongAnswer, match="plain network"):
        answers.check(found, 600, wanted)
