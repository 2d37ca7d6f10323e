"""Who we are, for endpoints that ask: a server that requires a client certificate, and files that are no good."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.callback.endpoint import HttpEndpoint
from adapters.callback.tls import CERTIFICATE, KEY, IdentityFault, TrustError, identity_fault
from pipeline.outcome import Delivered, Failed, Fault
from pipeline.subscription import HttpPolicy
from tests.unit.callback.certificates import Authority, Identity, authority
from tests.unit.callback.lab import Lab, answer_ok, on_loop

HOST = "hooks.example"


def lookup(_host: str, _port: int) -> Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="module", params=["TLSv1_2", "TLSv1_3"])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return ssl.TLSVersion[request.param]


def asking_lab(trusted: Authority, version: ssl.TLSVersion, who: Identity | None) -> Lab:
    """A server that serves those alone who show a certificate of the authority, and a client that is `who`."""
    server = trusted.server(HOST)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(trusted.file)
    server.maximum_version = version
    return Lab(answer_ok, host=HOST, server_tls=server, lookup=lookup, ca_file=trusted.file, **shown(who))


def shown(who: Identity | None) -> dict[str, Any]:
    """As the policy has it."""
    return {} if who is None else {"client_certificate_file": who.certificate, "client_key_file": who.key}


@on_loop
async def test_an_endpoint_that_asks_for_a_certificate_is_shown_ours(
    trusted: Authority, version: ssl.TLSVersion
) -> None:
    async with asking_lab(trusted, version, trusted.client()) as lab:
        assert [await lab.outcome() for _ in range(3)] == [Delivered(200)] * 3
        (peer,) = lab.server.peers
        certificate = peer._writer.get_extra_info("peercert")
        assert certificate["subject"] == ((("commonName", "client"),),)


@on_loop
async def test_without_one_it_refuses_us(trusted: Authority, version: ssl.TLSVersion) -> None:
    async with asking_lab(trusted, version, None) as lab:
        outcome = await lab.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.fault is Fault.ENDPOINT  # what it says of it is TLS's, if asyncio's server lets it out


@on_loop
async def test_nor_does_it_take_one_that_has_expired(trusted: Authority, version: ssl.TLSVersion) -> None:
    async with asking_lab(trusted, version, trusted.client(expired=True)) as lab:
        assert isinstance(await lab.outcome(), Failed)


@on_loop
async def test_one_that_is_not_asked_for_does_no_harm(trusted: Authority) -> None:
    tls, ours = trusted.server(HOST), shown(trusted.client())
    async with Lab(answer_ok, host=HOST, server_tls=tls, lookup=lookup, ca_file=trusted.file, **ours) as lab:
        assert await lab.outcome() == Delivered(200)


@pytest.fixture(scope="module")
def files(trusted: Authority) -> dict[str, str]:
    """Files of every kind."""
    one, other = trusted.client(), trusted.client()
    nothing, both = trusted.folder / "nothing", trusted.folder / "both"
    nothing.write_text("nothing")
    both.write_text(Path(one.key).read_text() + Path(one.certificate).read_text())
    return {
        "certificate": one.certificate,
        "key": one.key,
        "another key": other.key,
        "hidden key": trusted.client(passphrase=b"hunter2").key,
        "nothing": str(nothing),
        "absent": str(trusted.folder / "absent"),
        "folder": str(trusted.folder),
        "both": str(both),
    }


GOOD = [("certificate", "key"), ("both", "both"), ("certificate", "both")]

BAD = [
    ("absent", "key", CERTIFICATE, "cannot be read: No such file or directory"),
    ("folder", "key", CERTIFICATE, "cannot be read: Is a directory"),
    ("nothing", "key", CERTIFICATE, "holds no certificate in PEM form"),
    ("key", "key", CERTIFICATE, "holds no certificate in PEM form"),
    ("certificate", "absent", KEY, "cannot be read: No such file or directory"),
    ("certificate", "nothing", KEY, "holds no private key in PEM form"),
    ("certificate", "certificate", KEY, "holds no private key in PEM form"),
    ("certificate", "another key", KEY, "is not the key of client_certificate_file"),
    ("certificate", "hidden key", KEY, "needs a passphrase; allowed: a key without one"),
]


@pytest.mark.parametrize(("certificate", "key"), GOOD)
def test_a_certificate_and_its_key_may_be_two_files_or_one(files: dict[str, str], certificate: str, key: str) -> None:
    assert identity_fault(files[certificate], files[key]) is None


@pytest.mark.parametrize(("certificate", "key", "which", "reason"), BAD)
def test_files_that_cannot_be_used_are_an_error_at_once_that_names_the_one(
    files: dict[str, str], certificate: str, key: str, which: str, reason: str
) -> None:
    assert identity_fault(files[certificate], files[key]) == IdentityFault(which, reason)
    policy = HttpPolicy(
        "https://hooks.example/", client_certificate_file=files[certificate], client_key_file=files[key]
    )
    named = files[certificate] if which == CERTIFICATE else files[key]
    loop = asyncio.new_event_loop()
    with pytest.raises(TrustError) as caught:
        HttpEndpoint(policy, loop)
    loop.close()
    assert str(caught.value) == f"{which} {named}: {reason}"


def test_a_key_of_another_kind_is_not_the_certificates(files: dict[str, str], tmp_path: Path) -> None:
    key = tmp_path / "rsa.key"
    made = rsa.generate_private_key(65_537, 2_048)
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert identity_fault(files["certificate"], str(key)) == IdentityFault(
        KEY, "is not the key of client_certificate_file"
    )
