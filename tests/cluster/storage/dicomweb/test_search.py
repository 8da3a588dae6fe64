"""Planning by QIDO-RS: every instance once, from services that page as they like; what cannot be proved is refused."""

from __future__ import annotations

import pytest

from cluster.storage import Key, Search, StorageSettings, search_service
from schemas.errors import InfrastructureError, SpecError, StoreError, UsageError
from tests.cluster.storage.dicomweb.conftest import QUICK
from tests.support.dicomweb_server import DicomWebServer, Fault
from tests.support.series import ROOT

EVERYTHING = Search()
STUDY = Key("StudyInstanceUID", "0020000D", "UI", f"{ROOT}.1")
MODALITY = Key("Modality", "00080060", "CS", "MR")
PATIENT = Key("PatientID", "00100020", "LO", "other")


def found(service: DicomWebServer, search: Search = EVERYTHING, settings: StorageSettings = QUICK) -> list[str]:
    return list(search_service(service.url, settings, search))


@pytest.mark.parametrize("page", [1, 2, 3, 5, 500])
def test_every_instance_is_found_once_whatever_a_page_holds(service: DicomWebServer, page: int) -> None:
    assert found(service, settings=QUICK.model_copy(update={"page": page})) == service.keys
    assert len(service.keys) == 13


def test_a_service_that_gives_fewer_than_it_is_asked_for_is_asked_until_it_gives_none(service: DicomWebServer) -> None:
    service.most = 2
    assert found(service, settings=QUICK.model_copy(update={"page": 500})) == service.keys


def test_so_it_is_where_nothing_tells_how_many_there_are(service: DicomWebServer) -> None:
    service.tells_counts = False
    assert found(service) == service.keys
    service.most = 2
    assert found(service) == service.keys


def test_a_service_that_ignores_limit_and_offset_gives_all_at_once(service: DicomWebServer) -> None:
    service.heeds_limit = service.heeds_offset = False
    assert found(service) == service.keys


def test_a_service_that_ignores_offset_alone_cannot_be_paged_through(service: DicomWebServer) -> None:
    service.heeds_offset = False
    with pytest.raises(StoreError, match="does not know offset"):
        found(service)


def test_what_two_pages_have_counts_once(service: DicomWebServer) -> None:
    service.overlap = 1
    assert found(service) == service.keys


def test_a_list_with_fewer_than_it_is_said_to_have_is_asked_for_again_and_then_refused(service: DicomWebServer) -> None:
    service.more_told = 2
    with pytest.raises(InfrastructureError, match="more instances than it lists"):
        found(service)


@pytest.mark.parametrize("kind", ["html", "503", "half", "says nothing", "empty", "404"])
def test_a_page_that_is_none_is_asked_for_again(service: DicomWebServer, kind: str) -> None:
    if kind == "404":
        service.use(Fault(kind, "/series", times=99))
        with pytest.raises(InfrastructureError, match="vanished while it was planned"):
            found(service)
        return
    for path in (r"studies\?", r"series\?", r"instances\?"):
        service.use(Fault(kind, path, times=2))
        assert found(service) == service.keys


def test_lists_may_be_zipped_and_in_chunks(service: DicomWebServer) -> None:
    for kind in ("gzip", "chunks", "json"):
        service.use(Fault(kind, times=999))
        assert found(service) == service.keys
    assert service.headers[0]["Accept"] == "application/dicom+json"
    assert service.headers[0]["Accept-Encoding"] == "gzip"
    assert service.headers[0]["Cache-Control"] == "no-cache"


def test_an_address_without_a_service_is_told_as_one(service: DicomWebServer) -> None:
    with pytest.raises(UsageError, match="no DICOMweb service"):
        list(search_service(f"{service.url}/else", QUICK, Search()))


def test_a_search_that_is_refused_is_the_specs_fault(service: DicomWebServer) -> None:
    for kind, words in (("400", "correct"), ("413", "narrow")):
        service.use(Fault(kind, times=9))
        with pytest.raises(UsageError, match=rf"{words} input\.query"):
            found(service)


def test_keys_are_searched_by_at_their_level(service: DicomWebServer) -> None:
    series = Key("SeriesInstanceUID", "0020000E", "UI", "1.2.3.8")
    one = Key("SOPInstanceUID", "00080018", "UI", "1.2.3.8.2")
    of_series = [key for key in service.keys if "/series/1.2.3.8/" in key]
    assert found(service, Search(studies=((STUDY,),), series=((MODALITY, series),))) == of_series
    assert found(service, Search(series=((series,),), instances=((one,),))) == [of_series[1]]
    assert found(service, Search(studies=((PATIENT,),))) == [service.keys[0]]
    assert found(service, Search(studies=((STUDY, PATIENT),))) == []


def test_of_several_values_one_has_to_match_and_nothing_counts_twice(service: DicomWebServer) -> None:
    anybody = Key("PatientID", "00100020", "LO", "*")
    assert found(service, Search(studies=((STUDY,), (PATIENT,), (anybody,)))) == service.keys


def test_a_service_that_ignores_a_key_is_not_believed(service: DicomWebServer) -> None:
    service.heeds_keys = False
    with pytest.raises(SpecError, match="does not search by PatientID") as caught:
        found(service, Search(studies=((PATIENT,),)))
    assert "other" not in str(caught.value)


def test_an_instance_without_a_uid_cannot_be_planned(service: DicomWebServer) -> None:
    first = next(iter(service.files))
    service.files["1.2.3.2", "1.2.3.9", "../../.."] = service.files.pop(first)
    with pytest.raises(StoreError, match="without a valid UID"):
        found(service)


def test_a_list_that_never_comes_while_others_do_is_told_from_a_service_that_is_down(service: DicomWebServer) -> None:
    service.use(Fault("500", f"{ROOT}.1/series/1.2.3.8/instances", times=999))
    with pytest.raises(InfrastructureError, match="what lies in one of them") as caught:
        found(service)
    assert "1.2.3.8" not in str(caught.value)
    service.use(Fault("401", f"{ROOT}.1/series/1.2.3.8/instances", times=999))
    with pytest.raises(InfrastructureError, match="who asks") as caught:
        found(service)
    assert "what lies" not in str(caught.value)


def test_uids_may_be_padded_as_in_files(service: DicomWebServer) -> None:
    service.use(Fault("padded", times=999))
    assert found(service) == service.keys


def test_a_service_that_is_down_is_an_outage(service: DicomWebServer) -> None:
    service.everything = "503"
    with pytest.raises(InfrastructureError, match="503"):
        found(service)
