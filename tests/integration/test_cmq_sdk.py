"""The unmodified CMQ SDKs from the package index against the gateway, over HTTP."""

import sys
from pathlib import Path

import pytest

from adapters.gateway.keys import KeySpec
from tests.harness.memory_gateway import memory_gateway
from tests.harness.sdk_process import play

KEY = KeySpec("AKIDuser", "a secret of the tests")


def sdk_folder(name: str) -> Path:
    """Where an SDK lies, which must be there."""
    return Path(sys.prefix) / name


@pytest.mark.skipif(
    sys.version_info >= (3, 13),
    reason="the SDKs import mailcap, which Python 3.13 has not: unchecked is what they make of the gateway's replies",
)
@pytest.mark.parametrize("sdk", ["abmn_qcloud_cmq_sdk_py3", "qcloud-cmq-sdk-py3"])
def test_everything_that_the_sdk_can_do_works_as_with_cmq(sdk: str, tmp_path: Path) -> None:
    folder = None if sdk == "abmn_qcloud_cmq_sdk_py3" else sdk_folder(sdk)
    with memory_gateway(KEY) as endpoint:
        steps = play(folder, endpoint, KEY.secret_id, KEY.secret, "sdk", tmp_path)
    assert len(steps) == 14
    assert list(tmp_path.rglob("CMQ_python_sdk.log")), "it wrote its log elsewhere"
