"""What every torch model shares: threads and precision."""

import torch


def set_up(threads: int) -> None:
    """This process: `threads` CPU threads, float32 without TF32, cuDNN free to choose its fastest algorithm."""
    torch.set_num_threads(max(1, threads))
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
