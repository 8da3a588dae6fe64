"""Make a model directory on events with randomly initialised weights, for trying things out. Imports torch."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import save_file

from schemas.loading import validate
from workers import registry
from workers.ehr.events.formats.directory import CODES, FORMAT, EventModel, EventModelConfig
from workers.models.network_directory import CONFIG, WEIGHTS

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
        "format": EventModel.name,
        "format_version": 1,
        "network": network,
        "settings": own,
        "head": {"activation": activation, "labels": list(labels)},
        "notes": f"untrained: randomly initialised weights, seed {seed}",
        **more,
    }
    checked = validate(EventModelConfig, config, CONFIG)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config, indent=1))
    pq.write_table(table, folder / CODES)
    save_file(_weights(network, own, seed), folder / WEIGHTS)
    card = _CARD.format(
        seed=seed, network=network, task=checked.task or "none", labels=", ".join(labels), codes=num_codes - 1
    )
    (folder / "model_card.md").write_text(card)
    FORMAT.describe(folder)
    return folder


def _vocabulary(table: pa.Table) -> pa.Table:
    if "code/vocab_index" in table.column_names:
        return table
    table = table.sort_by("code")
    return table.append_column("code/vocab_index", pa.array(range(1, table.num_rows + 1), pa.uint32()))


def _weights(network: str, settings: Mapping[str, Any], seed: int) -> dict[str, torch.Tensor]:
    module = registry.networks("events").load(network)
    config = validate(module.Config, settings, f"{CONFIG}: settings")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state: dict[str, torch.Tensor] = module.build(config).state_dict()
    return state
