"""What an answer of S3, or the lack of one, means to us.

Codes: "Error responses", Amazon S3 API Reference. The messages of boto3 are never passed on: they may hold the key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore import exceptions as boto
from urllib3.exceptions import HTTPError as Urllib3Error

from cluster.storage.errors import AccessRefusedError, ObjectChanged, ObjectError, ObjectMissing, TransientError
from schemas.errors import InfrastructureError, StoreError, UsageError

T = TypeVar("T")

_TRANSIENT_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_TRANSIENT_CODES = frozenset(
    {"SlowDown", "InternalError", "RequestTimeout", "ServiceUnavailable", "OperationAborted", "BadDigest", "Throttling"}
)
_MISSING_CODES = frozenset({"NoSuchKey", "KeyTooLongError", "NoSuchUpload", "NoSuchVersion"})
_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or an instance role"
_REMEDIES = {
    "AccessDenied": "allow s3:GetObject, s3:PutObject and s3:ListBucket to these credentials (without s3:ListBucket "
    "a missing object is answered so too)",
    "403": f"a wrong key or secret ({_CREDENTIALS}), or no s3:GetObject, s3:PutObject or s3:ListBucket for them",
    "InvalidAccessKeyId": f"the store does not know these credentials: {_CREDENTIALS}",
    "SignatureDoesNotMatch": f"the secret key is wrong: {_CREDENTIALS}",
    "ExpiredToken": "the session has expired: renew the credentials",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
    "InvalidObjectState": "the object is archived: restore it first",
    "PermanentRedirect": "the bucket lies in another region: set storage.region",
    "AuthorizationHeaderMalformed": "the bucket lies in another region: set storage.region",
    "InvalidDigest": "the store does not know this checksum: set storage.request_checksum: when_required",
    "EntityTooLarge": "make shards smaller: compute.shard_records",
}
_FORBIDDEN = "the store refuses these credentials, without a reason"
_MAY_PASS = frozenset({"ExpiredToken", "RequestTimeTooSkewed", "InvalidObjectState"})
"""Refusals that are no fault of the spec."""
_BUSY = "it is overloaded or down: run the same command again later"
_CONNECTION = "check storage.endpoint_url, the network and that the store is up"


class EmptyRange(ObjectError):
    """The range asked for begins at or after the end of the object (416)."""


class BadChecksum(TransientError):
    """The body is not the one that the store holds: what was received must be thrown away."""


@dataclass(frozen=True)
class Where:
    """The bucket and the endpoint that requests go to."""

    bucket: str
    endpoint: str

    def __str__(self) -> str:
        return f"bucket {self.bucket!r} at {self.endpoint}"

    def ask(self, call: Callable[[], T]) -> T:
        """The result of one request; its exceptions in our terms."""
        try:
            return call()
        except (boto.ClientError, boto.BotoCoreError, Urllib3Error) as error:
            raise self.translate(error) from None

    def translate(self, error: Exception) -> Exception:
        """The exception to raise instead of one of boto3's."""
        if isinstance(error, boto.ClientError):
            return self._answered(error.response)
        if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.CredentialRetrievalError):
            return AccessRefusedError(f"{self}: no credentials found: {_CREDENTIALS}")
        if isinstance(error, boto.ParamValidationError):
            return UsageError(
                f"{self}: the name of the bucket or the length of a key is not valid in S3: correct the uri"
            )
        if isinstance(error, boto.SSLError):
            return InfrastructureError(f"{self}: TLS failed: set AWS_CA_BUNDLE to the certificate of its authority")
        if isinstance(error, boto.FlexibleChecksumError):
            return BadChecksum(f"{self}: a body arrived damaged: {_CONNECTION}")
        return TransientError(f"{self}: {type(error).__name__}: {_CONNECTION}")

    def _answered(self, response: Any) -> Exception:
        code = str(response.get("Error", {}).get("Code", ""))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in ("NoSuchBucket", "InvalidBucketName"):
            return UsageError(f"{self} does not exist: create it or correct the uri")
        if code in _MISSING_CODES or status == 404:
            return ObjectMissing()
        if status == 412:
            return ObjectChanged()
        if status == 416:
            return EmptyRange()
        if status == 501:
            return StoreError(f"{self} answers {code} (501): it lacks what is needed of S3: use another store")
        if status in _TRANSIENT_STATUS or code in _TRANSIENT_CODES:
            return TransientError(f"{self}: {code} ({status}): {_BUSY}")
        remedy = _REMEDIES.get(code, "see the log of the store")
        kind = AccessRefusedError if status in (401, 403) and code not in _MAY_PASS else InfrastructureError
        return kind(f"{self}: {_FORBIDDEN if code == '403' else code} ({status}): {remedy}")
