"""The bytes between two replicas: frames, who may speak, and that nobody else speaks in between. Does no I/O.

Frame   length (4 bytes, big-endian), then so many bytes. After the handshake: a code of 16 bytes, then MessagePack
Hello   server: version, nonce. Client: nonce, proof. Server: proof. A proof is the HMAC-SHA256 of both nonces and the
        role under the peer key; the client proves first, so that whoever merely connects learns nothing
Key     derived from all keys of the configuration, as in HKDF: extract, then expand. Each secret is known to a client,
        which must not be able to pass for a replica with its own alone. Replicas of different keys do not talk
After   each frame is numbered and coded under a key of its direction and session: frames of others, repeated,
        left out or exchanged ones end the connection. They are not encrypted, as traffic to Kafka without TLS is not
Bounds  before the handshake 256 bytes a frame, then 1 MiB to an owner and 64 MiB from one: 16 messages of 3 MiB
Errors  PeerProtocolError: end the connection; its text holds nothing of what was received
"""

import hmac
import secrets
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from adapters.gateway.peers.peer_messages import Answer, Request

VERSION = b"batch-events peers 1"
HELLO_LIMIT = 256
REQUEST_LIMIT = 1 << 20
ANSWER_LIMIT = 64 << 20

_NONCE = 32
_MAC = 32
_CODE = 16
_HEAD = 4


class PeerProtocolError(Exception):
    """Whoever is at the other end is no replica of ours, or not in its right mind."""


def peer_key(keys: Mapping[str, str]) -> bytes:
    """The key that replicas of this configuration share."""
    material = b"".join(
        len(part).to_bytes(4, "big") + part for name in sorted(keys) for part in (name.encode(), keys[name].encode())
    )
    return hmac.digest(hmac.digest(VERSION, material, "sha256"), b"peer key\x01", "sha256")


class Call(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """A request; no answer is waited for any longer than deadline_s from now."""

    number: int
    deadline_s: float
    request: Request


class Cancel(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """Whoever asked has gone. The call is answered all the same."""

    number: int


class Ping(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """Are you there?"""


class Reply(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """The answer to a call."""

    number: int
    answer: Answer


class Pong(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """I am."""


FromClient = Call | Cancel | Ping
FromServer = Reply | Pong

ENCODER = msgspec.msgpack.Encoder()
_CALLS: msgspec.msgpack.Decoder[FromClient] = msgspec.msgpack.Decoder(FromClient)
_REPLIES: msgspec.msgpack.Decoder[FromServer] = msgspec.msgpack.Decoder(FromServer)


def read_call(payload: bytes) -> FromClient:
    """What a client says.

    Raises:
        PeerProtocolError: nothing that we know.
    """
    try:
        return _CALLS.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PeerProtocolError("a frame that is no call") from error


def read_reply(payload: bytes) -> FromServer:
    """What a server says.

    Raises:
        PeerProtocolError: nothing that we know.
    """
    try:
        return _REPLIES.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PeerProtocolError("a frame that is no reply") from error


def frame(content: bytes) -> bytes:
    """Content with its length before it."""
    return len(content).to_bytes(_HEAD, "big") + content


class FrameReader:
    """Cuts what arrives into frames."""

    def __init__(self, limit: int = HELLO_LIMIT) -> None:
        self.limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self._buffer += data

    def frames(self) -> Iterator[bytes]:
        """Each whole frame; the limit may be changed between two.

        Raises:
            PeerProtocolError: one that is larger than the limit, as soon as its length is there.
        """
        while len(self._buffer) >= _HEAD:
            end = _HEAD + int.from_bytes(self._buffer[:_HEAD], "big")
            if end > _HEAD + self.limit:
                raise PeerProtocolError(f"a frame of more than {self.limit} bytes")
            if len(self._buffer) < end:
                return
            found = bytes(self._buffer[_HEAD:end])
            del self._buffer[:end]
            yield found


class Session:
    """The codes of one connection."""

    def __init__(self, sending: bytes, receiving: bytes) -> None:
        self._sending = sending
        self._receiving = receiving
        self._sent = 0
        self._received = 0

    def seal(self, message: FromClient | FromServer) -> bytes:
        """A message as the bytes that are sent."""
        payload = ENCODER.encode(message)
        code = _code(self._sending, self._sent, payload)
        self._sent += 1
        return (_CODE + len(payload)).to_bytes(_HEAD, "big") + code + payload

    def open(self, content: bytes) -> bytes:
        """The payload of a frame.

        Raises:
            PeerProtocolError: the code is wrong.
        """
        payload = content[_CODE:]
        if not hmac.compare_digest(_code(self._receiving, self._received, payload), content[:_CODE]):
            raise PeerProtocolError("a frame whose code is wrong")
        self._received += 1
        return payload


def _code(key: bytes, number: int, payload: bytes) -> bytes:
    return hmac.digest(key, number.to_bytes(8, "big") + payload, "sha256")[:_CODE]


class Step(NamedTuple):
    """What a frame of the handshake leads to: what to send, and a session when it is over."""

    send: bytes = b""
    session: Session | None = None


class ServerHandshake:
    """The side that was called."""

    answers_limit = REQUEST_LIMIT
    """Of the frames that it gets after the handshake."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._nonce = secrets.token_bytes(_NONCE)

    def begin(self) -> bytes:
        """What is sent first."""
        return frame(VERSION + self._nonce)

    def take(self, content: bytes) -> Step:
        """The client's proof.

        Raises:
            PeerProtocolError: it has another key, or none.
        """
        both = self._nonce + content[:_NONCE]
        if len(content) != _NONCE + _MAC or not hmac.compare_digest(
            _proof(self._key, b"client", both), content[_NONCE:]
        ):
            raise PeerProtocolError("the other side does not have our keys")
        return Step(frame(_proof(self._key, b"server", both)), _session(self._key, both, b"to client", b"to server"))


class ClientHandshake:
    """The side that calls."""

    answers_limit = ANSWER_LIMIT

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._nonce = secrets.token_bytes(_NONCE)
        self._both = b""

    @staticmethod
    def begin() -> bytes:
        """It waits for the server to begin."""
        return b""

    def take(self, content: bytes) -> Step:
        """The server's nonce, then its proof.

        Raises:
            PeerProtocolError: it has another key, or none, or speaks another version.
        """
        if not self._both:
            if content[:-_NONCE] != VERSION or len(content) != len(VERSION) + _NONCE:
                raise PeerProtocolError("the other side speaks another version")
            self._both = content[-_NONCE:] + self._nonce
            return Step(frame(self._nonce + _proof(self._key, b"client", self._both)))
        if not hmac.compare_digest(_proof(self._key, b"server", self._both), content):
            raise PeerProtocolError("the other side does not have our keys")
        return Step(session=_session(self._key, self._both, b"to server", b"to client"))


def _proof(key: bytes, role: bytes, both: bytes) -> bytes:
    return hmac.digest(key, role + b" proof " + both, "sha256")


def _session(key: bytes, both: bytes, sending: bytes, receiving: bytes) -> Session:
    return Session(*(hmac.digest(key, direction + b" frames " + both, "sha256") for direction in (sending, receiving)))
