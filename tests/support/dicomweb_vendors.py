"""Services as those of the field answer, by their conformance statements and issue threads, over real HTTP.

- Orthanc: what the real one answers (`tests.support.orthanc`): 400 for a form that it does not know, `[]` for nothing.
- dcm4chee: chunks, parts without a length, 204 for nothing, at most so many results with a warning of the rest
  (dcm4chee-arc-light, issues 484 and 2367), 206 in old versions, lists without an order (issue 4796).
- Google: one part or several, `transfer-syntax=*` ("DICOM conformance statement", Cloud Healthcare API).
- Azure: 400 for a page of more than 200, 406 for an unknown form, 204 for nothing (microsoft/dicom-server,
  docs/resources/conformance-statement.md).
- AWS: an instance without multipart (HealthImaging, "Getting a DICOM instance").
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from tests.support.dicomweb_server import BOUNDARY, Answered, DicomWebServer, unwrapped

MULTIPART = "multipart/related"
SINGLE = "application/dicom"


@dataclass(frozen=True)
class Vendor:
    """How a service answers. `gives`: forms of an instance that it knows, the first where it may choose; `refusal`: to
    others. `content_type`: of several parts, around `{boundary}`. `largest`: pages that are refused beyond. `most`:
    results that it gives at most, whatever the offset; `tells`: whether it warns of more. `nothing`, `behind`: its
    status for an empty list, and for one behind its end. `counts`: whether it knows how many there are below."""

    name: str
    prefix: str
    gives: tuple[str, ...] = (MULTIPART,)
    refusal: int = 406
    content_type: str = 'multipart/related; type="application/dicom"; boundary={boundary}'
    chunked: bool = False
    length_of_part: bool = True
    header: str = "Content-Type: application/dicom"
    largest: int = 10**9
    most: int = 10**9
    tells: str = ""
    nothing: int = 204
    behind: int = 204
    counts: bool = True
    fields: bool = True
    ordered: bool = True


ORTHANC = Vendor("Orthanc", "/dicom-web", refusal=400, nothing=200, behind=200)
DCM4CHEE = Vendor(
    "dcm4chee",
    "/dcm4chee-arc/aets/DCM4CHEE/rs",
    content_type='multipart/related;start="<x@resteasy-multipart>";type="application/dicom"; boundary={boundary}',
    chunked=True,
    length_of_part=False,
    header="content-type: application/dicom;transfer-syntax=1.2.840.10008.1.2.1\r\nContent-ID: <x@resteasy-multipart>",
    tells='299 dcm4chee "There are {rest} additional results that can be requested"',
)
GOOGLE = Vendor(
    "Google",
    "/v1/projects/p/locations/europe-west4/datasets/d/dicomStores/s/dicomWeb",
    gives=(MULTIPART, SINGLE),
    content_type='multipart/related; boundary="{boundary}"; type="application/dicom"; transfer-syntax=*',
    counts=False,
)
AZURE = Vendor("Azure", "/v2/partitions/Microsoft.Default", gives=(MULTIPART, SINGLE), largest=200, chunked=True)
AWS = Vendor("AWS", "/datastore/0123456789abcdef", gives=(SINGLE,), counts=False, behind=200, nothing=200)
PLAIN = Vendor("plain", "", fields=False, counts=False, nothing=404, behind=404, refusal=415, gives=(SINGLE,))
VENDORS = (ORTHANC, DCM4CHEE, GOOGLE, AZURE, AWS, PLAIN)


class VendorServer(DicomWebServer):
    """Serves these files as the vendor's service does, below `url`."""

    def __init__(self, files: Iterable[bytes], vendor: Vendor) -> None:
        super().__init__(files)
        self.vendor = vendor
        self.tells_counts = vendor.counts
        self._random = random.Random(4796)

    def __enter__(self) -> VendorServer:
        super().__enter__()
        self.url = f"dicomweb+http://127.0.0.1:{self.port}{self.vendor.prefix}"
        return self

    def answer(self, target: str, headers: Mapping[str, str]) -> Answered:
        """As the vendor's."""
        if not target.startswith(f"{self.vendor.prefix}/studies"):
            return Answered(404, b"<html>no such page</html>", "text/html")
        inner = "/dicom-web" + target.removeprefix(self.vendor.prefix)
        if re.search(r"/instances/[0-9.]+$", inner):
            return self._instance(super().answer(inner, headers), headers.get("Accept", ""))
        return self._searched(inner, headers)

    def _instance(self, found: Answered, accept: str) -> Answered:
        if found.status != 200 or found.cut is not None:
            return found
        forms = [form for form in self.vendor.gives if accept.startswith(form)]
        if not forms or "transfer-syntax=*" not in accept:
            return Answered(self.vendor.refusal, b"not so", "text/plain")
        body = unwrapped(found.body)
        if forms[0] == SINGLE:
            return Answered(200, body, "application/dicom")
        boundary = f"{BOUNDARY}'()+_,-./:=?"[: 20 if self.vendor.name == "Google" else len(BOUNDARY)]
        length = f"\r\nContent-Length: {len(body)}" if self.vendor.length_of_part else ""
        whole = (
            f"\r\n--{boundary}\r\n{self.vendor.header}{length}\r\n\r\n".encode() + body + f"\r\n--{boundary}--".encode()
        )
        kind = self.vendor.content_type.format(boundary=boundary)
        return Answered(200, whole, kind, chunked=self.vendor.chunked)

    def _searched(self, inner: str, headers: Mapping[str, str]) -> Answered:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(inner).query).items()}
        limit, offset = int(asked.get("limit", "100")), int(asked.get("offset", "0"))
        if limit > self.vendor.largest or (not self.vendor.fields and "includefield" in asked):
            with self._lock:
                self.log.append(inner)
            return Answered(400, b'{"why": "not so"}', "application/json")
        if not self.vendor.ordered:
            files = list(self.files.items())
            self._random.shuffle(files)
            self.files = dict(files)
        within = max(0, min(limit, self.vendor.most - offset))
        found = super().answer(re.sub(r"limit=\d+", f"limit={within}", inner), headers)
        if found.status == 204:
            status = self.vendor.behind if offset else self.vendor.nothing
            return Answered(status, b"[]", "application/dicom+json") if status == 200 else Answered(status)
        rest = max(0, self._count(inner) - offset - within)
        return self._warned(found, rest)

    def _warned(self, found: Answered, rest: int) -> Answered:
        if rest and self.vendor.tells == "206":
            return replace(found, status=206)
        told = self.vendor.tells.format(rest=rest) if rest else '299 it "The fuzzymatching parameter is not supported"'
        return replace(found, headers={**found.headers, "Warning": told}) if self.vendor.tells else found

    def _count(self, inner: str) -> int:
        """Entries of the whole list, whatever its keys: of use where everything is searched for."""
        within = re.findall(r"/(?:studies|series)/([0-9.]+)", inner)
        return len({uids[: len(within) + 1] for uids in self.files if list(uids[: len(within)]) == within})
