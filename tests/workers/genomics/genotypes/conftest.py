"""One finished run for every test that reads its stages."""

from __future__ import annotations

import pytest

from tests.support.genotype_stages import ScoredRun, scored_run


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> ScoredRun:
    """A run of scores that is complete, shared by the tests and not to be changed (`ScoredRun`)."""
    return scored_run(tmp_path_factory.mktemp("scored"))
