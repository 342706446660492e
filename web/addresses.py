"""Where a request comes from, as far as that can be believed."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The caller's IP address; of an IPv6 address the /64 that a household is given; empty where it is unknown.

    Believes as many entries of X-Forwarded-For, counted from the right, as there are proxies of our own
    (`settings.TRUSTED_PROXIES`).
    """
    text = request.META.get("REMOTE_ADDR") or ""
    if settings.TRUSTED_PROXIES:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        text = forwarded[-min(settings.TRUSTED_PROXIES, len(forwarded))].strip() or text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
