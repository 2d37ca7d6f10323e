"""Metrics, alerts, pictures and what to do: they name the same things, and the alerts fire when they should."""

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.gateway.metrics import SPECS as GATEWAY
from adapters.gateway.registry.registry_decisions import SLOTS
from pipeline.held import MAX_KEYS
from pipeline.metrics import SPECS as DELIVERY
from pipeline.metrics import SUBSCRIPTION, Kind, Spec
from tests.deploy.places import DEPLOY
from tests.deploy.promql import Selector, grouped_by, recorded_in, selectors_of
from tests.deploy.promtool import promtool

MONITORING = DEPLOY / "monitoring"
RUNBOOK = DEPLOY / "runbook" / "alerts.md"

OF_THE_SCRAPE = {"namespace", "instance", "job"}
"""Labels that Prometheus adds."""


def groups() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((MONITORING / "rules.yaml").read_text())["groups"]
    return found


def queries_of_the_runbook() -> list[str]:
    """A line each, in blocks of their own."""
    language, found = None, []
    for line in RUNBOOK.read_text().splitlines():
        if line.startswith("```"):
            language = line[3:] if language is None else None
        elif language == "promql":
            found.append(line)
        else:
            assert language is None or "batch_events_" not in line, f"a query outside a block for queries: {line}"
    return found


RULES = [rule for group in groups() for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PICTURED = {f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]}
QUERIES = (
    {rule.get("alert") or rule["record"]: rule["expr"] for rule in RULES}
    | PICTURED
    | {f"runbook {number}": query for number, query in enumerate(queries_of_the_runbook())}
)

SPECS = [*DELIVERY.values(), *GATEWAY.values()]

EXPORTED: dict[str, tuple[Spec, set[str]]] = {}
for _spec in SPECS:
    _names = [_spec.full_name + suffix for suffix in ("_bucket", "_sum", "_count")]
    for _name in _names if _spec.kind is Kind.HISTOGRAM else [_spec.full_name]:
        EXPORTED[_name] = _spec, {*_spec.label_names, *(["le"] if _name.endswith("_bucket") else [])}


def faults_of(selector: Selector) -> list[str]:
    """What it asks for that we do not have."""
    if selector.metric not in EXPORTED:
        return [f"{selector.metric}: no such metric"]
    spec, labels = EXPORTED[selector.metric]
    faults = [f"{selector.metric}: no label {name}" for name in selector.matchers.keys() - labels - OF_THE_SCRAPE]
    closed = {label.name: {*label.values} for label in spec.labels if label.values}
    closed["le"] = {str(float(bound)) for bound in spec.buckets}
    return faults + [
        f"{selector.metric}: {name} is never {value}"
        for name, values in selector.matchers.items()
        for value in values - closed.get(name, values)
    ]


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_query_asks_for_what_is_exported_with_labels_and_values_that_it_has(query: str) -> None:
    selectors = selectors_of(query)
    assert selectors or recorded_in(query) or re.search(r"\b(up|container_\w+)\{", query)
    assert [fault for one in selectors for fault in faults_of(one)] == []
    assert recorded_in(query) <= RECORDED
    every_label = {"le", *OF_THE_SCRAPE} | {name for spec in SPECS for name in spec.label_names}
    assert grouped_by(query) <= every_label


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("rate(batch_events_delivered[5m])", "batch_events_delivered: no such metric"),
        ("sum(batch_events_lag_bucket)", "batch_events_lag_bucket: no such metric"),
        ('batch_events_lag{topic="a"}', "batch_events_lag: no label topic"),
        (
            'batch_events_attempts_total{outcome=~"delivered|fialed"}',
            "batch_events_attempts_total: outcome is never fialed",
        ),
        ('batch_events_loop_turn_seconds_bucket{le="7.0"}', "batch_events_loop_turn_seconds_bucket: le is never 7.0"),
    ],
)
def test_a_query_that_asks_for_something_else_would_be_found(query: str, fault: str) -> None:
    assert [found for one in selectors_of(query) for found in faults_of(one)] == [fault]


def test_every_metric_but_those_of_lifetimes_is_in_a_picture() -> None:
    shown = {selector.metric for query in PICTURED.values() for selector in selectors_of(query)}
    assert {EXPORTED[name][0].name for name in shown} == {spec.name for spec in SPECS}


def test_the_documented_list_is_the_one_in_the_code() -> None:
    text = (MONITORING / "metrics.md").read_text()
    documented = [line for line in text.splitlines() if line.startswith("| `batch_events_")]
    assert documented == [row_of(spec) for spec in SPECS]


def row_of(spec: Spec) -> str:
    labels = [
        ": ".join(filter(None, (f"`{label.name}`", ", ".join(f"`{value}`" for value in label.values))))
        for label in spec.all_labels
    ]
    return f"| `{spec.full_name}` | {spec.kind} | {', '.join(labels) or '-'} | {spec.text} |"


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_each_alert_has_a_section_in_the_runbook_in_the_same_order_and_each_section_an_alert() -> None:
    assert re.findall(r"^## (.*)$", RUNBOOK.read_text(), re.MULTILINE) == list(ALERTS)


@pytest.mark.parametrize("section", re.split(r"^## ", RUNBOOK.read_text(), flags=re.MULTILINE)[1:])
def test_a_section_says_what_it_means_where_to_look_and_what_to_do_with_commands(section: str) -> None:
    assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == ["Means", "Look", "Do"]
    assert "```" in section


def test_every_link_within_the_runbook_leads_to_a_section() -> None:
    assert set(re.findall(r"\(#([\w-]+)\)", RUNBOOK.read_text())) <= set(map(anchor_of, ALERTS))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert (DEPLOY.parent / path) == RUNBOOK
    assert anchor == anchor_of(name)


def test_the_alert_about_held_keys_comes_well_before_the_bound() -> None:
    alert = ALERTS["BatchEventsHeldKeysNearBound"]
    assert alert["expr"].endswith(f"> {MAX_KEYS * 8 // 10}")
    assert f"of at most {MAX_KEYS};" in alert["annotations"]["description"]


def test_the_alert_about_slots_knows_how_many_there_are() -> None:
    assert ALERTS["BatchEventsGatewaySlotsNotOwned"]["expr"].endswith(f"< {SLOTS}")
    assert f"of {SLOTS}" in ALERTS["BatchEventsGatewaySlotsNotOwned"]["annotations"]["description"]


def cases_of_the_rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((MONITORING / "rules.test.yaml").read_text())["tests"]
    return found


def test_each_alert_is_tried_firing_and_not_firing() -> None:
    tried: dict[str, set[bool]] = defaultdict(set)
    for one in cases_of_the_rules():
        for case in one["alert_rule_test"]:
            tried[case["alertname"]].add(bool(case["exp_alerts"]))
    assert tried == {name: {True, False} for name in ALERTS}


@pytest.mark.promtool
def test_the_rules_are_rules() -> None:
    status, said = promtool(MONITORING, "check", "rules", "rules.yaml")
    assert (status, f"SUCCESS: {len(RULES)} rules found" in said) == (0, True), said


@pytest.mark.promtool
def test_every_query_of_pictures_and_runbook_can_be_worked_out(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(QUERIES.values())]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    status, said = promtool(tmp_path, "check", "rules", "queries.yaml")
    assert status == 0, said


@pytest.mark.promtool
def test_alerts_fire_when_they_should_and_not_when_they_should_not() -> None:
    status, said = promtool(MONITORING, "test", "rules", "rules.test.yaml")
    assert status == 0, said


@pytest.mark.promtool
@pytest.mark.parametrize(("expression", "missed"), [("vector(1) > 2", "firing"), ("vector(1)", "not firing")])
def test_alerts_that_never_fire_or_always_do_would_be_found(expression: str, missed: str, tmp_path: Path) -> None:
    broken = groups()
    for rule in (rule for group in broken for rule in group["rules"] if "alert" in rule):
        rule |= {"expr": expression, "for": "0s"}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": broken}))
    shutil.copy(MONITORING / "rules.test.yaml", tmp_path)
    status, said = promtool(tmp_path, "test", "rules", "rules.test.yaml")
    assert status != 0
    cases = {
        one["name"]: "firing" if one["alert_rule_test"][0]["exp_alerts"] else "not firing"
        for one in cases_of_the_rules()
    }
    found = set(re.findall(r"name: (.*),$", said, re.MULTILINE))
    assert {name for name, expected in cases.items() if expected == missed} <= found


def test_the_dashboard_can_be_imported_anywhere_and_asks_for_a_subscription() -> None:
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert {name: one["type"] for name, one in variables.items()} == {
        "datasource": "datasource",
        "subscription": "query",
    }
    assert variables["datasource"]["query"] == "prometheus"
    assert variables["subscription"]["query"]["query"] == "label_values(batch_events_lag, subscription)"
    sources = {json.dumps(one["datasource"]) for one in [*PANELS, variables["subscription"]]}
    sources |= {json.dumps(target["datasource"]) for panel in PANELS for target in panel["targets"]}
    assert sources == {'{"type": "prometheus", "uid": "${datasource}"}'}
    assert "id" not in DASHBOARD, "an import that has one overwrites somebody else's"


def test_every_picture_is_of_the_chosen_subscriptions() -> None:
    for query in PICTURED.values():
        for one in selectors_of(query):
            spec, _ = EXPORTED[one.metric]
            asked = {"$subscription"} if spec.about is SUBSCRIPTION else None
            assert one.matchers.get("subscription") == asked, query


def test_pictures_have_numbers_of_their_own_and_do_not_lie_on_each_other() -> None:
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells


def test_the_rows_follow_the_questions() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Is it delivering?", "Endpoints", "Trouble", "The gateway"]
