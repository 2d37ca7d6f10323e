"""TLS: verified, never skipped, and under the same deadline as everything else."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.callback.endpoint import HttpEndpoint
from adapters.callback.tls import TrustError
from pipeline.outcome import Abandoned, Delivered, Failed
from pipeline.ports import Push
from pipeline.subscription import HttpPolicy
from tests.unit.callback.certificates import Authority, authority, self_signed
from tests.unit.callback.lab import OK, Lab, Peer, answer_ok, answering, answering_and_open, hang, on_loop

HOST = "hooks.example"


def lookup(_host: str, _port: int) -> Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("trusted"))


@on_loop
async def test_a_certificate_of_the_ca_file_is_accepted_and_its_connection_serves_again(trusted: Authority) -> None:
    async with Lab(answer_ok, host=HOST, server_tls=trusted.server(HOST), lookup=lookup, ca_file=trusted.file) as lab:
        assert [await lab.outcome() for _ in range(20)] == [Delivered(200)] * 20
        assert len(lab.server.peers) == 1


@on_loop
async def test_an_address_may_be_what_the_certificate_names(trusted: Authority) -> None:
    async with Lab(answer_ok, server_tls=trusted.server("127.0.0.1"), ca_file=trusted.file) as lab:
        assert await lab.outcome() == Delivered(200)


@on_loop
async def test_an_expired_certificate_is_refused(trusted: Authority) -> None:
    tls = trusted.server(HOST, expired=True)
    async with Lab(answer_ok, host=HOST, server_tls=tls, lookup=lookup, ca_file=trusted.file) as lab:
        assert await lab.outcome() == Failed("TLS: certificate has expired")


@on_loop
async def test_a_certificate_for_another_host_is_refused(trusted: Authority) -> None:
    tls = trusted.server("other.example")
    async with Lab(answer_ok, host=HOST, server_tls=tls, lookup=lookup, ca_file=trusted.file) as lab:
        outcome = await lab.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.reason.startswith("TLS: Hostname mismatch")


@on_loop
async def test_a_certificate_for_the_name_does_not_do_for_the_address(trusted: Authority) -> None:
    async with Lab(answer_ok, server_tls=trusted.server(HOST), ca_file=trusted.file) as lab:
        outcome = await lab.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.reason.startswith("TLS: IP address mismatch")


@on_loop
async def test_a_self_signed_certificate_is_refused(trusted: Authority, tmp_path: Path) -> None:
    tls = self_signed(tmp_path, HOST)
    async with Lab(answer_ok, host=HOST, server_tls=tls, lookup=lookup, ca_file=trusted.file) as lab:
        assert await lab.outcome() == Failed("TLS: self-signed certificate")


@pytest.mark.parametrize("ca_file", [None, "another"])
@on_loop
async def test_an_authority_that_is_not_trusted_is_refused(
    trusted: Authority, tmp_path: Path, ca_file: str | None
) -> None:
    trusts = authority(tmp_path).file if ca_file else None
    async with Lab(answer_ok, host=HOST, server_tls=trusted.server(HOST), lookup=lookup, ca_file=trusts) as lab:
        assert await lab.outcome() == Failed("TLS: unable to get local issuer certificate")


@on_loop
async def test_a_server_that_speaks_no_tls() -> None:
    async with Lab(answering_and_open(OK)) as plain:
        policy = HttpPolicy(f"https://127.0.0.1:{plain.server.port}/", allow_private_addresses=True)
        plain.endpoint = HttpEndpoint(policy, asyncio.get_running_loop())
        plain.server._serve = answering_garbage
        outcome = await plain.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.reason.startswith("TLS: ")


async def answering_garbage(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await peer.gone()


@on_loop
async def test_an_old_version_of_tls_is_refused(trusted: Authority) -> None:
    tls = trusted.server(HOST)
    tls.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        tls.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
    async with Lab(answer_ok, host=HOST, server_tls=tls, lookup=lookup, ca_file=trusted.file) as lab:
        assert isinstance(await lab.outcome(), Failed)


@on_loop
async def test_a_handshake_that_hangs_is_cut_at_the_deadline() -> None:
    async with Lab(hang) as lab:
        policy = HttpPolicy(f"https://127.0.0.1:{lab.server.port}/", allow_private_addresses=True, timeout_s=0.05)
        lab.endpoint = HttpEndpoint(policy, asyncio.get_running_loop())
        assert await lab.outcome() == Failed("timed out after 0.05 s, no connection")
        await lab.server.all_closed()


@on_loop
async def test_a_server_that_closes_in_the_handshake() -> None:
    async def close(peer: Peer) -> None:
        pass

    async with Lab(close) as lab:
        policy = HttpPolicy(f"https://127.0.0.1:{lab.server.port}/", allow_private_addresses=True)
        lab.endpoint = HttpEndpoint(policy, asyncio.get_running_loop())
        assert await lab.outcome() == Failed("connection reset")


@on_loop
async def test_an_answer_that_never_comes_is_cut_at_the_deadline(trusted: Authority) -> None:
    async with Lab(
        hang, host=HOST, server_tls=trusted.server(HOST), lookup=lookup, ca_file=trusted.file, timeout_s=0.2
    ) as lab:
        assert await lab.outcome() == Failed("timed out after 0.2 s, no answer")
        await lab.server.all_closed()


@on_loop
async def test_a_connection_closed_while_idle_is_replaced(trusted: Authority) -> None:
    async with Lab(
        answering(OK), host=HOST, server_tls=trusted.server(HOST), lookup=lookup, ca_file=trusted.file
    ) as lab:
        assert [await lab.outcome() for _ in range(5)] == [Delivered(200)] * 5
        assert len(lab.server.peers) == 5


@on_loop
async def test_a_connection_closed_as_we_send_is_renewed_within_the_attempt(trusted: Authority) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()

    async with Lab(serve, host=HOST, server_tls=trusted.server(HOST), lookup=lookup, ca_file=trusted.file) as lab:
        assert [await lab.outcome() for _ in range(4)] == [Delivered(200)] * 4
        assert len(lab.server.peers) == 4


@on_loop
async def test_a_name_may_end_with_a_dot(trusted: Authority) -> None:
    tls = trusted.server(HOST)
    async with Lab(answer_ok, host=f"{HOST}.", server_tls=tls, lookup=lookup, ca_file=trusted.file) as lab:
        assert await lab.outcome() == Delivered(200)


@on_loop
async def test_an_answer_that_ends_with_its_connection(trusted: Authority) -> None:
    answer = b"HTTP/1.1 500 Oops\r\n\r\nuntil the end"
    async with Lab(
        answering(answer), host=HOST, server_tls=trusted.server(HOST), lookup=lookup, ca_file=trusted.file
    ) as lab:
        assert await lab.outcome() == Failed("status 500", 500, b"until the end")


@on_loop
async def test_a_megabyte_goes_out_and_a_large_answer_is_cut_off(trusted: Authority) -> None:
    async def serve(peer: Peer) -> None:
        bodies.append((await peer.request()).body)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(100):
            await peer.send(b"x" * 100_000)

    bodies: list[bytes] = []
    async with Lab(serve, host=HOST, server_tls=trusted.server(HOST), lookup=lookup, ca_file=trusted.file) as lab:
        assert await lab.outcome(Push("1", b"y" * (1 << 20))) == Delivered(200)
        await lab.server.all_closed()
    assert bodies == [b"y" * (1 << 20)]


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21])
@on_loop
async def test_close_at_whatever_moment_leaves_nothing_open(trusted: Authority, turns: int) -> None:
    async with Lab(hang, host=HOST, server_tls=trusted.server(HOST), lookup=lookup, ca_file=trusted.file) as lab:
        outing = lab.post()
        for _ in range(turns):
            await asyncio.sleep(0)
        lab.endpoint.close()
        assert outing.told == [Abandoned()]
        await lab.nothing_open()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_an_error_at_once(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    loop = asyncio.new_event_loop()
    with pytest.raises(TrustError, match=f"ca_file {path}: "):
        HttpEndpoint(HttpPolicy("https://hooks.example/", ca_file=str(path)), loop)
    loop.close()
