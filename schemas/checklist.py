"""What a reporting guideline asks for, and where a report tells it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChecklistItem:
    """`told` is what the report says itself, and `anchor` the part of the page that shows it; `statement` is the
    author's, where only they know (`by_author`)."""

    number: str
    asks: str
    told: str = ""
    anchor: str = ""
    by_author: bool = False
    statement: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether something is missing: the author's words, or all of it."""
        return (self.by_author and not self.statement) or not (self.told or self.statement)


@dataclass(frozen=True)
class Checklist:
    """A guideline with its items in order."""

    title: str
    source: str
    items: tuple[ChecklistItem, ...]
