"""Settings of storage access."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen


class StorageSettings(Frozen):
    """How to reach a store. Never secrets: credentials come from the usual chain of the AWS tools.

    `request_checksum`: `when_required` for servers that do not know the checksums which clients send since 2025.
    `attempts` requests are made before a failure counts, with pauses of `backoff` seconds, doubled each time up to
    `longest_backoff`, and jitter. They hold for local disks and mounts too, the rest for S3. `read_timeout`: seconds
    without a byte, and those that a body may take beside what its bytes need over a poor line. `forbidden`: whether an
    object that these credentials may not read is an outage, or ObjectForbidden (`cluster.storage.forbidden`).
    `requests` and `page` are of DICOMweb services: questions that a process has in hand at a time, and the entries of a
    list that it asks for at a time.
    """

    endpoint_url: str | None = None
    region: str | None = None
    addressing: Literal["auto", "path", "virtual"] = "auto"
    request_checksum: Literal["when_supported", "when_required"] = "when_supported"
    max_pool_connections: int = Field(default=64, ge=1, le=1024)
    connect_timeout: float = Field(default=10.0, gt=0)
    read_timeout: float = Field(default=30.0, gt=0)
    attempts: int = Field(default=8, ge=1, le=50)
    backoff: float = Field(default=0.2, ge=0)
    longest_backoff: float = Field(default=20.0, ge=0)
    forbidden: Literal["stop", "row"] = "stop"
    requests: int = Field(default=4, ge=1, le=256)
    page: int = Field(default=500, ge=1, le=100_000)
