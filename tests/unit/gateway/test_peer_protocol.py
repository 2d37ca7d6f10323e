"""The bytes between replicas: who gets in, and what ends a connection."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.peers.peer_messages import CatchUpRequest, Done, GiveBackRequest
from adapters.gateway.peers.peer_protocol import (
    HELLO_LIMIT,
    Call,
    Cancel,
    ClientHandshake,
    FrameReader,
    PeerProtocolError,
    Ping,
    Reply,
    ServerHandshake,
    Session,
    frame,
    peer_key,
    read_call,
    read_reply,
)

KEY = peer_key({"AKIDa": "one", "AKIDb": "two"})


def sessions(client_key: bytes = KEY, server_key: bytes = KEY) -> tuple[Session, Session]:
    """Both ends after a whole handshake: the client's, the server's."""
    client, server = ClientHandshake(client_key), ServerHandshake(server_key)
    asked = client.take(content(server.begin()))
    let_in = server.take(content(asked.send))
    done = client.take(content(let_in.send))
    assert done.session is not None
    assert let_in.session is not None
    return done.session, let_in.session


def content(framed: bytes) -> bytes:
    reader = FrameReader()
    reader.feed(framed)
    (found,) = reader.frames()
    return found


def test_who_has_the_same_keys_may_speak_both_ways() -> None:
    client, server = sessions()
    for number in range(3):
        call = Call(number, 1.5, GiveBackRequest("q", "t", ["h"]))
        assert read_call(server.open(client.seal(call)[4:])) == call
        reply = Reply(number, Done())
        assert read_reply(client.open(server.seal(reply)[4:])) == reply


@pytest.mark.parametrize(
    "keys",
    [
        {"AKIDa": "one"},
        {"AKIDa": "one", "AKIDb": "two "},
        {"AKIDa": "two", "AKIDb": "one"},
        {"AKIDa": "oneAKIDb", "": "two"},
        {"AKIDa": "one", "AKIDb": "two", "AKIDc": ""},
    ],
)
def test_other_keys_make_another_peer_key_and_neither_side_lets_it_in(keys: dict[str, str]) -> None:
    with pytest.raises(PeerProtocolError, match="keys"):
        sessions(client_key=peer_key(keys))
    with pytest.raises(PeerProtocolError, match="keys"):
        sessions(server_key=peer_key(keys))


def test_the_order_of_the_keys_in_the_file_does_not_matter() -> None:
    assert peer_key({"AKIDb": "two", "AKIDa": "one"}) == KEY


def test_a_server_proves_nothing_to_who_has_not_proved_itself() -> None:
    server = ServerHandshake(KEY)
    with pytest.raises(PeerProtocolError):
        server.take(bytes(64))


def test_a_servers_own_proof_is_no_proof_of_a_client() -> None:
    client, server = ClientHandshake(KEY), ServerHandshake(KEY)
    asked = content(client.take(content(server.begin())).send)
    answer = content(server.take(asked).send)
    other = ServerHandshake(KEY)
    other._nonce = server._nonce
    with pytest.raises(PeerProtocolError):
        other.take(asked[:32] + answer)


def test_a_proof_is_good_for_one_connection() -> None:
    client, server = ClientHandshake(KEY), ServerHandshake(KEY)
    asked = content(client.take(content(server.begin())).send)
    with pytest.raises(PeerProtocolError):
        ServerHandshake(KEY).take(asked)


def test_another_version_is_told_as_such() -> None:
    with pytest.raises(PeerProtocolError, match="version"):
        ClientHandshake(KEY).take(b"batch-events peers 9" + bytes(32))


@pytest.mark.parametrize("mischief", ["changed", "repeated", "left out", "turned back"])
def test_a_frame_that_is_not_the_next_one_of_this_direction_is_refused(mischief: str) -> None:
    client, server = sessions()
    first, second = client.seal(Cancel(1))[4:], client.seal(Cancel(2))[4:]
    if mischief == "changed":
        bad = first[:-1] + bytes([first[-1] ^ 1])
    elif mischief == "repeated":
        server.open(first)
        bad = first
    elif mischief == "left out":
        bad = second
    else:
        server, bad = client, first
    with pytest.raises(PeerProtocolError, match="code"):
        server.open(bad)


def test_frames_of_another_session_are_refused() -> None:
    one, _ = sessions()
    _, other = sessions()
    with pytest.raises(PeerProtocolError, match="code"):
        other.open(one.seal(Ping())[4:])


@given(st.lists(st.binary(max_size=HELLO_LIMIT), max_size=8), st.data())
def test_frames_come_out_whole_however_the_bytes_are_cut(contents: list[bytes], data: st.DataObject) -> None:
    sent = b"".join(map(frame, contents))
    reader = FrameReader()
    found: list[bytes] = []
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        reader.feed(sent[:size])
        found += reader.frames()
        sent = sent[size:]
    assert found == contents


def test_a_frame_that_is_too_large_is_refused_before_it_is_there() -> None:
    reader = FrameReader()
    reader.feed((HELLO_LIMIT + 1).to_bytes(4, "big"))
    with pytest.raises(PeerProtocolError, match="256"):
        next(reader.frames())


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read_but_never_breaks(payload: bytes) -> None:
    for read in (read_call, read_reply):
        with contextlib.suppress(PeerProtocolError):
            read(payload)


def test_a_call_of_no_kind_that_we_know_is_refused() -> None:
    with pytest.raises(PeerProtocolError):
        read_call(b"\x94\x01\x01\xcb" + bytes(8) + b"\x91\x63")
    assert read_call(b"\x94\x01\x01\xcb" + bytes(8) + b"\x91\x06") == Call(1, 0.0, CatchUpRequest())
