"""Who asks a DICOMweb service: a bearer token or a password of this node's environment, never of a spec.

The first of these that is there: the file that `WARDROUND_DICOMWEB_TOKEN_FILE` names, which is read for each request
since tokens are renewed; `WARDROUND_DICOMWEB_TOKEN`; the entry of the host in the file that `NETRC` names, else in
`~/.netrc`. Nothing is ever said of what stands in them.
"""

import base64
import netrc
import os
from ipaddress import ip_address
from pathlib import Path

from cluster.storage.errors import AccessRefusedError
from schemas.errors import SecurityError

TOKEN_FILE = "WARDROUND_DICOMWEB_TOKEN_FILE"
TOKEN = "WARDROUND_DICOMWEB_TOKEN"
REMEDY = f"set {TOKEN_FILE} or {TOKEN}, or name the host in ~/.netrc"


def authorization(host: str, *, encrypted: bool) -> str | None:
    """The value of the header `Authorization` (RFC 6750, RFC 7617); None where nothing is known.

    Raises AccessRefusedError for a file that cannot be read or a token that is none; SecurityError where it would
    travel in the clear to another machine.
    """
    found = _bearer() or _basic(host)
    if found is not None and not (encrypted or is_loopback(host)):
        raise SecurityError(
            "credentials would travel in the clear to a DICOMweb service: write dicomweb+https:// in input.uri"
        )
    return found


def _bearer() -> str | None:
    if path := os.environ.get(TOKEN_FILE):
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise AccessRefusedError(f"{TOKEN_FILE} names a file that cannot be read: correct it") from None
        return _checked(token, TOKEN_FILE)
    return _checked(os.environ[TOKEN].strip(), TOKEN) if os.environ.get(TOKEN) else None


def _checked(token: str, name: str) -> str:
    # A line break in it would begin a header of its own.
    if not token or not all("!" <= character <= "~" for character in token):
        raise AccessRefusedError(f"{name} gives no token: it is empty, or has characters that no token has")
    return f"Bearer {token}"


def _basic(host: str) -> str | None:
    path = os.environ.get("NETRC")
    if path is None and not (Path.home() / ".netrc").is_file():
        return None
    try:
        entry = netrc.netrc(path).authenticators(host)
    except netrc.NetrcParseError as error:
        # Its own message may hold a password.
        raise AccessRefusedError(
            f"line {error.lineno} of {path or '~/.netrc'} cannot be used: write it as netrc(5) says, and let nobody "
            "else read the file"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise AccessRefusedError(f"{path or '~/.netrc'} cannot be read: correct NETRC or the file's rights") from None
    if entry is None:
        return None
    user, _, password = entry
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def is_loopback(host: str) -> bool:
    """Whether it is this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
