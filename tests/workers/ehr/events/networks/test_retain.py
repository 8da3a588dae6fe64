"""RETAIN as its paper has it, and its contributions add up."""

from __future__ import annotations

import pytest
import torch

from tests.workers.ehr.events.networks.histories import CODES, alone, some_sequences
from workers.ehr.events.networks import retain

LENGTHS = [1, 7, 3, 30, 2, 2, 11, 64]


def network(**settings):
    torch.manual_seed(4)
    config = retain.Config(num_codes=CODES, num_outputs=3, embedding=6, hidden_alpha=5, hidden_beta=7, **settings)
    return retain.build(config).eval().requires_grad_(False)


def by_the_paper(model, sequences, record):
    """Equations (1) to (5), one record, visits turned round by hand."""
    one = alone(sequences, record)
    x = model.embed(one)
    visit = torch.arange(len(x)) if one.visit is None else one.visit
    v = torch.stack([x[visit == number].sum(0) for number in range(int(visit[-1]) + 1)])
    backwards = v.flip(0)[:, None]
    g = model.alpha_rnn(backwards)[0][:, 0].flip(0)
    h = model.beta_rnn(backwards)[0][:, 0].flip(0)
    alpha = torch.softmax(model.alpha(g), 0)
    beta = torch.tanh(model.beta(h))
    return model.head((alpha * beta * v).sum(0))


@pytest.mark.parametrize("inputs", [(), ("value", "delta", "ago")])
@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("by_visit", [False, True])
def test_logits_are_those_of_the_paper_and_contributions_sum_to_them(inputs, fast, by_visit):
    model = network(inputs=inputs)
    if fast:
        model.accelerate()
    sequences = some_sequences(LENGTHS)
    if not by_visit:
        sequences = type(sequences)(sequences.lengths, sequences.code, sequences.columns)
    expected = torch.stack([by_the_paper(model, sequences, record) for record in range(len(LENGTHS))])
    torch.testing.assert_close(model(sequences), expected, rtol=0, atol=1e-5)
    shares = model.contributions(sequences)
    summed = torch.stack([part.sum(0) for part in shares.split(LENGTHS)]) + model.head.bias
    torch.testing.assert_close(summed, expected, rtol=0, atol=1e-5)
    assert shares.abs().min(0).values.lt(shares.abs().max(0).values).all()
