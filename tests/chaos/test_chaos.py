"""A few seeds of the chaos campaign; `make chaos` runs two hundred, `make chaos-convert` fifty conversions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from cluster.embedded_s3 import EmbeddedS3
from tests.chaos.__main__ import campaign

FEW = {"predict": 2, "convert": 1}
MORE = {"predict": 4, "objects": 2, "convert": 2, "genotypes": 2}


@pytest.mark.ray
@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", [FEW, pytest.param(MORE, marks=pytest.mark.long)], ids=["few", "more"])
def test_killing_drivers_and_workers_at_random_changes_nothing(
    seeds: Mapping[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedS3(tmp_path / "s3", "chaos") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        done = campaign(dict(seeds), 1000, 2, tmp_path, server.endpoint_url)
    assert len(done) == sum(seeds.values())
    assert sum(seed.driver_kills + seed.worker_kills for seed in done) > 0
