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

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Each becomes, in place, the sum over all processes."""

    def agreed(self, wish: bool) -> bool:
        """Whether any of them wishes it: all get the same answer."""


class Alone:
    """One process, the same code."""

    rank = 0
    size = 1

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Nothing to add."""

    def agreed(self, wish: bool) -> bool:
        """Its own wish."""
        return wish


class TorchRanks:
    """Those of the process group of torch that is open."""

    def __init__(self) -> None:
        self.rank = torch.distributed.get_rank()
        self.size = torch.distributed.get_world_size()

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """One message for all of them."""
        if not tensors:
            return
        flat = torch.cat([tensor.reshape(-1).to(torch.float32) for tensor in tensors])
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
