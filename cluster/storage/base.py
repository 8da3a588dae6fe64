"""Open the store that a uri points into."""

from collections.abc import Iterator

from cluster.storage.dicomweb.keys import Search
from cluster.storage.forbidden import PassingOver
from cluster.storage.local import LocalStore
from cluster.storage.objects import Store
from cluster.storage.retry import Backoff
from cluster.storage.settings import StorageSettings
from cluster.storage.uri import parse


def open_store(uri: str, settings: StorageSettings | None = None, *, single_committer: bool = False) -> Store:
    """The store whose root is `uri`: a folder or prefix that need not exist yet. Sends no request.

    `single_committer` is for a run directory whose spec says so: nothing is written under a condition.

    Raises UsageError for a scheme that is not known.
    """
    settings = settings or StorageSettings()
    store = _opened(uri, settings, single_committer)
    return PassingOver(store) if settings.forbidden == "row" else store


def search_service(uri: str, settings: StorageSettings, search: Search) -> Iterator[str]:
    """The keys of the instances that a DICOMweb service finds, each once, in order.

    Raises what `cluster.storage.dicomweb.search.instances` does.
    """
    from cluster.storage.dicomweb.store import open_dicomweb  # noqa: PLC0415

    return open_dicomweb(parse(uri), settings).search(search)


def _opened(uri: str, settings: StorageSettings, single_committer: bool) -> Store:
    parsed = parse(uri)
    backoff = Backoff(settings.attempts, settings.backoff, settings.longest_backoff)
    if parsed.scheme == "file":
        return LocalStore(parsed.path, backoff, single_committer=single_committer)
    # urllib3 is needed for nothing else.
    if parsed.is_service:
        from cluster.storage.dicomweb.store import open_dicomweb  # noqa: PLC0415

        return open_dicomweb(parsed, settings)
    # botocore takes a third of a second to import, which commands on local files need not pay.
    from cluster.storage.s3 import open_s3  # noqa: PLC0415

    return open_s3(parsed, settings, backoff, single_committer=single_committer)
