"""A body that is larger than all that is not body may be."""

import pytest

from adapters.gateway.front.request_reader import OVERHEAD_BYTES, RequestReader


@pytest.mark.parametrize("size", [OVERHEAD_BYTES - 8, OVERHEAD_BYTES, 3 * OVERHEAD_BYTES])
def test_a_large_body_that_comes_behind_its_head_leaves_the_connection_as_it_was(size: int) -> None:
    reader = RequestReader(lambda _size: True, "127.0.0.1:8090")
    head = b"POST /v2/index.php HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
    for _ in range(2):
        assert reader.feed(head % size) == []
        [arrived] = reader.feed(b"x" * size)
        assert (len(arrived.request.body), arrived.size, arrived.keep_alive) == (size, size, True)
