"""Each example of deploy/kafka-access.md, as it stands there, delivers; who is refused says why, and recovers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.access.document import blocks
from tests.access.issuer import CLIENT, SECRET, Issuer
from tests.access.secured import HOST, SecuredCluster
from tests.harness.command import Result, Running, invoke, wait_until
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting
from tests.unit.callback.certificates import Authority, authority

pytestmark = [pytest.mark.native_cluster, pytest.mark.timeout(120)]

SERVERS = "kafka-0.example.com:9094,kafka-1.example.com:9094,kafka-2.example.com:9094"
FILES = "/etc/batch-events"
USER, PASSWORD, WRONG, PASSPHRASE = "batch-events", "the-right-one-5e1d", "the-wrong-one-90c2", "the-passphrase-71ab"
ENV = {
    "KAFKA_USERNAME": USER,
    "KAFKA_KEY_PASSPHRASE": PASSPHRASE,
    "KAFKA_CLIENT_ID": CLIENT,
    "KAFKA_CLIENT_SECRET": SECRET,
}
SECRETS = (PASSWORD, WRONG, PASSPHRASE, SECRET)
EXAMPLES = {"TLS": "tls", "Mutual TLS": "mutual", "SCRAM": "scram", "OAUTHBEARER": "oauth"}
"""By the heading in the document: the listener that asks for that."""


class Place(NamedTuple):
    """What the cases share."""

    cluster: SecuredCluster
    authority: Authority
    issuer: Issuer
    sink: Sink
    folder: Path
    """Stands for FILES."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("files")
    signer = authority(folder)
    Path(signer.file).rename(folder / "kafka-ca.pem")
    identity = signer.client(passphrase=PASSPHRASE.encode())
    Path(identity.certificate).rename(folder / "kafka-client.pem")
    Path(identity.key).rename(folder / "kafka-client-key.pem")
    with Issuer() as issuer, Sink() as sink, SecuredCluster(signer, issuer) as cluster:
        yield Place(cluster, signer, issuer, sink, folder)


@pytest.fixture(autouse=True)
def as_it_should_be(place: Place) -> None:
    (place.folder / "kafka-password").write_text(PASSWORD)
    place.cluster.set_password(USER, PASSWORD)
    place.issuer.lifetime_s = 300.0


class Stage:
    """A topic with one HTTP subscription, reached as an example says."""

    def __init__(self, place: Place, topic: str, folder: Path) -> None:
        self.place = place
        self.path = f"/{topic}"
        self.setting = Setting(folder, place.cluster.bootstrap_servers, topic)
        self.setting.http("billing", place.sink.url(self.path))
        self.setting.create_topics()

    def reach(self, heading: str, listener: str) -> None:
        """Take the document's example, with our addresses and files."""
        (example,) = blocks(heading)
        for stands, ours in (
            (SERVERS, self.place.cluster.servers(listener)),
            (FILES, str(self.place.folder)),
            ("https://login.example.com/oauth2/token", self.place.issuer.token_url),
        ):
            example = example.replace(stands, ours)
        self.setting.config["kafka"] = yaml.safe_load(example)["kafka"]

    def invoke(self, *args: str, stdin: bytes = b"") -> Result:
        result = invoke(*args, "--config", self.setting.file, stdin=stdin, env=ENV)
        assert not any(secret in result.stdout + result.stderr for secret in SECRETS)
        return result

    def publish(self, job: str) -> None:
        result = self.invoke("publish", "--notifications", self.setting.notifications(), stdin=text_of(job_line(job)))
        assert result.status == 0, result

    def run(self) -> Running:
        return self.setting.run("--log-level", "DEBUG", env=ENV)

    def delivers(self, running: Running, count: int) -> None:
        accepted = self.place.sink.accepted
        wait_until(lambda: accepted(self.path) == count, "the event", alive=[running])
        wait_until(lambda: running.probe("/ready") == (200, "ok\n"), "to be ready", alive=[running])
        assert running.terminate() == 0
        assert not any(secret in line for line in running.lines for secret in SECRETS)

    def is_refused(self, *texts: str) -> None:
        """A command says it in one line of ours, and ends."""
        result = self.invoke("topics")
        told = [line for line in result.stderr.splitlines() if line.startswith("batch-events: ")]
        assert (result.status, len(told)) == (2, 1), result
        assert all(text in told[0] for text in texts), told

    def waits(self, running: Running, *texts: str) -> None:
        """`run` says it and is not ready."""
        running.wait_for_line("not_ready", "/billing", *texts)
        assert running.probe("/live")[0] == 200
        assert running.probe("/ready")[0] == 503


@pytest.fixture
def stage(place: Place, unique: Callable[[str], str], tmp_path: Path) -> Stage:
    return Stage(place, unique("job-message"), tmp_path)


@pytest.mark.parametrize(("heading", "listener"), EXAMPLES.items(), ids=EXAMPLES)
def test_the_documents_example_passes_check_and_delivers(heading: str, listener: str, stage: Stage) -> None:
    stage.reach(heading, listener)
    assert stage.invoke("check").status == 0
    assert stage.invoke("topics").status == 0
    stage.publish("job-1")
    with stage.run() as running:
        stage.delivers(running, 1)


def test_a_wrong_password_is_told_and_works_once_the_brokers_have_it(stage: Stage, place: Place) -> None:
    stage.reach("SCRAM", "scram")
    stage.publish("job-1")
    (place.folder / "kafka-password").write_text(WRONG)
    stage.is_refused(stage.place.cluster.servers("scram"), "refuses us: _AUTHENTICATION", "Authentication failed")
    with stage.run() as running:
        stage.waits(running, "refuses us: _AUTHENTICATION", "Authentication failed")
        place.cluster.set_password(USER, WRONG)
        stage.delivers(running, 1)


def test_an_authority_that_we_do_not_trust_is_told(stage: Stage, place: Place, tmp_path: Path) -> None:
    stage.reach("TLS", "tls")
    (tmp_path / "other").mkdir()
    stage.setting.config["kafka"]["ssl.ca.location"] = authority(tmp_path / "other").file
    stage.is_refused(place.cluster.servers("tls"), "certificate verify failed")
    with stage.run() as running:
        stage.waits(running, "certificate verify failed")
        assert running.terminate() == 0


def test_a_client_without_a_certificate_is_told_that_it_is_wanted(stage: Stage, place: Place) -> None:
    stage.reach("TLS", "mutual")
    stage.is_refused(place.cluster.servers("mutual"), "certificate")
    with stage.run() as running:
        stage.waits(running, "certificate")
        assert running.terminate() == 0


def test_an_expired_certificate_is_told_and_works_once_it_is_renewed(stage: Stage, place: Place) -> None:
    stage.reach("TLS", "tls")
    stage.publish("job-1")
    stage.reach("TLS", "late")
    stage.is_refused(place.cluster.servers("late"), "certificate verify failed")
    with stage.run() as running:
        stage.waits(running, "certificate verify failed")
        place.cluster.renew(place.authority.server_file(HOST))
        stage.delivers(running, 1)


def test_an_expired_token_is_told_and_works_once_the_issuer_gives_good_ones(stage: Stage, place: Place) -> None:
    stage.reach("OAUTHBEARER", "oauth")
    stage.publish("job-1")
    place.issuer.lifetime_s = -60.0
    stage.is_refused(place.cluster.servers("oauth"), "_AUTHENTICATION", "token", "expired")
    with stage.run() as running:
        stage.waits(running, "_AUTHENTICATION", "token", "expired")
        place.issuer.lifetime_s = 300.0
        stage.delivers(running, 1)


def test_a_wrong_client_secret_is_told(stage: Stage, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.reach("OAUTHBEARER", "oauth")
    monkeypatch.setitem(ENV, "KAFKA_CLIENT_SECRET", WRONG)
    stage.is_refused(place.cluster.servers("oauth"), "_AUTHENTICATION", "token")
