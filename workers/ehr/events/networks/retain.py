"""RETAIN: two recurrent networks that look back in time weigh the visits, so that a score is a sum over events.

Choi et al., RETAIN: An Interpretable Predictive Model for Healthcare using Reverse Time Attention Mechanism, NIPS 2016.
With v_i the sum of the embeddings of visit i: alpha = softmax over visits of `alpha`(`alpha_rnn`), beta_i =
tanh(`beta`(`beta_rnn`)), context = sum of alpha_i beta_i v_i, logits = `head`(context).

Names of weights: `embed.*` (`workers.ehr.events.networks.packed.EventEmbedding`), `alpha_rnn.*` and `beta_rnn.*`
(those of `torch.nn.GRU`), `alpha.*`, `beta.*`, `head.*` (linear).
"""

from typing import cast

import torch
from pydantic import Field
from torch import Tensor, nn

from workers.ehr.events.networks.packed import EventEmbedding, PackedHistories, softmax_by_record, sum_by_record
from workers.ehr.events.networks.recurrent import run_backwards
from workers.ehr.events.networks.rnn import run_packed
from workers.ehr.events.networks.settings import EventNetworkConfig, Visits


class Config(EventNetworkConfig):
    """`hidden_alpha` and `hidden_beta`: states of the two recurrent networks. `visits`: which events form one visit."""

    hidden_alpha: int = Field(default=64, ge=1, le=65_536)
    hidden_beta: int = Field(default=64, ge=1, le=65_536)
    visits: Visits = "time"


class Retain(nn.Module):
    """RETAIN as the module describes it: `PackedHistories` to (records, num_outputs) logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed = EventEmbedding(config.num_codes, config.embedding, config.inputs)
        self.alpha_rnn = nn.GRU(config.embedding, config.hidden_alpha)
        self.beta_rnn = nn.GRU(config.embedding, config.hidden_beta)
        self.alpha = nn.Linear(config.hidden_alpha, 1)
        self.beta = nn.Linear(config.hidden_beta, config.embedding)
        self.head = nn.Linear(config.embedding, config.num_outputs)
        self.dropout = nn.Dropout(config.dropout)
        self._fast = False

    @property
    def bytes_per_event(self) -> int:
        """What a batch takes for each of its events, about."""
        return 64 + 16 * (self.config.embedding + self.config.hidden_alpha + self.config.hidden_beta)

    def accelerate(self) -> None:
        """Run the recurrent layers by `workers.ehr.events.networks.recurrent` from now on. For evaluation, on a CPU."""
        self._fast = True

    def features(self, sequences: PackedHistories) -> Tensor:
        """(records, embedding): the context."""
        return sum_by_record(self._weighed(sequences), sequences)

    def forward(self, sequences: PackedHistories) -> Tensor:
        """Logits."""
        return cast(Tensor, self.head(self.dropout(self.features(sequences))))

    def contributions(self, sequences: PackedHistories) -> Tensor:
        """(events, num_outputs): what each event adds to the logits; with `head.bias` they sum to them, exactly."""
        # The head is linear, so it may be applied to each summand.
        return self._weighed(sequences) @ self.head.weight.t()

    def _weighed(self, sequences: PackedHistories) -> Tensor:
        """(events, embedding): each event's part of the context."""
        x = self.dropout(self.embed(sequences))
        visits, visit = _visits(sequences)
        v = x.new_zeros(len(visits.code), x.shape[1]).index_add_(0, visit, x)
        alpha = softmax_by_record(self.alpha(self._look_back(self.alpha_rnn, v, visits))[:, 0], visits)
        beta = torch.tanh(self.beta(self._look_back(self.beta_rnn, v, visits)))
        return cast(Tensor, (alpha[:, None] * beta)[visit] * x)

    def _look_back(self, rnn: nn.GRU, v: Tensor, visits: PackedHistories) -> Tensor:
        if self._fast:
            return run_backwards(rnn, v, visits.lengths)
        return run_packed(rnn, v, visits.lengths, backwards=True)[0]


def _visits(sequences: PackedHistories) -> tuple[PackedHistories, Tensor]:
    """The visits as sequences of their own, of which only the lengths count, and the visit of each event."""
    if sequences.visit is None:
        return sequences, torch.arange(len(sequences.code), device=sequences.code.device)
    counts = sequences.visit[sequences.last()] + 1
    first = torch.cumsum(counts, 0) - counts
    visits = PackedHistories(counts.cpu(), torch.empty(int(counts.sum()), device=counts.device), {})
    return visits, first[sequences.record()] + sequences.visit


build = Retain
