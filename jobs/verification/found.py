"""What a verification has read and found, and the reading of one object."""

from dataclasses import dataclass, field

from cluster.storage import ObjectMissing, Store, sha256_of
from schemas.run import FileRecord
from workers.collection import Recheck


@dataclass
class Verified:
    """What was read, and every fault that was found."""

    objects: int = 0
    rows: int = 0
    bytes: int = 0
    beside: int = 0
    """Objects in the directory that are not the run's, where nobody takes them for a part of it."""
    recheck: Recheck | None = None
    """What a sample of rows said when it was computed again; None where the collection cannot."""
    faults: list[str] = field(default_factory=list)

    def fault(self, text: str) -> None:
        """Note one."""
        self.faults.append(text)


def read(store: Store, key: str, found: Verified) -> bytes | None:
    """The bytes of an object, counted; None, and a fault, where it is gone."""
    try:
        # Two answers have to agree on which object it is, and it is not missing because one of them says so.
        body = store.get(key, if_etag=store.version(key, None).etag)
    except ObjectMissing:
        found.fault(f"{key} is missing")
        return None
    found.objects += 1
    found.bytes += len(body)
    return body


def check_bytes(store: Store, record: FileRecord, found: Verified) -> None:
    """Hold the bytes of an object against what the manifest says of them."""
    body = read(store, record.key, found)
    if body is not None:
        compare(record, len(body), sha256_of(body), found)


def compare(record: FileRecord, size: int, sha256: str, found: Verified) -> None:
    """Hold what was found of an object against its record."""
    if (size, sha256) != (record.bytes, record.sha256):
        found.fault(f"{record.key} is not the object that the manifest names: its sha256 differs")
