"""Planes of a network's values that labels still need."""

import torch

from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.route import Route

MOST_BYTES = 2**28
"""Bytes of values that are looked at together, if three planes have not more."""


class Ring:
    """Planes along one axis of the network's grid, channels last, each within a border of zeros, which stands for all
    that was cut away. Plane 0 is such a border, plane 1 the first of values; behind the last is another.
    """

    def __init__(self, route: Route, axis: int, decision: Decision, device: str) -> None:
        self._axes = [axis, *(other for other in range(3) if other != axis)]
        self._limits = [route.limits(one) for one in self._axes]
        self._decision, self._device = decision, device
        self._planes: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._next = 0
        self.known = 0
        """So many planes are known, forgotten ones included."""
        self.most = 3
        """So many planes may be looked at together."""

    def add(self, values: torch.Tensor) -> None:
        """The next planes, (channels, i, j, k)."""
        taken = values.permute(*(1 + axis for axis in self._axes), 0)
        (low, high), rows, columns = self._limits
        if not self.known:
            self._keep(torch.zeros((rows[1] - rows[0], columns[1] - columns[0], len(values)), device=self._device))
            bytes_of_plane = 4 * len(values) * (rows[1] - rows[0] + 2) * (columns[1] - columns[0] + 2)
            self.most = max(3, MOST_BYTES // bytes_of_plane)
        for plane in taken:
            if low <= self._next < high:
                self._keep(plane[rows[0] : rows[1], columns[0] : columns[1]])
            self._next += 1

    def end(self) -> None:
        """The border behind the last plane."""
        self._keep(torch.zeros_like(self._planes[max(self._planes)][0])[1:-1, 1:-1])

    def span(self, low: float, high: float) -> tuple[int, int]:
        """First and last plane that places from `low` to `high` along the axis need, always two at least."""
        first, last = (int(one) for one in self._inside(torch.tensor([low, high]).double(), 0).tolist())
        last += self._inside(torch.tensor(high).double(), 0).item() > last
        if first == last:
            return (first - 1, last) if first else (first, last + 1)
        return first, last

    def counted(
        self, places: tuple[torch.Tensor, torch.Tensor, torch.Tensor], first: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Places on the network's grid as places in the planes from `first` on, and in their rows and columns."""
        plane, row, column = (self._inside(places[axis], number) for number, axis in enumerate(self._axes))
        return plane - first, row, column

    def planes(self, first: int, last: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Values (planes, rows, columns, channels), and what each voxel decides by itself: (1 or marks, planes, rows,
        columns)."""
        chosen = [self._planes[index] for index in range(first, last + 1)]
        return torch.stack([values for values, _ in chosen]), torch.stack([decided for _, decided in chosen], 1)

    def forget(self, first: int | None) -> None:
        """Planes before `first` are not needed any more; None: no plane is."""
        for index in [index for index in self._planes if first is None or index < first]:
            # The newest stays: the border behind the last plane is as large.
            if index < self.known - 1:
                del self._planes[index]

    @property
    def held(self) -> int:
        """How many planes are held."""
        return len(self._planes)

    def marked(self, values: torch.Tensor) -> torch.Tensor:
        """Whether a value is a mark."""
        if self._decision.late and self._decision.activation == "sigmoid":
            values = values.sigmoid()
        return values >= self._decision.threshold

    def _inside(self, place: torch.Tensor, number: int) -> torch.Tensor:
        low, high = self._limits[number]
        return (place - (low - 1)).clamp(0, high - low + 1)

    def _keep(self, plane: torch.Tensor) -> None:
        bordered = torch.nn.functional.pad(plane, (0, 0, 1, 1, 1, 1)).contiguous()
        self._planes[self.known] = bordered, self._decided(bordered)
        self.known += 1

    def _decided(self, plane: torch.Tensor) -> torch.Tensor:
        if self._decision.kind == "labels":
            return plane.argmax(2).to(torch.int16)[None]
        chosen = plane[..., list(self._decision.channels)]
        return self.marked(chosen).to(torch.int16).permute(2, 0, 1)
