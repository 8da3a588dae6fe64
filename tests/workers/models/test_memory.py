"""Lack of memory has one name, whoever raises it."""

import pytest
import torch

from workers.models.memory import memory_error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_every_library_is_short_of_memory_in_one_way(error: Exception) -> None:
    with pytest.raises(MemoryError), memory_error():
        raise error


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shape"), memory_error():
        raise RuntimeError("shape mismatch")
