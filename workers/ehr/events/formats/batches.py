"""The records of a shard as one. Imports torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.ehr.events.formats.encoder import EncodedEvents
from workers.ehr.events.formats.times import Integers, spread
from workers.ehr.events.networks.packed import PackedHistories


class Shard:
    """What an encoder gave for a whole shard."""

    def __init__(self, parts: Sequence[EncodedEvents]) -> None:
        self.parts = parts
        self.lengths: Integers = self.column("lengths")
        self.first: Integers = np.cumsum(self.lengths) - self.lengths
        self.events = int(self.lengths.sum())
        self._code = self.column("code")
        self._columns = {
            name: np.concatenate([part.columns[name] for part in parts]) for name in (parts[0].columns if parts else ())
        }
        self._visit = self.column("visit") if parts and parts[0].visit is not None else None

    def __len__(self) -> int:
        """Number of records."""
        return len(self.lengths)

    def column(self, name: str) -> NDArray[Any]:
        """One array of all parts."""
        found = [getattr(part, name) for part in self.parts]
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def places(self, records: Integers) -> Integers:
        """Where the events of these records lie, record by record."""
        return spread(self.first[records], self.lengths[records])

    def sequences(self, records: Integers, device: torch.device) -> PackedHistories:
        """These records on the device."""
        places = self.places(records)

        def on_device(array: NDArray[Any]) -> torch.Tensor:
            return torch.from_numpy(array[places]).to(device, non_blocking=True)

        return PackedHistories(
            lengths=torch.from_numpy(self.lengths[records]),
            code=on_device(self._code),
            columns={name: on_device(column) for name, column in self._columns.items()},
            visit=None if self._visit is None else on_device(self._visit),
        )
