"""One end of a window as it is written: `trigger`, `gap.end + 24h`, `start -> discharge`, `end <- _RECORD_START`."""

import re
from dataclasses import dataclass

from workers.ehr.aces.durations import microseconds

RECORD_START = "_RECORD_START"
RECORD_END = "_RECORD_END"
ANY_EVENT = "_ANY_EVENT"
SPECIAL = (ANY_EVENT, RECORD_START, RECORD_END)

_REFERENCE = re.compile(r"\w+(?:\.(?:start|end))?")


@dataclass(frozen=True)
class Bound:
    """Where an end of a window lies, seen from another point of time.

    `reference`: `trigger`, `start`, `end`, or `<window>.start`, `<window>.end`. `shift` microseconds from there; or, if
    `event` names a predicate, at the nearest event that satisfies it, `forward` in time or back. Neither: just there.
    """

    reference: str
    shift: int = 0
    event: str = ""
    forward: bool = True

    @property
    def is_same(self) -> bool:
        """Whether it is the very point that it refers to."""
        return not self.shift and not self.event


def parse_start(text: str | None) -> Bound:
    """The start of a window; null is the beginning of the record. Raises ValueError."""
    return Bound("end", event=RECORD_START, forward=False) if text is None else _parse(text)


def parse_end(text: str | None) -> Bound:
    """The end of a window; null is the end of the record. Raises ValueError."""
    return Bound("start", event=RECORD_END) if text is None else _parse(text)


def _parse(text: str) -> Bound:
    if "->" in text or "<-" in text:
        reference, forward, event = _split(text, "->", "<-")
        if not re.fullmatch(r"\w+", event):
            raise ValueError(f"{text!r}: {event!r} is no name of a predicate")
        if event == (RECORD_START if forward else RECORD_END):
            raise ValueError(f"{text!r}: no record goes that way to its {event}")
        return Bound(_check(reference, text), event=event, forward=forward)
    if "+" in text or "-" in text:
        reference, forward, length = _split(text, "+", "-")
        shift = microseconds(length)
        return Bound(_check(reference, text), shift=shift if forward else -shift, forward=forward)
    return Bound(_check(text.strip(), text))


def _split(text: str, ahead: str, back: str) -> tuple[str, bool, str]:
    if ahead in text and back in text:
        raise ValueError(f"{text!r} has both {ahead!r} and {back!r}")
    forward = ahead in text
    parts = text.split(ahead if forward else back)
    if len(parts) != 2:
        raise ValueError(f"{text!r} has {ahead if forward else back!r} more than once")
    return parts[0].strip(), forward, parts[1].strip()


def _check(reference: str, text: str) -> str:
    if not _REFERENCE.fullmatch(reference):
        raise ValueError(f"{text!r}: {reference!r} is neither trigger, start, end nor <window>.start or <window>.end")
    return reference
