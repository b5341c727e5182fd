"""What Prometheus, Grafana and the collector are told is true: of the code, and of the operator's handbook."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY

from deploy import SERVICES
from deploy.local import services

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ROOT / "deploy" / "observability"
GIVEN_BY_PROMETHEUS = {"service", "role", "instance", "job"}
INTERVAL = "$__rate_interval"


def load(name: str) -> Any:
    return yaml.safe_load((OBSERVABILITY / name).read_text())


def rules() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in load("alerts.yml")["groups"] for rule in group["rules"]}


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((OBSERVABILITY / "grafana/dashboards/vitrine.json").read_text())
    return found


def shown() -> list[tuple[str, str]]:
    """Each query of the dashboard, with the legend that names its series."""
    targets = [target for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    return [(target["expr"].replace(INTERVAL, "1m"), target["legendFormat"]) for target in targets]


def queries() -> list[str]:
    return [rule["expr"] for rule in rules().values()] + [query for query, _ in shown()]


def exported() -> dict[str, set[str]]:
    """Every time series that the service processes have, with its labels."""
    for service in SERVICES:
        import_module(f"services.{service}.api")
        import_module(f"services.{service}.worker")
    suffixes = {
        "counter": ["_total"],
        "histogram": ["_bucket", "_count", "_sum"],
        "info": ["_info"],
        "gauge": [""],
    }
    found: dict[str, set[str]] = {}
    for collector in list(REGISTRY._collector_to_names):
        labels = set(getattr(collector, "_labelnames", ())) | GIVEN_BY_PROMETHEUS
        for family in getattr(collector, "describe", collector.collect)():
            more = {"histogram": {"le"}, "info": {"version"}}.get(family.type, set())
            for suffix in suffixes.get(family.type, []):
                found[family.name + suffix] = labels | more
    return found | {"up": GIVEN_BY_PROMETHEUS}


class Query:
    """The series that a query selects, and the labels that it speaks of."""

    def __init__(self, text: str) -> None:
        self.series: set[str] = set()
        self.labels: set[str] = set()
        promql_parser.walk(promql_parser.parse(text), self._visit)

    def _visit(self, part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.MatrixSelector):
            self._visit(part.vector_selector)
        elif isinstance(part, promql_parser.VectorSelector):
            self.series.add(part.name or "")
            self.labels |= {matcher.name for matcher in part.matchers.matchers}
        elif isinstance(part, promql_parser.AggregateExpr) and part.modifier:
            self.labels |= set(part.modifier.labels)


@pytest.mark.parametrize("text", queries())
def test_a_query_speaks_of_what_the_code_exports(text: str) -> None:
    known, query = exported(), Query(text)
    assert query.series
    assert query.series <= known.keys()
    assert query.labels <= set().union(*(known[name] for name in query.series))


def test_the_dashboard_shows_everything_the_code_measures() -> None:
    ours = {name for name in exported() if re.match("vitrine_|http_|websocket_", name)}
    series = set().union(*(Query(query).series for query, _ in shown()))
    missing = {name for name in ours - series if not re.search("_(sum|count|bucket)$", name)}
    assert not missing
    histograms = {name.removesuffix("_bucket") for name in ours if name.endswith("_bucket")}
    assert {name for name in histograms if not any(one.startswith(name) for one in series)} == set()


@pytest.mark.parametrize(("text", "legend"), shown())
def test_a_legend_names_labels_that_the_query_keeps(text: str, legend: str) -> None:
    kept = Query(text).labels | set().union(*(exported()[name] for name in Query(text).series))
    assert set(re.findall(r"{{(\w+)}}", legend)) <= kept


def test_the_dashboard_is_provisioned_with_its_source_of_data() -> None:
    [source] = load("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    panels = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])
    [provider] = load("grafana/provisioning/dashboards/vitrine.yaml")["providers"]
    assert provider["type"] == "file"


def test_prometheus_asks_every_process() -> None:
    config = load("prometheus.yml")
    assert config["rule_files"] == ["alerts.yml"]
    [scrape] = config["scrape_configs"]
    asked = {(found["port"], name) for found in scrape["dns_sd_configs"] for name in found["names"]}
    apis, workers = services.api_names(), services.worker_names()
    assert asked == {(8000, name) for name in apis} | {(9000, name) for name in workers}
    assert {found["type"] for found in scrape["dns_sd_configs"]} == {"A"}
    for name in (*apis, *workers):
        labels = {
            rule["target_label"]: re.sub(rule["regex"], rule["replacement"].replace("$", "\\"), name)
            for rule in scrape["relabel_configs"]
        }
        assert "{service}-{role}".format(**labels) == name
    assert {f'up{{job="{scrape["job_name"]}"}} == 0'} == {rules()["ProcessDown"]["expr"]}


def test_every_kind_of_process_is_missed() -> None:
    missed = re.findall(r'service="(\w+)",role="(\w+)"', rules()["ProcessMissing"]["expr"])
    assert sorted("-".join(kind) for kind in missed) == sorted(services.api_names() + services.worker_names())


def test_the_pods_of_a_cluster_get_the_labels_that_the_queries_speak_of() -> None:
    [here], [there] = (
        load(name)["scrape_configs"] for name in ("prometheus.yml", "prometheus-kubernetes.yml")
    )
    assert there["job_name"] == here["job_name"]
    set_by = {rule["target_label"]: rule for rule in there["relabel_configs"] if "target_label" in rule}
    assert set_by.keys() == {"__address__", "service", "role", "instance"}
    [kept] = [
        rule["regex"] for rule in there["relabel_configs"] if rule.get("regex", "").endswith("(api|worker)")
    ]
    for name in (*services.api_names(), *services.worker_names()):
        assert re.fullmatch(kept, name.replace("-", ";")), name
    for label in ("service", "role"):
        assert set_by[label]["source_labels"] == [f"__meta_kubernetes_pod_label_{label}"]


def test_every_alert_has_its_chapter_and_every_chapter_its_alert() -> None:
    handbook = (ROOT / "docs" / "operations.md").read_text()
    chapter = handbook.split("\n## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\w+)$", chapter, re.MULTILINE) == list(rules())
    for name, rule in rules().items():
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_a_summary_names_labels_that_the_alert_keeps() -> None:
    for rule in rules().values():
        query = Query(rule["expr"])
        kept = query.labels | set().union(*(exported()[name] for name in query.series))
        assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= kept


def test_the_collector_uses_what_it_declares() -> None:
    config = load("otel-collector.yaml")
    for pipeline in config["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= config[kind].keys()
    assert config["service"]["extensions"] == list(config["extensions"])
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("file", sorted(OBSERVABILITY.rglob("*.y*ml")), ids=lambda file: file.name)
def test_nothing_secret_is_written_down(file: Path) -> None:
    assert not [text for text in strings(yaml.safe_load(file.read_text())) if "password" in text.lower()]
