"""A client certificate in the configuration: both files or neither, and files that can be used."""

from pathlib import Path

import pytest

from tests.unit.adapters.configurations import HTTP, QUEUE, Tree, faults_of, load, tree
from tests.unit.callback.certificates import Identity, authority

AT = "subscriptions[0]"


@pytest.fixture(scope="module")
def who(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return authority(tmp_path_factory.mktemp("authority")).client()


def with_files(who: Identity, **more: object) -> Tree:
    return HTTP | {"client_certificate_file": who.certificate, "client_key_file": who.key} | more


def test_both_files_become_the_pipelines_policy(who: Identity, tmp_path: Path) -> None:
    http = load(tmp_path, tree(with_files(who))).subscriptions[0].subscription().http
    assert http is not None
    assert (http.client_certificate_file, http.client_key_file) == who


@pytest.mark.parametrize(
    ("there", "missing"),
    [("client_certificate_file", "client_key_file"), ("client_key_file", "client_certificate_file")],
)
def test_one_without_the_other_is_a_fault_at_the_missing_one(
    there: str, missing: str, who: Identity, tmp_path: Path
) -> None:
    one = {name: value for name, value in with_files(who).items() if name != missing}
    for config in (one, one | {missing: None}):
        (fault,) = faults_of(tmp_path, tree(config))
        assert fault == f"{AT}.{missing}: is missing: {there} is there, and is of no use alone"


def test_a_file_that_cannot_be_used_is_a_fault_at_its_key(who: Identity, tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    for name in ("client_certificate_file", "client_key_file"):
        (fault,) = faults_of(tmp_path, tree(with_files(who, **{name: absent})))
        assert fault == f"{AT}.{name}: {absent!r}: cannot be read: No such file or directory"
    (fault,) = faults_of(tmp_path, tree(with_files(who, client_key_file=who.certificate)))
    assert fault == f"{AT}.client_key_file: {who.certificate!r}: holds no private key in PEM form"


def test_an_endpoint_without_tls_is_a_fault(who: Identity, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(with_files(who, endpoint="http://billing.example.com/")))
    assert fault == (
        f"{AT}.client_certificate_file: {who.certificate!r}: would never be shown: the endpoint is not https://"
    )


def test_what_is_no_text_is_told_once(who: Identity, tmp_path: Path) -> None:
    assert faults_of(tmp_path, tree(with_files(who, client_key_file=5))) == [f"{AT}.client_key_file: 5: must be text"]


def test_a_queue_has_none(who: Identity, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(QUEUE | {"client_key_file": who.key}))
    assert fault.startswith(f"{AT}.client_key_file: is not a key of the configuration")


def test_they_come_from_the_environment_too(who: Identity, tmp_path: Path) -> None:
    environ = {
        "BATCH_EVENTS__SUBSCRIPTIONS__0__CLIENT_CERTIFICATE_FILE": who.certificate,
        "BATCH_EVENTS__SUBSCRIPTIONS__0__CLIENT_KEY_FILE": "${KEY}",
    }
    (fault,) = faults_of(tmp_path, tree(HTTP), environ)
    assert fault == f"{AT}.client_key_file: '${{KEY}}': cannot be read: No such file or directory"
    config = tree(HTTP | {"client_key_file": "${KEY}"})
    del environ["BATCH_EVENTS__SUBSCRIPTIONS__0__CLIENT_KEY_FILE"]
    http = load(tmp_path, config, environ | {"KEY": who.key}).subscriptions[0].subscription().http
    assert http is not None
    assert http.client_key_file == who.key
