"""No spelling, no name and no redirect leads a call to where it must not go: connections are counted, and there are none."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import pytest

from engine.errors import EgressBlocked, SignalboxError, WebUnavailable
from engine.security.addresses import Reach, verdict_of
from engine.security.webcalls import WebRequest
from tests.fakes.web import Asked, Web, answer, serving
from tests.security.doors import Names, door

PUBLIC = "93.184.215.14"
HOSTS = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 0 0.0.0.0 0.1.2.3 2130706433 0x7f000001 0x7f.1 0x7f.0.0.1 0177.0.0.1 017700000001
0127.0.0.1 127.0.0.01 00.0.0.0 127.000.000.001 1.0x7f 999.1.1.1 127.0.0.1. 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1
192.168.255.255 100.64.0.1 100.100.100.200 100.127.255.255 169.254.169.254 169.254.0.1 169.254.170.2 168.63.129.16 192.0.0.1 192.0.0.192
192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 2852039166 0xa9fea9fe
0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 [::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:169.254.169.254]
[::ffff:10.0.0.1] [::127.0.0.1] [::10.0.0.1] [::ffff:0:127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::169.254.169.254] [64:ff9b:1::a00:1]
[2002:7f00:1::1] [2002:a9fe:a9fe::1] [2002:a00:1::] [2001:0:4136:e378:8000:63bf:f5ff:fffe] [2001::1] [fe80::1] [fe80::1%25lo] [fec0::1]
[fc00::1] [fd00:ec2::254] [fd20:ce::254] [ff02::1] [2001:db8::1] [3fff::1] [100::1] [5f00::1] [4000::1] [2606:4700::5efe:7f00:1]
[2606:4700::200:5efe:a00:1] localhost LOCALHOST localhost. localhost.localdomain ip6-localhost ①②⑦.⓪.⓪.① 127。0。0。1
%31%32%37.0.0.1 127.0.0.1%00.example.com a..b -a.example good.example@127.0.0.1 good.example:x@127.0.0.1 127.0.0.1%2f@good.example
""".split()
HERE = ["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"]


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with serving() as found:
        yield found


@pytest.fixture(autouse=True)
def dials(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Where anything tried to connect; nothing that is not on loopback is let through."""
    tried: list[object] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: object) -> None:
        tried.append(address)
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", watched)
    return tried


def test_there_are_more_than_sixty_spellings() -> None:
    assert len(set(HOSTS)) == len(HOSTS) >= 60


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("ports", ["closed", "open"])
async def test_no_spelling_of_an_address_that_is_not_public_is_called(web: Web, monkeypatch, host: str, ports: str) -> None:
    if ports == "open":
        # So that only the address stands between the call and the listener.
        monkeypatch.setattr("engine.security.egress.open_port", lambda *_: None)
    names = Names({name: [["127.0.0.1", "::1"]] for name in ("localhost", "localhost.localdomain", "ip6-localhost")})
    names.answers["good.example"] = [["127.0.0.1"]]
    for allow in ((), (f"somewhere-else.example:{web.port}",)):
        for url in (f"http://{host}:{web.port}/", f"http://{host}/", f"https://{host}/"):
            with pytest.raises(EgressBlocked) as raised:
                await door(allow=allow, names=names).send(WebRequest("GET", url))
            assert raised.value.next_step
    assert web.connections == 0


async def test_a_host_that_the_machine_itself_knows_as_this_one_is_not_called(web: Web) -> None:
    from engine.security.egress import looked_up

    for address in await looked_up("localhost", 80):
        assert verdict_of(address).reach is Reach.PRIVATE


@pytest.mark.parametrize("addresses", HERE, ids=", ".join)
async def test_a_name_is_not_called_when_one_of_its_addresses_is_not_public(web: Web, addresses: list[str]) -> None:
    names = Names({"trap.example": [addresses]})
    with pytest.raises(EgressBlocked, match=r"trap\.example was not called"):
        await door(names=names).send(WebRequest("GET", "http://trap.example/"))
    assert web.connections == 0


async def test_what_is_connected_to_is_what_was_checked_however_the_name_answers_afterwards(web: Web, monkeypatch) -> None:
    """Rebinding: the first answer is allowed, every later one is a trap at the same port that counts who falls in."""
    async with serving(host="127.0.0.2", port=web.port) as trap:
        names = Names({"flips.example": [["127.0.0.1"], ["127.0.0.2"]]})
        real, looked_up_again = socket.getaddrinfo, list[str]()

        def flipped(host: Any, *more: Any, **named: Any) -> Any:
            looked_up_again.append(host.decode() if isinstance(host, bytes) else str(host))
            return real("127.0.0.2" if "flips" in looked_up_again[-1] else host, *more, **named)

        monkeypatch.setattr(socket, "getaddrinfo", flipped)
        reply: Any = await door(names=names, allow=[f"flips.example:{web.port}"]).send(
            WebRequest("GET", f"http://flips.example:{web.port}/a")
        )
        assert reply.body["headers"]["host"] == f"flips.example:{web.port}"
        assert (web.connections, trap.connections) == (1, 0)
        assert names.asked == ["flips.example"] and "flips.example" not in looked_up_again


async def test_a_name_that_flips_to_a_private_address_is_checked_at_each_call(web: Web) -> None:
    names = Names({"flips.example": [["127.0.0.1"], ["169.254.169.254"]]})
    egress = door(names=names, allow=[f"flips.example:{web.port}"])
    await egress.send(WebRequest("GET", f"http://flips.example:{web.port}/"))
    with pytest.raises(EgressBlocked, match=r"169\.254\.169\.254"):
        await egress.send(WebRequest("GET", f"http://flips.example:{web.port}/"))
    assert web.connections == 1


TRAPS = (
    "http://127.0.0.1:{trap}/", "http://localhost:{trap}/", "//127.0.0.1:{trap}/", "http://[::1]:{trap}/", "http://[::ffff:127.0.0.1]:{trap}/",
    "http://2130706433:{trap}/", "http://169.254.169.254/latest/meta-data/", "http://private.example/", "http://mixed.example/",
    "file:///etc/passwd", "gopher://127.0.0.1:{trap}/", "ftp://127.0.0.1/", "javascript:alert(1)", "http://user@127.0.0.1:{trap}/",
    "\\\\127.0.0.1:{trap}\\", "http://public.example:22/",
)  # fmt: skip


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", TRAPS)
async def test_a_redirect_to_where_nobody_may_go_is_not_followed(location: str, status: int) -> None:
    async with serving() as trap:

        def leads_on(_asked: Asked) -> bytes:
            return answer(b"", status=status, Location=location.format(trap=trap.port))

        async with serving(leads_on) as web:
            names = Names({"private.example": [["10.0.0.1"]], "mixed.example": [[PUBLIC, "127.0.0.1"]], "localhost": [["127.0.0.1"]]})
            with pytest.raises(EgressBlocked):
                await door(names=names, allow=[web.place]).send(WebRequest("GET", web.url))
            assert (web.connections, trap.connections) == (1, 0)


async def test_redirects_end() -> None:
    async with serving(lambda asked: answer(b"", status=302, Location=f"{asked.target}x")) as web:
        with pytest.raises(EgressBlocked, match="more than 5 redirects"):
            await door(allow=[web.place]).send(WebRequest("GET", web.url))
        assert len(web.asked) == 6


@pytest.mark.parametrize("port", [1, 21, 22, 25, 3306, 5432, 6379, 8080, 65535])
async def test_other_ports_than_those_of_the_web_are_closed(port: int) -> None:
    with pytest.raises(EgressBlocked, match="only the ports 80 and 443"):
        await door(names=Names({"public.example": [[PUBLIC]]})).send(WebRequest("GET", f"http://public.example:{port}/"))


@pytest.mark.parametrize("address", ["169.254.169.254", "224.0.0.1", "0.0.0.0", "255.255.255.255", "64:ff9b::7f00:1"])
async def test_not_even_the_operator_opens_what_is_nobodys_own(address: str) -> None:
    names = Names({"inner.example": [[address]]})
    with pytest.raises(EgressBlocked):
        await door(names=names, allow=["inner.example:80"]).send(WebRequest("GET", "http://inner.example/"))


@pytest.mark.parametrize("allow", ["127.0.0.1:{other}", "127.0.0.1", "localhost:{port}", "127.0.0.2:{port}"])
async def test_what_the_operator_allows_is_that_host_and_port_and_nothing_else(web: Web, allow: str) -> None:
    with pytest.raises(EgressBlocked):
        await door(allow=[allow.format(port=web.port, other=web.port - 1)]).send(WebRequest("GET", web.url))
    assert web.connections == 0


async def test_proxies_of_the_environment_are_not_used(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        await door(allow=[web.place]).send(WebRequest("GET", web.url))
        assert (web.connections, proxy.connections) == (1, 0)


async def test_public_addresses_are_public() -> None:
    for text in (PUBLIC, "1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "172.32.0.1", "100.128.0.1"):
        assert verdict_of(ip_address(text)).reach is Reach.PUBLIC, text


async def test_a_host_that_nobody_knows_can_be_tried_again() -> None:
    with pytest.raises(WebUnavailable, match="Nobody knows") as raised:
        await door().send(WebRequest("POST", "http://nobody.example/", may_repeat=False))
    assert isinstance(raised.value, SignalboxError)
