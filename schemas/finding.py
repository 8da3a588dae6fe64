"""What `wardround doctor` finds."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `remedy` is empty where there is nothing to do; `exit_code` is 0 unless it failed."""

    what: str
    state: Literal["ok", "warn", "fail"]
    says: str
    remedy: str = ""
    exit_code: int = 0
