"""Objects in a bucket of S3 or of a server that speaks its protocol."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, InvalidRegionError, PartialCredentialsError, ProfileNotFound
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from cluster.storage.errors import ObjectChanged, ObjectMissing
from cluster.storage.objects import ObjectHead, ObjectInfo, PendingUpload
from cluster.storage.range_reader import HashSink, RangeReader
from cluster.storage.retry import Backoff, again, settled
from cluster.storage.s3_answers import Page, Paging, Unproved, head_of, info_of, is_md5_of, latest
from cluster.storage.s3_errors import Where
from cluster.storage.s3_reading import Bucket, S3Reading
from cluster.storage.settings import StorageSettings
from cluster.storage.stalls import Watch
from cluster.storage.uri import Uri
from schemas.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")


def open_s3(uri: Uri, settings: StorageSettings, backoff: Backoff, *, single_committer: bool = False) -> S3Store:
    """The store at `uri`, with a client of its own. Sends no request."""
    config = Config(
        # Every retry is ours: a conditional PUT that boto3 repeats in silence may be refused because of itself.
        retries={"total_max_attempts": 1, "mode": "standard"},
        s3={"addressing_style": settings.addressing},
        max_pool_connections=settings.max_pool_connections,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        # boto3 adds checksums of its own by default, which some servers refuse.
        request_checksum_calculation=settings.request_checksum,
        tcp_keepalive=True,
    )
    # Sessions are not safe for threads; the description of S3 that they load is, and takes a tenth of a second to read.
    session = Session()
    session.register_component("data_loader", _descriptions())
    with _settings_told():
        client = cast(
            "S3Client",
            session.create_client("s3", region_name=settings.region, endpoint_url=settings.endpoint_url, config=config),
        )
    where = Where(uri.bucket, client.meta.endpoint_url)
    bucket = Bucket(client, where, backoff, Watch(settings.read_timeout))
    return S3Store(uri, bucket, single_committer=single_committer)


@contextmanager
def _settings_told() -> Iterator[None]:
    """What boto3 refuses before any request. Its messages hold settings only, but for what follows a colon."""
    try:
        yield
    except ProfileNotFound:
        name = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
        raise UsageError(f"AWS_PROFILE names {name!r}, which is no profile of this user: correct or unset it") from None
    except PartialCredentialsError:
        raise UsageError(
            "half of the S3 credentials is there: set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from None
    except InvalidRegionError:
        raise UsageError("the region is no name of one: correct storage.region or AWS_REGION") from None
    except (ValueError, BotoCoreError) as error:
        raise UsageError(
            f"S3 cannot be reached as it is set up ({type(error).__name__}): an endpoint reads http://host:port or "
            "https://host:port; correct storage.endpoint_url, AWS_ENDPOINT_URL or the AWS config file"
        ) from None


@cache
def _descriptions() -> Loader:
    return create_loader()


class S3Store:
    """A prefix of a bucket. Keys are literal."""

    def __init__(self, uri: Uri, bucket: Bucket, *, single_committer: bool = False) -> None:
        root = uri.path.removesuffix("/")
        self.uri = str(Uri("s3", uri.bucket, root))
        self._prefix = f"{root}/" if root else ""
        self._reads = bucket
        self._bucket = uri.bucket
        self._client = bucket.client
        self.backoff = bucket.backoff
        self.single_committer = single_committer
        self._where = bucket.where

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects under `prefix`.

        They are collected and sorted, since not every server keeps S3's order (SeaweedFS goes folder by folder,
        directory buckets promise none).
        """
        found = latest(self._listed(prefix))
        # Consoles write empty objects named like folders.
        markers = (info.key.endswith("/") and info.size == 0 for info in found)
        objects = [info for info, marker in zip(found, markers, strict=True) if info.key and not marker]
        return iter(sorted(objects, key=lambda info: info.key.encode("utf-8", "surrogatepass")))

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        def read(item: Mapping[str, Any]) -> ObjectInfo:
            return info_of(self._where, self._name(item["Key"]), item)

        tokens = {"NextContinuationToken": "ContinuationToken"}
        paging = Paging(self._where, self._key(prefix), "Contents", tokens, read)
        return self._pages(self._client.list_objects_v2, paging, prefix)

    def _pages(self, question: Callable[..., Any], paging: Paging[T], prefix: str) -> Iterator[T]:
        after: Mapping[str, str] = {}
        while True:
            page = self._again(partial(self._page, question, paging, prefix, after))
            yield from page.items
            if not page.after:
                return
            after = page.after

    def _page(self, question: Callable[..., Any], paging: Paging[T], prefix: str, after: Mapping[str, str]) -> Page[T]:
        return paging.page(question(Bucket=self._bucket, Prefix=self._key(prefix), **after))

    def head(self, key: str) -> ObjectHead | None:
        """The object's size, etag and metadata."""
        try:
            return self._again(lambda: self._head(key))
        except ObjectMissing:
            return None

    def _head(self, key: str) -> ObjectHead:
        return head_of(self._where, key, self._client.head_object(Bucket=self._bucket, Key=self._key(key)))

    def version(self, key: str, etag: str | None) -> ObjectHead:
        """One HEAD, and others later where it says that there is none, or another one."""

        def attempt() -> ObjectHead:
            head = self._again(lambda: self._head(key))
            if etag not in (None, head.etag):
                raise ObjectChanged
            return head

        return settled(attempt, self.backoff)

    def get(
        self,
        key: str,
        start: int = 0,
        length: int | None = None,
        *,
        max_bytes: int | None = None,
        if_etag: str | None = None,
    ) -> bytes:
        """The body or a range of it, whole or not at all."""
        # HTTP has no empty range.
        if length == 0:
            return self._nothing(key, if_etag)

        def attempt() -> bytes:
            sink = io.BytesIO()
            self._reading(key, start=start, length=length, max_bytes=max_bytes, etag=if_etag).into(sink)
            return sink.getvalue()

        # Where its version is known it was seen: one answer that it is not there may be a lie.
        return attempt() if if_etag is None else settled(attempt, self.backoff)

    def _nothing(self, key: str, if_etag: str | None) -> bytes:
        self.version(key, if_etag)
        return b""

    def open_reader(self, key: str, *, if_etag: str | None = None) -> RangeReader:
        """Ranges of the version that is there now."""
        head = self.version(key, if_etag)
        return RangeReader(lambda start, length: self.get(key, start, length, if_etag=head.etag), head.size)

    def sha256(self, key: str) -> str:
        """Hex digest of the body."""
        sink = HashSink()
        self._reading(key).into(sink)
        return sink.hexdigest()

    def download(self, key: str, path: Path, *, if_etag: str | None = None) -> None:
        """Write the body to a local file."""

        def attempt() -> None:
            with path.open("wb") as sink:
                self._reading(key, etag=if_etag).into(sink)

        settled(attempt, self.backoff)

    def put_if_absent(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        """One PUT with `If-None-Match: *`; of a single committer one HEAD, then one plain PUT."""
        if self.single_committer:
            return self._put_if_unseen(key, body, metadata)
        try:
            self._put(key, body, metadata, IfNoneMatch="*")
        except ObjectChanged:  # 412, the answer to every condition that does not hold
            return False
        return True

    def _put_if_unseen(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        if self.head(key) is not None:
            return False
        self._put(key, body, metadata)
        return True

    def put(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> None:
        """One PUT, repeated if need be: the second replaces the first by the same."""
        again(lambda: self._put(key, body, metadata), self.backoff)

    def _put(self, key: str, body: bytes | Path, metadata: Mapping[str, str], **condition: Any) -> None:
        with ExitStack() as stack:
            content = stack.enter_context(body.open("rb")) if isinstance(body, Path) else body
            answer = self._where.ask(
                lambda: self._client.put_object(
                    Bucket=self._bucket, Key=self._key(key), Body=content, Metadata=dict(metadata), **condition
                )
            )
        # Only who has the body can answer with its MD5. Stores that give another etag are asked what lies there.
        if not is_md5_of(str(answer.get("ETag", "")).strip('"'), body):
            self._check_written(key, body, metadata)

    def _check_written(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> None:
        head = self.head(key)
        size = len(body) if isinstance(body, bytes) else body.stat().st_size
        # A gateway may keep no metadata.
        attempts = (head.metadata.get("attempt"), metadata.get("attempt")) if head else (None, None)
        if head is None or head.size != size or (None not in attempts and attempts[0] != attempts[1]):
            raise Unproved(f"{self._where}: a write was answered as done, and something else lies there")

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error to S3."""
        self._again(lambda: self._client.delete_object(Bucket=self._bucket, Key=self._key(key)))

    def stage_upload(self, key: str, body: bytes, metadata: Mapping[str, str]) -> Callable[[], bool]:
        """Send a multipart upload of one part; its completion is conditional."""
        name: Any = {"Bucket": self._bucket, "Key": self._key(key)}
        begun = self._again(lambda: self._client.create_multipart_upload(**name, Metadata=dict(metadata)))
        upload: Any = {**name, "UploadId": begun["UploadId"]}
        part = self._again(lambda: self._client.upload_part(**upload, PartNumber=1, Body=body))
        parts: Any = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}

        def complete() -> bool:
            try:
                self._where.ask(
                    lambda: self._client.complete_multipart_upload(**upload, MultipartUpload=parts, IfNoneMatch="*")
                )
            except ObjectChanged:
                return False
            return True

        return complete

    def pending_uploads(self, prefix: str = "") -> Sequence[PendingUpload]:
        """Multipart uploads that were neither completed nor aborted."""
        try:
            return tuple(self._uploads(prefix))
        except ObjectMissing:  # servers that do not know the question answer 404, and have no such uploads
            return ()

    def _uploads(self, prefix: str) -> Iterator[PendingUpload]:
        def read(item: Mapping[str, Any]) -> PendingUpload:
            when = item["Initiated"].astimezone(UTC)
            return PendingUpload(self._name(item["Key"]), item["UploadId"], when)

        tokens = {"NextKeyMarker": "KeyMarker", "NextUploadIdMarker": "UploadIdMarker"}
        paging = Paging(self._where, self._key(prefix), "Uploads", tokens, read)
        return self._pages(self._client.list_multipart_uploads, paging, prefix)

    def abort_upload(self, upload: PendingUpload) -> None:
        """Drop its parts; one that is gone is no error."""
        try:
            self._again(
                lambda: self._client.abort_multipart_upload(
                    Bucket=self._bucket, Key=self._key(upload.key), UploadId=upload.upload_id
                )
            )
        except ObjectMissing:
            return

    def _reading(self, key: str, **options: Any) -> S3Reading:
        return S3Reading(self._reads, self._key(key), **options)

    def _again(self, call: Callable[[], T]) -> T:
        return again(lambda: self._where.ask(call), self.backoff)

    def _key(self, key: str) -> str:
        return self._prefix + key

    def _name(self, key: str) -> str:
        return key[len(self._prefix) :]
