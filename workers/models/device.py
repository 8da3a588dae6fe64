"""What every torch model shares: threads and precision, arrays to a tensor on the device, lack of memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def set_up(threads: int) -> None:
    """This process: `threads` CPU threads, float32 without TF32, cuDNN free to choose its fastest algorithm."""
    torch.set_num_threads(max(1, threads))
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


@contextmanager
def memory_error() -> Iterator[None]:
    """Turn what torch raises when memory is short into MemoryError."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError("the device ran out of memory") from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise MemoryError("the process ran out of memory") from error
