"""One finished run for every test that reads its stages."""

from __future__ import annotations

import pytest

from tests.support.genotype_stages import ScoredRun, scored_run


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> ScoredRun:
    """See ScoredRun. It is not to be changed."""
    return scored_run(tmp_path_factory.mktemp("scored"))
