"""The code transformer answers as torch's padded and masked encoder."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from tests.workers.ehr.events.networks.histories import CODES, alone, some_sequences
from workers.ehr.events.networks import code_transformer

LENGTHS = [31, 30, 30, 29, 12, 12, 5, 5, 5, 1, 1]


def network(**settings):
    torch.manual_seed(6)
    settings = {"embedding": 12, "heads": 3, "feedforward": 20, "inputs": ("value", "delta", "ago"), **settings}
    config = code_transformer.Config(num_codes=CODES, num_outputs=2, **settings)
    model = code_transformer.build(config).eval().requires_grad_(False)
    if config.pooling == "cls":
        model.cls.normal_()
    return model


def by_torch(model, sequences):
    """`nn.TransformerEncoder` over a padded batch, with masks for padding and future."""
    config = model.config
    x = model.embed(sequences)
    if config.sinusoids:
        periods = 0.25 * (36_525 / 0.25) ** (torch.arange(config.frequencies) / (config.frequencies - 1))
        angles = [2 * torch.pi * sequences.columns[name][:, None] / periods for name in config.sinusoids]
        x = x + model.time(torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], 1))
    rows = list(x.split(sequences.lengths.tolist()))
    if config.pooling == "cls":
        token = model.cls[None]
        rows = [torch.cat([row, token] if config.causal else [token, row]) for row in rows]
    lengths = torch.tensor([len(row) for row in rows])
    padded = pad_sequence(rows, batch_first=True)
    padding = torch.arange(padded.shape[1]) >= lengths[:, None]
    future = nn.Transformer.generate_square_subsequent_mask(padded.shape[1]).isinf() if config.causal else None
    for layer in model.layers:
        padded = layer(padded, src_mask=future, src_key_padding_mask=padding)
    states = [model.norm(row[:n]) for row, n in zip(padded, lengths, strict=True)]
    pooled = {
        "mean": lambda row: row.mean(0),
        "last": lambda row: row[-1],
        "cls": lambda row: row[-1 if config.causal else 0],
    }[config.pooling]
    return model.head(torch.stack([pooled(row) for row in states]))


@pytest.mark.parametrize("pooling", ["cls", "last", "mean"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("sinusoids", [(), ("ago", "delta")])
def test_logits_equal_the_padded_encoders(pooling, causal, sinusoids):
    model = network(pooling=pooling, causal=causal, sinusoids=sinusoids)
    sequences = some_sequences(LENGTHS)
    torch.testing.assert_close(model(sequences), by_torch(model, sequences), rtol=0, atol=1e-5)


def test_a_record_alone_scores_as_among_others_in_any_order():
    model = network()
    sequences = some_sequences([3, 40, 1, 38, 39, 2, 90])
    one_by_one = torch.cat([model(alone(sequences, record)) for record in range(sequences.records)])
    torch.testing.assert_close(one_by_one, model(sequences), rtol=0, atol=1e-5)


def test_neighbours_of_about_equal_length_share_an_attention():
    groups = list(code_transformer.alike(torch.tensor([100, 95, 91, 89, 10, 10, 1])))
    assert [(group.begin, group.end) for group in groups] == [(0, 286), (286, 375), (375, 395), (395, 396)]


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValidationError, match="no multiple of 5 heads"):
        code_transformer.Config(num_codes=9, num_outputs=1, embedding=12, heads=5)
    with pytest.raises(ValidationError, match="sinusoids of ago: add it to inputs"):
        code_transformer.Config(num_codes=9, num_outputs=1, embedding=12, sinusoids=("ago",))
