"""The unmodified CMQ SDKs from the package index against the gateway, over HTTP."""

import sys
from pathlib import Path

import pytest

from adapters.gateway.front.keys import KeySpec
from tests.harness.memory_gateway import memory_gateway
from tests.harness.sdk_process import play

KEY = KeySpec("AKIDuser", "a secret of the tests")


SECOND = Path(sys.prefix) / "qcloud-cmq-sdk-py3"
"""The Makefile puts it there: it is the same package `cmq` as the one that is installed."""


@pytest.mark.skipif(
    sys.version_info >= (3, 13),
    reason="the SDKs import mailcap, which Python 3.13 has not: unchecked is what they make of the gateway's replies",
)
@pytest.mark.parametrize(
    ("folder", "its_log"),
    [
        pytest.param(None, "logs/CMQ_python_sdk.log", id="abmn_qcloud_cmq_sdk_py3"),
        pytest.param(SECOND, "CMQ_python_sdk.log", id="qcloud-cmq-sdk-py3"),
    ],
)
def test_everything_that_the_sdk_can_do_works_as_with_cmq(folder: Path | None, its_log: str, tmp_path: Path) -> None:
    with memory_gateway(KEY) as endpoint:
        steps = play(folder, endpoint, KEY.secret_id, KEY.secret, "sdk", tmp_path)
    assert len(steps) == 14
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / its_log], "another SDK was played"
