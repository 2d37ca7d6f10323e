"""Where the SDKs play: two replicas of the gateway on a real broker behind one address, with `run` beside them.

Shape   with sdk_scene(servers, folder) as scene: scene.access; at the end every process must end well
Cost    seconds to start: the tests of a module share one
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.brokers.pytest_plugin import unique_name
from tests.harness.command import Running, invoke, wait_until
from tests.harness.sdk_process import Access
from tests.harness.sink import Sink
from tests.harness.turn_about import TurnAbout
from tests.integration.gateway_process import GATEWAY, SECRET, SECRET_ID, SECRET_KEY, GatewayProcess
from tests.integration.setting import Setting


class Scene(NamedTuple):
    """What is there."""

    setting: Setting
    proxy: TurnAbout
    sink: Sink
    queues: list[str]
    runner: Running

    @property
    def access(self) -> Access:
        return f"http://127.0.0.1:{self.proxy.port}", SECRET_ID, SECRET_KEY

    @contextmanager
    def both_have_turns(self) -> Iterator[None]:
        """What happens in the block happens at both replicas."""
        before = Counter(self.proxy.taken)
        yield
        taken = Counter(self.proxy.taken) - before
        assert len(taken) == 2
        assert min(taken.values()) > 20, "both replicas had their turns"


@contextmanager
def sdk_scene(servers: str, folder: Path) -> Iterator[Scene]:
    """Start it all, with two queues that the file makes; end it."""
    setting = Setting(
        folder, servers, unique_name("job-message"), gateway=GATEWAY, subscribed={"allow_private_addresses": True}
    )
    queues = [unique_name("ops"), unique_name("audit")]
    for name in queues:
        setting.queue(name, name)
    result = invoke("topics", "--apply", "--config", setting.file, env=SECRET)
    assert result.status == 0, result
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        gateways = [stack.enter_context(GatewayProcess(setting.file)) for _ in range(2)]
        runner = stack.enter_context(setting.run(env=SECRET))
        ports = [one.wait_until_serving() for one in gateways]
        for one in gateways:
            wait_until(lambda one=one: one.probe("/ready")[0] == 200, "ready", alive=gateways)  # type: ignore[misc]
        proxy = stack.enter_context(TurnAbout(ports))
        yield Scene(setting, proxy, sink, queues, runner)
        for process in (*gateways, runner):
            assert process.terminate() == 0, "\n".join(process.lines[-40:])
            assert not [line for line in process.lines if "Traceback" in line]
