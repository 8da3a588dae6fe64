"""What an answer of S3, or the lack of one, means to us.

Codes: "Error responses", Amazon S3 API Reference. The messages of boto3 are never passed on: they may hold the key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError as Urllib3Error

from cluster.storage.errors import (
    AccessRefusedError,
    BucketMissing,
    NotAllowedError,
    ObjectChanged,
    ObjectError,
    ObjectMissing,
    TransientError,
)
from cluster.storage.s3_answers import REMEDY
from schemas.errors import InfrastructureError, StoreError, UsageError

T = TypeVar("T")

_TRANSIENT_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_TRANSIENT_CODES = frozenset(
    {
        "SlowDown",
        "InternalError",
        "RequestTimeout",
        "ServiceUnavailable",
        "OperationAborted",
        "BadDigest",
        "IncompleteBody",
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "XAmzContentSHA256Mismatch",
        "400",  # to a HEAD, whose answer has no room for a reason
        "",  # an error that has no code of S3 was not made by a store
    }
)
_MISSING_CODES = frozenset({"NoSuchKey", "KeyTooLongError", "NoSuchUpload", "NoSuchVersion"})
_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or an instance role"
_PERMISSIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
}
"""What a policy has to grant, by the question that was refused ("Actions, resources, and condition keys for Amazon S3",
Service Authorization Reference)."""
_REMEDIES = {
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
_NOT_ALLOWED = frozenset({"AccessDenied", "AllAccessDisabled", "UnauthorizedAccess", "403"})
"""Refusals of what was asked for, not of who asks; of a HEAD it is not said which."""
_MAY_PASS = frozenset({"ExpiredToken", "RequestTimeTooSkewed", "InvalidObjectState"})
"""Refusals that are no fault of the spec."""
_BUSY = "it is overloaded or down: run the same command again later"
_CONNECTION = "check storage.endpoint_url, the network and that the store is up"


_NO_ANSWER = (ResponseParserError, ValueError, LookupError, AttributeError)
"""What botocore lets through where an answer is none of S3: a page of HTML, a time that is no time. What it is asked
is always in order but for keys that are no UTF-8, so none of these is about the question."""


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
        except (boto.ClientError, boto.BotoCoreError, Urllib3Error, *_NO_ANSWER) as error:
            raise self.translate(error) from None

    def translate(self, error: Exception) -> Exception:
        """The exception to raise instead of one of boto3's."""
        if isinstance(error, boto.ClientError):
            return self._answered(error.response, error.operation_name)
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
        if isinstance(error, UnicodeEncodeError):  # keys of S3 are UTF-8
            return ObjectMissing()
        if isinstance(error, _NO_ANSWER):
            return TransientError(f"{self}: what came is no answer of S3: {REMEDY}")
        return TransientError(f"{self}: {type(error).__name__}: {_CONNECTION}")

    def _answered(self, response: Any, question: str) -> Exception:
        code = str(response.get("Error", {}).get("Code", ""))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in ("NoSuchBucket", "InvalidBucketName"):
            return BucketMissing(f"{self} does not exist: create it or correct the uri")
        # With a 404 a store gives its reason, but to a HEAD; a page of somebody else on the way gives none.
        if code in _MISSING_CODES or (status == 404 and code):
            return ObjectMissing()
        if status == 412:
            return ObjectChanged()
        if status == 416:
            return EmptyRange()
        if status == 501:
            return StoreError(f"{self} answers {code} (501): it lacks what is needed of S3: use another store")
        if status in _TRANSIENT_STATUS or code in _TRANSIENT_CODES:
            return TransientError(f"{self}: {code} ({status}): {_BUSY}")
        if status in (401, 403) and code in _NOT_ALLOWED:
            return NotAllowedError(f"{self}: {self._not_allowed(code, question)}", without_reason=code == "403")
        remedy = _REMEDIES.get(code, "see the log of the store")
        kind = AccessRefusedError if status in (401, 403) and code not in _MAY_PASS else InfrastructureError
        return kind(f"{self}: {code} ({status}): {remedy}")

    def _not_allowed(self, code: str, question: str) -> str:
        permission = _PERMISSIONS.get(question, question)
        if code == "403":
            return (
                f"the store refuses these credentials, without a reason (403): a wrong key or secret ({_CREDENTIALS}), "
                f"or {permission} is not allowed to them"
            )
        unseen = " and s3:ListBucket (without it a missing object is answered so too)"
        return f"{code} (403): allow {permission}{unseen if permission == 's3:GetObject' else ''} to these credentials"
