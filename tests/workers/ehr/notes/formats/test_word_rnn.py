"""Recurrent networks over words give what plain torch gives for each note alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from schemas.errors import SpecError
from schemas.status import Status
from tests.support.text_models import notes
from workers.contract import Placement
from workers.ehr.notes.formats import word_rnn as word_format
from workers.ehr.notes.formats.word_tokens import RULES, Words
from workers.ehr.notes.networks import word_rnn
from workers.models.detect import describe

TEXTS = [*notes(40, longest=60), "zebra", "pneumonia zebra Pneumonia ZEBRA"]
VOCABULARY = sorted({word for text in notes(200, seed=3) for word in RULES["words"].findall(text.lower())})


def save(directory, weights_seed=2, max_tokens=50, **settings):
    settings = {
        "words": len(VOCABULARY) + 2, "num_outputs": 2, "embedding": 12, "hidden": 16, "attention": 8, **settings
    }  # fmt: skip
    torch.manual_seed(weights_seed)
    network = word_rnn.build(word_rnn.Config(**settings))
    config = {
        "format": "wardround-note-model",
        "format_version": 1,
        "network": "word_rnn",
        "settings": settings,
        "head": {"activation": "softmax", "labels": ["stable", "readmitted"]},
        "words": {"max_tokens": max_tokens},
    }
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "vocabulary.txt").write_text("\n".join(VOCABULARY) + "\n")
    save_file(network.state_dict(), directory / "model.safetensors")
    return directory, network.eval()


def numbers(text, most=50):
    known = {word: i + 2 for i, word in enumerate(VOCABULARY)}
    return [known.get(word, 1) for word in RULES["words"].findall(text.lower())][:most]


def plain(network, config, text):
    """One note through torch's own layers, without packing."""
    x = network.embedding(torch.tensor([numbers(text)]))
    states, ends = network.rnn(x)
    if config["pooling"] == "last":
        last = ends[0] if isinstance(ends, tuple) else ends
        pooled = torch.cat([last[-2], last[-1]], 1) if config["bidirectional"] else last[-1]
    elif config["pooling"] == "attention":
        layer = network.attention
        weights = torch.softmax((torch.tanh(layer.projection(states)) * layer.context).sum(-1), 1)
        pooled = (weights[..., None] * states).sum(1)
    else:
        pooled = states.mean(1) if config["pooling"] == "mean" else states.amax(1)
    return torch.softmax(network.classifier(pooled), 1)[0].numpy()


def scored(directory, texts, budget=16_384, steps=()):
    card = word_format.FORMAT.with_steps(word_format.FORMAT.describe(directory), steps)
    encoded = word_format.FORMAT.open_encoder(directory, card, 1).encode(texts)
    scorer = word_format.FORMAT.load(directory, card, Placement("cpu", 1))
    scorer.ladder.budget = budget
    return scorer.score([note.value for note in encoded])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_scores_are_those_of_plain_torch_note_by_note(tmp_path, cell, bidirectional, pooling):
    config = {"cell": cell, "bidirectional": bidirectional, "pooling": pooling, "layers": 2}
    directory, network = save(tmp_path, **config)
    assert describe(directory, "notes")[0] == "word-rnn"
    with torch.inference_mode():
        wanted = np.stack([plain(network, config, text) for text in TEXTS])
    for budget in (64, 16_384):
        found = scored(directory, TEXTS, budget)
        rows = np.stack([found["score_stable"], found["score_readmitted"]], 1)
        np.testing.assert_allclose(rows, wanted, rtol=0, atol=1e-6)
    assert wanted[:, 0].std() > 1e-3, "scores that never vary prove nothing"


def test_words_are_counted_and_a_long_note_says_that_it_was_cut(tmp_path):
    directory, _ = save(tmp_path, max_tokens=3)
    found = scored(directory, TEXTS)
    lengths = [len(numbers(text, 10**6)) for text in TEXTS]
    assert found["n_tokens"].tolist() == lengths
    assert found["truncated"].tolist() == [length > 3 for length in lengths]
    assert found["oov_rate"][-2:].tolist() == pytest.approx([1.0, 1 / 3])
    longer = scored(directory, TEXTS, steps=[Words(max_tokens=4, keep="end")])
    assert longer["oov_rate"][-1] == 0.5


def test_a_note_without_words_is_empty(tmp_path):
    directory, _ = save(tmp_path)
    card = word_format.FORMAT.describe(directory)
    (note,) = word_format.FORMAT.open_encoder(directory, card, 1).encode(["... !"])
    assert note.fault.status is Status.EMPTY


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_are_those_of_the_libraries_they_name(rule):
    from nltk.tokenize import WordPunctTokenizer

    text = "Mrs. O'Neil (67) had 38.5 °C, a_b c -- naïve"
    found = RULES[rule].findall(text)
    if rule == "wordpunct":
        assert found == WordPunctTokenizer().tokenize(text)
    elif rule == "two_up":
        assert found == ["Mrs", "Neil", "67", "had", "38", "a_b", "naïve"]
    else:
        assert found == [word for word in WordPunctTokenizer().tokenize(text) if word[0].isalnum()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words": 7}, "settings.words must be"),
        ({"num_outputs": 3}, "differs from the number of head.labels"),
        ({"hidden": 17}, "does not fit the network"),
        ({"pooling": "avg"}, "pooling"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path, change, message):
    directory, _ = save(tmp_path)
    config = json.loads((directory / "config.json").read_text())
    config["settings"] |= change
    (directory / "config.json").write_text(json.dumps(config))
    with pytest.raises(SpecError, match=message):
        word_format.FORMAT.load(directory, word_format.FORMAT.describe(directory), Placement("cpu", 1))


def test_a_word_that_stands_twice_in_the_vocabulary_is_refused(tmp_path):
    directory, _ = save(tmp_path)
    words = [*VOCABULARY[:-1], VOCABULARY[0]]
    (directory / "vocabulary.txt").write_text("\n".join(words))
    with pytest.raises(SpecError, match="twice"):
        word_format.FORMAT.describe(directory)


def test_the_network_loads_into_torch_s_own_layers():
    network = word_rnn.build(word_rnn.Config(words=10, num_outputs=1, cell="gru", hidden=4, embedding=3))
    nn.GRU(3, 4, batch_first=True).load_state_dict(network.rnn.state_dict())
