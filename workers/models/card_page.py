"""`model_card.md`: what is known of a model, and a blank for what only its author can say."""

from collections.abc import Iterator, Mapping, Sequence

CARD = "model_card.md"
BLANK = "_not stated_"
DATA, PERFORMANCE = "Training data", "Performance"
AUTHOR = {
    "Intended use": "who uses it, on whom, for which decision; what it must not be used for",
    DATA: "source, dates, sites, devices; how labels were made, and by whom",
    PERFORMANCE: "figures with intervals on data that it has not seen, by subgroup (`job: evaluate`)",
    "Limitations": "where it is known to fail; inequalities",
    "Contact and licence": "who answers for it, under which terms",
}
"""The headings that only the author can fill, with what each asks."""


def page(name: str, intro: str, known: Mapping[str, str]) -> str:
    """Markdown: what is known, by heading, then the author's headings, each with what is known of it above the blank.

    The same facts give the same bytes.
    """
    return "\n\n".join(_parts(name, intro, known)) + "\n"


def _parts(name: str, intro: str, known: Mapping[str, str]) -> Iterator[str]:
    yield f"# {name}"
    yield intro
    for title, text in known.items():
        if title not in AUTHOR:
            yield f"## {title}"
            yield text or BLANK
    for title, asks in AUTHOR.items():
        yield f"## {title}"
        if title in known:
            yield known[title]
        yield f"<!-- {asks} -->\n{BLANK}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown; a bar in a cell does not end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
