"""Replicas that ask each other, over loopback."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable

import pytest

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.peers import peer_link
from adapters.gateway.peers.peer_client import Peers
from adapters.gateway.peers.peer_messages import (
    Answer,
    CatchUpRequest,
    Counted,
    CountsRequest,
    DeleteMessagesRequest,
    Done,
    Made,
    Messages,
    NotMineError,
    PeerLostError,
    ReceiveRequest,
    Request,
    Verdicts,
)
from adapters.gateway.peers.peer_protocol import ClientHandshake, FrameReader, ServerHandshake, frame, peer_key
from adapters.gateway.peers.peer_server import PeerServer
from adapters.gateway.ports import Message, QueueCounts
from adapters.gateway.slot_ports import SlotLostError

KEY = peer_key({"AKIDa": "secret"})
RECEIVE = ReceiveRequest("q", "t", 1, 30.0)
MESSAGES = Messages([Message("1", b"\x00\xffbody", "handle", 1, 2, 3, 4)])
LIMIT_S = 10.0


class Stage:
    """A replica that answers as it is told, and one that asks it."""

    def __init__(self, key: bytes = KEY) -> None:
        self.asked: list[Request] = []
        self.cancelled: list[Request] = []
        self.unclaimed: list[tuple[str, ReceiveRequest, Messages]] = []
        self.answer: Callable[[Request], Awaitable[Answer]] = self.done
        self.server = PeerServer(KEY, self._serve)
        self.peers = Peers(key, self._left)
        self.changed = asyncio.Condition()
        self.tellers: list[asyncio.Future[None]] = []
        self.address = ""

    async def listen(self) -> None:
        self.address = f"127.0.0.1:{await self.server.listen('127.0.0.1')}"

    async def call(self, request: Request, timeout_s: float = LIMIT_S) -> Answer:
        return await self.peers.call(self.address, request, timeout_s)

    async def seen(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S), self.changed:
            await self.changed.wait_for(true)

    async def _serve(self, request: Request) -> Answer:
        self.asked.append(request)
        await self._tell()
        try:
            return await self.answer(request)
        except asyncio.CancelledError:
            self.cancelled.append(request)
            self.tellers.append(asyncio.ensure_future(self._tell()))
            raise

    def _left(self, address: str, request: ReceiveRequest, messages: Messages) -> None:
        self.unclaimed.append((address, request, messages))
        self.tellers.append(asyncio.ensure_future(self._tell()))

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    @staticmethod
    async def done(request: Request) -> Answer:
        del request
        return Done()

    @staticmethod
    async def never(request: Request) -> Answer:
        del request
        await asyncio.Event().wait()
        return Done()


def on_stage(play: Callable[[Stage], Awaitable[None]], key: bytes = KEY) -> None:
    async def run() -> None:
        stage = Stage(key)
        await stage.listen()
        try:
            async with asyncio.timeout(3 * LIMIT_S):
                await play(stage)
        finally:
            stage.peers.close()
            await stage.server.close()
            await asyncio.sleep(0)  # lets connections hear of their end before the loop closes

    asyncio.run(run())


def raising(error: Exception) -> Callable[[Request], Awaitable[Answer]]:
    async def answer(request: Request) -> Answer:
        del request
        raise error

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        Done(),
        MESSAGES,
        Verdicts([None, "BAD_HANDLE"]),
        Counted(QueueCounts(1, 2, 3, 4, 5)),
        Made("queue-1"),
    ],
)
def test_an_answer_arrives_as_it_was_given(answer: Answer) -> None:
    async def play(stage: Stage) -> None:
        async def given(request: Request) -> Answer:
            del request
            return answer

        stage.answer = given
        assert await stage.call(DeleteMessagesRequest("q", "t", ["h1", "h2"])) == answer
        assert stage.asked == [DeleteMessagesRequest("q", "t", ["h1", "h2"])]

    on_stage(play)


def test_a_refusal_arrives_with_its_row_and_text() -> None:
    async def play(stage: Stage) -> None:
        stage.answer = raising(Row.NO_MESSAGE.error("nothing (yet)"))
        with pytest.raises(CmqError) as caught:
            await stage.call(RECEIVE)
        assert (caught.value.row, str(caught.value)) == (Row.NO_MESSAGE, "(10200)nothing (yet)")

    on_stage(play)


@pytest.mark.parametrize(
    ("error", "heard"),
    [(NotMineError(), NotMineError), (SlotLostError(), SlotLostError), (ValueError("a bug"), SlotLostError)],
)
def test_nothing_was_done_and_nobody_knows_are_told_apart(
    error: Exception, heard: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    async def play(stage: Stage) -> None:
        stage.answer = raising(error)
        with pytest.raises(heard):
            await stage.call(RECEIVE)

    with caplog.at_level(logging.ERROR):
        on_stage(play)
    assert [record.message for record in caplog.records] == ["peer_call_failed"] * isinstance(error, ValueError)


def test_a_long_poll_holds_up_no_other_call_of_the_same_connection() -> None:
    async def play(stage: Stage) -> None:
        stage.answer = stage.never
        poll = asyncio.create_task(stage.call(RECEIVE))
        await stage.seen(lambda: stage.asked == [RECEIVE])
        stage.answer = stage.done
        assert await stage.call(CatchUpRequest()) == Done()
        assert not poll.done()
        assert len(stage.server._connections) == 1
        poll.cancel()

    on_stage(play)


def test_a_poll_whose_client_went_away_is_cancelled_at_its_owner() -> None:
    async def play(stage: Stage) -> None:
        stage.answer = stage.never
        poll = asyncio.create_task(stage.call(RECEIVE))
        await stage.seen(lambda: stage.asked == [RECEIVE])
        poll.cancel()
        await stage.seen(lambda: stage.cancelled == [RECEIVE])

    on_stage(play)


def test_a_poll_that_is_answered_in_the_moment_its_client_goes_is_handed_back() -> None:
    async def play(stage: Stage) -> None:
        go = asyncio.Event()

        async def stubborn(request: Request) -> Answer:
            """Leases in the moment in which it is cancelled."""
            del request
            with contextlib.suppress(asyncio.CancelledError):
                await go.wait()
            return MESSAGES

        stage.answer = stubborn
        poll = asyncio.create_task(stage.call(RECEIVE))
        await stage.seen(lambda: stage.asked == [RECEIVE])
        poll.cancel()
        await asyncio.wait([poll])
        await stage.seen(lambda: bool(stage.unclaimed))
        assert stage.unclaimed == [(stage.address, RECEIVE, MESSAGES)]

    on_stage(play)


def test_nobody_waits_longer_than_asked_and_the_owner_is_told() -> None:
    async def play(stage: Stage) -> None:
        stage.answer = stage.never
        with pytest.raises(PeerLostError):
            await stage.call(RECEIVE, 0.05)
        await stage.seen(lambda: stage.cancelled == [RECEIVE])

    on_stage(play)


def test_calls_under_way_fail_at_once_when_the_other_replica_goes_and_the_next_call_finds_the_new_one() -> None:
    async def play(stage: Stage) -> None:
        stage.answer = stage.never
        polls = [asyncio.create_task(stage.call(RECEIVE)) for _ in range(3)]
        await stage.seen(lambda: len(stage.asked) == 3)
        began_s = asyncio.get_running_loop().time()
        for connection in list(stage.server._connections):
            connection.link.close()
        results = await asyncio.gather(*polls, return_exceptions=True)
        assert [type(result) for result in results] == [PeerLostError] * 3
        assert asyncio.get_running_loop().time() - began_s < 1.0
        await stage.seen(lambda: len(stage.cancelled) == 3)
        stage.answer = stage.done
        assert await stage.call(CatchUpRequest()) == Done()

    on_stage(play)


def test_who_cannot_be_reached_is_left_alone_for_a_while() -> None:
    async def play(stage: Stage) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            stage.address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PeerLostError, match="no connection"):
            await stage.call(CatchUpRequest())
        with pytest.raises(PeerLostError, match="just now"):
            await stage.call(CatchUpRequest())

    on_stage(play)


def test_a_replica_with_other_keys_gets_no_answer_and_nothing_is_served() -> None:
    async def play(stage: Stage) -> None:
        with pytest.raises(PeerLostError):
            await stage.call(CatchUpRequest())
        assert stage.asked == []

    on_stage(play, peer_key({"AKIDa": "another"}))


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 64, frame(b""), frame(bytes(64)), frame(bytes(256)) * 3],
)
def test_whoever_speaks_anything_else_is_hung_up_on_and_gets_no_proof(said: bytes) -> None:
    async def play(stage: Stage) -> None:
        reader, writer = await asyncio.open_connection(*stage.address.split(":"))
        writer.write(said)
        hello = len(ServerHandshake(KEY).begin())
        with contextlib.suppress(ConnectionResetError):  # an abort with bytes unread
            assert len(await reader.read()) in {0, hello}
        writer.close()
        assert stage.asked == []
        assert await stage.call(CatchUpRequest()) == Done()

    on_stage(play)


def test_garbage_after_the_handshake_ends_the_connection() -> None:
    async def play(stage: Stage) -> None:
        reader, writer = await asyncio.open_connection(*stage.address.split(":"))
        client, frames = ClientHandshake(KEY), FrameReader()
        session = None
        while session is None:
            frames.feed(await reader.read(1000))
            for content in frames.frames():
                step = client.take(content)
                writer.write(step.send)
                session = step.session
        writer.write(frame(b"x" * 40))
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        assert stage.asked == []

    on_stage(play)


def test_whoever_connects_and_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_link, "PING_S", 0.02)
    monkeypatch.setattr(peer_link, "HELLO_S", 0.05)

    async def play(stage: Stage) -> None:
        reader, writer = await asyncio.open_connection(*stage.address.split(":"))
        async with asyncio.timeout(LIMIT_S):
            assert len(await reader.read()) == len(ServerHandshake(KEY).begin())
        writer.close()

    on_stage(play)


class Relay:
    """Carries bytes between a client and the stage's server, until it is told to carry none: a half-open connection."""

    def __init__(self, stage: Stage) -> None:
        self._to = stage.address.split(":")
        self.carrying = True

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        self._server.close()
        for one in self._all:
            one.cancel()

    _all: list[asyncio.Task[None]]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._writers = [writer, far_writer]
        self._all = [
            asyncio.create_task(self._carry(reader, far_writer)),
            asyncio.create_task(self._carry(far_reader, writer)),
        ]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.carrying:
                writer.write(data)

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


def test_both_ends_of_a_connection_that_has_gone_dead_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_link, "PING_S", 0.02)
    monkeypatch.setattr(peer_link, "SILENT_S", 0.2)

    async def play(stage: Stage) -> None:
        relay = Relay(stage)
        stage.address = await relay.start()
        stage.answer = stage.never
        poll = asyncio.create_task(stage.call(RECEIVE))
        await stage.seen(lambda: stage.asked == [RECEIVE])
        await asyncio.sleep(0.5)  # beyond SILENT_S: pings keep it
        assert (poll.done(), stage.cancelled) == (False, [])
        relay.carrying = False
        with pytest.raises(PeerLostError, match="ended"):
            await poll
        await stage.seen(lambda: stage.cancelled == [RECEIVE])
        relay.hang_up()
        relay.close()

    on_stage(play)


def test_calls_to_two_replicas_go_each_to_its_own() -> None:
    async def play(stage: Stage) -> None:
        other = Stage()
        await other.listen()
        await asyncio.gather(
            stage.peers.call(stage.address, CountsRequest("a", "t"), LIMIT_S),
            stage.peers.call(other.address, CountsRequest("b", "t"), LIMIT_S),
        )
        assert (stage.asked, other.asked) == ([CountsRequest("a", "t")], [CountsRequest("b", "t")])
        await other.server.close()

    on_stage(play)
