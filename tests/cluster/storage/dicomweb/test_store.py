"""Instances are read by WADO-RS: what is proved of an answer, what is asked again, and what is news of an instance."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from cluster.storage import (
    AccessRefusedError,
    NotAllowedError,
    ObjectForbidden,
    ObjectMissing,
    ObjectTooLarge,
    StorageSettings,
    TransientError,
    open_store,
)
from schemas.errors import InfrastructureError, UsageError
from tests.cluster.storage.dicomweb.conftest import QUICK
from tests.support.dicomweb_server import KINDS, DicomWebServer, Fault

INSTANCE = "/instances/"
AGAIN = [
    *("html", "html in parts", "json", "half", "half, in chunks", "without its last boundary", "empty", "no part"),
    *("without its last boundary, in chunks", "shorter than its part says", "two parts", "no boundary", "no DICOM"),
    *("half of a gzip", "no gzip, and says so", "as it is, half", "as it is, without an end", "says nothing"),
    *("redirects", "429", "500", "502", "503", "asks to wait", "other"),
]
GOOD = ["gzip", "chunks", "chunks without a size", "as it is"]
ELSEWHERE = {"403", "404", "410", "stalls", "nothing found", "of another study", "moved", "see there", "padded"}
REFUSED = {
    "400": (InfrastructureError, "it answers 400"),
    "401": (AccessRefusedError, "who asks"),
    "406": (InfrastructureError, "transfer-syntax"),
    "415": (InfrastructureError, "transfer-syntax"),
    "413": (InfrastructureError, "it answers 413"),
    "418": (InfrastructureError, "418"),
    "501": (InfrastructureError, "WADO-RS"),
    "asks to wait for an hour": (TransientError, "503"),
}


def test_every_kind_of_fault_is_tried_here() -> None:
    assert {*AGAIN, *GOOD, *REFUSED, *ELSEWHERE} == {*KINDS, "other"}


@pytest.mark.parametrize("kind", AGAIN)
def test_what_is_not_the_instance_is_asked_for_again(service: DicomWebServer, kind: str) -> None:
    store, key = open_store(service.url, QUICK), service.keys[0]
    service.use(Fault(kind, INSTANCE, times=2))
    assert store.get(key) == service.body(key)
    assert len(service.log) == 3
    service.use(Fault(kind, INSTANCE, times=2))
    with store.open_reader(key) as file:
        assert file.read() == service.body(key)


@pytest.mark.parametrize("kind", AGAIN)
def test_what_never_is_the_instance_is_no_news_of_it(service: DicomWebServer, kind: str) -> None:
    store, key = open_store(service.url, QUICK), service.keys[0]
    service.use(Fault(kind, INSTANCE, times=99))
    with pytest.raises(TransientError, match=r"tried [123] times") as caught:
        store.get(key)
    said = str(caught.value)
    assert service.url.removeprefix("dicomweb+") in said
    assert key not in said
    assert key.rpartition("/")[2] not in said


@pytest.mark.parametrize("kind", GOOD)
def test_an_instance_comes_in_all_the_ways_that_HTTP_has(service: DicomWebServer, kind: str) -> None:
    store, key = open_store(service.url, QUICK), service.keys[0]
    service.use(Fault(kind, INSTANCE, times=99))
    assert store.get(key) == service.body(key)
    with store.open_reader(key) as file:
        assert file.seek(0, 2) == len(service.body(key))
        file.seek(0)
        assert file.read(200) == service.body(key)[:200]


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_is_told_with_its_remedy(service: DicomWebServer, kind: str) -> None:
    kind_of_error, words = REFUSED[kind]
    service.use(Fault(kind, INSTANCE, times=99))
    key = service.keys[0]
    with pytest.raises(kind_of_error, match=words):
        open_store(service.url, QUICK).get(key)
    assert sum(target.endswith(key) for target in service.log) == (2 if kind in ("400", "406", "415") else 1)


@pytest.mark.parametrize("kind", ["404", "410"])
def test_what_is_not_there_is_asked_for_thrice_and_then_missing(service: DicomWebServer, kind: str) -> None:
    store, key = open_store(service.url, QUICK), service.keys[0]
    service.use(Fault(kind, INSTANCE, times=2))
    assert store.get(key) == service.body(key)
    service.use(Fault(kind, f"{key}$", times=99))
    with pytest.raises(ObjectMissing):
        store.get(key)
    with pytest.raises(ObjectMissing):
        store.open_reader(key)


def test_a_service_that_lists_instances_and_gives_none_has_no_missing_instance(service: DicomWebServer) -> None:
    service.use(Fault("404", INSTANCE, times=999))
    with pytest.raises(TransientError, match="none of the instances that it lists"):
        open_store(service.url, QUICK).get(service.keys[0])


def test_a_service_that_is_gone_behind_its_gateway_has_no_missing_instance(service: DicomWebServer) -> None:
    store, key = open_store(service.url, QUICK), service.keys[0]
    service.everything = "404"
    with pytest.raises(TransientError, match="no DICOMweb service any more"):
        store.get(key)


def test_a_service_that_was_emptied_has_no_missing_instance(service: DicomWebServer) -> None:
    store, key = open_store(service.url, QUICK), service.keys[0]
    service.files.clear()
    with pytest.raises(TransientError, match="no study at all"):
        store.get(key)


def test_an_instance_of_a_study_that_is_gone_is_missing(service: DicomWebServer) -> None:
    store, (key, *_) = open_store(service.url, QUICK), service.keys
    service.files.pop(next(uids for uids in service.files if uids[0] == "1.2.3.2"))
    with pytest.raises(ObjectMissing):
        store.get(key)


def test_one_instance_that_is_forbidden_is_told_from_credentials_that_are_worth_nothing(
    service: DicomWebServer,
) -> None:
    store, key = open_store(service.url, QUICK), service.keys[0]
    service.use(Fault("403", INSTANCE, times=99))
    with pytest.raises(NotAllowedError):
        store.get(key)
    with pytest.raises(ObjectForbidden):
        open_store(service.url, QUICK.model_copy(update={"forbidden": "row"})).get(key)
    service.everything = "403"
    with pytest.raises(AccessRefusedError, match="refuses everything"):
        open_store(service.url, QUICK.model_copy(update={"forbidden": "row"})).get(key)


def test_a_header_is_read_without_the_rest_of_the_instance(service: DicomWebServer) -> None:
    key = service.keys[0]
    uids = tuple(key.split("/")[1::2])
    large = service.body(key) + bytes(20 << 20)
    service.files[uids[0], uids[1], uids[2]] = (service.files[uids[0], uids[1], uids[2]][0], large)
    service.use(Fault("half", INSTANCE, times=99))
    with open_store(service.url, QUICK).open_reader(key) as file:
        assert file.read(1 << 16) == large[: 1 << 16]
        assert file.seek(0, 2) == len(large)
    assert len(service.log) == 1


def test_a_body_that_stands_still_is_given_up_and_asked_for_again(service: DicomWebServer) -> None:
    settings = QUICK.model_copy(update={"read_timeout": 0.2, "attempts": 2})
    slow = StorageSettings(attempts=1, read_timeout=0.2)
    key = service.keys[0]
    service.pause = 1.0
    began = time.monotonic()
    with pytest.raises(TransientError, match="ReadTimeoutError"):
        open_store(service.url, slow).get(key)
    with pytest.raises(TransientError, match="tried"):
        open_store(service.url, settings).get(key)
    assert time.monotonic() - began < 10


def test_a_service_that_asks_to_wait_is_left_alone_for_so_long(service: DicomWebServer) -> None:
    service.use(Fault("asks to wait", INSTANCE))
    began = time.monotonic()
    open_store(service.url, QUICK).get(service.keys[0])
    assert time.monotonic() - began >= 1.0


def test_what_is_larger_than_allowed_is_not_read(service: DicomWebServer) -> None:
    store, key = open_store(service.url, QUICK), service.keys[0]
    for kind in ("200", "chunks without a size"):
        service.use(*([Fault(kind, INSTANCE, times=9)] if kind in KINDS else []))
        with pytest.raises(ObjectTooLarge):
            store.get(key, max_bytes=100)


def test_parts_digests_and_files_are_those_of_the_instance(service: DicomWebServer, tmp_path: Path) -> None:
    store, key = open_store(service.url, QUICK), service.keys[1]
    body = service.body(key)
    assert store.get(key, 10, 20) == body[10:30]
    assert store.sha256(key) == hashlib.sha256(body).hexdigest()
    store.download(key, tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == body
    assert store.uri == service.url


def test_no_more_questions_are_in_hand_than_the_spec_allows(service: DicomWebServer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store = open_store(service.url, QUICK.model_copy(update={"requests": 2}))
    service.pause = 0.05
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(store.get, service.keys[:8])) == [service.body(key) for key in service.keys[:8]]
    assert service.most_at_once == 2


def test_a_service_is_only_read(service: DicomWebServer) -> None:
    store = open_store(service.url, QUICK)
    for call in (lambda: store.put("a", b"", {}), lambda: store.put_if_absent("a", b"", {}), lambda: store.delete("a")):
        with pytest.raises(UsageError, match=r"output\.uri"):
            call()
    for call in (store.list, lambda: store.head("a"), lambda: store.version("a", None)):
        with pytest.raises(UsageError, match="collection images"):
            call()
    with pytest.raises(UsageError, match="etag"):
        store.get(service.keys[0], if_etag="a")
    with pytest.raises(ObjectMissing):
        store.get("studies/1/../2")


def test_bytes_are_asked_for_as_they_are_stored(service: DicomWebServer) -> None:
    open_store(service.url, QUICK).get(service.keys[0])
    (asked,) = service.headers
    assert asked["Accept"] == 'multipart/related; type="application/dicom"; transfer-syntax=*'
    assert "Authorization" not in asked
