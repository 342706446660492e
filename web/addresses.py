"""The network address that a request comes from."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

UNKNOWN_SHARE = 10
"""Rate limit for all clients whose address is unknown, as a multiple of the limit for one address."""

# As proxies write them: 192.0.2.1:443, [2001:db8::1]:443, [2001:db8::1], and with a zone fe80::1%eth0.
_WRITTEN = re.compile(r"\[(?P<six>[^\]%]+)(?:%[^\]]*)?\](?::\d+)?|(?P<four>[\d.]+):\d+|(?P<bare>[^%]+)(?:%.*)?")


def client_address(request: HttpRequest) -> str:
    """The caller's IP address; for IPv6 the /64 network of a household; empty where it is unknown.

    Reads the header `settings.CLIENT_ADDRESS_HEADER` from the right, as many entries as we have proxies
    (`settings.TRUSTED_PROXIES`). Where that entry is not an address, the address of the nearest proxy is used.
    """
    remote: str = request.META.get("REMOTE_ADDR") or ""
    if settings.TRUSTED_PROXIES:
        header = settings.CLIENT_ADDRESS_HEADER.upper().replace("-", "_")
        forwarded = request.META.get(f"HTTP_{header}", "").split(",")
        said = forwarded[-min(settings.TRUSTED_PROXIES, len(forwarded))]
        return _told(said) or _told(remote)
    return _told(remote)


def _told(text: str) -> str:
    """The address in `text`; empty where there is none."""
    written = _WRITTEN.fullmatch(text.strip().strip('"'))
    try:
        address = ipaddress.ip_address(next(filter(None, written.groups())) if written else "")
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
