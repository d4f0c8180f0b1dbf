"""What may be asked: the public internet by HTTPS, and nothing that leads inside."""

from ipaddress import ip_address

import pytest
from pytest_django import Settings

from integrations.outbound.addresses import OutboundRefused, is_public, target_of

CLOSED = [
    "0.0.0.0",  # noqa: S104  (nothing is bound to it)
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:93.184.215.14",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::5db8:d70e",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:a9fe:a9fe::1",
    "2002:5db8:d70e::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
OPEN = ["1.1.1.1", "93.184.215.14", "223.255.255.254", "2606:4700::1111", "2a00:1450:4009::1"]


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_inside_or_wrapped_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


REFUSED = [
    "",
    "keys.gp.example/jwks.json",
    "//keys.gp.example/jwks.json",
    "http://keys.gp.example/jwks.json",
    "ftp://keys.gp.example/jwks.json",
    "file:///etc/passwd",
    "https://",
    "https:///jwks.json",
    "https://user@keys.gp.example/",
    "https://user:secret@keys.gp.example/",
    "https://keys.gp.example/#fragment",
    "https://keys.gp.example/#",
    "https://keys.gp.example:99999/",
    "https://keys.gp.example:port/",
    "https://keys.gp.example/a b",
    "https://keys.gp.example/\r\nHost: inside",
    "https://keys.gp.example\\@inside/",
    "https://kéys.gp.example/",
    "https://keys_gp.example/",
    "https://keys.gp.example%00.inside/",
    "https://[fe80::1%25eth0]/",
    "https://[::1]/",
    "https://127.0.0.1/",
    "https://10.1.2.3/jwks.json",
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:10.0.0.1]/",
    "https://[fd00::1]/",
    "https://127.1/",
    "https://2130706433/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_never_asked_is_refused_without_looking_it_up(url: str) -> None:
    with pytest.raises(OutboundRefused):
        target_of(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://keys.gp.example", "keys.gp.example", 443, "/"),
        ("https://Keys.GP.example:8443/a/b?c=d", "keys.gp.example", 8443, "/a/b?c=d"),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443, "/"),
        ("https://localhost/", "localhost", 443, "/"),  # refused when it leads to where it does
    ],
)
def test_a_public_address_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    target = target_of(url)

    assert (target.host, target.port, target.path, target.is_own) == (host, port, path, False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost/", "http://[::1]/"])
@pytest.mark.parametrize("flag", ["DEMO", "DEBUG"])
def test_only_a_demonstration_may_ask_this_very_machine(
    settings: Settings, url: str, flag: str
) -> None:
    with pytest.raises(OutboundRefused):
        target_of(url)
    setattr(settings, flag, True)

    assert target_of(url).is_own

    for other in ("http://10.0.0.1/", "http://127.0.0.2/", "http://keys.gp.example/"):
        with pytest.raises(OutboundRefused):
            target_of(other)
