"""The proxy that the environment names for a service: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, but for `NO_PROXY`."""

from __future__ import annotations

import ssl
from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError

from cluster.storage.dicomweb.credentials import is_loopback
from schemas.errors import UsageError

_PORTS = {"https": 443, "http": 80}


def pool_to(base: str, at_once: int) -> urllib3.PoolManager:
    """Connections to the service at this address, so many at a time, by way of its proxy if it has one."""
    address = urlsplit(base)
    encrypted = address.scheme == "https"
    context = ssl.create_default_context() if encrypted else None
    proxy = _proxy_of(address.scheme, address.hostname or "", address.port or _PORTS[address.scheme])
    if not proxy:
        return urllib3.PoolManager(num_pools=1, maxsize=at_once, ssl_context=context)
    try:
        who = urlsplit(proxy)
        headers = None
        if who.username:
            user, password = unquote(who.username), unquote(who.password or "")
            headers = urllib3.make_headers(proxy_basic_auth=f"{user}:{password}")
        return urllib3.ProxyManager(proxy, num_pools=1, maxsize=at_once, ssl_context=context, proxy_headers=headers)
    except (HTTPError, ValueError):
        raise UsageError(
            "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is no address of an HTTP proxy (http://host:port): correct it"
        ) from None


def _proxy_of(scheme: str, host: str, port: int) -> str:
    """Its address; empty where the service is asked without one. What is on this machine always is: in the clear,
    credentials would leave it."""
    if is_loopback(host) or _is_excepted(host, port):
        return ""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all", "")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _is_excepted(host: str, port: int) -> bool:
    """By name, suffix or port as urllib has it; by network as curl and requests have it."""
    if proxy_bypass(f"{host}:{port}") or proxy_bypass(f"[{host}]:{port}"):
        return True
    return any(_is_in(host, part.strip()) for part in getproxies().get("no", "").split(","))


def _is_in(host: str, network: str) -> bool:
    with suppress(ValueError):
        return "/" in network and ip_address(host) in ip_network(network, strict=False)
    return False
