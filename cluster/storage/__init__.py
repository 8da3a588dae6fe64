"""Where bytes lie: local disks and S3, the conditional commit, and the cache of model directories."""

from cluster.storage.base import open_store, search_service
from cluster.storage.cache import Fetched, fetch_directory
from cluster.storage.commit import CommitResult, attempt_id, commit, own_metadata
from cluster.storage.dicomweb.keys import Key, Search
from cluster.storage.digest import digest_of, sha256_of
from cluster.storage.error_latching import ErrorLatchingReader
from cluster.storage.errors import (
    AccessRefusedError,
    NotAllowedError,
    ObjectChanged,
    ObjectError,
    ObjectForbidden,
    ObjectMissing,
    ObjectTooLarge,
    TransientError,
)
from cluster.storage.objects import ObjectHead, ObjectInfo, PendingUpload, Store
from cluster.storage.probe import ProbeResult, probe
from cluster.storage.retry import settled
from cluster.storage.settings import StorageSettings
from cluster.storage.uri import Uri, is_inside, join, parse, split
