"""The prepared records on the node that fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cluster.storage import StorageSettings
from schemas.errors import InfrastructureError
from tests.support.made_run import make_run
from workers.finished_runs.run import open_run
from workers.training.job.shown import local_rows


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_temporary_folder_is_told_with_the_remedy(tmp_path: Path) -> None:
    rows = pl.DataFrame({"record_id": [f"r{at}" for at in range(5)], "score": np.zeros(5, np.float32)})
    stage = open_run(make_run(tmp_path / "run", rows, ("score",)), StorageSettings()).stage
    (tmp_path / "shown.arrow").symlink_to("/dev/full")
    with pytest.raises(InfrastructureError, match=r"the prepared records do not fit .* set TMPDIR"):
        local_rows(stage, np.arange(5), ["score"], tmp_path / "shown.arrow")
