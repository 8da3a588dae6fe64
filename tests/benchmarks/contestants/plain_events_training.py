"""Train a GRU on histories with a plain PyTorch loop in one process, as PyHealth's `Trainer` does.

The samples lie in memory, come in random order, each batch padded to its longest and packed. The same network, batches,
optimiser and schedule as ours; torch has all cores.

Usage: plain_events_training.py ROOT LABELS EPOCHS
Prints one JSON object: `auroc` of the best epoch on the tuning subjects.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Subset

from tests.benchmarks.histories import CODES, data_files
from tests.benchmarks.labelled_histories import BATCH, EMBEDDING, HIDDEN, RATE

Sample = tuple[Tensor, float]


def samples(root: Path, labels: Path) -> tuple[list[Sample], np.ndarray]:
    """Codes and truth of every subject, and which are for tuning."""
    table = pq.read_table(labels)
    truth = dict(zip(table["subject_id"].to_pylist(), table["boolean_value"].to_pylist(), strict=True))
    names = pq.read_table(root / "metadata" / "codes.parquet", columns=["code"])["code"].to_pylist()
    index = {name: place + 1 for place, name in enumerate(names)}
    found: list[Sample] = []
    subjects: list[int] = []
    for path in data_files(root):
        rows = pq.read_table(path, columns=["subject_id", "code"])
        codes = np.array([index[code] for code in rows["code"].to_pylist()])
        subject, counts = np.unique(rows["subject_id"].to_numpy(), return_counts=True)
        parts = torch.from_numpy(codes).split(counts.tolist())
        found += [(part, float(truth[one])) for one, part in zip(subject.tolist(), parts, strict=True)]
        subjects += subject.tolist()
    return found, np.array(subjects) % 6 == 5


def collate(batch: list[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """Padded to the longest."""
    codes = pad_sequence([one for one, _ in batch], batch_first=True)
    lengths = torch.tensor([len(one) for one, _ in batch])
    return codes, lengths, torch.tensor([truth for _, truth in batch])


class Network(nn.Module):
    """Embedding, GRU, mean over the events, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(CODES + 1, EMBEDDING, padding_idx=0)
        self.rnn = nn.GRU(EMBEDDING, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 1)

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """(N,) logits."""
        packed = pack_padded_sequence(self.embedding(codes), lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.head(states.sum(1) / lengths[:, None])[:, 0]


def main() -> None:
    """Fit and tell."""
    root, labels, epochs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    every, tuned = samples(root, labels)
    train = DataLoader(Subset(every, np.flatnonzero(~tuned)), batch_size=BATCH, shuffle=True, collate_fn=collate)
    tuning = DataLoader(Subset(every, np.flatnonzero(tuned)), batch_size=BATCH, collate_fn=collate)
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
    steps = epochs * len(train)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / (0.05 * steps)) * (1 + math.cos(math.pi * step / steps)) / 2
    )
    loss = nn.BCEWithLogitsLoss()
    best = 0.0
    for _ in range(epochs):
        network.train()
        for codes, lengths, truth in train:
            optimiser.zero_grad()
            loss(network(codes, lengths), truth).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            scored = [(network(codes, lengths), truth) for codes, lengths, truth in tuning]
        logits, truths = (torch.cat([pair[place] for pair in scored]).numpy() for place in (0, 1))
        best = max(best, float(roc_auc_score(truths, logits)))
    print(json.dumps({"auroc": best}))


if __name__ == "__main__":
    main()
