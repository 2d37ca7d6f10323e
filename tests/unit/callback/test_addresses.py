"""Which addresses may be called, and that the one that was checked is the one that is called."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.callback import dialer
from adapters.callback.address_guard import refused_address
from pipeline.outcome import Delivered, Failed, Unsent
from tests.unit.callback.lab import OK, Lab, Peer, RawServer, answer_ok, hang, on_loop, until

Found = Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "172.15.255.255",
        "172.32.0.1",
        "100.63.255.255",
        "100.128.0.0",
        "192.0.1.1",
        "168.63.129.17",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2400:cb00::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2606:4700::5efe:8.8.8.8",
    ],
)
def test_an_address_of_the_public_internet_may_be_called(address: str) -> None:
    assert refused_address(address) is None


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("0.0.0.0", "unspecified"),  # noqa: S104  an address, nothing is bound to it
        ("0.1.2.3", "unspecified"),
        ("10.0.0.1", "private"),
        ("100.64.0.1", "shared (carrier-grade NAT)"),
        ("100.100.100.200", "shared (carrier-grade NAT)"),  # one cloud's metadata
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "metadata"),
        ("169.254.169.254", "link-local"),
        ("169.254.0.23", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "reserved"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "benchmarking"),
        ("203.0.113.7", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fe80::5efe:8.8.8.8", "link-local"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "private"),  # one cloud's metadata
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
        ("2001::1", "reserved"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "reserved"),  # Teredo
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("4000::1", "reserved"),
        ("100::1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::ffff:a00:1", "private"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:0:127.0.0.1", "reserved"),
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("64:ff9b:1::10.0.0.1", "reserved"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a9fe:a9fe::1", "link-local"),
        ("2606:4700::5efe:10.0.0.1", "private"),
        ("2606:4700::200:5efe:192.168.0.1", "private"),
    ],
)
def test_no_other_address_may_be_called(address: str, what: str) -> None:
    assert refused_address(address) == f"{address} is a {what} address"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
@on_loop
async def test_however_the_loopback_address_is_written_it_is_refused(host: str) -> None:
    async with Lab(host=host, allow_private_addresses=False) as lab:
        outcome = await lab.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.reason.startswith("address refused: ")
        assert outcome.reason.endswith("is a loopback address")
        assert lab.server.peers == []


@on_loop
async def test_a_subscription_may_allow_private_addresses() -> None:
    async with Lab(allow_private_addresses=True) as lab:
        assert await lab.outcome() == Delivered(200)


def answers(*ips: str) -> Found:
    families = ((socket.AF_INET6 if ":" in ip else socket.AF_INET, ip) for ip in ips)
    return [(family, socket.SOCK_STREAM, 6, "", (ip, 0)) for family, ip in families]


def only_public(*ips: str) -> Any:
    """A guard for tests on one machine: these loopback addresses stand for public ones, all others are private."""
    return lambda ip: None if ip in ips else f"{ip} is a private address"


@on_loop
async def test_a_name_that_leads_to_private_addresses_only_is_refused() -> None:
    def lookup(_host: str, _port: int) -> Found:
        return answers("10.0.0.1", "169.254.169.254")

    async with Lab(host="inside.example", lookup=lookup, allow_private_addresses=False) as lab:
        assert await lab.outcome() == Failed("address refused: 10.0.0.1 is a private address")


@on_loop
async def test_of_a_mixed_answer_only_the_public_addresses_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "refused_address", only_public("127.0.0.1"))

    def lookup(_host: str, _port: int) -> Found:
        return answers("127.0.0.2", "::1", "127.0.0.1", "127.0.0.3")

    async with Lab(host="mixed.example", lookup=lookup, allow_private_addresses=False) as lab:
        inside = RawServer(answer_ok, host="127.0.0.2", port=lab.server.port)
        await inside.start()
        assert await lab.outcome() == Delivered(200)
        assert [peer.address for peer in lab.server.peers] == ["127.0.0.1"]
        assert inside.peers == []
        inside.stop_listening()


@on_loop
async def test_a_name_that_changes_its_answer_after_the_check_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "refused_address", only_public("127.0.0.1"))
    lookups: list[str] = []

    def lookup(host: str, _port: int) -> Found:
        lookups.append(host)
        return answers("127.0.0.1" if len(lookups) == 1 else "127.0.0.2")

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK.replace(b"OK", b"OK\r\nConnection: close"))

    async with Lab(serve, host="rebinding.example", lookup=lookup, allow_private_addresses=False) as lab:
        inside = RawServer(serve, host="127.0.0.2", port=lab.server.port)
        await inside.start()
        assert await lab.outcome() == Delivered(200)
        assert lookups == ["rebinding.example"], "one lookup: the address that was checked is the one that is called"
        assert await lab.outcome() == Failed("address refused: 127.0.0.2 is a private address")
        assert lookups == ["rebinding.example"] * 2, "a new connection is a new lookup, and a new check"
        assert inside.peers == []
        inside.stop_listening()


@on_loop
async def test_what_is_called_is_a_literal_address_so_that_nothing_below_looks_the_name_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a second lookup")

    def lookup(_host: str, _port: int) -> Found:
        return answers("127.0.0.1")

    async with Lab(host="once.example", lookup=lookup) as lab:
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", refuse)
        assert await lab.outcome() == Delivered(200)
        assert b"\r\nHost: once.example:" in b"".join(await received(lab))


async def received(lab: Lab) -> list[bytes]:
    heads: list[bytes] = []

    async def serve(peer: Peer) -> None:
        heads.append((await peer.request()).head)
        await peer.send(OK)

    lab.server._serve = serve
    for connection in list(lab.endpoint._open):
        connection.abort()
    await lab.server.all_closed()
    await lab.outcome()
    return heads


@on_loop
async def test_an_address_that_refuses_leaves_its_turn_to_the_next() -> None:
    def lookup(_host: str, _port: int) -> Found:
        return answers("127.0.0.3", "127.0.0.2", "127.0.0.1")

    async with Lab(host="three.example", lookup=lookup) as lab:
        assert await lab.outcome() == Delivered(200)
        assert [peer.address for peer in lab.server.peers] == ["127.0.0.1"]


@on_loop
async def test_an_address_that_swallows_packets_leaves_time_for_the_next() -> None:
    def lookup(_host: str, _port: int) -> Found:
        return answers("127.0.0.2", "127.0.0.1")

    async with Lab(host="two.example", lookup=lookup, timeout_s=0.6) as lab:
        with socket.socket() as full:
            full.bind(("127.0.0.2", lab.server.port))
            full.listen(0)
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)  # noqa: FBT003
                filler.connect_ex(("127.0.0.2", lab.server.port))
            assert await lab.outcome() == Delivered(200)
            for filler in fillers:
                filler.close()
        assert len(lab.endpoint._open) == 1


@on_loop
async def test_when_no_address_answers_the_last_ones_reason_is_told() -> None:
    def lookup(_host: str, _port: int) -> Found:
        return answers("127.0.0.3", "127.0.0.2")

    async with Lab(host="none.example", lookup=lookup) as lab:
        assert await lab.outcome() == Failed("connection refused")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
            "Temporary failure in name resolution",
        ),
        (UnicodeError("label empty or too long"), "not a host name"),
    ],
)
@on_loop
async def test_a_name_that_is_not_resolved(error: Exception, reason: str) -> None:
    def lookup(_host: str, _port: int) -> Found:
        raise error

    async with Lab(host="nowhere.example", lookup=lookup) as lab:
        assert await lab.outcome() == Failed(f"name not resolved: {reason}")


@on_loop
async def test_a_lookup_for_which_there_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async with Lab(host="named.example", lookup=lambda _host, _port: answers("127.0.0.1")) as lab:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", no_more)
            assert await lab.outcome() == Unsent("no thread left to look a name up: can't start new thread")
        assert await lab.outcome() == Delivered(200)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@on_loop
async def test_a_lookup_that_fails_as_it_never_should_is_reported_to_the_loop() -> None:
    def lookup(_host: str, _port: int) -> Found:
        raise LookupError("a bug")

    async with Lab(host="buggy.example", lookup=lookup, timeout_s=0.1) as lab:
        assert await lab.outcome() == Failed("timed out after 0.1 s, no connection")
        assert isinstance(lab.loop_errors.pop()["exception"], RuntimeError)


@on_loop
async def test_a_name_without_addresses() -> None:
    async with Lab(host="empty.example", lookup=lambda _host, _port: []) as lab:
        assert await lab.outcome() == Failed("address refused: the name has no addresses")


@pytest.mark.parametrize("host", ["a" * 64 + ".example", ".example", "a..example"])
@on_loop
async def test_a_host_that_is_no_name_fails_and_stops_nothing(host: str) -> None:
    async with Lab(host=host) as lab:
        outcome = await lab.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.reason.startswith("name not resolved: ")


class HangingNames:
    """A name server that answers when it is released."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.lookups = 0

    def __call__(self, _host: str, _port: int) -> Found:
        self.lookups += 1
        self.release.wait()
        return answers("127.0.0.1")


@on_loop
async def test_who_asks_for_a_name_that_is_being_looked_up_shares_the_answer() -> None:
    names = HangingNames()
    async with Lab(host="slow.example", lookup=names) as lab:
        out = [lab.post() for _ in range(20)]
        await asyncio.sleep(0)
        names.release.set()
        assert [await outing.outcome() for outing in out] == [Delivered(200)] * 20
        assert names.lookups == 1


@on_loop
async def test_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    names = HangingNames()
    async with Lab(host="slow.example", lookup=names) as lab:
        gives_up, waits = lab.post(), lab.post()
        await until(lambda: names.lookups)
        gives_up.attempt.cancel()
        await asyncio.sleep(0)
        names.release.set()
        assert await waits.outcome() == Delivered(200)


@on_loop
async def test_a_name_server_that_hangs_costs_its_endpoint_the_deadline_and_the_others_nothing() -> None:
    names = HangingNames()

    def lookup(_host: str, _port: int) -> Found:
        return answers("127.0.0.1")

    async with (
        Lab(host="hanging.example", lookup=names, timeout_s=0.1) as dead,
        Lab(host="healthy.example", lookup=lookup) as healthy,
    ):
        out = [dead.post() for _ in range(50)]
        assert await healthy.outcome() == Delivered(200)
        assert [await outing.outcome() for outing in out] == [Failed("timed out after 0.1 s, no connection")] * 50
        assert names.lookups == 1
        names.release.set()


def test_a_lookup_that_outlives_its_loop_harms_nobody() -> None:
    names = HangingNames()

    @on_loop
    async def leave() -> None:
        async with Lab(hang, host="hanging.example", lookup=names) as lab:
            lab.post()
            await until(lambda: names.lookups)

    leave()
    thread = next(thread for thread in threading.enumerate() if thread.name == "resolve")
    names.release.set()
    thread.join()


@on_loop
async def test_proxies_in_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Lab() as proxy, Lab() as lab:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server.port}")
        assert await lab.outcome() == Delivered(200)
        assert len(lab.server.peers) == 1
        assert proxy.server.peers == []
