"""Where a request comes from, as far as that can be believed."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

UNKNOWN_SHARE = 10
"""How many times the share of one address all those together get whose address is not known."""

# As proxies write them: 192.0.2.1:443, [2001:db8::1]:443, [2001:db8::1], and with a zone fe80::1%eth0.
_WRITTEN = re.compile(r"\[(?P<six>[^\]%]+)(?:%[^\]]*)?\](?::\d+)?|(?P<four>[\d.]+):\d+|(?P<bare>[^%]+)(?:%.*)?")


def client_address(request: HttpRequest) -> str:
    """The caller's IP address; of an IPv6 address the /64 that a household is given; empty where it is unknown.

    Believes as many entries of the header `settings.CLIENT_ADDRESS_HEADER`, counted from the right, as there are proxies of our own
    (`settings.TRUSTED_PROXIES`); where that entry is no address, the nearest proxy's own counts.
    """
    remote: str = request.META.get("REMOTE_ADDR") or ""
    if settings.TRUSTED_PROXIES:
        header = settings.CLIENT_ADDRESS_HEADER.upper().replace("-", "_")
        forwarded = request.META.get(f"HTTP_{header}", "").split(",")
        said = forwarded[-min(settings.TRUSTED_PROXIES, len(forwarded))]
        return _told(said) or _told(remote)
    return _told(remote)


def _told(text: str) -> str:
    """The address that `text` writes; empty where it writes none."""
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
