"""Caps on the threads that numeric libraries start by themselves, and on what oneDNN keeps for each shape it meets.

Left alone, each of OpenBLAS, OpenMP, OpenCV, ITK, polars and torch starts a thread a core in every process.
"""

import os
import sys

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)

_SHAPES = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_SHAPES_KEPT = "128"
"""Layers on inputs of one shape whose plans torch's convolutions keep, with their scratch memory. oneDNN's own 1024 are
gigabytes where each image has another shape; DenseNet-121 on images of one shape needs about 120."""


def thread_variables(threads: int) -> dict[str, str]:
    """Environment for a child process whose numeric libraries are to use at most `threads` threads each."""
    return {**dict.fromkeys(_VARIABLES, str(threads)), _SHAPES: os.environ.get(_SHAPES, _SHAPES_KEPT)}


def cap_threads(threads: int) -> None:
    """Let every numeric library of this process, loaded or not, use at most `threads` threads.

    What is not loaded yet reads the environment when it is, so this belongs before the first heavy import; child
    processes inherit it. OpenCV, ITK and torch are set even when loaded, and none of them is imported for it.
    Raises ValueError for less than one thread.
    """
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    os.environ.update(thread_variables(threads))
    cap_decoders(threads)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(threads)


def cap_decoders(threads: int) -> None:
    """Cap OpenCV and ITK alone, where they are loaded: for a process whose model keeps its own threads."""
    if (cv2 := sys.modules.get("cv2")) is not None:
        cv2.setNumThreads(threads)
    if (sitk := sys.modules.get("SimpleITK")) is not None:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
