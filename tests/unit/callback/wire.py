"""A transport without a socket, for what no real one does when it is asked to."""

import asyncio
from typing import Any


class Wire(asyncio.Transport):
    """Takes everything, and says whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = False

    def write(self, data: Any) -> None:
        """It arrives nowhere."""

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0
