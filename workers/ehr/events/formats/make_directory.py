"""Make a model directory on events with randomly initialised weights, for trying things out. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from workers import registry
from workers.ehr.events.formats.write_directory import write_event_model
from workers.training.network import fresh_network

_CARD = """# An untrained model

The weights of this model are random numbers (seed {seed}). It was never trained: its scores mean nothing, and nobody
may act on them. It exists to try out the reading, the scoring and the speed of a network of kind `{network}`.

- task: {task}
- labels: {labels}
- codes in the vocabulary: {codes}
"""


def make_event_model_directory(
    folder: Path,
    network: str,
    codes: Path | pa.Table,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    labels: Sequence[str] = ("outcome",),
    activation: str = "sigmoid",
    **more: Any,
) -> Path:
    """Write the directory and return it. `model_card.md` in it says that it is untrained.

    `codes` is a MEDS `codes.parquet` or its table; a code's index is its place in the order of the codes unless the
    file has indices. `settings` are the network's own without the sizes of vocabulary and head; `more` are other keys
    of `config.json`. Raises SpecError if they do not fit.
    """
    table = _vocabulary(pq.read_table(codes) if isinstance(codes, Path) else codes)
    num_codes = max(table["code/vocab_index"].drop_null().to_pylist(), default=0) + 1
    own = {**(settings or {}), "num_codes": num_codes, "num_outputs": len(labels)}
    config = {
        "network": network,
        "settings": own,
        "head": {"activation": activation, "labels": list(labels)},
        "notes": f"untrained: randomly initialised weights, seed {seed}",
        **more,
    }
    write_event_model(folder, config, table, _weights(network, own, seed))
    card = _CARD.format(
        seed=seed, network=network, task=more.get("task") or "none", labels=", ".join(labels), codes=num_codes - 1
    )
    (folder / "model_card.md").write_text(card)
    return folder


def _vocabulary(table: pa.Table) -> pa.Table:
    if "code/vocab_index" in table.column_names:
        return table
    table = table.sort_by("code")
    return table.append_column("code/vocab_index", pa.array(range(1, table.num_rows + 1), pa.uint32()))


def _weights(network: str, settings: Mapping[str, Any], seed: int) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return dict(fresh_network(registry.networks("events"), network, settings).state_dict())
