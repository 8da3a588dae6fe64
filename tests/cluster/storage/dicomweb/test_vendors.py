"""The same archive behind services that page, name their boundaries and refuse as those of the field do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cluster.storage import Key, ObjectMissing, Search, StorageSettings, open_store, search_service
from cluster.storage.dicomweb.faults import NeverGiven
from schemas.errors import InfrastructureError, SpecError, StoreError, UsageError
from tests.cluster.storage.dicomweb.conftest import QUICK
from tests.support.dicomweb_server import Fault
from tests.support.dicomweb_vendors import AWS, AZURE, DCM4CHEE, ORTHANC, PLAIN, VENDORS, Vendor, VendorServer
from tests.support.series import ROOT, made, stored

SMALL = QUICK
LARGE = QUICK.model_copy(update={"page": 500})
PATIENT = "a-canary-of-a-patient"


def archive() -> list[bytes]:
    files = [*made(8), *made(4, series="1.2.3.8")]
    for number, one in enumerate(made(5, series="1.2.3.9")):
        one.StudyInstanceUID = f"1.2.3.{2 + number}"
        files.append(one)
    for one in files:
        one.PatientName = PATIENT
    return [stored(one) for one in files]


@pytest.fixture(params=VENDORS, ids=[vendor.name for vendor in VENDORS])
def service(request: pytest.FixtureRequest) -> Iterator[VendorServer]:
    with VendorServer(archive(), request.param) as server:
        yield server


def serving(vendor: Vendor) -> VendorServer:
    return VendorServer(archive(), vendor)


@pytest.mark.parametrize("settings", [SMALL, LARGE], ids=["pages of 3", "pages of 500"])
def test_everything_is_found_and_read(service: VendorServer, settings: StorageSettings) -> None:
    assert list(search_service(service.url, settings, Search())) == service.keys
    store = open_store(service.url, LARGE)
    assert [store.get(key) for key in service.keys] == [service.body(key) for key in service.keys]
    with store.open_reader(service.keys[0]) as file:
        assert file.read(200) == service.body(service.keys[0])[:200]


def test_nothing_is_found_where_nothing_matches(service: VendorServer) -> None:
    nobody = Key("PatientID", "00100020", "LO", "nobody")
    assert list(search_service(service.url, LARGE, Search(studies=((nobody,),)))) == []


def test_one_instance_that_never_comes_or_is_gone_is_told_from_the_service(service: VendorServer) -> None:
    store, key = open_store(service.url, LARGE), service.keys[2]
    for kind, error in (("500", NeverGiven), ("404", ObjectMissing)):
        service.use(Fault(kind, f"{key}$", times=999))
        with pytest.raises(error) as caught:
            store.get(key)
        assert PATIENT not in str(caught.value)


def test_a_form_that_is_not_known_is_asked_for_once() -> None:
    with serving(AWS) as service:
        store = open_store(service.url, LARGE)
        for key in service.keys:
            store.get(key)
        assert len(service.log) == len(service.keys) + 1


def test_a_page_that_is_too_large_is_asked_for_once() -> None:
    with serving(AZURE) as service:
        list(search_service(service.url, LARGE, Search()))
        assert sum("limit=500" in target for target in service.log) == 1
        assert all("limit=100" in target for target in service.log[1:])


def test_a_search_that_is_refused_in_every_manner_is_the_specs_fault() -> None:
    with serving(replace(AZURE, largest=0)) as service, pytest.raises(UsageError, match=r"input\.query"):
        list(search_service(service.url, LARGE, Search()))


@pytest.mark.parametrize("tells", [DCM4CHEE.tells, "206"])
def test_a_service_that_keeps_back_results_and_says_so_is_not_believed(tells: str) -> None:
    with (
        serving(replace(DCM4CHEE, most=4, tells=tells, counts=False)) as service,
        pytest.raises(InfrastructureError, match="more studies than it lists"),
    ):
        list(search_service(service.url, SMALL, Search()))


def test_warnings_of_other_things_are_none_of_a_list() -> None:
    with serving(replace(ORTHANC, tells=DCM4CHEE.tells)) as service:
        assert list(search_service(service.url, LARGE, Search())) == service.keys


def test_a_service_that_lists_in_no_order_is_listed_until_nothing_new_comes_or_refused() -> None:
    with serving(replace(PLAIN, ordered=False)) as service:
        # One page has it all, in whatever order.
        assert list(search_service(service.url, LARGE, Search())) == service.keys
        outcomes = set()
        for _ in range(6):
            try:
                outcomes.add(tuple(search_service(service.url, SMALL, Search())))
            except StoreError:
                outcomes.add(())
        assert outcomes <= {(), tuple(service.keys)}


def test_an_empty_page_counts_where_it_comes_twice() -> None:
    with serving(replace(ORTHANC, counts=False)) as service:
        for path in (r"studies\?.*offset=0", r"studies\?.*offset=3", r"instances\?.*offset=3"):
            service.use(Fault("nothing found", path))
            assert list(search_service(service.url, SMALL, Search())) == service.keys


def test_a_study_that_is_named_is_found_in_a_service_that_does_not_page() -> None:
    key = Key("StudyInstanceUID", "0020000D", "UI", f"{ROOT}.1")
    with serving(ORTHANC) as service:
        service.heeds_offset = False
        of_it = [one for one in service.keys if f"studies/{ROOT}.1/" in one]
        assert list(search_service(service.url, LARGE, Search(studies=((key,),)))) == of_it


def test_a_list_of_another_place_is_asked_for_again_and_then_an_outage() -> None:
    with serving(ORTHANC) as service:
        service.use(Fault("of another study", r"series\?", times=1))
        with pytest.raises(InfrastructureError, match="another place"):
            list(search_service(service.url, LARGE, Search()))


def test_a_service_that_ignores_a_key_is_named_by_the_key_alone() -> None:
    with serving(DCM4CHEE) as service:
        service.heeds_keys = False
        name = Key("PatientID", "00100020", "LO", PATIENT)
        with pytest.raises(SpecError, match="PatientID") as caught:
            list(search_service(service.url, LARGE, Search(studies=((name,),))))
        assert PATIENT not in str(caught.value)
