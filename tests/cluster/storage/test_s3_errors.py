from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as boto
from urllib3.exceptions import ProtocolError

from cluster.storage.errors import (
    AccessRefusedError,
    BucketMissing,
    NotAllowedError,
    ObjectChanged,
    ObjectMissing,
    TransientError,
)
from cluster.storage.s3_errors import BadChecksum, EmptyRange, Where
from schemas.errors import InfrastructureError, StoreError, UsageError

WHERE = Where("archive", "https://s3.example")
KEY = "patients/4711.dcm"


def answered(code: str, status: int) -> Exception:
    response: Any = {"Error": {"Code": code, "Message": KEY}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return WHERE.translate(boto.ClientError(response, "GetObject"))


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchBucket", 404, BucketMissing),
        ("NoSuchKey", 404, ObjectMissing),
        ("404", 404, ObjectMissing),
        ("KeyTooLongError", 400, ObjectMissing),
        ("PreconditionFailed", 412, ObjectChanged),
        ("InvalidRange", 416, EmptyRange),
        ("NotImplemented", 501, StoreError),
        ("SlowDown", 503, TransientError),
        ("InternalError", 500, TransientError),
        ("RequestTimeout", 400, TransientError),
        ("ConditionalRequestConflict", 409, TransientError),
        ("Unheard", 429, TransientError),
        ("AccessDenied", 403, NotAllowedError),
        ("InvalidAccessKeyId", 403, AccessRefusedError),
        ("", 404, TransientError),
        ("ExpiredToken", 403, InfrastructureError),
        ("Unheard", 400, InfrastructureError),
    ],
)
def test_each_answer_is_one_kind_of_error_and_no_message_has_the_key(code: str, status: int, kind: type) -> None:
    error = answered(code, status)
    assert type(error) is kind
    assert KEY not in str(error)


@pytest.mark.parametrize(
    ("code", "status", "remedy"),
    [
        ("AccessDenied", 403, "allow s3:GetObject"),
        ("AllAccessDisabled", 403, "allow s3:GetObject"),
        ("Unheard", 403, "see the log of the store"),
        ("SignatureDoesNotMatch", 403, "the secret key is wrong"),
        ("RequestTimeTooSkewed", 403, "the clock of this machine is wrong"),
        ("PermanentRedirect", 301, "set storage.region"),
        ("Unheard", 400, "see the log of the store"),
    ],
)
def test_what_trying_again_will_not_help_says_what_will(code: str, status: int, remedy: str) -> None:
    said = str(answered(code, status))
    assert said.startswith(f"bucket 'archive' at https://s3.example: {code} ({status}): ")
    assert remedy in said


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (boto.NoCredentialsError(), AccessRefusedError),
        (boto.ParamValidationError(report=KEY), UsageError),
        (boto.SSLError(endpoint_url="x", error=KEY), InfrastructureError),
        (boto.FlexibleChecksumError(error_msg=KEY), BadChecksum),
        (boto.EndpointConnectionError(endpoint_url=KEY), TransientError),
        (boto.ReadTimeoutError(endpoint_url=KEY), TransientError),
        (ProtocolError(KEY), TransientError),
    ],
)
def test_what_never_reached_the_store_is_told_without_the_request(error: Exception, kind: type) -> None:
    found = WHERE.translate(error)
    assert type(found) is kind
    assert KEY not in str(found)


def test_an_answer_is_handed_on_and_errors_that_are_not_the_store_s_pass() -> None:
    assert WHERE.ask(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        WHERE.ask(lambda: 1 // 0)


def test_what_the_library_said_is_no_cause_of_what_we_raise() -> None:
    def call() -> None:
        raise boto.EndpointConnectionError(endpoint_url=KEY)

    with pytest.raises(TransientError) as caught:
        WHERE.ask(call)
    assert caught.value.__suppress_context__
