"""The S3 server of the tests: what a test sees of it."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.storage import StorageSettings, Store, open_store


@dataclass(frozen=True)
class S3:
    """A running SeaweedFS with one bucket. Its credentials stand in the environment of the test session."""

    endpoint_url: str
    bucket: str

    @property
    def settings(self) -> StorageSettings:
        """To reach it; gives up soon."""
        return self.through(self.endpoint_url)

    def through(self, endpoint_url: str) -> StorageSettings:
        """To reach it through a proxy."""
        return StorageSettings(endpoint_url=endpoint_url, attempts=4, backoff=0.01, read_timeout=10, connect_timeout=5)

    def store(self, prefix: str = "") -> Store:
        """A store in its bucket."""
        return open_store(f"s3://{self.bucket}/{prefix}", self.settings)
