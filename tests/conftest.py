"""Fixtures for all tests: a real S3 server, and a place of one's own on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from cluster.embedded_s3 import EmbeddedS3
from tests.support.seaweed import S3

BUCKET = "wardround"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """SeaweedFS for the whole session; its credentials are set in the environment as a user's would be."""
    with EmbeddedS3(tmp_path_factory.mktemp("seaweed"), BUCKET) as server, pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
            environment.delenv(name, raising=False)
        for name, value in server.environment.items():
            environment.setenv(name, value)
        environment.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield S3(server.endpoint_url, BUCKET)


@pytest.fixture(scope="session", autouse=True)
def _model_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Models that tests make are copied into a cache of the session's, not into the user's own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WARDROUND_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def bucket_prefix(s3: S3) -> str:
    """`s3://bucket/<unique>`: a prefix that no other test writes to."""
    return f"s3://{s3.bucket}/{uuid.uuid4().hex}"


@pytest.fixture(autouse=True)
def _no_upload_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does on S3, no multipart upload may stay behind: its owner would pay for it for ever."""
    server = request.getfixturevalue("s3") if "s3" in request.fixturenames else None
    yield
    if server is not None:
        assert server.store().pending_uploads() == ()
