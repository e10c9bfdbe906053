"""What the papers promise is there: commands, settings, addresses, codes, links."""

from __future__ import annotations

import ast
import re
from io import StringIO
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from core.errors import CODES, DomainError
from tests.house.tree import ROOT, kept_files, program
from trading.reading import CONTROL_PORT

API = (ROOT / "docs/api.md").read_text()
ENV_READERS = {
    "env.str",
    "env.bool",
    "env.int",
    "env.list",
    "env.one_of",
    "env.database",
    "os.environ.get",
    "os.getenv",
}
NOT_OURS = {"DJANGO_SETTINGS_MODULE"}
PAPERS = [path for path in kept_files() if path.suffix == ".md"]


def table(title: str) -> list[list[str]]:
    """The rows of the table under a heading of docs/api.md."""
    section = API.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def targets() -> set[str]:
    """What `make` can be asked for."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands() -> set[str]:
    """What `manage.py` can be asked for: our own commands, and those of Django's that anything names."""
    own = {path.stem for path in kept_files() if path.match("management/commands/*.py")}
    return own | {"migrate", "collectstatic", "createsuperuser", "check"}


def settings_read() -> set[str]:
    return {
        node.args[0].value
        for module in program()
        for node in module.of(ast.Call)
        if ast.unparse(node.func) in ENV_READERS and isinstance(node.args[0], ast.Constant)
    } - NOT_OURS


def test_every_setting_is_documented_and_every_documented_one_is_read():
    documented = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert documented == settings_read()


def test_every_code_of_an_error_is_documented_with_its_message():
    assert [(row[0].strip("`"), row[1]) for row in table("Codes")] == list(CODES.items())


def test_every_code_of_an_error_is_used():
    """As a word of the program, or as what a class of errors says by default."""
    words = {
        node.value
        for module in program()
        if str(module.path) != "core/errors.py"
        for node in module.of(ast.Constant)
        if isinstance(node.value, str)
    }
    defaults = {kind.default_code for kind in DomainError.__subclasses__()}
    assert set(CODES) - words - defaults == set()


@pytest.fixture(scope="module")
def operations() -> dict[str, dict[str, Any]]:
    """The OpenAPI document's operations by `METHOD /path`."""
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return {f"{method.upper()} {path}": told for path, methods in paths.items() for method, told in methods.items()}


def test_every_address_is_documented_with_whether_it_needs_a_login(operations: dict[str, dict[str, Any]]):
    documented = {row[0].strip("`"): row[1] for row in table("Endpoints")}
    assert documented == {name: "no" if {} in told["security"] else "yes" for name, told in operations.items()}


def test_every_filter_of_a_list_is_documented(operations: dict[str, dict[str, Any]]):
    told_of = {row[0].strip("`"): row[2] for row in table("Endpoints")}
    silent = [
        f"{name}: {parameter['name']}"
        for name, told in operations.items()
        for parameter in told.get("parameters", [])
        if parameter["in"] == "query" and parameter["name"] not in {"page", "page_size"}
        if f"`{parameter['name']}`" not in told_of[name]
    ]
    assert silent == []


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_a_paper_names_exists(paper):
    """`make <target>` and `manage.py <command>`, wherever they stand in code marks."""
    text = paper.read_text()
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z-]+)", code)) <= targets()
    assert set(re.findall(r"manage\.py ([a-z_]+)", code)) <= commands()


def test_every_command_a_sentence_of_the_program_names_exists():
    named = {
        (str(module.path), command)
        for module in program()
        for node in module.of(ast.Constant)
        if isinstance(node.value, str)
        for command in re.findall(r"manage\.py ([a-z_]+)", node.value)
    }
    assert named
    assert [(path, command) for path, command in sorted(named) if command not in commands()] == []


def test_every_target_of_make_is_told_to_contributors():
    told = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert targets() - told == {"run", "clean"}


def test_the_first_two_commands_of_the_readme_are_run_and_test():
    first = (ROOT / "README.md").read_text().split("```sh\n", 1)[1].split("```", 1)[0]
    assert [line.split("#")[0].strip() for line in first.strip().splitlines()] == ["make run", "make test"]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_paper_leads_somewhere(paper):
    links = re.findall(r"\]\(([^)#]+)\)", paper.read_text())
    dead = [link for link in links if "://" not in link and not (paper.parent / link).exists()]
    assert dead == []


def test_every_process_that_a_deployment_starts_is_a_command_that_exists():
    """Procfile and docker-compose.yml start the same processes by the same commands."""
    procfile = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE))
    compose = (ROOT / "docker-compose.yml").read_text()
    for name in ("worker", "beat", "guard", "simulator"):
        assert f"command: {procfile[name]}\n" in compose, name
    assert f"command: {procfile['trader']} --demo\n" in compose


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    composed: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return composed["services"]


def test_whoever_talks_to_the_simulated_venues_is_in_their_network(services):
    """They listen on loopback: the trader's orders, the guard's cancels and the worker's reconciliation start there."""
    beside = {name for name, service in services.items() if service.get("network_mode") == "service:simulator"}
    assert beside == {"trader", "guard", "worker"}
    for name in beside:
        assert services[name]["depends_on"]["simulator"] == {"condition": "service_healthy", "restart": True}, name
        assert "ports" not in services[name] and "networks" not in services[name], name


def test_the_simulators_health_is_asked_at_its_own_control_port(services):
    first = int(re.search(r"--port (\d+)", services["simulator"]["command"])[1])
    assert f"http://127.0.0.1:{first + CONTROL_PORT}/health" in services["simulator"]["healthcheck"]["test"][-1]
    assert first == settings.SIMULATOR_PORT


def test_a_deployment_has_the_same_data_folder_and_settings_in_every_process(services):
    """The permit, the KILL file, the guard's socket and the demo user's password are files in it."""
    ours = {name: service for name, service in services.items() if "build" in service}
    assert {"web", "worker", "beat", "simulator", "trader", "guard"} <= set(ours)
    assert {tuple(service["volumes"]) for service in ours.values()} == {("data:/app/var",)}
    assert len({str(service["environment"]) for service in ours.values()}) == 1


@pytest.mark.django_db
def test_the_migrations_say_all_that_the_models_say():
    told = StringIO()
    call_command("makemigrations", dry_run=True, stdout=told)
    assert told.getvalue() == "No changes detected\n"
