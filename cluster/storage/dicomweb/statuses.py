"""What the status of an answer means to us (RFC 9110; DICOM PS3.18, "HTTP Status Codes")."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cluster.storage.dicomweb.credentials import REMEDY
from cluster.storage.dicomweb.faults import Busy, Failed, Later, NotGiven
from cluster.storage.errors import AccessRefusedError, NotAllowedError, ObjectMissing, TransientError
from schemas.errors import UsageError

_LATER = frozenset({408, 409, 423, 425, 429, 503})
PROXY_REFUSES = "the proxy does not know who asks (407): correct HTTPS_PROXY"
_SEARCH_REFUSED = {
    400: "the search is refused (400): correct input.query",
    413: "the search finds more than the service gives (413): narrow input.query",
}
_REFUSED = {
    406: "it does not give instances as they are stored (406): let it answer transfer-syntax=*",
    415: "it does not give instances as they are stored (415): let it answer transfer-syntax=*",
    501: "it does not have what is asked for (501): QIDO-RS and WADO-RS are needed",
}


def refuse(where: str, status: int, headers: Mapping[str, str], *, searched: bool) -> None:
    """Raise what an answer without success means. `searched`: the question was a search.

    404 and 410 are ObjectMissing, 401 AccessRefusedError, 403 NotAllowedError; what may pass is a TransientError, of
    which one that the service itself takes for passing is Later; the rest is NotGiven.
    """
    if status in (200, 204) or (status == 206 and searched):
        return
    if status in (404, 410):
        raise ObjectMissing
    if status == 401:
        raise AccessRefusedError(f"{where}: it does not know who asks (401): {REMEDY}")
    if status == 407:
        raise AccessRefusedError(f"{where}: {PROXY_REFUSES}")
    if status == 403:
        raise NotAllowedError(f"{where}: it refuses this to these credentials (403)")
    if 300 <= status < 400:
        raise TransientError(f"{where}: it leads elsewhere ({status}): name in input.uri the address where it is")
    if searched and status in _SEARCH_REFUSED:
        raise UsageError(f"{where}: {_SEARCH_REFUSED[status]}")
    if status in _REFUSED and not (searched and status != 501):
        raise NotGiven(f"{where}: {_REFUSED[status]}", status)
    if status in _LATER or status >= 500:
        raise _failed(
            f"{where}: it is overloaded or down ({status}): run the same command again later", status, headers
        )
    raise NotGiven(f"{where}: it answers {status}: see its log", status)


def _failed(message: str, status: int, headers: Mapping[str, str]) -> TransientError:
    after = _seconds(headers.get("Retry-After", ""))
    if after is not None:
        return Busy(message, after)
    return Later(message) if status in _LATER else Failed(message, status)


def _seconds(text: str) -> float | None:
    """`Retry-After`: seconds, or a date."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
