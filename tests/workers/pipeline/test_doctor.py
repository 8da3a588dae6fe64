"""What doctor says of torch."""

import sys

import pytest
import torch

from workers.pipeline.doctor import examine_torch


def test_the_installed_torch_is_told_with_its_threads_and_devices() -> None:
    installed, device = examine_torch()
    assert (installed.state, device.state) == ("ok", "ok")
    assert installed.says == f"{torch.__version__}, {torch.get_num_threads()} threads"
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    assert device.says.startswith(", ".join(names) or "CPU only; torch is built with")


def test_a_machine_without_torch_is_a_failure_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    (finding,) = examine_torch()
    assert (finding.state, finding.remedy, finding.exit_code) == ("fail", "pip install torch", 3)
