"""A classifier over words by hand: the network adds up the numbers of a note's words."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.ehr.notes.formats.word_rnn_loaded import BUDGET, WordClassifier
from workers.ehr.notes.formats.word_tokens import COUNTS, WordNote


class Sums(nn.Module):
    """Logits: the sum of the words and their number."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[int]] = []

    def forward(self, notes: PackedSequence) -> Tensor:
        padded, lengths = pad_packed_sequence(notes, batch_first=True)
        self.batches.append(sorted(lengths.tolist()))
        return torch.stack([padded.sum(1).float(), lengths.float()], 1)


def classifier(network: Sums, activation: str = "none") -> WordClassifier:
    fields = [OutputField(name=f"score_{name}", type="float32", meaning=name) for name in ("sum", "number")]
    return WordClassifier(network, ModelCard("x", (*fields, *COUNTS), settings={"activation": activation}), "cpu")


def note(*words: int) -> WordNote:
    return WordNote(np.array(words, np.int32), len(words), 0)


def test_notes_of_any_length_are_scored_in_order_and_padding_adds_nothing() -> None:
    found = classifier(Sums()).score([note(1), note(5, 5, 5), note(2, 2)])
    assert found["score_sum"].tolist() == [1.0, 15.0, 4.0]
    assert found["score_number"].tolist() == [1.0, 3.0, 2.0]
    assert found["score_sum"].dtype == np.float32
    assert set(found) == {"score_sum", "score_number", *(field.name for field in COUNTS)}


def test_batches_are_as_large_as_the_budget_of_words_allows_and_change_no_score() -> None:
    network = Sums()
    model = classifier(network)
    assert model.ladder.budget == BUDGET["cpu"]
    model.ladder.budget = 4
    found = model.score([note(1), note(5, 5, 5), note(2, 2), note(3)])
    assert found["score_sum"].tolist() == [1.0, 15.0, 4.0, 3.0]
    assert all(sum(batch) <= 4 for batch in network.batches)
    assert len(network.batches) == 2


def test_the_activation_is_the_cards() -> None:
    found = classifier(Sums(), "softmax").score([note(1)])
    np.testing.assert_allclose([found["score_sum"], found["score_number"]], [[0.5], [0.5]])
