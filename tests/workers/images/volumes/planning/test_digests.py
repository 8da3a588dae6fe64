"""Slices whose pixels are to be compared and never come have a fault, and stop nobody."""

from __future__ import annotations

import pytest

from cluster.storage import StorageSettings
from schemas.status import Status
from tests.support.dicom_files import settings, stored
from tests.support.dicomweb_server import DicomWebServer, Fault
from tests.support.series import facts_of, made
from workers.images.fetching import ObjectFetcher
from workers.images.volumes.planning.digests import PixelDigests

STORAGE = StorageSettings(attempts=2, backoff=0.01, read_timeout=1.0)


@pytest.mark.parametrize(("kind", "status"), [("half", Status.UNREADABLE), ("404", Status.MISSING)])
def test_pixels_that_never_come_are_a_fault_of_their_slice(
    monkeypatch: pytest.MonkeyPatch, kind: str, status: Status
) -> None:
    monkeypatch.setenv("NETRC", "/dev/null")
    bodies = [stored(one) for one in made(2, size=(400, 400))]
    with DicomWebServer(bodies) as service:
        digests = PixelDigests(ObjectFetcher([service.url], STORAGE, 1 << 30, 1, False), settings())
        rows = [{"uri": f"{service.url}/{key}", "etag": None} for key in service.keys]
        facts = facts_of(bodies)
        service.use(Fault(kind, f"{service.keys[0]}$", times=99))
        (broken,) = digests(rows[0], 0, [facts[0]])
        (good,) = digests(rows[1], 1, [facts[1]])
        digests.close()
    assert broken.fault is not None
    assert broken.fault.status is status
    assert broken.digest is None
    assert (good.fault, bool(good.digest)) == (None, True)
