"""A service over a small archive, and a store of it that is not patient."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.storage import StorageSettings
from tests.support.dicomweb_server import DicomWebServer
from tests.support.series import made, stored

QUICK = StorageSettings(attempts=3, backoff=0.01, read_timeout=1.0, page=3)


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials but those that a test gives."""
    for name in ("WARDROUND_DICOMWEB_TOKEN", "WARDROUND_DICOMWEB_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", "/dev/null")


@pytest.fixture
def service() -> Iterator[DicomWebServer]:
    """Two studies, of them one with two series."""
    bodies = [stored(one) for one in (*made(8), *made(4, series="1.2.3.8"))]
    (other,) = made(1, series="1.2.3.9")
    other.StudyInstanceUID, other.PatientID = "1.2.3.2", "other"
    with DicomWebServer([*bodies, stored(other)]) as server:
        yield server
