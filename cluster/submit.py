"""Sends a spec to a Ray cluster, to be run there as a Ray job, and follows it to its end.

Only the spec travels. The cluster's nodes have wardround installed, and find their credentials by their own chain.
"""

import asyncio
import ipaddress
import json
import os
import shlex
import socket
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import Field

from cluster.session import prepare_environment
from schemas.errors import InfrastructureError, SecurityError, UsageError
from schemas.frozen import Frozen

SPEC_NAME = "spec.yaml"
CHECK = """
import importlib.metadata, sys
wanted, found = sys.argv[1], [one.version for one in importlib.metadata.distributions(name="wardround")]
if wanted not in found:
    has = "has wardround " + found[0] if found else "has no wardround"
    print("wardround: a node of the cluster " + has + ", and the spec was submitted by wardround " + wanted +
        ": install that version on every node, in the image that they start from or with pip, then submit again")
    sys.exit(1)
"""
"""What a node says that lacks wardround, or has another version, before it is asked to run anything."""
_CHECKED = f"python -P -c {shlex.quote(CHECK)} {metadata.version('wardround')} || exit 2"
ENTRYPOINT = f"{_CHECKED}; python -P -m wardround run {SPEC_NAME}"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
NO_AGENT = "No available agent"
INCOMPLETE, INTERRUPTED = 4, 130
ATTEMPTS = 1000
OVERRIDING = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
"""Ray's client goes where these name rather than where it was told to."""


class SubmitSettings(Frozen):
    """Where to. `address` is the http(s) address of the cluster's dashboard; `ca_file` the certificate that it is
    checked against, where that is not one of the system's."""

    address: str
    ca_file: str | None = None
    entrypoint: str = ENTRYPOINT
    poll_interval_s: float = Field(1.0, gt=0)
    agent_wait_s: float = Field(60.0, ge=0, description="for the first agent of a young cluster to take jobs")
    reconnects: int = Field(30, ge=0, description="times that following the log may be taken up again")


@dataclass(frozen=True)
class Submission:
    """A job that was followed. `exit_code` is the run's own; 130: following was interrupted and the job goes on."""

    submission_id: str
    exit_code: int


def submit(
    body: bytes,
    run: str,
    settings: SubmitSettings,
    on_log: Callable[[str], None],
    *,
    elsewhere: Callable[[], None] | None = None,
) -> Submission:
    """Run the text of a spec on a cluster. `on_log` gets the job's output in pieces as it comes.

    `run` names the run, the same for the same output: a job of that name that is still going is followed, not doubled.
    `elsewhere`, if given, is called before anything is sent where not every node is this machine; it may raise.
    Raises SecurityError before anything is sent to a cluster that is neither this machine nor protected by TLS and a
    token, or whose token is another; InfrastructureError if it does not answer.
    """
    check_is_safe(settings)
    prepare_environment(quiet=True, joining=True)
    with _cluster_errors(settings.address), _only_the_given_address():
        from ray.job_submission import JobSubmissionClient  # noqa: PLC0415 - reads the environment set above

        client = JobSubmissionClient(settings.address.rstrip("/"), verify=settings.ca_file or True)
        if elsewhere is not None and not _is_this_machine(client, settings):
            elsewhere()
        submission_id = _start(client, body, run, settings)
        try:
            _follow(client, submission_id, settings, on_log)
        except KeyboardInterrupt:
            on_log(f"\nthe job {submission_id} goes on; the same command follows it again\n")
            return Submission(submission_id, INTERRUPTED)
        return Submission(submission_id, _exit_code(client.get_job_info(submission_id)))


def check_is_safe(settings: SubmitSettings) -> None:
    """Raise SecurityError unless the address is this machine, or is https and its cluster asks for a token.

    Whoever can reach an open job server can run anything there, with the cluster's rights on the data.
    """
    parts = urlsplit(settings.address)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _has_port(parts):
        raise UsageError(f"{settings.address!r} is not the address of a Ray dashboard: give http(s)://host:port")
    if _is_loopback(parts.hostname):
        return
    if parts.scheme != "https":
        raise SecurityError(
            f"{settings.address} is not encrypted: put TLS in front of the dashboard and give its https address, or "
            "reach it through a tunnel that ends on this machine"
        )
    if authentication_mode(settings) == "disabled":
        raise SecurityError(
            f"the cluster at {settings.address} lets anybody run anything: start it with RAY_AUTH_MODE=token"
        )


def authentication_mode(settings: SubmitSettings) -> str:
    """What the cluster asks of its callers: 'token', or 'disabled', also for a cluster too old to have the question."""
    url = settings.address.rstrip("/") + "/api/authentication_mode"
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise UsageError(f"the certificate {settings.ca_file!r} cannot be read: {error.strerror or error}") from None
    try:
        with urllib.request.urlopen(url, timeout=30, context=context) as reply:
            return str(json.load(reply)["authentication_mode"])
    except urllib.error.HTTPError as error:
        # A dashboard from before Ray had tokens does not know the question, and lets everybody in.
        if error.code == 404:
            return "disabled"
        raise InfrastructureError(f"{url} answered {error.code}: is that the address of a Ray dashboard?") from error
    except (OSError, ValueError, KeyError) as error:
        raise InfrastructureError(f"{url} did not answer as a Ray dashboard does: {error}") from error


def _has_port(parts: SplitResult) -> bool:
    """Whether its port is a number, where it has one."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_this_machine(client: Any, settings: SubmitSettings) -> bool:
    """Whether all nodes are this very machine, by its host name: an address may be the end of a tunnel."""
    end = time.monotonic() + settings.agent_wait_s
    while not (names := _host_names(client)):  # a young cluster knows of none yet
        if time.monotonic() > end:
            return False
        time.sleep(settings.poll_interval_s)
    return names == {socket.gethostname()}


def _host_names(client: Any) -> set[str]:
    # The client has no public call for it, and its own request carries the token.
    answer = client._do_request("GET", "/nodes?view=hostnameList")
    try:
        return set(answer.json()["data"]["hostNameList"])
    except (ValueError, KeyError, TypeError):
        return set()


def _start(client: Any, body: bytes, run: str, settings: SubmitSettings) -> str:
    """The job of this run that is going, or else a new one; Ray wants another id for each attempt."""
    for attempt in range(1, ATTEMPTS):
        submission_id = f"wardround-{run}-{attempt}"
        known = {job.submission_id: job.status for job in client.list_jobs()}
        if submission_id in known:
            if known[submission_id] not in ENDED:
                return submission_id
            continue
        try:
            return _send_when_ready(client, body, submission_id, settings)
        except RuntimeError as error:
            if "already exists" not in str(error):
                raise
            return submission_id
    raise UsageError(f"run {run} was submitted {ATTEMPTS} times to {settings.address}: look into why it does not end")


def _send_when_ready(client: Any, body: bytes, submission_id: str, settings: SubmitSettings) -> str:
    """A cluster takes no jobs for the first seconds of its life, until the agent of some node has come up."""
    end = time.monotonic() + settings.agent_wait_s
    while True:
        try:
            return _send(client, body, submission_id, settings)
        except RuntimeError as error:
            if NO_AGENT not in str(error) or time.monotonic() > end:
                raise
        time.sleep(settings.poll_interval_s)


def _send(client: Any, body: bytes, submission_id: str, settings: SubmitSettings) -> str:
    with tempfile.TemporaryDirectory(prefix="wr-submit-") as directory:
        (Path(directory) / SPEC_NAME).write_bytes(body)
        sent = client.submit_job(
            entrypoint=settings.entrypoint, submission_id=submission_id, runtime_env={"working_dir": directory}
        )
    return str(sent)


def _follow(client: Any, submission_id: str, settings: SubmitSettings, on_log: Callable[[str], None]) -> None:
    """Pass on the log until the job has ended. After a broken connection, what was seen already is skipped."""
    from aiohttp import ClientError  # noqa: PLC0415 - comes with Ray, and is as heavy

    seen = 0

    async def tail() -> None:
        nonlocal seen
        skip = seen
        try:
            async for text in client.tail_job_logs(submission_id):
                # Following again gives the log from its beginning.
                new = text[skip:]
                skip = max(0, skip - len(text))
                if new:
                    seen += len(new)
                    on_log(new)
        finally:
            # A socket that breaks or closes at this very moment swallows the cancellation that Ctrl-C is.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError

    broken = 0
    while True:
        try:
            asyncio.run(tail())
        except (RuntimeError, OSError, ClientError):
            broken += 1
            if broken > settings.reconnects:
                raise
        if client.get_job_status(submission_id) in ENDED:
            return
        time.sleep(settings.poll_interval_s)


def _exit_code(job: Any) -> int:
    """The run's own code; 4 if it was ended from outside, since the same command resumes it."""
    code = job.driver_exit_code
    if job.status == "SUCCEEDED":
        return 0
    return code if code is not None and code > 0 and job.status == "FAILED" else INCOMPLETE


@contextmanager
def _only_the_given_address() -> Iterator[None]:
    set_aside = {name: os.environ.pop(name) for name in OVERRIDING if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(set_aside)


@contextmanager
def _cluster_errors(address: str) -> Iterator[None]:
    """What Ray raises for a wrong token or a lost cluster, as errors of ours."""
    try:
        yield
    except Exception as error:
        if type(error).__name__ == "AuthenticationError":
            raise SecurityError(
                f"the cluster at {address} does not accept this token: set RAY_AUTH_MODE=token, and "
                "RAY_AUTH_TOKEN_PATH to a file with the cluster's token"
            ) from error
        if isinstance(error, (ConnectionError, RuntimeError, OSError)):
            lines = str(error).strip().splitlines()
            raise InfrastructureError(
                f"the cluster at {address} failed: {lines[0] if lines else error!r}; see that it is up, and that "
                "--address is that of its dashboard"
            ) from error
        raise
