"""TLS is verified, nobody is followed, and no message names what was asked for."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from cluster.storage import ObjectMissing, Search, TransientError, open_store, search_service
from cluster.storage.dicomweb.faults import Busy
from cluster.storage.dicomweb.service import service_at
from cluster.storage.dicomweb.statuses import refuse
from schemas.errors import InfrastructureError
from tests.cluster.storage.dicomweb.conftest import QUICK
from tests.support.dicomweb_server import DicomWebServer, Fault
from tests.support.tls_proxy import TlsProxy, write_certificate


def test_a_certificate_that_nobody_vouches_for_is_refused_until_somebody_does(
    service: DicomWebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_certificate(tmp_path, "127.0.0.1")
    proxy = TlsProxy("127.0.0.1", service.port, certificate, key)
    try:
        uri = f"dicomweb+{proxy.address}/dicom-web"
        with pytest.raises(InfrastructureError, match="SSL_CERT_FILE"):
            open_store(uri, QUICK).get(service.keys[0])
        assert service.log == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        service_at.cache_clear()
        assert open_store(uri, QUICK).get(service.keys[0]) == service.body(service.keys[0])
    finally:
        proxy.close()


def test_a_redirect_is_not_followed_and_says_what_to_do(service: DicomWebServer) -> None:
    service.use(Fault("redirects", times=9))
    with pytest.raises(TransientError, match=r"leads elsewhere \(302\)"):
        open_store(service.url, QUICK).get(service.keys[0])


def test_a_service_that_nobody_answers_for_is_an_outage_without_a_word_of_what_was_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(TransientError) as caught:
        open_store("dicomweb+http://127.0.0.1:9/d", QUICK).get("studies/1.2/series/1.3/instances/1.4")
    assert "127.0.0.1:9" in str(caught.value)
    assert "1.4" not in str(caught.value) + caplog.text


def test_what_was_asked_is_in_no_log(service: DicomWebServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    open_store(service.url, QUICK).get(service.keys[0])
    assert "studies" not in caplog.text


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7), ("a date", 3000), ("soon", None), ("-1", None)],
)
def test_retry_after_is_seconds_or_a_date(told: str, seconds: float | None) -> None:
    if told == "a date":
        told = format_datetime(datetime.now(UTC) + timedelta(seconds=3000))
    with pytest.raises(TransientError) as caught:
        refuse("here", 503, {"Retry-After": told}, searched=False)
    if seconds is None:
        assert not isinstance(caught.value, Busy)
    else:
        assert isinstance(caught.value, Busy)
        assert abs(caught.value.after - seconds) < 60


def test_answers_without_success_and_without_bytes_leave_their_connection_as_it_was(service: DicomWebServer) -> None:
    settings = QUICK.model_copy(update={"requests": 1})
    for _ in range(3):
        list(search_service(service.url, settings, Search()))
    store = open_store(service.url, settings)
    service.use(Fault("404", f"{service.keys[0]}$", times=999), Fault("500", f"{service.keys[1]}$", times=2))
    for key in service.keys:
        with suppress(ObjectMissing):
            store.get(key)
    assert service.connections == 1
    questions = [target for target in service.log if target.endswith(service.keys[2])]
    assert len(questions) <= 2


@pytest.mark.parametrize("kind", ["200", "chunks", "gzip"])
def test_one_connection_serves_many_questions(service: DicomWebServer, kind: str) -> None:
    store = open_store(service.url, QUICK.model_copy(update={"requests": 1}))
    service.use(*([] if kind == "200" else [Fault(kind, times=99)]))
    for key in service.keys:
        store.get(key)
    assert service.connections == 1
