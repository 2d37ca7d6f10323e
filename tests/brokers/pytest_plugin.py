"""What tests see of the ladder: fixtures `broker`, `native_cluster`, `unique`; markers; the word at the end.

real_broker     the test needs a real Kafka: container, native or given
native_cluster  the test needs brokers of its own as Java processes, whatever the tier

A test that fails on the session's broker shows the tail of the broker's log.

Where a marked test cannot run it is skipped and listed at the end as not checked; it is an error where
Wishes.strict says so (CI=true, BATCH_EVENTS_REQUIRE_TIER).
"""

import os
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any, NoReturn

import pytest

from tests.brokers import sigterm, workers
from tests.brokers.broker import Broker, running_broker
from tests.brokers.killable import ClusterMaker, killable_cluster
from tests.brokers.session_tier import SessionTier
from tests.brokers.tiers import CannotRun
from tests.brokers.unchecked import Unchecked
from tests.brokers.wishes import read_wishes

TIER = pytest.StashKey[SessionTier]()
UNCHECKED = pytest.StashKey[Unchecked]()
HEARD = pytest.StashKey[workers.Heard]()
BROKER = pytest.StashKey[Broker]()
NAME_LIMIT = 64  # of a CMQ queue, topic or subscription


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_broker: needs a real Kafka (container, native or given tier)")
    config.addinivalue_line("markers", "native_cluster: needs Java and the Kafka jars, whatever the tier")
    try:
        config.stash[TIER] = SessionTier(read_wishes(os.environ))
    except CannotRun as refusal:
        raise pytest.UsageError(str(refusal)) from None
    config.stash[UNCHECKED] = Unchecked()
    config.stash[HEARD] = workers.Heard()
    sigterm.ends_the_session()


def pytest_report_header(config: pytest.Config) -> str:
    return f"broker tier: {config.stash[TIER].known or 'chosen when a test needs it'}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail what cannot run here, before any fixture is set up."""
    refusal = _refusal(item, item.config.stash[TIER])
    if refusal:
        _refuse(item.config, refusal, _claim(item))


def refuse(node: pytest.Item | pytest.Collector, reason: str) -> NoReturn:
    """Skip a test and name its file at the end as unchecked; fail it where nothing may be skipped."""
    _refuse(node.config, reason, node.nodeid.partition("::")[0])


def _refuse(config: pytest.Config, reason: str, claim: str) -> NoReturn:
    if config.stash[TIER].wishes.strict:
        pytest.fail(f"cannot run, and nothing may be skipped here: {reason}", pytrace=False)
    config.stash[UNCHECKED].add(reason, claim)
    pytest.skip(f"{reason}; not checked: {claim}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed on the session's broker shows what it said last; a teardown may have been the broker's own."""
    report = yield
    broker = item.session.stash.get(BROKER, None)
    uses_it = "broker" in getattr(item, "fixturenames", ()) or item.get_closest_marker("real_broker")
    if report.failed and report.when != "teardown" and broker is not None and uses_it:
        report.sections.append(("the broker's log", broker.log_tail()))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker leaves what it has to say to the one that has started it."""
    config = session.config
    if (output := getattr(config, "workeroutput", None)) is not None:
        output[workers.TOLD] = workers.told(config.stash[TIER], config.stash[UNCHECKED])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready(node: Any) -> None:
    """A worker of pytest-xdist has begun."""
    sigterm.with_it(node.gateway._rinfo().pid)  # as pytest-cov does: there is no other way


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One has ended."""
    sigterm.without_it(node.gateway._rinfo().pid)
    config: pytest.Config = node.config
    config.stash[HEARD].take(getattr(node, "workeroutput", {}), config.stash[UNCHECKED])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tier, heard, unchecked = config.stash[TIER], config.stash[HEARD], config.stash[UNCHECKED]
    if unchecked:
        terminalreporter.section(f"NOT CHECKED on this tier: {len(unchecked)} tests", sep="!", red=True, bold=True)
        for line in unchecked.lines():
            terminalreporter.write_line(line)
    known = tier.known or heard.tier or "none was needed"
    for line in (f"broker tier: {known}", *tier.passed_over, *heard.passed_over):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """The session's broker, started when the first test asks for it."""
    tier = request.config.stash[TIER]
    with running_broker(tier.choice().tier, tier.wishes.bootstrap_servers) as running:
        request.session.stash[BROKER] = running
        yield running


@pytest.fixture
def native_cluster(request: pytest.FixtureRequest) -> ClusterMaker:
    """What makes a cluster of Java processes that may be killed, as a context: brokers=3, config={…}."""
    if request.node.get_closest_marker("native_cluster") is None:
        pytest.fail("a test that uses native_cluster must carry the marker of that name", pytrace=False)
    return killable_cluster


@pytest.fixture
def unique() -> Callable[[str], str]:
    """A maker of names that CMQ takes and that no other test has: `unique("job-message")`."""
    return unique_name


def unique_name(stem: str) -> str:
    """Give stem, shortened if need be, with eight random hexadecimal digits behind it."""
    ending = f"-{uuid.uuid4().hex[:8]}"
    return stem[: NAME_LIMIT - len(ending)] + ending


def _refusal(item: pytest.Item, tier: SessionTier) -> str:
    try:
        if item.get_closest_marker("real_broker") and (refusal := tier.real_refusal()):
            return refusal
    except CannotRun as refused:
        pytest.fail(str(refused), pytrace=False)
    if item.get_closest_marker("native_cluster") and (refusal := tier.native_refusal):
        return f"no brokers as Java processes: {refusal}"
    return ""


def _claim(item: pytest.Item) -> str:
    """Give the first line of the test's docstring, else its name without its case."""
    doc = getattr(getattr(item, "function", None), "__doc__", None) or ""
    name = getattr(item, "originalname", None) or item.name
    return doc.strip().splitlines()[0] if doc.strip() else f"{item.nodeid.split('::')[0]}::{name}"
