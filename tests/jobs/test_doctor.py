"""What collections say of a machine, and what is said where one cannot even be asked."""

from __future__ import annotations

import sys

import pytest

from jobs.doctor import examine

TABLE = "workers.images.decoding.transfer_syntax"


def test_a_collection_whose_packages_are_missing_is_a_warning_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("workers.images.doctor", TABLE):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "importlib.util", None)
    warned = [finding for finding in examine(None) if finding.what == "images"]
    assert [finding.state for finding in warned] == ["warn"]
    assert "pip install 'wardround[images]'" in warned[0].says
