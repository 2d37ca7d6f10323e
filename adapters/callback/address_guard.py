"""Which addresses a callback may go to.

Shape   refused_address(ip) -> why it is refused, or None
Rule    only unicast addresses of the public Internet: none that is private, loopback, link-local (so no metadata
        service), shared, reserved, multicast or unspecified, nor an IPv6 form that leads to such an IPv4 address. The
        caller connects to the very address that was checked, so a name that changes its answer gains nothing
Source  IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890); RFC 6052 (NAT64), 3056 (6to4), 5214
        (ISATAP). 168.63.129.16 is public by its number and the host's own service on one large cloud
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
_UNICAST = IPv6Network("2000::/3")

_REFUSED_V4 = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared (carrier-grade NAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "metadata"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_REFUSED_V6 = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved"),  # Teredo among them
        ("2001:db8::/32", "documentation"),
        ("2620:4f:8000::/48", "reserved"),
        ("3fff::/20", "documentation"),
    )
)


def refused_address(text: str) -> str | None:
    """Say why this address may not be called, or None."""
    address = ip_address(text.partition("%")[0])
    what = _refused_v4(address) if isinstance(address, IPv4Address) else _refused_v6(address)
    return None if what is None else f"{text} is a {what} address"


def _refused_v4(address: IPv4Address) -> str | None:
    return next((what for network, what in _REFUSED_V4 if address in network), None)


def _refused_v6(address: IPv6Address) -> str | None:
    if address.ipv4_mapped is not None:
        return _refused_v4(address.ipv4_mapped)
    low = IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _NAT64:
        return _refused_v4(low)
    what = next((what for network, what in _REFUSED_V6 if address in network), None)
    if what is not None or address not in _UNICAST:
        return what or "reserved"
    if address.sixtofour is not None:
        return _refused_v4(address.sixtofour)
    return _refused_v4(low) if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP else None
