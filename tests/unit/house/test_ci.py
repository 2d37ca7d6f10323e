"""What CI runs: the whole suite on a real broker, with a minute for each of the tests that draw their input."""

import re
from pathlib import Path

SCRIPT = (Path(__file__).parents[3] / ".ci/run").read_text()
FUZZING = Path(__file__).parents[2] / "fuzz"
SECONDS = "BATCH_EVENTS_TEST_FUZZ_S"


def test_a_minute_of_fuzzing_comes_before_the_suite_that_it_is_for() -> None:
    said = re.search(rf"^ *export {SECONDS}=(\d+)$", SCRIPT, re.MULTILINE)
    assert said is not None
    assert int(said[1]) >= 60
    assert re.search(r"^ *make test$", SCRIPT[said.end() :], re.MULTILINE)


def test_every_fuzz_run_takes_its_time_from_there() -> None:
    modules = sorted(FUZZING.glob("test_*.py"))
    assert len(modules) >= 3
    assert [path.name for path in modules if f'os.environ.get("{SECONDS}", "2")' not in path.read_text()] == []
