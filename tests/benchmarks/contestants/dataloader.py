"""Score histories with a plain PyTorch DataLoader, as PyHealth's `Trainer.inference` runs its recurrent model.

The samples lie in memory, come in random order in batches of 256, each padded to the longest of its batch, then packed
(`pack_padded_sequence`) for the GRU. torch has all cores. Only the loop over the batches is timed.

Usage: dataloader.py DATASET MODEL SUBJECTS OUT
Prints one JSON object: `seconds`, `events`. OUT gets `subject_id` and `p`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

from tests.benchmarks.histories import data_files

BATCH = 256


class Samples(Dataset[dict[str, object]]):
    """One subject a sample."""

    def __init__(self, root: Path, codes: Path, subjects: int) -> None:
        vocabulary = pq.read_table(codes, columns=["code", "code/vocab_index"])
        self.subjects: list[int] = []
        self.codes: list[Tensor] = []
        for path in data_files(root):
            table = pq.read_table(path, columns=["subject_id", "code"])
            places = np.asarray(pa.compute.index_in(table["code"], vocabulary["code"].combine_chunks()))
            index = torch.from_numpy(vocabulary["code/vocab_index"].to_numpy().astype(np.int64)[places])
            subject, counts = np.unique(table["subject_id"].to_numpy(), return_counts=True)
            self.subjects += subject.tolist()
            self.codes += [part.clone() for part in index.split(counts.tolist())]
            if len(self.subjects) >= subjects:
                break
        del self.subjects[subjects:], self.codes[subjects:]

    def __len__(self) -> int:
        return len(self.subjects)

    def __getitem__(self, place: int) -> dict[str, object]:
        return {"subject": self.subjects[place], "codes": self.codes[place]}


def collate(samples: list[dict[str, object]]) -> dict[str, object]:
    """Padded to the longest."""
    codes = [sample["codes"] for sample in samples]
    return {
        "subject": [sample["subject"] for sample in samples],
        "codes": pad_sequence(codes, batch_first=True),
        "lengths": torch.tensor([len(each) for each in codes]),
    }


class Network(nn.Module):
    """Embedding, GRU, linear."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        codes, width = weights["embed.code.weight"].shape
        self.embedding = nn.Embedding(codes, width)
        self.rnn = nn.GRU(width, weights["rnn.weight_hh_l0"].shape[1], batch_first=True)
        self.fc = nn.Linear(self.rnn.hidden_size, 1)
        names = {"embed.code.weight": "embedding.weight", "head.weight": "fc.weight", "head.bias": "fc.bias"}
        self.load_state_dict({names.get(name, name): tensor for name, tensor in weights.items()})

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """(N,) probabilities."""
        packed = pack_padded_sequence(self.embedding(codes), lengths, batch_first=True, enforce_sorted=False)
        _, hidden = self.rnn(packed)
        return torch.sigmoid(self.fc(hidden[-1]))[:, 0]


def main(root: Path, model: Path, subjects: int, out: Path) -> None:
    """Score each subject once."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    samples = Samples(root, model / "codes.parquet", subjects)
    network = Network(load_file(model / "model.safetensors")).eval()
    loader = DataLoader(samples, batch_size=BATCH, shuffle=True, collate_fn=collate)
    scored: list[int] = []
    scores: list[np.ndarray] = []
    began = time.perf_counter()
    with torch.inference_mode():
        for batch in loader:
            scores.append(network(batch["codes"], batch["lengths"]).numpy())
            scored += batch["subject"]
    seconds = time.perf_counter() - began
    pq.write_table(pa.table({"subject_id": scored, "p": np.concatenate(scores)}), out)
    print(json.dumps({"seconds": seconds, "events": sum(len(codes) for codes in samples.codes)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
