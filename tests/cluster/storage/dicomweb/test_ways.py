"""By which way a service is reached: redirects, proxies, addresses of all kinds, and who is told the credentials."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cluster.storage import AccessRefusedError, Search, TransientError, open_store, search_service
from cluster.storage.dicomweb.proxies import pool_to
from cluster.storage.dicomweb.service import service_at
from schemas.errors import InfrastructureError, UsageError
from tests.cluster.storage.dicomweb.conftest import QUICK
from tests.support.dicomweb_server import DicomWebServer, Fault
from tests.support.tls_proxy import TlsProxy, write_certificate

SECRET = "a-canary-of-a-token"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    service_at.cache_clear()


class Proxy:
    """An HTTP proxy that tunnels to `target`, whatever name is asked for, and may want to know who asks."""

    def __init__(self, target: int, who: str = "") -> None:
        self.log: list[tuple[str, str]] = []
        log = self.log

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                log.append((self.path, self.headers.get("Proxy-Authorization", "")))
                if who and self.headers.get("Proxy-Authorization") != who:
                    self.send_error(407)
                    return
                self.send_response(200)
                self.end_headers()
                with socket.create_connection(("127.0.0.1", target)) as other:
                    back = threading.Thread(target=_pump, args=(other, self.connection), daemon=True)
                    back.start()
                    _pump(self.connection, other)
                    back.join(5)
                self.close_connection = True

            def do_GET(self) -> None:
                log.append((self.path, self.headers.get("Authorization", "")))
                self.send_error(502)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is said."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def tls(service: DicomWebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsProxy]:
    """The service behind TLS, as a host that only a proxy can reach; its authority is trusted."""
    certificate, key = write_certificate(tmp_path, "192.0.2.7")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    proxy = TlsProxy("127.0.0.1", service.port, certificate, key)
    yield proxy
    proxy.close()


def port_of(tls: TlsProxy) -> int:
    return int(tls.address.rpartition(":")[2])


def test_a_redirect_to_another_host_is_not_followed_and_nobody_there_hears_of_the_token(
    service: DicomWebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN", SECRET)
    with Proxy(0) as stranger:
        for kind, status in (("redirects", 302), ("moved", 301), ("see there", 307)):
            service.redirect_to = f"http://127.0.0.1:{stranger.port}/"
            service.use(Fault(kind, times=99))
            with pytest.raises(TransientError, match=rf"leads elsewhere \({status}\)") as caught:
                open_store(service.url, QUICK).get(service.keys[0])
            assert SECRET not in str(caught.value)
            assert str(stranger.port) not in str(caught.value)
        assert stranger.log == []


def test_a_token_that_is_renewed_while_it_is_under_way_is_asked_with_again(
    service: DicomWebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN_FILE", str(path))
    store = open_store(service.url, QUICK)
    assert store.get(service.keys[0]) == service.body(service.keys[0])
    service.token = "new"
    with pytest.raises(AccessRefusedError, match="401"):
        store.get(service.keys[1])
    service.on_refusal = lambda: path.write_text("new")
    assert store.get(service.keys[1]) == service.body(service.keys[1])
    assert [one["Authorization"] for one in service.headers[-2:]] == ["Bearer old", "Bearer new"]


def test_a_service_is_asked_through_its_proxy_and_tells_it_nothing(
    service: DicomWebServer, tls: TlsProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN", SECRET)
    who = "Basic " + base64.b64encode(b"me@site:p:w").decode()
    with Proxy(port_of(tls), who) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me%40site:p%3Aw@127.0.0.1:{proxy.port}")
        store = open_store("dicomweb+https://192.0.2.7:8443/dicom-web", QUICK)
        assert store.get(service.keys[0]) == service.body(service.keys[0])
        assert proxy.log == [("192.0.2.7:8443", who)]
        assert service.headers[-1]["Authorization"] == f"Bearer {SECRET}"
        assert "Proxy-Authorization" not in service.headers[-1]


@pytest.mark.parametrize("name", ["https_proxy", "ALL_PROXY"])
def test_a_proxy_may_be_named_in_small_letters_for_all_and_without_a_scheme(
    service: DicomWebServer, tls: TlsProxy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with Proxy(port_of(tls)) as proxy:
        monkeypatch.setenv(name, f"127.0.0.1:{proxy.port}")
        store = open_store("dicomweb+https://192.0.2.7:8443/dicom-web", QUICK)
        assert store.get(service.keys[0]) == service.body(service.keys[0])


def test_a_proxy_that_refuses_is_told_as_one(tls: TlsProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(port_of(tls), "Basic other") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@127.0.0.1:{proxy.port}")
        with pytest.raises(AccessRefusedError, match="407") as caught:
            open_store("dicomweb+https://192.0.2.7:8443/dicom-web", QUICK).get("studies/1/series/2/instances/3")
        assert SECRET not in str(caught.value)
        service_at.cache_clear()
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        with pytest.raises(TransientError, match="proxy"):
            open_store("dicomweb+https://192.0.2.7:8443/dicom-web", QUICK).get("studies/1/series/2/instances/3")


def test_a_certificate_behind_a_proxy_is_proved_too(
    tls: TlsProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with Proxy(port_of(tls)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(InfrastructureError, match="SSL_CERT_FILE"):
            open_store("dicomweb+https://192.0.2.7:8443/dicom-web", QUICK).get("studies/1/series/2/instances/3")


def test_a_certificate_of_another_host_is_not_trusted(
    service: DicomWebServer, tls: TlsProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN", SECRET)
    with pytest.raises(InfrastructureError, match="not trusted"):
        open_store(f"dicomweb+https://127.0.0.1:{port_of(tls)}/dicom-web", QUICK).get(service.keys[0])
    assert service.log == []


def test_what_is_on_this_machine_is_asked_without_a_proxy(
    service: DicomWebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN", SECRET)
    with Proxy(0) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert open_store(service.url, QUICK).get(service.keys[0]) == service.body(service.keys[0])
        assert proxy.log == []


@pytest.mark.parametrize(
    ("excepted", "address", "has_proxy"),
    [
        ("", "https://pacs.example.org/d", True),
        ("*", "https://pacs.example.org/d", False),
        ("example.org", "https://pacs.example.org/d", False),
        (".example.org", "https://pacs.example.org/d", False),
        ("pacs.example.org:8443", "https://pacs.example.org:8443/d", False),
        ("pacs.example.org:8443", "https://pacs.example.org/d", True),
        ("ample.org", "https://pacs.example.org/d", True),
        ("10.0.0.0/8", "https://10.1.2.3:8042/d", False),
        ("10.0.0.0/8", "https://11.1.2.3:8042/d", True),
        ("fd00::/8", "https://[fd00::7]/d", False),
        ("nonsense/x, 10.1.2.3", "https://10.1.2.3/d", False),
        ("", "https://127.0.0.1/d", False),
        ("", "https://[::1]:8042/d", False),
        ("", "https://localhost/d", False),
    ],
)
def test_what_NO_PROXY_names_is_asked_without(
    monkeypatch: pytest.MonkeyPatch, excepted: str, address: str, has_proxy: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", excepted)
    assert (pool_to(address, 1).proxy is not None) == has_proxy


@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "http://proxy:port", "ftp://proxy"])
def test_what_is_no_address_of_a_proxy_is_a_mistake(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        pool_to("https://pacs.example.org/d", 1)


@pytest.mark.parametrize("prefix", ["/dicom-web", "/dicom-web/", "/a/b%20c/dicom-web", "/a/v2/dicom-web//", ""])
def test_a_base_path_may_have_a_prefix_and_slashes_at_its_end(service: DicomWebServer, prefix: str) -> None:
    service.prefix = prefix.rstrip("/")
    uri = f"dicomweb+http://localhost:{service.port}{prefix}"
    assert list(search_service(uri, QUICK, Search())) == service.keys
    assert open_store(uri, QUICK).get(service.keys[0]) == service.body(service.keys[0])
    assert {target.partition("/studies")[0] for target in service.log} == {prefix.rstrip("/")}


def test_a_host_may_be_an_address_of_IPv6(monkeypatch: pytest.MonkeyPatch, service: DicomWebServer) -> None:
    monkeypatch.setenv("WARDROUND_DICOMWEB_TOKEN", SECRET)
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")

    def serve() -> None:
        while True:
            try:
                taken, _ = listening.accept()
            except OSError:
                return
            other = socket.create_connection(("127.0.0.1", service.port))
            for pair in ((taken, other), (other, taken)):
                threading.Thread(target=_pump, args=pair, daemon=True).start()

    with listening:
        threading.Thread(target=serve, daemon=True).start()
        uri = f"dicomweb+http://[::1]:{listening.getsockname()[1]}/dicom-web"
        assert list(search_service(uri, QUICK, Search())) == service.keys
        assert service.headers[-1]["Host"].startswith("[::1]:")
        assert service.headers[-1]["Authorization"] == f"Bearer {SECRET}"
