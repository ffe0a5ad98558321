"""Deployment files, as far as they can be checked without running them."""

import json
import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.cli import app
from api.http.shard_forwarding import peer_addresses
from recsys.settings import Settings
from tests.trained import place

ROOT = Path(__file__).parents[1]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_compose_starts_two_api_processes_behind_a_proxy_a_trainer_and_a_consumer() -> None:
    services = compose()["services"]
    assert set(services) == {"postgres", "migrate", "api", "proxy", "trainer", "nats", "consumer"}
    assert services["api"]["deploy"]["replicas"] == 2
    assert "ports" not in services["api"], "two processes cannot have one port of the host"
    assert services["proxy"]["ports"] == ["127.0.0.1:8000:8000"]
    assert services["trainer"]["command"] == ["run", "--no-serve"]
    assert services["consumer"]["command"] == ["consume"]
    assert "nats://nats:4222/attune.ingest" in services["consumer"]["environment"]["ATTUNE_CONSUME"]


def test_compose_names_only_what_it_has() -> None:
    reported = compose()
    for service in reported["services"].values():
        assert set(service.get("depends_on", ())) <= set(reported["services"])
        assert {volume.split(":")[0] for volume in service.get("volumes", ())} <= set(reported["volumes"])
        assert {config["source"] for config in service.get("configs", ())} <= set(reported["configs"])


KUBERNETES = sorted((ROOT / "docs/kubernetes").glob("*.yaml"))


def manifests(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text()))


SHARDS = ROOT / "docs/kubernetes-shards"


def test_shards_on_kubernetes_are_valid_and_agree_on_their_number() -> None:
    made = manifests(SHARDS / "shards.yaml")
    for each in made:
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
    _, shards, _ = made
    (service,) = shards["spec"]["template"]["spec"]["containers"]
    count, env = shards["spec"]["replicas"], {each["name"]: each.get("value") for each in service["env"]}
    assert service["args"][-2:] == ["--shard", f"$(SHARD)/{count}"]
    settings = Settings(shard=f"0/{count}", shard_peers=env["ATTUNE_SHARD_PEERS"], _env_file=None)
    name, domain = shards["metadata"]["name"], shards["spec"]["serviceName"]
    assert peer_addresses(settings) == tuple(f"http://{name}-{number}.{domain}:8000" for number in range(count))
    assert CliRunner().invoke(app, [*command_of(service["args"]), "--help"]).exit_code == 0


def test_shards_on_kubernetes_replace_what_there_is() -> None:
    (overlay,) = manifests(SHARDS / "kustomization.yaml")
    there = {
        (made["kind"], made["metadata"]["name"])
        for file in KUBERNETES
        for made in manifests(file)
        if "metadata" in made
    }
    assert {(patch["target"]["kind"], patch["target"]["name"]) for patch in overlay["patches"]} <= there
    assert {*overlay["resources"]} == {"../kubernetes", "shards.yaml"}


def pods() -> dict[str, dict[str, Any]]:
    """The specifications of all pods, by the name of what makes them."""
    found = {}
    for made in (made for file in KUBERNETES for made in manifests(file)):
        spec = made.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            found[made["metadata"]["name"]] = template["spec"]
    return found


@pytest.mark.parametrize("file", KUBERNETES, ids=lambda file: file.stem)
def test_manifests_are_valid_kubernetes(file: Path) -> None:
    for made in manifests(file):
        if made["kind"] == "Kustomization":  # of kubectl, not of the server: it has no schema there
            assert {*made["resources"], file.name} == {each.name for each in KUBERNETES}
        else:
            kubernetes_validate.validate(made, kubernetes_validate.latest_version(), strict=True)


def test_pods_run_commands_that_there_are_without_privileges() -> None:
    made = pods()
    assert set(made) == {"postgres", "attune-service", "attune-jobs", "attune-trainer"}
    for name, pod in made.items():
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert "memory" in container["resources"]["limits"]
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            if name != "postgres":
                assert mounted <= {volume["name"] for volume in pod["volumes"]}
                assert CliRunner().invoke(app, [*command_of(container["args"]), "--help"]).exit_code == 0


def command_of(arguments: list[str]) -> list[str]:
    """The words before the first option."""
    return list(takewhile(lambda word: not word.startswith("-"), arguments))


RAY_CLUSTER = {"rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"}
RAY_GROUP = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def test_the_ray_cluster_has_a_token_and_pods_without_privileges() -> None:
    """KubeRay's own schema is not here: names of its fields are compared with those of `RayClusterSpec` v1."""
    (cluster,) = manifests(ROOT / "docs/kubernetes/ray/cluster.yaml")
    spec = cluster["spec"]
    assert (cluster["apiVersion"], set(spec)) == ("ray.io/v1", RAY_CLUSTER)
    assert spec["authOptions"] == {"mode": "token"}
    assert f"ray=={spec['rayVersion']}\n" in (ROOT / "constraints.txt").read_text()
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        assert set(group) <= RAY_GROUP
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        made = {"apiVersion": "v1", "kind": "Pod", **group["template"]}
        made["metadata"] = {"name": "ray", **made["metadata"]}
        kubernetes_validate.validate(made, kubernetes_validate.latest_version(), strict=True)
        assert made["spec"]["securityContext"]["runAsNonRoot"] is True
        for container in made["spec"]["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert {mount["name"] for mount in container["volumeMounts"]} <= {
                volume["name"] for volume in made["spec"]["volumes"]
            }


def test_services_are_probed_for_life_and_readiness(tmp_path: Path) -> None:
    (service,) = pods()["attune-service"]["containers"]
    paths = {service[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")}
    assert paths == {"/healthz", "/readyz"}
    with TestClient(create_app(place(tmp_path).settings)) as client:
        assert all(client.get(path).status_code in (200, 503) for path in paths)


def test_the_image_runs_without_root_and_has_a_health_check() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)", lines, re.M)[-1] == "attune"
    assert re.search(r"^HEALTHCHECK .*\\\n.*/healthz", lines, re.M)


def test_the_dashboard_asks_only_for_metrics_that_there_are(tmp_path: Path) -> None:
    dashboard = json.loads((ROOT / "docs/monitoring/grafana-dashboard.json").read_text())
    requested = {
        name for panel in dashboard["panels"] for target in panel["targets"] for name in _names(target["expr"])
    }
    with TestClient(create_app(place(tmp_path).settings)) as client:
        client.get("/healthz")
        reported = client.get("/metrics").text
    there = set(re.findall(r"^# TYPE (\S+)", reported, re.M))
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in requested} <= there


def _names(expression: str) -> list[str]:
    return re.findall(r"(?:attune|process)_[a-z_]+", expression)
