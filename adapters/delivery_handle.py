"""A delivery, in the hands of its subscription's thread: each call goes over to the event loop and returns at once."""

from collections.abc import Callable

from adapters.attempt_log import AttemptLog
from adapters.event_loop import EventLoopThread
from pipeline.delivery import Delivery
from pipeline.inbox import Collected, Inbox
from pipeline.item import Item


class DeliveryHandle:
    """A delivery, called from its subscription's thread."""

    def __init__(self, delivery: Delivery, thread: EventLoopThread, attempts: AttemptLog, inbox: Inbox) -> None:
        self._delivery = delivery
        self._call = thread.call
        self._attempts = attempts
        self._inbox = inbox

    def accept(self, items: list[Item]) -> None:
        """Hand a batch over."""
        self._call(lambda: self._delivery.accept(items))

    def accept_held(self, items: list[Item]) -> None:
        """Hand over the next events of held keys."""
        self._call(lambda: self._delivery.accept_held(items))

    def collect(self, item: Item) -> None:
        """Ask for a lane; the answer comes through the inbox."""
        self._call(lambda: self._inbox.put(Collected(item, self._delivery.collect(item))))

    def release(self, item: Item) -> None:
        """The head was buried."""
        self._call(lambda: self._delivery.release(item))

    def pump(self) -> None:
        """The gate has opened again."""
        self._call(self._delivery.pump)

    def revoke(self, partitions: set[int], when_quiet: Callable[[], None]) -> None:
        """Forget partitions."""
        self._call(lambda: self._delivery.revoke(partitions, when_quiet))

    def drain(self, when_quiet: Callable[[], None]) -> None:
        """Start nothing more."""
        self._call(lambda: self._delivery.drain(when_quiet))

    def abandon(self, when_done: Callable[[int], None]) -> None:
        """Cut short what is out."""

        def cut() -> None:
            attempts = self._delivery.abandon()
            self._attempts.flush()
            when_done(attempts)

        self._call(cut)
