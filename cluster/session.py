"""Joins a Ray cluster, or starts a small one for this process alone. Never ends what it did not start.

Ray reads its environment when it is first imported, so this module imports it only after having set that right.
"""

import importlib.metadata
import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pydantic import Field

from cluster.bare_node import bare_node
from cluster.lost_node import NOT_STARTED, JoinedNode, OwnNode
from schemas.errors import InfrastructureError, RefusedError, SecurityError, UsageError
from schemas.frozen import Frozen

OLDEST_RAY = (2, 55)
SOCKET_PATH_ROOM = 40
"""Ray puts sockets some 65 characters below its directory, and a socket's path may have 107."""

_RAY = "r"
CONNECT_TIMEOUT_S = 15.0
_LOOK_S = 0.5
"""Between two looks at whether the node that was started or joined lives."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray prints the raylet's notices of dead workers to stdout even when told not to; this drops them.
    "RAY_DEDUP_LOGS_SKIP_REGEX": "(?s).*",
}

OWN_SIGNALS = {
    # Ray's C++ would take SIGTERM from this process, write a stack trace and end it with another code than ours.
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",
}


class SessionSettings(Frozen):
    """Which cluster. `address` None: what RAY_ADDRESS names, or one started here with `cpus` and `gpus` (None: what
    the machine has; more GPUs than it has are logical ones). `quiet`: Ray's own messages stay in its log files."""

    address: str | None = None
    cpus: int | None = Field(None, ge=1)
    gpus: int | None = Field(None, ge=0)
    object_store_bytes: int = Field(200 * 2**20, ge=80 * 2**20, description="arrays never cross the object store")
    quiet: bool = True


@dataclass(frozen=True)
class Cluster:
    """What was joined. `started_here`: it ends with the session."""

    address: str
    started_here: bool

    def is_this_machine(self) -> bool:
        """Whether all of its nodes are this very machine, by its host name."""
        import ray  # noqa: PLC0415 - see the module's docstring

        return {node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]} <= {socket.gethostname()}


class Session:
    """A connection to Ray that is being made in the background from the moment this is created.

    A context manager that gives the Cluster. Raises (from `wait` or on entering) UsageError for an address that is
    none, RefusedError for a Ray that is too old, SecurityError for a wrong token, and InfrastructureError.
    """

    def __init__(self, settings: SessionSettings, exit_code: Callable[[], int] = lambda: 4) -> None:
        """`exit_code`: what the process ends with where the node that it started or joined dies under it."""
        check_ray_version(importlib.metadata.version("ray"))
        self._settings = settings
        self._address = _address(settings)
        self._directory: Path | None = None
        self._cluster: Cluster | None = None
        self._error: BaseException | None = None
        self._ours = False
        self._lost = False
        self._exit_code = exit_code
        self._settled = threading.Event()
        self._ended = threading.Event()
        prepare_environment(settings.quiet, joining=self._address is not None)
        threading.Thread(target=self._live, name="ray-session", daemon=True).start()

    @property
    def joins(self) -> bool:
        """Whether it joins a cluster that was there before."""
        ray = sys.modules.get("ray")
        # The session's own thread may be in the middle of importing it.
        begun = getattr(ray, "is_initialized", None)
        return self._address is not None or (begun is not None and bool(begun()))

    def wait(self) -> Cluster:
        """The cluster, once it is there."""
        self._settled.wait()
        if self._error is not None:
            _explain(self._error, self._address)
        assert self._cluster is not None
        return self._cluster

    def close(self) -> None:
        """Leave the cluster, and end it if it was started here."""
        self._settled.wait()
        if self._ours:
            self._ours = False
            import ray  # noqa: PLC0415 - see the module's docstring

            # It would ask a node that is gone.
            if not self._lost:
                ray.shutdown()
        self._ended.set()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Cluster:
        try:
            return self.wait()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def _live(self) -> None:
        """Connect, then stay: Ray's processes are told to die with the thread that started them."""
        try:
            self._cluster = self._connect()
        except BaseException as error:  # noqa: BLE001 - raised by `wait`
            self._error = error
        self._settled.set()
        self._ended.wait()

    def _watch(self, node: OwnNode | JoinedNode) -> None:
        """End the process where its node dies under it, also while Ray is still connecting to it."""
        while not self._ended.wait(_LOOK_S) and self._error is None:
            # Asked again, since whoever leaves ends the node itself.
            if self._ours and node.is_dead() and self._ours:
                self._lost = True
                node.end(self._exit_code)

    def _connect(self) -> Cluster:
        import ray  # noqa: PLC0415 - see the module's docstring

        from cluster.own_path import job_config, path_for_processes  # noqa: PLC0415

        if ray.is_initialized():
            return Cluster(ray.get_runtime_context().gcs_address, started_here=False)
        options: dict[str, Any] = {
            "log_to_driver": False,
            "job_config": job_config(),
            "logging_level": logging.CRITICAL if self._settings.quiet else logging.INFO,
        }
        if self._address is None:
            self._directory = Path(tempfile.mkdtemp(prefix="wr-", dir=_short_temporary_directory()))
            options |= self._local_options(self._directory)
        else:
            _check_reachable(self._address)
            _check_token(self._address)
            options["address"] = self._address
        self._ours = True
        with ExitStack() as starting:
            own = None if self._directory is None else OwnNode(self._directory)
            if own is not None:
                starting.enter_context(path_for_processes())
                own.processes = starting.enter_context(bare_node())
                self._watch_in_background(own)
            ray.init(**options)
        address = ray.get_runtime_context().gcs_address
        if own is None:
            self._watch_in_background(JoinedNode(address))
        else:
            own.is_there = True
        return Cluster(address, started_here=own is not None)

    def _watch_in_background(self, node: OwnNode | JoinedNode) -> None:
        threading.Thread(target=self._watch, args=(node,), name="ray-watch", daemon=True).start()

    def _local_options(self, directory: Path) -> dict[str, Any]:
        settings = self._settings
        return {
            "address": "local",
            "num_cpus": settings.cpus,
            "num_gpus": settings.gpus,
            "include_dashboard": False,
            "object_store_memory": settings.object_store_bytes,
            "_node_ip_address": "127.0.0.1",
            # Its port would give them to whoever asks, without a token.
            "_system_config": {"enable_metrics_collection": False},
            # Ray opens its own directory to everybody, so that it lies in one that is not.
            "_temp_dir": str(directory / _RAY),
        }


def check_ray_version(version: str) -> None:
    """Raise RefusedError if this Ray is too old to be safe or to behave as is relied on."""
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < OLDEST_RAY:
        oldest = ".".join(map(str, OLDEST_RAY))
        raise RefusedError(f"Ray {version} is too old, {oldest} is needed: pip install 'ray[default]>={oldest}'")


def _address(settings: SessionSettings) -> str | None:
    address = settings.address or os.environ.get("RAY_ADDRESS") or None
    if address is not None and "://" in address:
        raise UsageError(
            f"the cluster address {address!r} is not that of a cluster's head (host:port or 'auto'); "
            "to run on a cluster from outside it, use `submit` with the address of its dashboard"
        )
    if address is not None and ":" in address and not address.rpartition(":")[2].isdigit():
        raise UsageError(f"the cluster address {address!r} has no port: it reads host:port, or 'auto'")
    return None if address == "local" else address


def prepare_environment(quiet: bool, *, joining: bool) -> None:
    """Set what Ray must find when it is imported. What the user set is left alone."""
    for name, value in OWN_SIGNALS.items():
        os.environ.setdefault(name, value)
    if quiet:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
    if joining:
        if _has_token() and "ray" not in sys.modules:
            os.environ.setdefault("RAY_AUTH_MODE", "token")
        return
    if os.environ.get("RAY_AUTH_MODE", "token") == "token":
        if not _has_token():
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        # A Ray that is imported already turns the mode on by itself, but only where it finds it not set.
        if "ray" not in sys.modules:
            os.environ["RAY_AUTH_MODE"] = "token"


def _has_token() -> bool:
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    return bool(named) or os.path.exists(os.path.expanduser("~/.ray/auth_token"))


def _check_reachable(address: str) -> None:
    """Raise OSError if nobody listens: Ray itself would try for minutes, complaining at each."""
    host, _, port = address.rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_TIMEOUT_S).close()


def _check_token(address: str) -> None:
    """Raise AuthenticationError for a wrong token, which `ray.init` does not tell from a cluster that is gone."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # noqa: PLC0415 - compiled; as above
    from ray.exceptions import AuthenticationError, RpcError  # noqa: PLC0415

    if ":" not in address:
        return
    try:
        GcsClient(address=address)
    except AuthenticationError:
        raise
    except RpcError:
        return


def _short_temporary_directory() -> str:
    directory = tempfile.gettempdir()
    return directory if len(directory) <= SOCKET_PATH_ROOM - len(f"/wr-12345678/{_RAY}") else "/tmp"


_NOT_READY = ("timed out", "failed to connect to gcs")
"""What Ray says where a process of a node ended, or was slow, before the node was ready."""


def _explain(error: BaseException, address: str | None) -> NoReturn:
    from ray.exceptions import AuthenticationError  # noqa: PLC0415 - see the module's docstring

    if isinstance(error, AuthenticationError):
        raise SecurityError(
            f"the Ray cluster {address or 'started here'} does not accept this token: set RAY_AUTH_MODE=token, and "
            "RAY_AUTH_TOKEN_PATH to a file with the cluster's token"
        ) from error
    where = "a Ray cluster could not be started on this machine" if address is None else f"no Ray cluster at {address}"
    lines = str(error).strip().splitlines()
    if address is None and any(words in str(error).lower() for words in _NOT_READY):
        raise InfrastructureError(NOT_STARTED) from error
    remedy = "" if address is None else "; start it, or correct compute.address (RAY_ADDRESS where the spec has none)"
    said = f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
    raise InfrastructureError(f"{where}: {said}{remedy}") from error
