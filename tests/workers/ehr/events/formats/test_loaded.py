"""Scores of whole shards by hand: the network adds up its codes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from schemas.errors import InfrastructureError
from schemas.outputs import OutputField
from schemas.status import Fault, Status
from workers.contract import ModelCard
from workers.ehr.events.formats import loaded
from workers.ehr.events.formats.encoder import EncodedEvents
from workers.ehr.events.formats.loaded import EventModelScorer
from workers.ehr.events.networks.packed import PackedHistories


class Sums(nn.Module):
    """Features of a record: the sum of its codes and their number. Logits are the features."""

    bytes_per_event = 8

    def __init__(self, most: int = 10**9) -> None:
        super().__init__()
        self.head = nn.Identity()
        self.most = most
        self.batches: list[int] = []

    def features(self, sequences: PackedHistories) -> Tensor:
        if len(sequences.code) > self.most:
            raise torch.OutOfMemoryError("no memory")
        self.batches.append(len(sequences.lengths))
        parts = sequences.code.split(sequences.lengths.tolist())
        return torch.tensor([[float(part.sum()), float(len(part))] for part in parts])


def card(embedding: bool = False) -> ModelCard:
    fields = [OutputField(name=f"score_{name}", type="float32", meaning=name) for name in ("sum", "number")]
    outputs = {"contributions": False, "embedding": embedding}
    return ModelCard(
        "events", tuple(fields), settings={"labels": ["sum", "number"], "activation": "none", "outputs": outputs}
    )


def encoded(*histories: list[int], refused: dict[int, Fault] | None = None) -> EncodedEvents:
    count = len(histories)
    return EncodedEvents(
        np.array([len(codes) for codes in histories]),
        np.array([code for codes in histories for code in codes], np.int32),
        {},
        None,
        np.linspace(0, 1, count, dtype=np.float32),
        np.arange(count) == 1,
        refused or {},
    )


def scorer(network: Sums, threads: int = 1, embedding: bool = False) -> EventModelScorer:
    return EventModelScorer(network, card(embedding), "cpu", threads)


def scores(values: Any) -> list[tuple[float, float]]:
    return list(zip(values["score_sum"].tolist(), values["score_number"].tolist(), strict=True))


HISTORIES = [[1], [5, 5, 5], [2, 2], [7], [1, 2, 3, 4]]
EXPECTED = [(1.0, 1.0), (15.0, 3.0), (4.0, 2.0), (7.0, 1.0), (10.0, 4.0)]


@pytest.mark.parametrize("threads", [1, 3])
def test_scores_come_in_the_order_of_the_records_whatever_the_parts_and_threads(threads: int) -> None:
    values = scorer(Sums(), threads).score([encoded(*HISTORIES[:2]), encoded(*HISTORIES[2:])])
    assert scores(values) == EXPECTED
    assert values["score_sum"].dtype == np.float32
    assert values["n_used"].tolist() == [1, 3, 2, 1, 4]
    assert values["n_used"].dtype == np.int32
    assert values["oov_rate"].tolist() == [0.0, 1.0, 0.0, 0.5, 1.0]
    assert values["truncated"].tolist() == [False, True, False, True, False]


def test_a_refused_record_scores_0_and_has_no_vector() -> None:
    network = Sums()
    refused = {1: Fault(Status.NO_EVENTS, "none")}
    values = scorer(network, embedding=True).score([encoded([1], [], [2, 2], refused=refused)])
    assert scores(values) == [(1.0, 1.0), (0.0, 0.0), (4.0, 2.0)]
    assert [list(vector) for vector in values["embedding"]] == [[1.0, 1.0], [], [4.0, 2.0]]


def test_a_batch_takes_what_the_networks_own_estimate_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    # 8 bytes an event: five events a batch, longest records first.
    monkeypatch.setattr(loaded, "BATCH_BYTES", 40)
    network = Sums()
    assert scores(scorer(network).score([encoded(*HISTORIES)])) == EXPECTED
    assert network.batches == [1, 2, 2]


def test_a_batch_without_memory_is_scored_in_halves_and_the_next_one_is_smaller() -> None:
    network = Sums(most=6)
    model = scorer(network)
    assert scores(model.score([encoded(*HISTORIES)])) == EXPECTED
    assert model.ladder.budget <= 6
    network.batches.clear()
    assert scores(model.score([encoded(*HISTORIES)])) == EXPECTED


def test_one_history_that_memory_does_not_hold_is_infrastructure_with_the_remedy() -> None:
    with pytest.raises(InfrastructureError, match=r"history of one record: .*encoding\.max_events"):
        scorer(Sums(most=3)).score([encoded(*HISTORIES)])
