"""Endpoints that are not whom they should be: a certificate that has expired, a name that leads elsewhere."""

import ssl
from typing import Any

from tests.faults.case import case
from tests.faults.endpoint import QUICK, until_quiet
from tests.faults.scene import PATH, Scene
from tests.harness import conduct
from tests.harness.lies import Lies
from tests.harness.sink import Sink
from tests.unit.callback.certificates import authority

PUBLIC, PRIVATE = "127.0.0.2", "127.0.0.1"


def billing(scene: Scene) -> dict[str, Any]:
    """The settings of the HTTP subscription."""
    settings: dict[str, Any] = scene.setting.config["subscriptions"][0]
    return settings


def serve(sink: Sink, tls: ssl.SSLContext) -> None:
    """Listen anew, with this certificate."""
    sink.refuse()
    sink.tls = tls
    sink.listen()


@case(
    "TLS expired",
    "The endpoint's certificate has expired: nothing is sent, attempts are retried, the breaker opens; once it is "
    "renewed all is delivered.",
)
def tls_expired(scene: Scene) -> None:
    certificates = authority(scene.setting.folder)
    serve(scene.sink, certificates.server(PRIVATE, expired=True))
    billing(scene).update(endpoint=scene.sink.url(PATH), ca_file=certificates.file)
    scene.publish()
    scene.start()
    until_quiet(scene)
    assert scene.log_holds("outcome=failed", "certificate has expired")
    assert not scene.requests, "sent to an endpoint that is not trusted"
    serve(scene.sink, certificates.server(PRIVATE))
    scene.finish()


@case(
    "name resolving to a private address after the check",
    "Every other answer of the name server is a private address: the address that was checked is the one that is "
    "called, and nobody at the private one hears of it (127.0.0.2 plays the public address).",
    http=QUICK | {"concurrency": 8},
)
def name_that_changes(scene: Scene) -> None:
    lies = Lies(scene.setting.folder)
    lies.names({"hooks.example": [PUBLIC, PRIVATE]}, public=PUBLIC)
    scene.sink.refuse()
    scene.sink.host = PUBLIC
    scene.sink.listen()
    scene.sink.answer = lambda *_: conduct.answer_then_close
    billing(scene).update(endpoint=f"http://hooks.example:{scene.sink.port}{PATH}", allow_private_addresses=False)
    with Sink(host=PRIVATE, port=scene.sink.port) as private:
        scene.publish(12)
        scene.start(lies.env)
        scene.wait(lambda: bool(private.requests) or scene.all_arrived(), "all to arrive, here or there")
        assert not private.requests, "a private address was called"
        scene.finish()
    assert scene.log_holds("outcome=failed", f"address refused: {PRIVATE} is a loopback address")
