"""Every error that wardround raises on purpose, and the exit code that it ends a command with.

    WardroundError                     1  internal error
    ├── SpecError                      2  the spec is wrong
    ├── UsageError                     2  the command line, or what it points at, is wrong
    │   ├── MissingExtraError          2  an optional package is not installed
    │   └── PluginError                2  an installed package that adds to wardround is at fault
    ├── RefusedError                   3  the run must not go on
    │   ├── FingerprintError           3  another run lies at the output
    │   ├── StoreError                 3  the store lacks a guarantee that the commit needs
    │   └── SecurityError              3  it would be unsafe
    ├── IncompleteError                4  not finished; the same command resumes it
    │   └── InfrastructureError        4  storage or cluster failed and kept failing
    │       └── NoMemoryError          4  a device has no memory for the smallest batch
    ├── VerificationError              5  what lies there is not what the manifest says
    └── RejectLimitError               6  more records were rejected than the spec allows

    RecordError                           one record cannot be scored: becomes a row, never ends a run

A message names the thing, the cause and the remedy. It never carries record content or a record's key.
"""

from __future__ import annotations

from typing import Any

from schemas.status import Status


class WardroundError(Exception):
    """Base of every error that ends a command; raised itself only for a broken invariant."""

    exit_code = 1


class SpecError(WardroundError):
    """The spec cannot be understood."""

    exit_code = 2


class UsageError(WardroundError):
    """The command, or something that it names, is wrong."""

    exit_code = 2


class MissingExtraError(UsageError):
    """A package is needed and is not installed. `extra` is the optional group that it is of; empty: none, every
    installation has it; None: it is none of ours."""

    def __init__(self, package: str, extra: str | None) -> None:
        wanted = f"'wardround[{extra}]'" if extra else "wardround"
        remedy = "install it" if extra is None else f"pip install {wanted}"
        super().__init__(f"package {package!r} is not installed: {remedy}")
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str | None]]:
        return MissingExtraError, (self.package, self.extra)


class PluginError(UsageError):
    """What an installed package adds cannot be used, or takes a name that is taken."""


class RefusedError(WardroundError):
    """Going on would break a promise."""

    exit_code = 3


class FingerprintError(RefusedError):
    """What lies at the output was made by another spec, model or input."""


class StoreError(RefusedError):
    """The store does not keep what the commit protocol needs."""


class SecurityError(RefusedError):
    """The request would be unsafe."""


class IncompleteError(WardroundError):
    """The run stopped before its end; the same command resumes it."""

    exit_code = 4


class InfrastructureError(IncompleteError):
    """Storage or cluster failed, and kept failing after the retries."""


class NoMemoryError(InfrastructureError):
    """A device has no memory for the smallest batch: of one record, which may be to blame for it."""


class VerificationError(WardroundError):
    """An object is missing, altered or of another run."""

    exit_code = 5


class RejectLimitError(WardroundError):
    """More records were rejected than `limits.max_rejects` allows."""

    exit_code = 6


class RecordError(Exception):
    """One record cannot be scored. `detail` is our own wording and never record content."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail

    def __reduce__(self) -> tuple[type[RecordError], tuple[Any, ...]]:
        return RecordError, (self.status, self.detail)
