"""An instance that never comes costs its own record where others come, and an outage where they do not."""

from __future__ import annotations

import pickle

import pytest

from cluster.storage import ErrorLatchingReader, ObjectMissing, TransientError, open_store
from cluster.storage.dicomweb.faults import NeverGiven
from schemas.errors import InfrastructureError, RecordError
from schemas.status import Status
from tests.cluster.storage.dicomweb.conftest import QUICK
from tests.support.dicomweb_server import DicomWebServer, Fault

WHY = {
    **{str(status): f"answers {status}" for status in (400, 406, 413, 415, 418, 500, 501, 502)},
    **dict.fromkeys(("html", "json", "empty", "no DICOM", "other", "two parts", "no boundary"), "not the instance"),
    **dict.fromkeys(("half", "half, in chunks", "says nothing"), "not answer to the end"),
    "half of a gzip": "not all of it",
    "without its last boundary": "not all of it",
}
PATIENT = QUICK.model_copy(update={"backoff": 0.02})


@pytest.mark.parametrize("kind", WHY)
def test_what_never_comes_while_others_do_is_a_record_that_is_unreadable(service: DicomWebServer, kind: str) -> None:
    store, key = open_store(service.url, QUICK), service.keys[3]
    service.use(Fault(kind, f"{key}$", times=999))
    for read in (lambda: store.get(key), lambda: store.open_reader(key).read()):
        with pytest.raises(NeverGiven, match=WHY[kind]) as caught:
            read()
        assert isinstance(caught.value, RecordError)
        assert caught.value.status is Status.UNREADABLE
        assert key.rpartition("/")[2] not in str(caught.value)
    others = [other for other in service.keys if other != key]
    assert [store.get(other) for other in others] == [service.body(other) for other in others]


def test_a_body_that_stands_still_for_ever_is_one_too(service: DicomWebServer) -> None:
    key = service.keys[3]
    service.use(Fault("stalls", f"{key}$", times=999))
    settings = QUICK.model_copy(update={"attempts": 1, "read_timeout": 0.3})
    with pytest.raises(NeverGiven, match="to the end"):
        open_store(service.url, settings).get(key)


def test_it_is_asked_for_apart_in_time_and_each_time_between_others_that_come(service: DicomWebServer) -> None:
    store, key, good = open_store(service.url, PATIENT), service.keys[3], service.keys[4]
    store.get(good)
    service.use(Fault("500", f"{key}$", times=999))
    with pytest.raises(NeverGiven):
        store.get(key)
    asked = [target.rpartition("/")[2] for target in service.log]
    one, other = key.rpartition("/")[2], good.rpartition("/")[2]
    assert asked == [one, one, one, other, one, other, one, other]
    # What a cache on the way has of them proves nothing.
    assert [headers.get("Cache-Control") for headers in service.headers] == [None] * 3 + ["no-cache"] * 5


@pytest.mark.parametrize("nth", [4, 5, 6])
def test_one_that_comes_after_all_is_the_instance(service: DicomWebServer, nth: int) -> None:
    store, key = open_store(service.url, QUICK), service.keys[3]
    service.use(Fault("500", f"{key}$", times=nth - 1))
    if nth == 6:
        with pytest.raises(NeverGiven):
            store.get(key)
    else:
        assert store.get(key) == service.body(key)


@pytest.mark.parametrize("kind", ["500", "html", "406", "says nothing"])
def test_where_no_other_comes_it_is_an_outage(service: DicomWebServer, kind: str) -> None:
    store, key = open_store(service.url, QUICK), service.keys[3]
    store.get(service.keys[4])
    service.use(Fault(kind, "/instances/", times=999))
    with pytest.raises(InfrastructureError) as caught:
        store.get(key)
    assert not isinstance(caught.value, RecordError)


def test_where_the_others_stop_coming_meanwhile_it_is_an_outage(service: DicomWebServer) -> None:
    store, key = open_store(service.url, QUICK), service.keys[3]
    store.get(service.keys[4])
    service.use(Fault("500", f"{key}$", times=999), Fault("500", "/instances/", nth=3, times=999))
    with pytest.raises(TransientError):
        store.get(key)


@pytest.mark.parametrize("kind", ["503", "429", "asks to wait for an hour", "401"])
def test_a_service_that_says_later_or_does_not_know_who_asks_says_nothing_of_the_instance(
    service: DicomWebServer, kind: str
) -> None:
    store, key = open_store(service.url, QUICK), service.keys[3]
    store.get(service.keys[4])
    service.use(Fault(kind, f"{key}$", times=999))
    with pytest.raises(InfrastructureError, match=r"401|429|503") as caught:
        store.get(key)
    assert not isinstance(caught.value, RecordError)


def test_the_only_instance_of_an_archive_has_no_witness(service: DicomWebServer) -> None:
    key = service.keys[0]
    service.files = {uids: found for uids, found in service.files.items() if uids[2] == key.rpartition("/")[2]}
    service.use(Fault("500", "/instances/", times=999))
    with pytest.raises(TransientError, match="500"):
        open_store(service.url, QUICK).get(key)


def test_others_are_looked_for_beside_it_and_then_in_other_studies(service: DicomWebServer) -> None:
    key = service.keys[-1]
    series = key.rpartition("/")[0]
    service.use(Fault("500", f"{series}/", times=999))
    with pytest.raises(NeverGiven):
        open_store(service.url, QUICK).get(key)
    given = [target for target in service.log if "/instances/" in target and series not in target]
    assert len(given) == 3


def test_a_file_that_breaks_off_for_ever_is_a_record_too_and_is_not_asked_for_at_each_read(
    service: DicomWebServer,
) -> None:
    store, key = open_store(service.url, QUICK), service.keys[3]
    uids = key.split("/")[1::2]
    header, body = service.files[uids[0], uids[1], uids[2]]
    service.files[uids[0], uids[1], uids[2]] = header, body + bytes(1 << 20)
    service.use(Fault("half", f"{key}$", times=999))
    with store.open_reader(key) as file:
        reader = ErrorLatchingReader(file)
        assert reader.read(100) == body[:100]
        with pytest.raises(NeverGiven):
            reader.read()
        count = len(service.log)
        with pytest.raises(NeverGiven):
            reader.read()
        assert len(service.log) == count
        with pytest.raises(NeverGiven):
            reader.raise_failure()


def test_a_file_that_breaks_off_and_is_said_to_be_gone_once_is_not_missing(service: DicomWebServer) -> None:
    store, key = open_store(service.url, QUICK), service.keys[3]
    uids = key.split("/")[1::2]
    header, body = service.files[uids[0], uids[1], uids[2]]
    service.files[uids[0], uids[1], uids[2]] = header, body + bytes(1 << 20)
    service.use(Fault("half", f"{key}$"), Fault("404", f"{key}$", nth=1))
    with store.open_reader(key) as file:
        assert file.read(10) == body[:10]
        assert file.read()[-10:] == bytes(10)
    service.use(Fault("half", f"{key}$"), Fault("404", f"{key}$", nth=1, times=999))
    with store.open_reader(key) as file, pytest.raises(ObjectMissing):
        file.read()


def test_after_it_others_are_tried_as_often_as_ever(service: DicomWebServer) -> None:
    store, key = open_store(service.url, QUICK), service.keys[3]
    for next_one in service.keys[9:11]:
        service.use(Fault("500", f"{key}$", times=999), Fault("502", f"{next_one}$", times=2))
        with pytest.raises(NeverGiven):
            store.get(key)
        assert store.get(next_one) == service.body(next_one)
        assert sum(target.endswith(next_one) for target in service.log) == 3


def test_it_travels_between_processes() -> None:
    again = pickle.loads(pickle.dumps(NeverGiven("why")))
    assert isinstance(again, RecordError)
    assert again.status is Status.UNREADABLE
