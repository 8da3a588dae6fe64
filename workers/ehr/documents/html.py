"""HTML to plain text: of the same length, or as short as it reads."""

import re
from html.entities import html5

_LINE_NAMES = (
    "address article aside blockquote br caption center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 "
    "h4 h5 h6 header hr legend li main nav ol option p pre section table tbody tfoot thead title tr ul"
)
_INLINE_NAMES = (
    "a abbr acronym b base bdi bdo big body button cite code col colgroup data del dfn em font head html i iframe img "
    "input ins kbd label link mark meta object q s samp script select small span strike strong style sub sup td "
    "template textarea th time tt u var wbr"
)
_ENDS_LINE = frozenset(_LINE_NAMES.split())
_KNOWN = _ENDS_LINE | frozenset(_INLINE_NAMES.split())
_CELLS = frozenset(("td", "th"))
_MOST_OF_A_TAG = 4096
# A quoted value may hold `>`; the pieces cannot overlap, so that nothing is tried twice.
_TAG = re.compile(r"""</?([A-Za-z][A-Za-z0-9]{0,11})((?:\s|/)(?:"[^"<]*"|'[^'<]*'|[^'"<>])*)?>""")
_HIDDEN = re.compile(r"<!--|<!DOCTYPE\b|<\?xml\b|<script\b[^<>]*>|<style\b[^<>]*>", re.IGNORECASE)
_CLOSING = {
    "<!--": re.compile("-->"),
    "<!": re.compile(">"),
    "<?": re.compile(">"),
    # A closing tag is left to be blanked as the tags are.
    "<sc": re.compile("(?=</script)", re.IGNORECASE),
    "<st": re.compile("(?=</style)", re.IGNORECASE),
}
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")


def blank_html(text: str) -> str:
    """The text that a reader of the page sees, every character at its place; the rest is spaces and line breaks.

    Only names that HTML has make a tag, so that `<3 days` and `<NAME>` stay. A character reference becomes its
    character followed by spaces, decoded once and after the tags, so that `&lt;b&gt;` is text.
    """
    if "<" in text:
        text = _blank_hidden(text)
        text = _TAG.sub(_blank_tag, text)
    return _REFERENCE.sub(_decode, text) if "&" in text else text


def html_text(text: str) -> str:
    """The text that a reader of the page sees, without the places of what is not seen."""
    if "<" in text:
        text = _TAG.sub(_end_of_line, _blank_hidden(text))
    return _REFERENCE.sub(lambda match: _decode(match).rstrip(" ") or " ", text) if "&" in text else text


def _end_of_line(match: re.Match[str]) -> str:
    name = match[1].lower()
    if len(match[0]) > _MOST_OF_A_TAG or name not in _KNOWN:
        return match[0]
    return "\n" if name in _ENDS_LINE else " " if name in _CELLS else ""


def _blank_hidden(text: str) -> str:
    """Comments, declarations, scripts and styles, each from its start to its end or to the end of the text."""
    parts: list[str] = []
    done = 0
    while (begin := _HIDDEN.search(text, done)) is not None:
        opening = begin[0].lower()
        closing = next(pattern for start, pattern in _CLOSING.items() if opening.startswith(start))
        # `<!-->` is a whole comment.
        found = closing.search(text, begin.start() + 2)
        end = len(text) if found is None else found.end()
        parts += [text[done : begin.start()], _spaces(text[begin.start() : end])]
        done = end
    return "".join([*parts, text[done:]])


def _blank_tag(match: re.Match[str]) -> str:
    name = match[1].lower()
    if len(match[0]) > _MOST_OF_A_TAG or name not in _KNOWN:
        return match[0]
    return "\n" + " " * (len(match[0]) - 1) if name in _ENDS_LINE else _spaces(match[0])


def _spaces(text: str) -> str:
    return " " * len(text)


def _decode(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        char = html5.get(f"{name};", "")
    else:
        code = int(decimal) if decimal else int(hexadecimal, 16)
        # No character: the halves of pairs, what Unicode does not have, and NUL.
        char = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "�"
    return char.ljust(len(match[0])) if char else match[0]
