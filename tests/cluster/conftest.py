"""Fixtures shared by the tests of clusters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.ray_cluster import TokenCluster


@pytest.fixture(scope="session")
def token_cluster() -> Iterator[TokenCluster]:
    """A Ray cluster that asks for a token, with a dashboard that takes jobs."""
    cluster = TokenCluster()
    try:
        cluster.wait()
        yield cluster
    finally:
        cluster.stop()
