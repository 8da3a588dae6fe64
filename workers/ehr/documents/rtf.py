"""Rich text to plain text, in one pass."""

import codecs
import re
from dataclasses import dataclass, replace

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<byte>[0-9a-fA-F]{2})|\\(?P<symbol>[^a-zA-Z])"
    r"|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
_SKIPPED_NAMES = (
    "annotation atnauthor atnid atrfend atrfstart author bkmkend bkmkstart buptim colortbl comment creatim datafield "
    "datastore doccomm docvar filetbl fldinst fonttbl footer footerf footerl footerr ftncn ftnsep ftnsepc generator "
    "header headerf headerl headerr info keywords latentstyles listoverridetable listtable mmathPr nonshppict object "
    "operator password pict pntext pntxta pntxtb printim private revtbl revtim rsidtbl stylesheet subject tc template "
    "themedata title txe xe xmlnstbl"
)
_SKIPPED = frozenset(_SKIPPED_NAMES.split())
"""Groups that a reader of the page does not see."""
_WORDS = {
    "par": "\n",
    "line": "\n",
    "sect": "\n\n",
    "page": "\n\n",
    "row": "\n",
    "cell": "\t",
    "nestcell": "\t",
    "nestrow": "\n",
    "tab": "\t",
    "emdash": "\u2014",
    "endash": "\u2013",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "bullet": "\u2022",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
}
_SYMBOLS = {"~": "\xa0", "_": "\u2011", "-": "", "{": "{", "}": "}", "\\": "\\", "\n": "\n", "\r": "\n"}
_CHARSETS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850", "ansi": "cp1252"}


@dataclass(frozen=True)
class _Group:
    """What holds in a group: how many characters stand for a Unicode one, and whether it is read."""

    skip_after_unicode: int = 1
    is_hidden: bool = False


def is_rtf(text: str) -> bool:
    """Whether the text begins as rich text does."""
    return text.lstrip("\ufeff \t\r\n").startswith("{\\rtf")


def rtf_text(source: str) -> str:
    """The text that a reader of the page sees; what is no rich text gives what can be read of it.

    `source` is bytes as Latin-1: rich text is ASCII, and says itself which code page its other characters are of.
    """
    return _Reader().read(source)


class _Reader:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._bytes = bytearray()
        self._codepage = "cp1252"
        self._stack: list[_Group] = []
        self._group = _Group()
        self._to_skip = 0
        self._is_first = False

    def read(self, source: str) -> str:
        at = 0
        while at < len(source):
            match = _TOKEN.match(source, at)
            if match is None:
                # A lone backslash at the end.
                break
            at = match.end()
            if match["word"] == "bin":
                at += max(0, int(match["number"] or 0))
                continue
            self._token(match)
        self._flush()
        text = "".join(self._parts)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _token(self, match: re.Match[str]) -> None:
        if match["byte"] is not None:
            self._byte(int(match["byte"], 16))
            return
        if match["brace"] is not None:
            self._flush()
            self._brace(match["brace"])
        elif match["word"] is not None:
            self._flush()
            self._word(match["word"], match["number"])
        elif match["symbol"] is not None:
            self._flush()
            self._symbol(match["symbol"])
        elif match["text"] is not None:
            self._flush()
            self._text(match["text"])
        self._is_first = match["brace"] == "{" or (self._is_first and match["symbol"] == "*")

    def _brace(self, brace: str) -> None:
        self._to_skip = 0
        if brace == "{":
            self._stack.append(self._group)
        elif self._stack:
            self._group = self._stack.pop()

    def _word(self, word: str, number: str | None) -> None:
        if self._is_first and word in _SKIPPED:
            self._group = replace(self._group, is_hidden=True)
        elif word == "u" and number is not None:
            self._unicode(int(number))
        elif word == "uc":
            self._group = replace(self._group, skip_after_unicode=max(0, int(number or 1)))
        elif word == "v":
            self._group = replace(self._group, is_hidden=number != "0")
        elif word == "ansicpg" and number is not None:
            self._use(f"cp{number}" if number not in ("65001", "0", "10000") else "utf-8")
        elif word in _CHARSETS:
            self._use(_CHARSETS[word])
        elif word in _WORDS:
            self._text(_WORDS[word])

    def _unicode(self, number: int) -> None:
        code = number + 0x10000 if number < 0 else number
        if 0 < code < 0x10000:
            self._add(chr(code))
        self._to_skip = self._group.skip_after_unicode

    def _use(self, codepage: str) -> None:
        try:
            codecs.lookup(codepage)
        except LookupError:
            return
        self._codepage = codepage

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            # A destination that a reader may not know is left out.
            self._group = replace(self._group, is_hidden=True)
        elif symbol in _SYMBOLS:
            self._text(_SYMBOLS[symbol])

    def _byte(self, value: int) -> None:
        if self._to_skip:
            self._to_skip -= 1
        elif not self._group.is_hidden:
            self._bytes.append(value)

    def _text(self, text: str) -> None:
        skipped = min(self._to_skip, len(text))
        self._to_skip -= skipped
        self._add(text[skipped:])

    def _add(self, text: str) -> None:
        if not self._group.is_hidden:
            self._parts.append(text)

    def _flush(self) -> None:
        """Bytes of a code page that stand together: one character may be two of them."""
        if self._bytes:
            self._parts.append(self._bytes.decode(self._codepage, "replace"))
            self._bytes.clear()
