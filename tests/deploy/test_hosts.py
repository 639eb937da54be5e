"""A server of this machine only has the names of this machine."""

from __future__ import annotations

import pytest

from cifar_lab.deploy.hosts import is_one_of, names_of


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.5", "::1"])
def test_a_loopback_address_has_local_names_only(address):
    names = names_of(address)
    own = f"[{address}]" if ":" in address else address
    for host in ("127.0.0.1", "localhost:8000", "LocalHost", "[::1]:8000", f"{own}:1"):
        assert is_one_of(host, names)
    for host in (
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost:x",
        "10.0.0.1",
        "[",
        ":1",
    ):
        assert not is_one_of(host, names)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "fe80::1%eth0"])
def test_other_addresses_may_have_any_name(address):
    assert is_one_of("models.example:8000", names_of(address))
    assert is_one_of("", names_of(address))
