"""The server on a loopback socket: connections, their order, their bounds and their end."""

import asyncio
import json

import pytest

from adapters.gateway.front.protocol import WIRE_BYTES
from tests.unit.gateway.rig import Fake, send
from tests.unit.gateway.serving import run, serving
from tests.unit.gateway.signing import HOST, PATH, common, form, post, row_of, signed


def numbered(number: int, **more: str) -> bytes:
    """A POST whose body says which it is."""
    return post(form(signed(send(Nonce=str(number), msgBody=f"m{number}", **more))))


def poll(number: int = 1) -> bytes:
    return post(form(signed(common("ReceiveMessage", queueName="q1", Nonce=str(number)))))


def long_poll() -> Fake:
    return Fake("ReceiveMessage", long_poll=True, held=True)


def test_a_connection_is_kept_for_many_requests() -> None:
    async def scene() -> None:
        async with serving() as served:
            client = await served.client()
            for number in range(5):
                await client.send(numbered(number))
                assert (await client.reply())["echo"] == f"m{number}"

    run(scene())


def test_a_get_is_answered() -> None:
    async def scene() -> None:
        async with serving() as served:
            query = form(signed(send(), method="GET"), blank="%20").decode()
            (reply,) = await served.answers(f"GET {PATH}?{query} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert reply["echo"] == "hello a+b"

    run(scene())


def test_the_head_is_http_200_with_json_of_its_length() -> None:
    async def scene() -> None:
        async with serving() as served:
            client = await served.client()
            await client.send(numbered(1))
            client.writer.write_eof()
            head, _, body = (await client.rest()).partition(b"\r\n\r\n")
            assert head.split(b"\r\n") == [
                b"HTTP/1.1 200 OK",
                b"Content-Type: application/json; charset=utf-8",
                b"Content-Length: %d" % len(body),
            ]
            assert json.loads(body)["code"] == 0

    run(scene())


def test_pipelined_requests_are_executed_and_answered_in_order() -> None:
    async def scene() -> None:
        async with serving() as served:
            replies = await served.answers(b"".join(numbered(number) for number in range(200)))
            assert [reply["echo"] for reply in replies] == [f"m{number}" for number in range(200)]
            assert [reply["calls"] for reply in replies] == list(range(1, 201))

    run(scene())


def test_a_request_may_come_byte_by_byte() -> None:
    async def scene() -> None:
        async with serving() as served:
            client = await served.client()
            for byte in numbered(1):
                await client.send(bytes([byte]))
            assert (await client.reply())["echo"] == "m1"

    run(scene())


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_a_body_may_come_in_chunks(size: int) -> None:
    async def scene() -> None:
        body = form(signed(send(msgBody="x" * 3000)))
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        head = f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        async with serving() as served:
            (reply,) = await served.answers(head + chunks + b"0\r\nHost: evil\r\n\r\n")
            assert reply["echo"] == "x" * 3000

    run(scene())


def test_a_client_that_waits_to_be_told_to_go_on_is_told_so() -> None:
    async def scene() -> None:
        body = form(signed(send()))
        async with serving() as served:
            client = await served.client()
            head, _, _ = post(body, HOST, PATH, "Expect: 100-continue").partition(b"\r\n\r\n")
            await client.send(head + b"\r\n\r\n")
            assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.send(body)
            assert (await client.reply())["code"] == 0

    run(scene())


def test_it_is_told_so_only_after_the_replies_before() -> None:
    async def scene() -> None:
        async with serving(slow := Fake("DeleteMessage", held=True)) as served:
            client = await served.client()
            first = post(form(signed(common("DeleteMessage", queueName="q1"))))
            body = form(signed(send()))
            head, _, _ = post(body, HOST, PATH, "Expect: 100-continue").partition(b"\r\n\r\n")
            await client.send(first + head + b"\r\n\r\n")
            await slow.begun.wait()
            slow.going.set()
            assert "echo" in await client.reply()
            assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.send(body)
            assert (await client.reply())["echo"] == "hello a+b"

    run(scene())


def test_a_client_that_will_send_too_much_is_told_so_at_once() -> None:
    async def scene() -> None:
        async with serving() as served:
            client = await served.client()
            head = f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\n"
            await client.send(f"{head}Content-Length: {WIRE_BYTES + 1}\r\n\r\n".encode())
            assert row_of(await client.reply()) == (4000, 10420)
            assert await client.rest() == b""

    run(scene())


def test_a_body_of_1_mb_is_answered_however_much_of_it_was_escaped_and_the_connection_kept() -> None:
    async def scene() -> None:
        async with serving() as served:
            client = await served.client()
            for number, letter in enumerate("x&"):
                await client.send(post(form(signed(send(msgBody=letter * (1 << 20), Nonce=str(number))))))
                reply = await client.reply()
                assert (reply["code"], len(reply["echo"])) == (0, 1 << 20)

    run(scene())


@pytest.mark.parametrize("megabytes", [2, 3, 8, 40])
def test_a_body_that_is_too_big_is_refused_after_it_was_sent(megabytes: int) -> None:
    """The client writes all of it before it reads: the reply must be there, and no reset before it."""

    async def scene() -> None:
        async with serving() as served:
            client = await served.client()
            await client.send(post(b"msgBody=" + b"x" * (megabytes << 20)))
            assert row_of(await client.reply()) == (4000, 10420)

    run(scene())


def test_bodies_of_all_connections_together_are_bounded() -> None:
    async def scene() -> None:
        body = form(signed(send(msgBody="x" * 50_000)))
        async with serving(body_bytes=70_000) as served:
            half, other = await served.client(), await served.client()
            await half.send(post(body)[:40_000])
            await other.send(post(body)[:-1])
            assert row_of(await other.reply()) == (6000, 10050)
            other.close()
            await served.until_connections(1)
            await half.send(post(body)[40_000:])
            assert (await half.reply())["code"] == 0
            assert served.server._room == 70_000

    run(scene())


def test_memory_is_given_back_whatever_becomes_of_a_request() -> None:
    async def scene() -> None:
        async with serving(long := long_poll()) as served:
            room = served.server._room
            for data in (
                numbered(1),
                numbered(2)[:-1],
                post(b"%zz") + b"junk",
                b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
            ):
                client = await served.client()
                await client.send(data + numbered(3))
                client.close()
            waiting = await served.client()
            await waiting.send(poll() + numbered(4))
            await long.begun.wait()
            waiting.close()
            await served.until_connections(0)
            assert served.server._room == room

    run(scene())


def test_one_connection_more_than_there_may_be_is_closed_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with serving(connections=2) as served:
            first, second = await served.client(), await served.client()
            await first.send(numbered(1))
            await second.send(numbered(2))
            assert [(await one.reply())["code"] for one in (first, second)] == [0, 0]
            for _ in range(3):
                assert await (await served.client()).rest() == b""
            await served.until_connections(2)
            second.close()
            await served.until_connections(1)
            again = await served.client()
            for client in (first, again):
                await client.send(numbered(3))
                assert (await client.reply())["code"] == 0

    run(scene())
    assert [record.getMessage() for record in caplog.records] == ["gateway_connections_full"]


# Time


def test_a_head_that_comes_too_slowly_is_answered_and_the_connection_closed() -> None:
    async def scene() -> None:
        async with serving(request_s=0.1, linger_s=0.1) as served:
            client = await served.client()
            await client.send(b"POST / HTTP/1.1\r\nHost:")
            (reply,) = await client.all_replies()
            assert row_of(reply) == (4000, 10420)

    run(scene())


def test_a_drop_now_and_then_does_not_make_a_head_quick() -> None:
    async def scene() -> None:
        async with serving(request_s=0.2, linger_s=0.1) as served:
            client = await served.client()
            rest = asyncio.ensure_future(client.all_replies())
            await client.send(b"POST / HTTP/1.1\r\n")
            while not rest.done():
                client.writer.write(b"a: b\r\n")
                await asyncio.sleep(0.02)
            (reply,) = await rest
            assert row_of(reply) == (4000, 10420)

    run(scene())


def test_an_idle_connection_is_closed_without_a_word() -> None:
    async def scene() -> None:
        async with serving(idle_s=0.1) as served:
            fresh, used = await served.client(), await served.client()
            await used.send(numbered(1))
            await used.reply()
            assert await fresh.rest() == await used.rest() == b""

    run(scene())


def test_a_long_poll_is_not_idle() -> None:
    async def scene() -> None:
        async with serving(long := long_poll(), idle_s=0.1, request_s=0.1) as served:
            client = await served.client()
            await client.send(poll())
            await asyncio.sleep(1.2)  # longer than two sweeps
            long.going.set()
            assert (await client.reply())["code"] == 0

    run(scene())


def test_a_client_that_does_not_take_its_replies_is_cut_off() -> None:
    async def scene() -> None:
        big = Fake("GetQueueAttributes", lambda _params: {"x": "y" * 1_000_000}, changes=False)
        async with serving(big, request_s=0.2) as served:
            client = await served.client()
            asks = post(form(signed(common("GetQueueAttributes", queueName="q1"))))
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.writer.write(asks * 100)
            await served.until_connections(0)
            assert big.calls < 50

    run(scene())


# Clients that go away


def test_a_long_poll_whose_client_goes_away_is_cancelled_at_once() -> None:
    async def scene() -> None:
        async with serving(long := long_poll()) as served:
            client = await served.client()
            await client.send(poll())
            await long.begun.wait()
            client.close()
            await served.until_connections(0)
            assert await served.rig.front.drained(1.0)
            assert long.cancelled == 1

    run(scene())


def test_a_client_that_has_sent_everything_and_closed_its_end_still_gets_its_replies() -> None:
    async def scene() -> None:
        async with serving(slow := Fake("DeleteMessage", held=True)) as served:
            client = await served.client()
            await client.send(post(form(signed(common("DeleteMessage", queueName="q1")))) + numbered(2))
            client.writer.write_eof()
            await slow.begun.wait()
            slow.going.set()
            assert [reply["code"] for reply in await client.all_replies()] == [0, 0]

    run(scene())


def test_a_client_that_goes_away_does_not_undo_its_call() -> None:
    async def scene() -> None:
        async with serving(slow := Fake("DeleteMessage", held=True)) as served:
            asked = post(form(signed(common("DeleteMessage", queueName="q1"))))
            client = await served.client()
            await client.send(asked)
            await slow.begun.wait()
            client.close()
            again = await served.client()
            await again.send(asked + numbered(2))
            slow.going.set()
            assert (await again.reply())["code"] == 0
            assert (slow.calls, slow.cancelled) == (1, 0)

    run(scene())


# The end


def test_closing_ends_long_polls_and_finishes_what_is_out() -> None:
    async def scene() -> None:
        long, slow = long_poll(), Fake("DeleteMessage", held=True)
        async with serving(long, slow) as served:
            polling, deleting, idle = await served.client(), await served.client(), await served.client()
            await polling.send(poll())
            await deleting.send(post(form(signed(common("DeleteMessage", queueName="q1")))))
            await long.begun.wait()
            await slow.begun.wait()
            closing = asyncio.ensure_future(served.server.close(10.0))
            (polled,) = await polling.all_replies()
            assert row_of(polled) == (7000, 10200)
            assert await idle.rest() == b""
            with pytest.raises(ConnectionRefusedError):
                await served.client()
            assert not closing.done()
            slow.going.set()
            (deleted,) = await deleting.all_replies()
            assert deleted["code"] == 0
            assert await closing
            assert long.cancelled == 1

    run(scene())


def test_what_does_not_end_in_time_is_cut() -> None:
    async def scene() -> None:
        async with serving(slow := Fake("DeleteMessage", held=True)) as served:
            client = await served.client()
            await client.send(post(form(signed(common("DeleteMessage", queueName="q1")))))
            await slow.begun.wait()
            assert not await served.server.close(0.05)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.reply()

    run(scene())


def test_a_half_sent_request_does_not_hold_up_the_end() -> None:
    async def scene() -> None:
        async with serving() as served:
            client = await served.client()
            await client.send(numbered(1) + numbered(2)[:50])
            await client.reply()
            assert await served.server.close(5.0)
            assert await client.rest() == b""

    run(scene())
