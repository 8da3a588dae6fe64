"""A few seeds of the chaos campaign; `make chaos` runs two hundred, `make chaos-convert` fifty conversions."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.embedded_s3 import EmbeddedS3
from tests.chaos.__main__ import campaign

SEEDS = {"predict": 4, "objects": 1, "convert": 1, "genotypes": 1}


@pytest.mark.ray
@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_killing_drivers_and_workers_at_random_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedS3(tmp_path / "s3", "chaos") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        done = campaign(SEEDS, 1000, 2, tmp_path, server.endpoint_url)
    assert len(done) == sum(SEEDS.values())
    assert sum(seed.driver_kills + seed.worker_kills for seed in done) > 0
