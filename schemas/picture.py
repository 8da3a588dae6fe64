"""A picture of a report."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """`svg` is one element, drawn by us; its text is escaped. `words` say what it shows, for who does not see it, and
    `section` is the heading under which it stands with others."""

    section: str
    title: str
    svg: str
    words: str


def anchor_of(section: str) -> str:
    """The part of a report's page that begins with this heading."""
    return "section-" + re.sub(r"[^a-z0-9]+", "-", section.lower()).strip("-")
