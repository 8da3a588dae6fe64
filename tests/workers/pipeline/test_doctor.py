"""What doctor says of torch."""

import sys

import pytest
import torch

from workers.pipeline.doctor import torch_facts


def test_the_installed_torch_is_told_with_its_threads_and_devices() -> None:
    facts = torch_facts()
    assert facts is not None
    assert facts.version == torch.__version__
    assert facts.threads == torch.get_num_threads()
    assert len(facts.devices) == torch.cuda.device_count()
    assert facts.cuda == torch.version.cuda


def test_a_machine_without_torch_has_no_facts_rather_than_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert torch_facts() is None
