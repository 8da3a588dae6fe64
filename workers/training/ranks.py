"""Several processes that fit one network together: each has a part of every step."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from schemas.errors import InfrastructureError


class Ranks(Protocol):
    """This process among them."""

    @property
    def rank(self) -> int:
        """From 0 on."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def gpu(self) -> int:
        """The number of its own among several GPUs of its node."""

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Each becomes, in place, the sum over all processes."""

    def agreed(self, wish: bool) -> bool:
        """Whether any of them wishes it: all get the same answer."""

    def told(self, number: int) -> int:
        """The number of the first, for all."""


class Alone:
    """One process, the same code."""

    rank = 0
    size = 1
    gpu = 0

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Nothing to add."""

    def agreed(self, wish: bool) -> bool:
        """Its own wish."""
        return wish

    def told(self, number: int) -> int:
        """Its own."""
        return number


class TorchRanks:
    """Those of the process group of torch that is open."""

    def __init__(self) -> None:
        self.rank = torch.distributed.get_rank()
        self.size = torch.distributed.get_world_size()
        self._device = "cuda" if torch.distributed.get_backend() == "nccl" else None

    @property
    def gpu(self) -> int:
        """That which was set for it, or the next in turn."""
        return torch.cuda.current_device() if self._device else self.rank % torch.cuda.device_count()

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """One message for all of them."""
        if not tensors:
            return
        flat = torch.cat([tensor.reshape(-1).to(torch.float32) for tensor in tensors])
        # NCCL speaks between GPUs only.
        flat = flat.to(self._device or flat.device)
        try:
            torch.distributed.all_reduce(flat)
        except RuntimeError:
            raise InfrastructureError(
                "a process that fits the network together with others has ended: give the worker more memory if that "
                "happens again"
            ) from None
        at = 0
        for tensor in tensors:
            tensor.copy_(flat[at : at + tensor.numel()].reshape(tensor.shape))
            at += tensor.numel()

    def agreed(self, wish: bool) -> bool:
        """One message with all their wishes."""
        wishes = torch.tensor([float(wish)])
        self.add_up([wishes])
        return bool(wishes.item())

    def told(self, number: int) -> int:
        """One message with the first one's number, of up to 2**24 exactly."""
        numbers = torch.tensor([float(number if self.rank == 0 else 0)])
        self.add_up([numbers])
        return int(numbers.item())
