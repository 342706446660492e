"""Where a webhook may be sent: to servers on the public Internet, and into networks that the operator has named.

An address that somebody typed in could point at this server's own network. Its text cannot be trusted: a name can be
looked up differently a second later, and one address can be written in many ways. So the decision is made about the
address that a socket is about to connect to. `read` only says early, in words, what cannot work.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import override

from notifications.channels.channel import TryLater
from notifications.channels.http import Network
from web.words import Words, bilingual

type Address = IPv4Address | IPv6Address
type Block = IPv4Network | IPv6Network

# Where web servers listen: a service of another kind is not to be spoken to in HTTP, wherever it is.
PORTS = frozenset({80, 443, *range(8000, 9000)})
HIGHEST_PORT, LAST_RESERVED_PORT = 65535, 1023
# Databases, queues, remote desktops and the like, which a network may leave open to its own.
OTHER_SERVICES = frozenset(
    {
        *(1080, 1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 5060, 5432, 5433, 5672),
        *(5900, 5984, 6000, 6379, 6380, 6443, 6667, 9042, 9092, 9160, 9200, 9300, 10250, 11211, 15672),
        *(26379, 27017, 27018),
    }
)
# Beyond what `ipaddress` says is not global: relays to addresses within an address (6to4), and Azure's own services.
_NOT_PUBLIC = [
    ip_network(one)
    for one in (
        "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32",
        "2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20",
    )
]  # fmt: skip
# All other prefixes contain another address (IPv4-mapped and -compatible, NAT64) or are not assigned.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# What ISATAP's interface identifiers begin with, before the IPv4 address in them.
_ISATAP = {0x00005EFE, 0x02005EFE}
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.IGNORECASE)


class Forbidden(ValueError):
    """A webhook must not be sent there; `reason` says why, for the person who typed the address."""

    def __init__(self, reason: Words):
        super().__init__(str(reason))
        self.reason = reason


NO_ADDRESS = bilingual(
    "不是有效的网址，请填写完整地址，如 https://crm.example.com/hooks。",
    "It is no address of a web server: give all of it, such as https://crm.example.com/hooks.",
)
NO_USER = bilingual(
    "网址中不能带用户名或密码：接收方凭签名即可核实来源。",
    "An address must hold no user and no password: the signature proves where an event comes from.",
)
ODD_NUMBER = bilingual(
    "IP 地址请写成四段十进制，如 203.0.113.7。", "Write an IP address as four decimal numbers, such as 203.0.113.7."
)
LOCAL_NAME = bilingual(
    "主机名只在内部有效，请填写公网域名；内网接收方须由系统维护人员将其网段列入 WEBHOOK_ALLOWED_NETWORKS。",
    "The host's name means something inside a network only: give a public one, or let the operator of this server name the "
    "network in WEBHOOK_ALLOWED_NETWORKS.",
)
NOT_PUBLIC = bilingual(
    "不是公网地址，请填写公网域名或地址；内网接收方须由系统维护人员将其网段列入 WEBHOOK_ALLOWED_NETWORKS。",
    "The address is none of the public Internet: give one that is, or let the operator of this server name the network in "
    "WEBHOOK_ALLOWED_NETWORKS.",
)
NOT_WEB = bilingual(
    "端口只能是 80、443 或 8000—8999，请让接收方改用其中之一。",
    "The port must be 80, 443 or one from 8000 to 8999: let the receiver listen on one of these.",
)
NOT_SAFE = bilingual(
    "须使用 https：请改填以 https:// 开头的地址，接收方须有有效证书。",
    "The address must begin with https, and the receiver needs a valid certificate.",
)


def networks(texts: Iterable[str], setting: str) -> tuple[Block, ...]:
    """The networks in `setting`. Raises ImproperlyConfigured for a text that is not a network."""
    try:
        return tuple(ip_network(text.strip()) for text in texts)
    except ValueError as error:
        raise ImproperlyConfigured(f"{setting} must name networks such as 10.1.2.0/24: {error}.") from error


def public(address: Address) -> bool:
    """Whether `address` belongs to one server on the public Internet, and no other address is hidden in its digits."""
    if not address.is_global or address.is_multicast or any(address in block for block in _NOT_PUBLIC):
        return False
    if isinstance(address, IPv4Address):
        return True
    interface = (int(address) >> 32) & 0xFFFFFFFF
    return address in _GLOBAL_UNICAST and address.scope_id is None and interface not in _ISATAP


@dataclass(frozen=True, slots=True)
class Destination:
    """The host and port of an address."""

    host: str
    port: int
    safe: bool


def read(url: str) -> Destination:
    """The host and port of `url`, where it has one meaning only. Raises Forbidden."""
    if "\\" in url or any(one <= " " or one == "\x7f" for one in url):
        raise Forbidden(NO_ADDRESS)
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise Forbidden(NO_ADDRESS) from None
    if "@" in url.split("://", 1)[-1].split("/", 1)[0]:
        raise Forbidden(NO_USER)
    host, safe = parsed.raw_host.decode("ascii"), parsed.scheme == "https"
    if parsed.scheme not in {"http", "https"} or (":" not in host and not _NAME.fullmatch(host)):
        raise Forbidden(NO_ADDRESS)
    port = (443 if safe else 80) if parsed.port is None else parsed.port
    if not 0 < port <= HIGHEST_PORT:
        raise Forbidden(NO_ADDRESS)
    return Destination(host, port, safe)


def _literal(host: str) -> Address | None:
    """The IP address in `host`; None where it is a name. Raises Forbidden where it is neither."""
    try:
        return ip_address(host)
    except ValueError:
        if ":" in host:
            raise Forbidden(NO_ADDRESS) from None
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise Forbidden(ODD_NUMBER)
    return None


def web_port(port: int, *, inside: bool) -> bool:
    """Whether webhooks may use `port`. In networks that the operator has named, any port without a well-known other service."""
    return port in PORTS or (inside and port > LAST_RESERVED_PORT and port not in OTHER_SERVICES)


class Outside(Network):
    """Sockets that connect to allowed addresses only: to the `open` networks and, where `wide`, to the public Internet.

    `resolve` looks a name up, once per connection.
    """

    def __init__(
        self,
        open: Sequence[Block] = (),
        *,
        wide: bool = True,
        resolve: Callable[[str, int], Sequence[str]] | None = None,
    ):
        super().__init__()
        self._open, self._wide, self._resolve = tuple(open), wide, resolve or super().addresses

    def check(self, target: Destination) -> None:
        """Raise Forbidden if the address is already known to be forbidden, before anything is sent. Looks up no name."""
        address = _literal(target.host)
        if address is not None:
            reason = self.refusal(address, target.port)
            if reason is not None:
                raise Forbidden(reason)
            return
        name = target.host.lower()
        if not self._open and any(name == one or name.endswith(f".{one}") for one in _LOCAL_NAMES):
            raise Forbidden(LOCAL_NAME)
        if not self._open and not self._wide:
            raise Forbidden(NOT_SAFE)
        # Only the resolver knows whether the name leads into a network that the operator has allowed.
        if not web_port(target.port, inside=bool(self._open)):
            raise Forbidden(NOT_WEB)

    def refusal(self, address: Address, port: int) -> Words | None:
        """Why nothing may be sent to `port` of `address`; None where it may."""
        if any(address in block for block in self._open):
            return None if web_port(port, inside=True) else NOT_WEB
        if not public(address):
            return NOT_PUBLIC
        if not self._wide:
            return NOT_SAFE
        return None if port in PORTS else NOT_WEB

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`. Raises TryLater where any of them is not allowed, OSError where it has none."""
        found = [ip_address(one) for one in self._resolve(host, port)]
        for address in found:
            reason = self.refusal(address, port)
            if reason is not None:
                with override("en"):
                    raise TryLater(f"Not connected: {reason}")
        return [str(address) for address in found]
