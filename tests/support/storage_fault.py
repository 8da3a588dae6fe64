"""One fault of a store, as a row of the table of them all."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.fault_proxy import Fault

ALWAYS = 10_000
IMAGE = r"/archive/02\.png"
LIST = r"list-type=2.*/archive/"
MODEL = r"/model/model\.onnx"
ROWS = r"/predictions/shard-000000"
PLAN = r"/plan-"
RUN = r"/run\.json"
MANIFEST = r"/manifest\.json"
SWAP = (r"02.png", "03.png")


@dataclass(frozen=True)
class Case:
    """One fault. `code`: what the command ends with; 4 is followed by the same command without the fault, which must
    end with 0 and the rows of a clean run. `rows` are the statuses that differ from a clean run, by row."""

    where: str
    what: str
    does: str
    faults: tuple[Fault, ...]
    code: int = 0
    says: str = ""
    rows: dict[int, str] = field(default_factory=dict)
    more: str = ""
    page_keys: int = 0


def once(kind: str, method: str, key: str, nth: int = 1, instead: tuple[str, str] = ("", "")) -> tuple[Fault, ...]:
    """The fault at one request."""
    return (Fault(kind, method, key, nth, 1, instead),)


def always(kind: str, method: str, key: str, instead: tuple[str, str] = ("", ""), nth: int = 1) -> tuple[Fault, ...]:
    """The fault at every request."""
    return (Fault(kind, method, key, nth, ALWAYS, instead),)
