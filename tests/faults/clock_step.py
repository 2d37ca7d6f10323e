"""The wall clock of a process jumps: what is due is due by durations, whatever the date."""

from tests.faults.case import case
from tests.faults.kill_points import CLOCKS, HOLDING, failing_once
from tests.faults.scene import Scene
from tests.harness.lies import Lies

HOUR_S = 3600


@case(
    "a clock step",
    "The wall clock jumps an hour ahead and back, with keys held before and in between: each is delivered in order, "
    "and none waits for the hour to come again.",
    clocks=CLOCKS,
    http=HOLDING,
)
def clock_step(scene: Scene) -> None:
    lies = Lies(scene.setting.folder)
    failing = set(range(100, 105))
    scene.sink.answer = failing_once(failing)
    scene.publish()
    scene.start(lies.env)
    scene.wait_held()
    lies.step_clock(HOUR_S)
    scene.wait(lambda: scene.accepted == len(scene.sent), "what was held before to be delivered")
    scene.wait(lambda: not scene.durable().held, "all keys to be released", every_s=0.2)
    failing |= {len(scene.sent) + number for number in failing}
    scene.publish(30, seed=2)
    scene.wait_held()
    lies.step_clock(0)
    scene.publish(10, seed=3)
    scene.finish()
