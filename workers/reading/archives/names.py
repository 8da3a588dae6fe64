"""How a member of an archive is named, `cohort.zip!/p1/s2/i3.dcm`, and which names are those of archives.

The syntax is that of Java's `jar:` uris and of Apache Commons VFS: archive, `!/`, name as the archive has it. The first
`!/` behind an ending of an archive parts the two, so that `#`, `!` and `!/` may stand in names of members.
"""

import re
from typing import Literal, NamedTuple

ArchiveKind = Literal["zip", "tar", "tgz"]
"""How members are found: `tgz` is a tar that has to be inflated from its start."""

ENDINGS: dict[str, ArchiveKind] = {".zip": "zip", ".tar": "tar", ".tar.gz": "tgz", ".tgz": "tgz"}
SEPARATOR = "!/"

_MEMBER = re.compile(r"(.*?(?:\.zip|\.tar|\.tar\.gz|\.tgz))!/(.*)", re.IGNORECASE | re.DOTALL)
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:[/\\]|(^|[/\\])\.\.([/\\]|$)")

_NO_TEXT = re.compile(r"[\0\ud800-\udfff]")

_BY_FILE_MANAGERS = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_SIDECARS = (".json", ".jsonl", ".cls", ".txt", ".csv", ".tsv", ".xml", ".yaml", ".yml", ".md")
"""What lies beside pictures in WebDataset shards and in exports, by ending: annotations and lists, never pixels."""


class MemberName(NamedTuple):
    """A member: the key or uri of its archive, and its name in there."""

    archive: str
    name: str


def archive_kind(key: str) -> ArchiveKind | None:
    """What kind of archive an object is by its name; None: none."""
    lower = key.lower()
    return next((kind for ending, kind in ENDINGS.items() if lower.endswith(ending)), None)


def member_key(archive: str, name: str) -> str:
    """The key or uri of a member."""
    return f"{archive}{SEPARATOR}{name}"


def split_member(key: str) -> MemberName | None:
    """The parts of a key or uri that names a member; None for one that does not."""
    found = _MEMBER.fullmatch(key) if SEPARATOR in key else None
    return None if found is None else MemberName(found[1], found[2])


def file_of(uri: str) -> str:
    """The object that a uri leads to: that of the archive where it names a member."""
    member = split_member(uri)
    return uri if member is None else member.archive


def leads_outside(name: str) -> bool:
    """Whether a name is absolute or has `..` in it, by the rules of any system: an unpacker might write elsewhere."""
    return _OUTSIDE.search(name) is not None


def passed_over(name: str) -> str | None:
    """Why a file in an archive is no record, in a word or two to count it under; None: it is one."""
    parts = name.split("/")
    if "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1].lower() in _BY_FILE_MANAGERS:
        return "files of file managers (__MACOSX, .DS_Store, ...)"
    lower = name.lower()
    return next((f"*{ending} beside images" for ending in _SIDECARS if lower.endswith(ending)), None)


def zip_name(raw: bytes, *, is_utf8: bool) -> str:
    """The name of a zip's member. What is UTF-8 is taken for it, though many packers do not say so (macOS, Info-ZIP
    under some locales); else it is code page 437 where the zip says no more (APPNOTE, D.1)."""
    try:
        return raw.decode().replace("\0", "%00")
    except UnicodeDecodeError:
        return text_of(raw, "utf-8" if is_utf8 else "cp437")


def text_of(raw: bytes, encoding: str = "utf-8") -> str:
    """A member's name as text that an id can hold; bytes that are no text, and NUL, are written `%FF`."""
    return _NO_TEXT.sub(lambda found: f"%{ord(found[0]) & 0xFF:02X}", raw.decode(encoding, "surrogateescape"))
