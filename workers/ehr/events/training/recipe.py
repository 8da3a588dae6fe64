"""How a network on events is trained: histories go through the encoder of its model directory. Imports torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workers import registry
from workers.ehr.events.formats.batches import Shard
from workers.ehr.events.formats.encoder import Encoding, EventEncoder
from workers.ehr.events.formats.vocabulary import Vocabulary
from workers.ehr.events.networks.packed import PackedHistories
from workers.ehr.events.training.histories import HeldHistories
from workers.ehr.events.training.vocabulary import FittedVocabulary
from workers.training.held import Held, together
from workers.training.network import fresh_network, whole_settings

_COLUMN = "column."


class EventRecipe:
    """Implements `workers.training.recipe.Recipe`. Raises SpecError for settings that the network has not."""

    def __init__(
        self,
        network: str,
        settings: Mapping[str, Any],
        vocabulary: FittedVocabulary,
        encoding: Encoding,
        outputs: int,
        start: Path | None = None,
    ) -> None:
        self._start = start
        self.name, self.vocabulary, self.encoding = network, vocabulary, encoding
        decided = {"num_codes": vocabulary.num_codes, "num_outputs": outputs}
        self.settings = whole_settings(settings, decided)
        config: Any = self.network().config
        codes = Vocabulary(vocabulary.table, encoding.fallback)
        self._encoder = EventEncoder(codes, encoding, config.inputs, getattr(config, "visits", "event"))

    def network(self) -> nn.Module:
        """With fresh weights, or those of the model directory that it starts from."""
        return fresh_network(registry.networks("events"), self.name, self.settings, self._start)

    def batch(
        self,
        examples: Sequence[Held[HeldHistories]],
        targets: NDArray[np.float64],
        generator: np.random.Generator | None,
    ) -> tuple[Mapping[str, Tensor], Tensor]:
        """Longest histories first, as networks like them; `place` says where each one's logits belong."""
        held, records = together(examples)
        shard = Shard([self._encoder.encode(held.take(records))])
        order = np.argsort(-shard.lengths, kind="stable")
        packed = shard.sequences(order, torch.device("cpu"))
        batch = {"lengths": packed.lengths, "code": packed.code, "place": torch.from_numpy(order)}
        batch |= {f"{_COLUMN}{name}": column for name, column in packed.columns.items()}
        if packed.visit is not None:
            batch["visit"] = packed.visit
        return batch, torch.from_numpy(targets.astype(np.float32))

    def logits(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """In the order of the examples."""
        columns: dict[Any, Tensor] = {
            name.removeprefix(_COLUMN): column for name, column in batch.items() if name.startswith(_COLUMN)
        }
        packed = PackedHistories(batch["lengths"].cpu(), batch["code"], columns, batch.get("visit"))
        found: Tensor = network(packed)
        return torch.empty_like(found).index_copy(0, batch["place"], found)
