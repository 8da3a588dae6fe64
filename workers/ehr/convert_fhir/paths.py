"""Look things up in a resource."""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

Node = Any
"""A piece of JSON."""
Getter = Callable[[Mapping[str, Any], Node], Node]
"""What an expression finds in a resource, or in the item of the list that an event goes over; else None."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_\-]+)", re.ASCII | re.IGNORECASE)


def getter(path: str) -> Getter:
    """`a.b.c` from the resource, `.b.c` from the item."""
    names = tuple(name for name in path.split(".") if name)
    if path.startswith("."):
        return lambda resource, item: walk(item, names)
    return lambda resource, item: walk(resource, names)


def walk(node: Node, names: tuple[str, ...]) -> Node:
    """Through objects by name; of a list the first item."""
    for name in names:
        if type(node) is list:
            node = node[0] if node else None
        if type(node) is not dict:
            return None
        node = node.get(name)
    if type(node) is list:
        node = node[0] if node else None
    return node


def items(resource: Mapping[str, Any], names: tuple[str, ...]) -> list[Node]:
    """The list at this path; one thing is a list of one."""
    node = walk(resource, names[:-1]) if len(names) > 1 else resource
    found = node.get(names[-1]) if type(node) is dict else None
    return found if type(found) is list else [] if found is None else [found]


def patient_of(reference: Node) -> tuple[str | None, str]:
    """The id in a reference to a patient; else None and why.

    `Patient/1`, `https://host/fhir/Patient/1/_history/2` and `urn:uuid:1` all give the id alone: a bulk export comes
    from one server, where ids are unique.
    """
    if type(reference) is not str:
        return None, "no subject"
    if reference.startswith("urn:uuid:"):
        reference = "Patient/" + reference.removeprefix("urn:uuid:")
    if reference.startswith("#"):
        return None, "its subject is inside the resource itself"
    segments = reference.partition("/_history/")[0].split("/")
    if len(segments) < 2 or segments[-2] != "Patient":
        return None, "its subject is not a patient"
    key = segments[-1]
    return (key, "") if _ID.fullmatch(key) else (None, "its reference to a patient is not one")


def patient_id(value: Node) -> tuple[str | None, str]:
    """A patient's own id; else None and why."""
    if type(value) is not str:
        return None, "no id"
    value = value.removeprefix("urn:uuid:")
    return (value, "") if _ID.fullmatch(value) else (None, "its id is not one")


def attached_text(attachment: Node) -> str | None:
    """The text of an attachment; None where it is not inline, or not text.

    Raises ValueError where it is not what it says.
    """
    if type(attachment) is not dict:
        return None
    kind, data = attachment.get("contentType"), attachment.get("data")
    if type(kind) is not str or type(data) is not str or not kind.startswith("text/"):
        return None
    charset = _CHARSET.search(kind)
    try:
        return base64.b64decode("".join(data.split()), validate=True).decode(charset[1] if charset else "utf-8")
    except LookupError:
        raise ValueError("its character set is unknown") from None
