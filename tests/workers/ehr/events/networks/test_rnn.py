"""The recurrent network on events answers as torch's own padded and packed one, however it is run."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from tests.workers.ehr.events.networks.histories import CODES, alone, padded_states, some_sequences
from workers.ehr.events.networks import recurrent, rnn
from workers.ehr.events.networks.slots import fill_slots, one_each

LENGTHS = [1, 7, 3, 30, 2, 2, 11, 1, 5, 64, 9]
KINDS = list(product(["gru", "lstm"], [1, 2], [False, True]))


def network(**settings):
    torch.manual_seed(3)
    settings = {"embedding": 6, "hidden": 10, "inputs": ("value", "delta", "ago", "age"), **settings}
    return rnn.build(rnn.Config(num_codes=CODES, num_outputs=2, **settings)).eval().requires_grad_(False)


def by_hand(model, sequences, pooling):
    """The same with torch's modules and a loop over the records."""
    x = model.embed.code.weight[sequences.code]
    value, delta, ago, age = (sequences.columns[name] for name in ("value", "delta", "ago", "age"))
    there = ~torch.isnan(value)
    x = x + model.embed.value(torch.stack([torch.where(there, value, 0.0), there.float()], 1))
    x = x + model.embed.delta(torch.log(1 + delta)[:, None]) + model.embed.ago(torch.log(1 + ago)[:, None])
    born = ~torch.isnan(age)
    x = x + model.embed.age(torch.stack([torch.where(born, torch.log(1 + age), 0.0), born.float()], 1))
    states, last = padded_states(model.rnn, x, sequences.lengths.tolist())
    if pooling == "mean":
        last = torch.stack([each.mean(0) for each in states])
    if pooling == "attention":
        last = torch.stack([torch.softmax(model.attention(each), 0).T @ each for each in states])[:, 0]
    return model.head(last)


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
@pytest.mark.parametrize(("cell", "layers", "bidirectional"), KINDS)
def test_both_ways_to_run_it_equal_the_padded_network(cell, layers, bidirectional, pooling):
    model = network(cell=cell, layers=layers, bidirectional=bidirectional, pooling=pooling)
    sequences = some_sequences(LENGTHS)
    expected = by_hand(model, sequences, pooling)
    torch.testing.assert_close(model(sequences), expected, rtol=0, atol=1e-5)
    model.accelerate()
    torch.testing.assert_close(model(sequences), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_record_alone_scores_as_among_others(cell):
    model = network(cell=cell)
    model.accelerate()
    sequences = some_sequences([*LENGTHS, 300])
    together = model(sequences)
    one_by_one = torch.cat([model(alone(sequences, record)) for record in range(sequences.records)])
    torch.testing.assert_close(one_by_one, together, rtol=0, atol=1e-6)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_slots_that_take_several_records_change_no_answer(width, monkeypatch):
    model = network(bidirectional=True, pooling="mean")
    sequences = some_sequences(LENGTHS)
    expected = model(sequences)
    monkeypatch.setattr(recurrent, "WIDTH", width)
    model.accelerate()
    torch.testing.assert_close(model(sequences), expected, rtol=0, atol=1e-6)


def test_a_vocabulary_too_large_for_a_table_changes_no_answer(monkeypatch):
    model = network(layers=2, bidirectional=True)
    sequences = some_sequences(LENGTHS)
    expected = model(sequences)
    monkeypatch.setattr(recurrent, "TABLE_BYTES", 0)
    model.accelerate()
    torch.testing.assert_close(model(sequences), expected, rtol=0, atol=1e-6)


def test_codes_alone_are_enough():
    model = network(inputs=())
    sequences = some_sequences(LENGTHS)
    expected = model(sequences)
    model.accelerate()
    torch.testing.assert_close(model(sequences), expected, rtol=0, atol=1e-6)


def test_every_event_has_its_place_and_no_step_is_wider_than_the_one_before():
    lengths = np.random.default_rng(0).geometric(0.05, 200)
    for slots in (fill_slots(lengths, 16), one_each(lengths)):
        order = slots.order()
        assert sorted(order) == list(range(lengths.sum()))
        assert (np.diff(slots.widths) <= 0).all()
        first = np.cumsum(lengths) - lengths
        for record in (0, 7, 199):
            places = slots.offsets[slots.start[record] + np.arange(lengths[record])] + slots.slot[record]
            assert (order[places] == first[record] + np.arange(lengths[record])).all()
    assert len(fill_slots(lengths, 16).widths) <= 1.05 * lengths.sum() / 16
