"""Replicas of the gateway that are killed, stand still, come and go."""

import random
import time

from tests.faults.gateway_case import gateway_case
from tests.faults.gateway_scene import BACK_S, GatewayScene

STANDSTILL_S = 15.0
PROBES = 12
"""As many queues that one of them belongs to each of three replicas, almost certainly."""


@gateway_case(
    "kill -9 at random",
    "One of three replicas is killed under load, three times, and replaced: its queues are served again within 12 s.",
)
def killed_at_random(scene: GatewayScene) -> None:
    scene.begin()
    chance = random.Random(7)  # noqa: S311  the same each time
    for _ in range(3):
        killed_s = scene.kill(chance.choice(scene.replicas))
        assert scene.until_served(killed_s) < BACK_S
        scene.start()
        scene.flow(chance.uniform(1, 3))


@gateway_case(
    "kill -9 of all",
    "All three are killed at the same moment, and started again: what was deleted right before stays deleted.",
)
def all_killed(scene: GatewayScene) -> None:
    scene.begin()
    for _ in range(2):
        killed_s = scene.kill(*scene.replicas)
        scene.start(3)
        scene.until_served(killed_s)
        scene.flow(2)


@gateway_case(
    "SIGSTOP beyond the session, then SIGCONT",
    "One of three stands still for 15 s while others take its slots; awake again, with calls that have waited in its "
    "sockets, it does no harm.",
)
def stopped_and_continued(scene: GatewayScene) -> None:
    scene.begin()
    for replica in list(scene.replicas[:2]):
        scene.freeze(replica)
        frozen_s = time.time()
        assert scene.until_served(frozen_s) < BACK_S
        there, others = scene.address(replica), [scene.address(one) for one in scene.replicas if one is not replica]
        probes = [scene.load.probe(scene.unique(f"p{number}"), others, there, 30) for number in range(PROBES)]
        scene.flow(frozen_s + STANDSTILL_S - time.time())
        scene.thaw(replica)
        for one in probes:
            assert one.result(60) in {0, 4430}  # which the books judge
        scene.flow(2)


@gateway_case(
    "replicas join and leave",
    "A fourth joins, then one after the other is told to stop: slots change hands, leases and handles live on.",
)
def scaled_out_and_in(scene: GatewayScene) -> None:
    scene.begin()
    scene.start()
    scene.flow(4)
    for replica in list(scene.replicas[:3]):
        scene.stop(replica)
        scene.flow(4)


@gateway_case(
    "all at once",
    "Kills, standstills, a rolling restart and one more replica, in any order and without waiting for the end of one "
    "before the next.",
)
def mixed(scene: GatewayScene) -> None:
    scene.begin()
    chance = random.Random(11)  # noqa: S311  the same each time
    for _ in range(3):
        frozen, killed, stopped = chance.sample(scene.replicas, 3)
        scene.freeze(frozen)
        scene.flow(chance.uniform(0, 3))
        scene.kill(killed)
        scene.start(2)
        scene.stop(stopped)
        scene.flow(chance.uniform(2, 7))
        scene.thaw(frozen)
        scene.flow(chance.uniform(0, 2))
