"""deploy/kubernetes, as far as it can be checked without a cluster."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import jsonschema
import kubernetes_validate
import pytest

from deploy import SERVICES
from deploy.local import services as processes
from deploy.local.binaries import binary
from deploy.local.postgres import Postgres
from deploy.local.probe import http_status
from deploy.local.stack import Stack
from deploy.secrets import Secrets
from libs.common import backlog
from libs.common.settings import Settings
from tests.deploy import compose
from tests.deploy.manifests import OVERLAYS, Manifest, containers, of_kind, pods, rendered
from tests.deploy.test_observability import Query
from tests.deploy.test_variables import ALL, GATEWAY, settings_of, variables_of

KUBERNETES = "1.35"
KEDA = json.loads((Path(__file__).parent / "schemas" / "keda.json").read_text())
SECRETS = {secret["metadata"]["name"]: secret["stringData"] for secret in Secrets.generate().kubernetes()}
OWN = ("api", "worker", "migrate", "bucket", "site")

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@every_overlay
def test_every_resource_has_the_form_of_its_kind(overlay: str) -> None:
    for resource in rendered(overlay):
        if resource["apiVersion"].startswith("keda.sh/"):
            jsonschema.validate(resource, KEDA)
        else:
            kubernetes_validate.validate(resource, KUBERNETES, strict=True)


@every_overlay
def test_names_are_told_apart_and_in_one_namespace(overlay: str) -> None:
    names = [(found["kind"], found["metadata"]["name"]) for found in rendered(overlay)]
    assert len(names) == len(set(names))
    assert {
        found["metadata"].get("namespace") for found in rendered(overlay) if found["kind"] != "Namespace"
    } == {"vitrine"}


@every_overlay
def test_it_has_the_processes_of_the_embedded_stack(overlay: str) -> None:
    running = set(of_kind(overlay, "Deployment", "StatefulSet"))
    servers = {"nats", "gateway"} | ({"postgres", "object-store"} if overlay == "dev" else set())
    assert running == {*processes.api_names(), *processes.worker_names(), *servers}
    steps = {f"{service}-migrate" for service in SERVICES} | {"bucket"}
    assert set(of_kind(overlay, "Job")) == steps | ({"provision"} if overlay == "dev" else set())


@every_overlay
def test_pods_keep_to_the_restricted_standard(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        account = pod["spec"]["securityContext"]
        assert (account["runAsNonRoot"], account["seccompProfile"]["type"]) == (True, "RuntimeDefault"), name
        for container in containers(pod):
            context = container["securityContext"]
            assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (
                False,
                True,
            ), name
            assert context["capabilities"]["drop"] == ["ALL"]
            assert set(context["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


@every_overlay
def test_pods_have_no_token_and_no_links(overlay: str) -> None:
    accounts = of_kind(overlay, "ServiceAccount")
    for name, pod in pods(overlay).items():
        spec = pod["spec"]
        assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False), name
        assert accounts[spec["serviceAccountName"]]["automountServiceAccountToken"] is False


@every_overlay
def test_images_are_pinned(overlay: str) -> None:
    of_compose = {service["image"] for service in compose.services().values()}
    for name, pod in pods(overlay).items():
        for container in containers(pod):
            repository, tag = container["image"].rsplit(":", 1)
            assert re.search(r"\d+[.-]\d+", tag), name
            assert container["image"] in of_compose or repository.endswith("vitrine")


@every_overlay
def test_ports_and_probes_are_what_the_code_serves(overlay: str) -> None:
    for name in (*processes.api_names(), *processes.worker_names()):
        [container] = pods(overlay)[name]["spec"]["containers"]
        port = 8000 if name.endswith("-api") else 9000
        assert container["ports"] == [{"name": "http", "containerPort": port}]
        asked = {
            probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")
        }
        assert {get["port"] for get in asked.values()} == {"http"}
        assert {probe: get["path"] for probe, get in asked.items()} == {
            "startup": "/health",
            "liveness": "/health",
            "readiness": "/ready",
        }
    for name in (*processes.api_names(), "gateway"):
        assert of_kind(overlay, "Service")[name]["spec"]["ports"][0]["port"] == 8000
        lifecycle = pods(overlay)[name]["spec"]["containers"][0]["lifecycle"]
        assert (
            lifecycle["preStop"]["sleep"]["seconds"] + 5
            < pods(overlay)[name]["spec"]["terminationGracePeriodSeconds"]
        )


@every_overlay
def test_commands_are_those_of_the_other_topologies(overlay: str) -> None:
    for name, service in compose.services().items():
        if name.endswith(("-api", "-worker", "-migrate")) or name == "bucket":
            pod = pods(overlay)[name]
            [container] = pod["spec"]["containers"]
            label = pod["metadata"]["labels"].get("service", "")
            assert [part.replace("$(SERVICE)", label) for part in container["command"]] == service["command"]


@every_overlay
def test_a_process_gets_its_own_variables(overlay: str) -> None:
    """What has a default in the code may be left out, what nobody reads may not be there."""
    config = config_map(overlay)
    told = (compose.ROOT / "deploy/kubernetes/base/vitrine.env").read_text()
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\bHOST\b", told))
    assert named == ALL
    assert set(config) <= ALL - set(SECRETS["auth"]) - {"DATABASE_OWNER_URL"}
    for name in (*processes.api_names(), *processes.worker_names()):
        service = name.rpartition("-")[0]
        [container] = pods(overlay)[name]["spec"]["containers"]
        secrets = [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
        asks = service in ("analysis", "generation")
        assert secrets == ([service, "providers"] if asks else [service])
        assert set(SECRETS[service]) <= variables_of(service)


@every_overlay
@pytest.mark.parametrize("service", SERVICES)
def test_a_process_takes_its_variables(overlay: str, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", config_map(overlay) | SECRETS[service])
    settings = settings_of(service)()
    assert (settings.host, settings.metrics_port, settings.nats_replicas) == ("0.0.0.0", 9000, 3)


@every_overlay
def test_secrets_are_those_that_the_command_makes(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        for container in containers(pod):
            for source in container.get("envFrom", []):
                reference = source.get("secretRef", {})
                assert reference.get("name") in {*SECRETS, None} or reference["optional"], name
            for variable in container.get("env", []):
                if key := variable.get("valueFrom", {}).get("secretKeyRef"):
                    assert key["key"] in SECRETS[key["name"]], name
    for migration in (f"{service}-migrate" for service in SERVICES):
        [container] = pods(overlay)[migration]["spec"]["containers"]
        assert container["envFrom"] == [{"secretRef": {"name": migration.replace("migrate", "owner")}}]


@every_overlay
def test_the_gateway_gets_its_variables(overlay: str) -> None:
    env = environment(pods(overlay)["gateway"])
    assert set(env) == GATEWAY - {"GATEWAY_BIND", "GATEWAY_MAX_BODY"}
    hosts = of_kind(overlay, "Service")
    for service in SERVICES:
        assert env[f"{service.upper()}_API"] == f"{service}-api:8000"
        assert f"{service}-api" in hosts
    assert env["BUCKET"] == config_map(overlay).get("S3_BUCKET", "vitrine")
    assert config_map(overlay)["S3_ENDPOINT"].removeprefix("http://") == env["OBJECT_STORE"]


@every_overlay
def test_selectors_find_exactly_their_pods(overlay: str) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(overlay).items()}

    def chosen(selector: dict[str, str]) -> list[str]:
        return [name for name, has in labels.items() if selector.items() <= has.items()]

    for name, found in of_kind(overlay, "Service").items():
        assert chosen(found["spec"]["selector"]) == [name]
    for name, found in of_kind(overlay, "PodDisruptionBudget").items():
        assert chosen(found["spec"]["selector"]["matchLabels"]) == [name]
    for name, found in of_kind(overlay, "Deployment", "StatefulSet").items():
        assert chosen(found["spec"]["selector"]["matchLabels"]) == [name]
        for spread in found["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            assert chosen(spread["labelSelector"]["matchLabels"]) == [name]


@every_overlay
def test_nobody_talks_without_leave(overlay: str) -> None:
    """Every way that the architecture needs is open, and these are not."""
    assert allowed(overlay, "gateway", "catalog-api", 8000)
    assert allowed(overlay, "analysis-api", "auth-api", 8000)
    assert allowed(overlay, "catalog-worker", "nats", 4222)
    assert allowed(overlay, "nats", "nats", 6222)
    assert not allowed(overlay, "catalog-api", "analysis-api", 8000)
    assert not allowed(overlay, "gateway", "nats", 4222)
    assert not allowed(overlay, "auth-migrate", "nats", 4222)
    assert not allowed(overlay, "catalog-worker", "nats", 6222)
    if overlay == "dev":
        for name in ("catalog-api", "catalog-worker", "catalog-migrate", "provision"):
            assert allowed(overlay, name, "postgres", 5432)
        for name in ("gateway", "generation-worker", "bucket"):
            assert allowed(overlay, name, "object-store", 9000)
        assert not allowed(overlay, "gateway", "postgres", 5432)


def test_workers_scale_with_what_waits() -> None:
    deployments = of_kind("production", "Deployment")
    for scaler in of_kind("production", "HorizontalPodAutoscaler", "ScaledObject").values():
        target = deployments[scaler["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"]
    assert set(of_kind("production", "ScaledObject")) == set(processes.worker_names())
    assert set(of_kind("production", "HorizontalPodAutoscaler")) == set(processes.api_names())
    for name, scaled in of_kind("production", "ScaledObject").items():
        service = name.removesuffix("-worker")
        queue, lag, *reactions = scaled["spec"]["triggers"]
        assert queue["metadata"]["targetQueryValue"] == str(Settings.model_fields["job_slots"].default)
        authentication = of_kind("production", "TriggerAuthentication")[queue["authenticationRef"]["name"]]
        [target] = authentication["spec"]["secretTargetRef"]
        assert SECRETS[target["name"]][target["key"]].startswith(f"postgresql://{service}:")
        for trigger in (lag, *reactions):
            query = Query(trigger["metadata"]["query"])
            assert query.series <= {backlog.PROJECTION_SECONDS._name, backlog.REACTION_EVENTS._name}
            assert f'service="{service}"' in trigger["metadata"]["query"]


def test_a_lag_adds_one_worker_and_no_more() -> None:
    """A read model has one leader: a trigger that counts seconds would add workers that cannot help."""
    for scaled in of_kind("production", "ScaledObject").values():
        lag = scaled["spec"]["triggers"][1]["metadata"]
        factor, _, rest = lag["query"].partition(" * ")
        assert rest.endswith(" > bool 30)")
        assert int(factor) / int(lag["threshold"]) == scaled["spec"]["minReplicaCount"] + 1


async def test_the_queue_can_be_asked(
    postgres: Postgres, service_env: Callable[[str], dict[str, str]]
) -> None:
    for name, scaled in of_kind("production", "ScaledObject").items():
        service = await asyncpg.connect(service_env(name.removesuffix("-worker"))["DATABASE_URL"])
        try:
            assert await service.fetchval(scaled["spec"]["triggers"][0]["metadata"]["query"]) >= 0
        finally:
            await service.close()


def test_nats_takes_its_configuration(tmp_path: Path) -> None:
    env = environment(pods("production")["nats"], {"POD_NAME": "nats-0", **SECRETS["nats"]})
    nodes = of_kind("production", "StatefulSet")["nats"]["spec"]["replicas"]
    assert len(json.loads(env["NATS_ROUTES"])) == nodes == int(config_map("production")["NATS_REPLICAS"])
    config = compose.ROOT / "deploy" / "nats" / "cluster.conf"
    command = [binary("nats-server"), "-t", "-c", str(config)]
    tested = subprocess.run(
        command, env=env | {"NATS_STORE": f'"{tmp_path}"'}, capture_output=True, text=True
    )
    assert tested.returncode == 0, tested.stderr


def test_nats_is_asked_what_it_answers(stack: Stack) -> None:
    [container] = pods("production")["nats"]["spec"]["containers"]
    for probe in ("startup", "liveness", "readiness"):
        path = container[f"{probe}Probe"]["httpGet"]["path"]
        assert http_status(stack.nats.monitor_port, path) == 200


def test_the_object_store_can_make_its_directory() -> None:
    """MinIO makes $HOME/.minio before anything else; on a read-only root it ends there."""
    pod = pods("dev")["object-store"]
    [mounts] = [container["volumeMounts"] for container in containers(pod)]
    secrets = dict.fromkeys(SECRETS["object-store"], "")
    assert environment(pod, secrets)["HOME"] in {mount["mountPath"] for mount in mounts}


def config_map(overlay: str) -> dict[str, str]:
    """The variables of the service processes that are no secrets."""
    [found] = [found for name, found in of_kind(overlay, "ConfigMap").items() if name.startswith("vitrine-")]
    data: dict[str, str] = found["data"]
    return data


def environment(pod: Manifest, referred: dict[str, str] | None = None) -> dict[str, str]:
    """As the kubelet gives it to the first container; `referred` are the values from elsewhere."""
    known = dict(referred or {})
    for variable in pod["spec"]["containers"][0]["env"]:
        if "value" in variable:
            known[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], variable["value"])
    return known


def allowed(overlay: str, source: str, target: str, port: int) -> bool:
    """Whether one pod may leave for another, and that one lets it in."""
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(overlay).items()}
    policies = [found["spec"] for found in of_kind(overlay, "NetworkPolicy").values()]

    def opens(direction: str, peers: str, one: dict[str, str], other: dict[str, str]) -> bool:
        rules = [
            rule
            for policy in policies
            if direction in policy["policyTypes"] and matches(policy["podSelector"], one)
            for rule in policy.get(direction.lower(), [])
        ]
        return any(
            port in [entry["port"] for entry in rule["ports"]]
            and any("podSelector" in peer and matches(peer["podSelector"], other) for peer in rule[peers])
            for rule in rules
        )

    return opens("Egress", "to", labels[source], labels[target]) and opens(
        "Ingress", "from", labels[target], labels[source]
    )


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"]
        for expression in selector.get("matchExpressions", [])
    )
