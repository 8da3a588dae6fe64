"""Who asks comes from the environment of the node, goes to no stranger in the clear, and is told to nobody."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from cluster.storage import AccessRefusedError, open_store
from cluster.storage.dicomweb.credentials import authorization
from schemas.errors import SecurityError
from tests.cluster.storage.dicomweb.conftest import QUICK
from tests.support.dicomweb_server import DicomWebServer

SECRET = "a-canary"
HOST = "pacs.example.org"


def netrc(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "netrc").write_text(text)
    (folder / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(folder / "netrc"))


def test_nobody_is_told_where_nothing_is_known() -> None:
    assert authorization(HOST, encrypted=True) is None


def test_a_token_is_a_bearers_and_comes_before_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc(tmp_path, f"machine {HOST} login me password {SECRET}\n", monkeypatch)
    basic = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert authorization(HOST, encrypted=True) == f"Basic {basic}"
    assert authorization("elsewhere.example.org", encrypted=True) is None
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN", f"{SECRET}\n")
    assert authorization(HOST, encrypted=True) == f"Bearer {SECRET}"
    (tmp_path / "token").write_text("another\n")
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN_FILE", str(tmp_path / "token"))
    assert authorization(HOST, encrypted=True) == "Bearer another"
    (tmp_path / "token").write_text("renewed")
    assert authorization(HOST, encrypted=True) == "Bearer renewed"


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "", "ümlaut"])
def test_what_is_no_token_is_refused_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    (tmp_path / "token").write_text(token)
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(AccessRefusedError, match="gives no token") as caught:
        authorization(HOST, encrypted=True)
    assert not token or token not in str(caught.value)


def test_files_that_cannot_be_used_are_named_and_nothing_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc(tmp_path, f"machine {HOST}\nlogin me\n{SECRET} x\n", monkeypatch)
    with pytest.raises(AccessRefusedError, match="netrc") as caught:
        authorization(HOST, encrypted=True)
    assert SECRET not in str(caught.value)
    monkeypatch.setenv("NETRC", str(tmp_path / "absent"))
    with pytest.raises(AccessRefusedError, match="cannot be read"):
        authorization(HOST, encrypted=True)
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN_FILE", str(tmp_path / "absent"))
    with pytest.raises(AccessRefusedError, match="WARDROUND_DICOMWEB_TOKEN_FILE"):
        authorization(HOST, encrypted=True)


def test_in_the_clear_they_go_to_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN", SECRET)
    with pytest.raises(SecurityError, match="in the clear"):
        authorization(HOST, encrypted=False)
    for host in ("localhost", "127.0.0.1", "::1"):
        assert authorization(host, encrypted=False) == f"Bearer {SECRET}"


def test_they_are_sent_with_every_question_and_to_nobody_it_leads_to(
    service: DicomWebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN", SECRET)
    open_store(service.url, QUICK).get(service.keys[0])
    assert service.headers[-1]["Authorization"] == f"Bearer {SECRET}"
