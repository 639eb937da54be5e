"""Names under which a server may be addressed.

Any site may have its own name point at this machine, so that pages of that site reach its servers
(DNS rebinding). The browser then sends that name, by which such requests are recognised.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

#: Usual names of this machine for itself.
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")


def names_of(address: str) -> tuple[str, ...]:
    """Return the names of a server that listens at an IP address; empty if it may have any."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if not found.is_loopback:
        return ()
    return (f"[{found}]" if found.version == 6 else str(found), *LOCAL_NAMES)


def is_one_of(host: str, names: Collection[str]) -> bool:
    """Whether a Host header, with or without a port, holds one of these names.

    Args:
        host: as it was sent; empty without the header.
        names: empty for any.
    """
    return not names or re.sub(r":\d+$", "", host).lower() in names
