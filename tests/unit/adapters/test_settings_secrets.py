"""No secret stands in the file, and none is ever shown."""

from pathlib import Path

import pytest

from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from tests.unit.adapters.configurations import HTTP, faults_of, load, tree

HIDDEN = "hunter2hunter2"
SIGNING = "whsec_" + "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg=="

SECRET_PROPERTIES = [
    "sasl.password",
    "ssl.key.password",
    "ssl.keystore.password",
    "ssl.key.pem",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
    "sasl.jaas.config",
]


@pytest.mark.parametrize("name", SECRET_PROPERTIES)
def test_a_secret_property_that_stands_in_the_file_is_refused_and_masked(name: str, tmp_path: Path) -> None:
    config = tree()
    config["kafka"][name] = HIDDEN
    faults = faults_of(tmp_path, config)
    assert f"kafka.{name}: ***: stands in the file; allowed: a reference, ${{NAME}} or ${{file:/path}}" in faults
    assert HIDDEN not in "\n".join(faults)


@pytest.mark.parametrize(
    "value", [SIGNING, [SIGNING], ["${A}", SIGNING], "whsec_${A}", f"${{A}}{HIDDEN}", {"key": SIGNING}, 123456]
)
def test_a_signing_secret_that_stands_in_the_file_even_in_part_is_refused_and_masked(
    value: object, tmp_path: Path
) -> None:
    faults = faults_of(tmp_path, tree(HTTP | {"signing_secret": value}), {"A": SIGNING})
    assert any(fault.endswith("stands in the file; allowed: a reference, ${NAME} or ${file:/path}") for fault in faults)
    assert not {SIGNING, HIDDEN, "123456"} & set("\n".join(faults).split("'"))
    assert all(secret not in "\n".join(faults) for secret in (SIGNING, HIDDEN, "123456"))


def test_a_registry_password_that_stands_in_the_file_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(schema_registry={"url": "http://registry:8081", "password": HIDDEN}))
    assert fault.startswith("schema_registry.password: ***: stands in the file")


@pytest.mark.parametrize("form", ["${SECRET}", "${file:FILE}"])
def test_a_secret_by_reference_is_taken(form: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SIGNING + "\n")
    form = form.replace("FILE", str(tmp_path / "secret"))
    (one,) = load(tmp_path, tree(HTTP | {"signing_secret": form}), {"SECRET": SIGNING}).subscriptions
    http = one.subscription().http
    assert http is not None
    assert http.signing_secrets == (SIGNING,)


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (HIDDEN + "!", "is not Base64 (with or without the prefix whsec_)"),
        ("whsec_aGk=", "holds 2 bytes, allowed are 24 to 64"),
        ("whsec_" + "A" * 120, "holds 90 bytes, allowed are 24 to 64"),
        ("", "holds 0 bytes, allowed are 24 to 64"),
    ],
)
def test_a_referenced_signing_secret_that_is_none_is_told_without_it(secret: str, reason: str, tmp_path: Path) -> None:
    faults = faults_of(tmp_path, tree(HTTP | {"signing_secret": "${S}"}), {"S": secret})
    assert faults == [f"subscriptions[0].signing_secret[0]: ***: {reason}"]


def test_a_property_that_librdkafka_refuses_is_told_without_its_secret(tmp_path: Path) -> None:
    config = tree()
    config["kafka"] |= {"security.protocol": "ssl", "ssl.key.pem": "${KEY}", "ssl.certificate.pem": "nothing"}
    (fault,) = faults_of(tmp_path, config, {"KEY": HIDDEN})
    assert fault.startswith("kafka: ")
    assert HIDDEN not in fault


def test_user_and_password_in_an_url_are_refused_and_not_shown(tmp_path: Path) -> None:
    for url in (f"https://user:{HIDDEN}@example.com/", f"https://user:{HIDDEN}/x@example.com/"):
        faults = faults_of(tmp_path, tree(HTTP | {"endpoint": url}, schema_registry={"url": url}))
        assert [fault.partition(":")[0] for fault in faults] == ["subscriptions[0].endpoint", "schema_registry.url"]
        assert HIDDEN not in "\n".join(faults)


def test_what_came_by_reference_is_shown_as_the_reference(tmp_path: Path) -> None:
    """Nobody can know whether it is a secret: a token in a URL is one."""
    (fault,) = faults_of(tmp_path, tree(HTTP | {"endpoint": "ftp://x/${TOKEN}"}), {"TOKEN": HIDDEN})
    assert fault == ("subscriptions[0].endpoint: 'ftp://x/${TOKEN}': must be an http:// or https:// URL with a host")


@pytest.mark.parametrize(
    "line",
    [
        f"sasl.password: *{HIDDEN}",
        f"sasl.password: !{HIDDEN} x",
        f"sasl.password: '{HIDDEN}",
        f"sasl.password: {HIDDEN}: {HIDDEN}",
        f"sasl.password: %{HIDDEN}",
        f"sasl.password: [{HIDDEN}",
        f'sasl.password: "\\x{HIDDEN}"',
        f"sasl.password: &{HIDDEN} a\n  ssl.key.password: &{HIDDEN} b",
        f"{HIDDEN}",
    ],
)
def test_a_file_that_is_not_yaml_is_told_by_line_and_not_by_its_text(line: str, tmp_path: Path) -> None:
    faults = faults_of(tmp_path, f"kafka:\n  bootstrap.servers: localhost:9092\n  {line}\n")
    assert HIDDEN not in "\n".join(faults)
    assert "line " in faults[0] or "kafka.sasl.password" in faults[0]


def test_a_settings_object_shows_no_secret(tmp_path: Path) -> None:
    config = tree(HTTP | {"signing_secret": "${S}"}, schema_registry={"url": "http://r:8081", "password": "${P}"})
    config["kafka"] |= {"sasl.password": "${P}"}
    settings = load(tmp_path, config, {"S": SIGNING, "P": HIDDEN})
    assert settings.kafka["sasl.password"] == HIDDEN
    for text in (repr(settings), str(settings), repr(settings.subscriptions[0])):
        assert HIDDEN not in text
        assert SIGNING not in text


def test_a_secret_from_the_environment_is_taken_as_it_is(tmp_path: Path) -> None:
    """It may look like anything: a number, a mapping, a reference."""
    for secret in ("0123", "a: b", "${HOME}", "*x", "[1", "yes"):
        environ = {"BATCH_EVENTS__KAFKA__SASL_PASSWORD": secret}
        assert load(tmp_path, tree(), environ).kafka["sasl.password"] == secret


def test_an_override_does_not_excuse_a_secret_in_the_file(tmp_path: Path) -> None:
    config = tree(HTTP | {"signing_secret": SIGNING})
    (fault,) = faults_of(tmp_path, config, {"BATCH_EVENTS__SUBSCRIPTIONS__0__SIGNING_SECRET": SIGNING})
    assert "stands in the file" in fault
    assert SIGNING not in fault


def test_a_fault_of_the_environment_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"BATCH_EVENTS__SUBSCRIPTIONS__0__SIGNING_SECRET": "[" + HIDDEN, "BATCH_EVENTS__HTTP": "{" + HIDDEN}
    with pytest.raises(SettingsError) as caught:
        load_settings(None, environ | {"BATCH_EVENTS__KAFKA__BOOTSTRAP_SERVERS": "localhost:9092"})
    assert HIDDEN not in str(caught.value)
