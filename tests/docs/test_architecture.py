"""The pictures of the architecture have every process and every app, and no arrow against the layers."""

import re
import tomllib

import yaml

from launcher.family import PROJECT

PROCESSES, LAYERS = re.findall(r"```mermaid\n(.*?)```", (PROJECT / "docs" / "architecture.md").read_text(), re.DOTALL)
CONTRACTS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_the_picture_of_processes_has_every_service_that_runs():
    services = set(yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"])
    drawn = set(re.findall(r"\b(\w+)(?:\[|$)", PROCESSES, re.MULTILINE)) | set(
        re.findall(r"^ +(\w+) -->", PROCESSES, re.MULTILINE)
    )
    # The migration runs once and ends.
    assert services - {"migrate"} <= drawn


def test_the_picture_of_layers_has_every_app_and_every_arrow_leads_down():
    layers = next(one["layers"] for one in CONTRACTS if one["name"] == "Apps stand in layers")
    level = {app: number for number, layer in enumerate(layers) for app in layer.replace("|", " ").split()}
    nodes = set(re.findall(r"^ +(\w+)", LAYERS, re.MULTILINE))
    arrows = re.findall(r"^ +(\w+)\S*.* --> (\w+)", LAYERS, re.MULTILINE)
    assert nodes | {below for _, below in arrows} == set(level)
    assert {above for above, _ in arrows} == set(level) - {layers[-1]}
    assert [arrow for arrow in arrows if level[arrow[0]] >= level[arrow[1]]] == []
