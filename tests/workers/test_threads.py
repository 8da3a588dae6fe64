from __future__ import annotations

import subprocess
import sys

import pytest

from workers.threads import cap_threads


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_libraries_loaded_before_and_after_are_capped() -> None:
    code = (
        "import cv2; from workers.threads import cap_threads; cap_threads(1); import SimpleITK, os;"
        "print(cv2.getNumThreads(), SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads());"
        "print(os.environ['OMP_NUM_THREADS'])"
    )
    assert _run(code) == "1 1\n1"
    code = (
        "import SimpleITK; from workers.threads import cap_threads; cap_threads(1); import cv2;"
        "print(cv2.getNumThreads(), SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads())"
    )
    assert _run(code) == "1 1"


def test_torch_is_told_where_it_is_loaded_and_left_alone_where_only_decoders_are_capped() -> None:
    code = (
        "import torch, cv2; torch.set_num_threads(2); from workers.threads import cap_decoders, cap_threads;"
        "cap_decoders(1); print(torch.get_num_threads(), cv2.getNumThreads());"
        "cap_threads(1); print(torch.get_num_threads())"
    )
    assert _run(code) == "2 1\n1"


def test_nothing_is_imported_for_a_cap() -> None:
    code = "import sys; from workers.threads import cap_threads; cap_threads(2);"
    code += "print({'torch', 'cv2', 'SimpleITK'} & set(sys.modules))"
    assert _run(code) == "set()"


@pytest.mark.parametrize(("given", "kept"), [("", "128"), ("os.environ[name] = '7';", "7")])
def test_torch_keeps_few_shapes_unless_the_environment_says_how_many(given: str, kept: str) -> None:
    code = f"import os; from workers.threads import cap_threads; name = 'ONEDNN_PRIMITIVE_CACHE_CAPACITY'; {given}"
    assert _run(code + "cap_threads(1); print(os.environ[name])") == kept


def test_less_than_one_thread_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        cap_threads(0)
