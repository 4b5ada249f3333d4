"""The rules of the house, held against the code and the deployment files."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.settings import Settings

PROJECT = Path(__file__).parents[2]
APP = PROJECT / "app"
MODULES = sorted(APP.rglob("*.py"))
SMALLEST_SOMAXCONN = 128  # of any kernel still in use

# What a layer must not know, by the beginnings of the modules' names.
FORBIDDEN = {
    "app/orders": (
        *["flask", "werkzeug", "click", "uwsgi"],
        *["threading", "queue", "concurrent", "multiprocessing", "asyncio", "signal"],
        *["app.processing", "app.api", "app.dashboard", "app.settings", "app.commands"],
    ),
    "app/processing": ("flask", "werkzeug", "click", "app.api", "app.dashboard", "app.commands"),
    "app/api": (
        *["threading", "queue", "concurrent", "multiprocessing"],
        *["app.orders.store", "app.orders.model", "app.orders.counters", "app.orders.workers"],
        *["app.dashboard", "app.commands", "sqlalchemy"],
    ),
    "app/commands": (
        *["threading", "queue", "concurrent", "multiprocessing"],
        *["app.orders.store", "app.orders.model", "app.processing", "app.dashboard"],
    ),
    "app/dialects": (
        *["flask", "werkzeug", "click", "app.api", "app.processing", "app.dashboard"],
        *["app.settings", "app.commands", "app.transactions", "app.database"],
    ),
    "app/dashboard": (
        *["app.orders.store", "app.orders.model", "app.orders.counters", "sqlalchemy"],
        *["app.processing", "app.api", "app.commands"],
    ),
    "client.py": ("app",),
}
ASSEMBLERS = {"app/__init__.py", "app/wsgi.py"}
"""Whoever may import `app.api` from outside of it."""
SHAPES = (
    "app.api.bulk_request",
    "app.api.documents",
    "app.api.drafts",
    "app.api.flaws",
    "app.api.list_query",
    "app.api.schemas",
)
"""How orders look from outside and are asked for, which the command line shares."""
MOVERS = "app/orders/store/"
"""Where statements stand that write a status."""


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports_of(path: Path) -> Iterator[str]:
    """Yield every name that is imported anywhere in the file, with its module before it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            yield from (f"{node.module}.{each.name}" for each in node.names)


def belongs_to(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def files_of(layer: str) -> list[Path]:
    path = PROJECT / layer
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_no_layer_knows_what_it_must_not_know(layer: str) -> None:
    found = [
        f"{name_of(path)} imports {name}"
        for path in files_of(layer)
        for name in imports_of(path)
        if any(belongs_to(name, module) for module in FORBIDDEN[layer])
    ]
    assert found == []


def test_what_a_layer_must_not_know_exists() -> None:
    ours = {name for names in FORBIDDEN.values() for name in names if belongs_to(name, "app")}
    assert {name for name in ours if find_spec(name) is None} == set()


def test_only_the_composition_root_knows_the_api() -> None:
    knowing = {
        name_of(path)
        for path in MODULES
        if not {APP / "api", APP / "commands"} & set(path.parents)
        and any(belongs_to(name, "app.api") for name in imports_of(path))
    }
    assert knowing <= ASSEMBLERS


def test_the_command_line_knows_of_the_api_how_orders_look_and_no_more() -> None:
    found = [
        f"{name_of(path)} imports {name}"
        for path in files_of("app/commands")
        for name in imports_of(path)
        if belongs_to(name, "app.api") and not any(belongs_to(name, each) for each in SHAPES)
    ]
    assert found == []


def test_all_that_is_quiet_is_a_fault() -> None:
    """`make test` looks for it nowhere else."""
    faults = PROJECT / "tests" / "faults"
    marked = [
        path
        for path in (PROJECT / "tests").rglob("*.py")
        if "mark." + "quiet" in path.read_text() and faults not in path.parents
    ]
    assert marked == []


def test_only_what_uwsgi_loads_makes_an_application() -> None:
    knowing = {name_of(path) for path in MODULES if "app.create_app" in imports_of(path)}
    assert knowing == {"app/wsgi.py"}


def writes_status(node: ast.AST) -> bool:
    """Tell `values(status=...)`, an assignment to an attribute, and `status = ...` in SQL."""
    match node:
        case ast.Call(func=ast.Attribute(attr="values")):
            return any(keyword.arg == "status" for keyword in node.keywords)
        case ast.Assign(targets=[ast.Attribute(attr="status")]):
            return True
        case ast.Constant(value=str(text)):
            return re.search(r"(?i)\bstatus\s*=(?!=)", text) is not None
    return False


def test_a_status_is_written_in_the_store_only() -> None:
    writing = {
        name_of(path)
        for path in MODULES
        if any(writes_status(node) for node in ast.walk(tree_of(path)))
    }
    assert writing
    assert {name for name in writing if not name.startswith(MOVERS)} == set()


def test_nothing_in_the_store_commits() -> None:
    ending = {"commit", "rollback", "begin", "begin_nested", "connect"}
    found = [
        f"{name_of(path)}:{node.lineno} {node.attr}"
        for path in files_of(MOVERS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in ending
    ]
    assert found == []


IMPORT_ALL = """
import importlib, pathlib, sys, threading, warnings
sys.path.insert(0, ".")
connected = []
sys.addaudithook(lambda event, _: event in {"sqlite3.connect", "socket.connect"}
                 and connected.append(event))
for path in sorted(pathlib.Path("app").rglob("*.py")):
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    if name != "app.wsgi":
        importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
assert not connected, connected
"""


OF_COMMANDS = {"alembic", "flask_migrate", "app.commands"}
LOAD_A_WORKER = f"""
import sys
from app import create_app
create_app(with_commands=False)
assert not (loaded := {OF_COMMANDS} & sys.modules.keys()), loaded
create_app()
assert not (missing := {OF_COMMANDS} - sys.modules.keys()), missing
"""

BUILD_ALL = """
import threading
from app import create_app
from app.settings import Settings
create_app(Settings(processor_threads=4))
assert threading.active_count() == 1, threading.enumerate()
"""


def run_program(program: str, database_url: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={"DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "program", [IMPORT_ALL, LOAD_A_WORKER, BUILD_ALL], ids=["starting", "loading", "building"]
)
def test_a_process_does_no_more_than_it_was_asked_to(program: str) -> None:
    """Importing and building start nothing; a worker does not load what only `flask` needs."""
    run_program(program, "sqlite:////nowhere/orders.db")


@pytest.mark.parametrize(
    ("database_url", "own", "others"),
    [
        ("sqlite:////nowhere/orders.db", {"sqlite3"}, {"pymysql", "psycopg"}),
        ("mysql://nobody@127.0.0.1/orders", {"pymysql"}, {"psycopg"}),
        ("postgresql://nobody@127.0.0.1/orders", {"psycopg"}, {"pymysql"}),
    ],
)
def test_a_worker_loads_no_driver_of_another_database(
    database_url: str, own: set[str], others: set[str]
) -> None:
    program = f"""
import sys
from app import create_app
create_app(with_commands=False)
assert {own} <= sys.modules.keys()
assert not (loaded := {others} & sys.modules.keys()), loaded
assert "sqlalchemy.dialects.postgresql" not in sys.modules or "psycopg" in {own}
"""
    run_program(program, database_url)


def calls_of_wsgi() -> list[str]:
    return [
        ast.unparse(node.value)
        for node in tree_of(APP / "wsgi.py").body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]


def test_what_uwsgi_loads_starts_the_worker_and_stops_it_at_the_end() -> None:
    assert calls_of_wsgi()[-4:] == [
        "worker.start()",
        "atexit.register(worker.stop)",
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})",
        # last: the threads of the worker that run by now may use every core
        "keep_to_one_core(own_identity().slot, workers=settings.processes)",
    ]


def test_a_worker_collects_garbage_once_it_has_loaded_all() -> None:
    assert [call for call in calls_of_wsgi() if call.startswith("gc.")] == [
        "gc.disable()",
        "gc.freeze()",
        "gc.set_threshold(GARBAGE)",
        "gc.enable()",
    ]


@pytest.fixture(scope="module")
def uwsgi() -> dict[str, list[str]]:
    """The options of uwsgi.ini, with all values of each."""
    options: dict[str, list[str]] = {}
    for line in (PROJECT / "uwsgi.ini").read_text().splitlines():
        if line.strip() and line[0] not in "[;":
            name, _, value = line.partition("=")
            options.setdefault(name.strip(), []).append(value.strip())
    return options


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("module", "app.wsgi:app"),
        ("master", "true"),
        ("lazy-apps", "true"),
        ("enable-threads", "true"),
        ("single-interpreter", "true"),
        ("need-app", "true"),
        ("strict", "true"),
        ("http-auto-chunked", "true"),
    ],
)
def test_uwsgi_is_told_what_our_threads_need(
    uwsgi: dict[str, list[str]], option: str, value: str
) -> None:
    assert uwsgi.get(option) == [value]


def test_sigterm_finishes_the_requests_and_drains(uwsgi: dict[str, list[str]]) -> None:
    assert "unix_signal:15 gracefully_kill_them_all" in uwsgi["hook-master-start"]


def test_the_file_to_touch_for_a_reload_is_there(uwsgi: dict[str, list[str]]) -> None:
    (file,) = uwsgi["touch-chain-reload"]
    assert (PROJECT / file).is_file()


@pytest.mark.parametrize(
    "option",
    [
        *["die-on-term", "harakiri", "cheaper", "idle", "max-worker-lifetime"],
        *["http-socket", "http11-socket", "socket", "uwsgi-socket", "daemonize", "postfork"],
    ],
)
def test_uwsgi_is_not_told_what_would_harm(uwsgi: dict[str, list[str]], option: str) -> None:
    assert option not in uwsgi


def test_idle_connections_hold_no_thread(uwsgi: dict[str, list[str]]) -> None:
    assert len(uwsgi["http"]) == 1
    assert int(uwsgi["http-keepalive"][0]) > 0


def test_the_queue_of_connections_fits_every_kernel(uwsgi: dict[str, list[str]]) -> None:
    assert int(uwsgi["listen"][0]) <= SMALLEST_SOMAXCONN


@pytest.mark.parametrize(
    ("option", "variables"),
    [
        ("processes", {"PROCESSES": "2"}),
        ("threads", {"THREADS": "32"}),
        ("http", {"HOST": "127.0.0.1", "PORT": "8000"}),
    ],
)
def test_uwsgi_takes_the_settings_that_are_its_own_from_the_environment(
    uwsgi: dict[str, list[str]], option: str, variables: dict[str, str]
) -> None:
    (value,) = uwsgi[option]
    assert dict(re.findall(r"\$\{(\w+):-([^}]*)\}", value)) == variables
    for name, default in variables.items():
        assert str(Settings.model_fields[name.lower()].default) == default
