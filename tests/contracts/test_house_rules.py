"""The house rules that can be checked automatically: imports, types, lint, sizes, names, and docs that match the code."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
MAXIMUM_MODULE_LINES, MAXIMUM_FUNCTION_LINES = 300, 40
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "service", "services", "misc", "tools"}


def tracked(*endings: str) -> Iterator[Path]:
    """Files with these endings that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return (ROOT / name for name in listed.stdout.splitlines() if name.endswith(endings) and (ROOT / name).is_file())


def run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_wish_types_are_checked_by_mypy_which_finds_nothing() -> None:
    assert run("mypy") == (0, f"Success: no issues found in {sum(1 for _ in typed_files())} source files\n")


def typed_files() -> Iterator[Path]:
    return (path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in ("app", "tests", "schema", "ansible"))


def test_ruff_finds_nothing() -> None:
    assert run("ruff", "check", "--no-cache", ".") == (0, "All checks passed!\n")


def test_ansible_lint_finds_nothing() -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    # Roles are found from the playbooks that name them. `trial` is listed, since its name is known only at run time.
    places = ["site.yml", "rollback.yml", "status.yml", "group_vars", "roles/trial", "molecule", "galaxy.yml", "meta"]
    done = subprocess.run(
        ["ansible-lint", "--nocolor", "-vv", *places], cwd=ROOT / "ansible", env=environment, capture_output=True, text=True, check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    looked_at = set(re.findall(r"^DEBUG    Examining (\S+) of type", done.stderr, re.MULTILINE))
    assert {str(path.relative_to(ROOT / "ansible")) for path in tracked(".yml") if path.is_relative_to(ROOT / "ansible")} <= looked_at


@pytest.mark.parametrize("folder", ["web", "api", "http", "identity", "payments", "ledger"])
def test_no_template_format_or_pattern_is_made_from_input(folder: str) -> None:
    """Templates are files, and patterns and formats are literals in the program."""
    program = "\n".join(path.read_text(encoding="utf-8") for path in tracked(".py") if path.is_relative_to(ROOT / "app" / folder))
    assert re.findall(r"render_template_string|from_string|Markup\(|\.format(?:_map)?\(", program) == []
    assert re.findall(r"\bre\.\w+\((?!\s*r?[\"']).*", program) == []


def test_wish_no_page_and_no_resolver_checks_for_errors_by_hand() -> None:
    """Failures are raised and turned into a response in one place. Code that catches all failures has to raise them again."""
    for path in [*(ROOT / "app/web/pages").glob("*.py"), *(ROOT / "app/api/resolvers").glob("*.py")]:
        for handler in (each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.ExceptHandler)):
            catches_all = handler.type is None or ast.unparse(handler.type) in ("Exception", "WalletError")
            raises = any(isinstance(each, ast.Raise) for each in ast.walk(handler))
            assert raises or not catches_all, f"{path.name}:{handler.lineno} swallows errors"


def test_imports_point_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


SOURCES = sorted(tracked(".py", ".sql", ".js", ".css", ".html", ".yml"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_small_and_has_a_good_name_and_a_docstring(path: Path) -> None:
    assert path.stem not in NAMES_THAT_SAY_NOTHING
    generated = path == ROOT / "schema" / "tables.sql"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert generated or len(lines) <= MAXIMUM_MODULE_LINES
    if path.suffix == ".py":
        tree = ast.parse("\n".join(lines))
        assert not lines or ast.get_docstring(tree), "a module says in its first sentence what it owns"
        long = [(each.name, each.end_lineno - each.lineno + 1) for each in ast.walk(tree)
                if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.end_lineno
                and each.end_lineno - each.lineno + 1 > MAXIMUM_FUNCTION_LINES]
        assert long == []


def test_every_make_target_says_what_it_does_and_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    targets = {found.group(1): line for line in makefile if (found := re.match(r"([a-z][a-z-]*):(?!=)", line))}
    assert {"run", "test", "reset", "lock"} <= set(targets)
    for name, line in targets.items():
        assert " ## " in line, f"{name} lacks its ## comment"
        assert re.search(rf"`make {name}\b", readme), f"make {name} is not in README.md"


def test_the_lock_names_every_extra_that_a_package_asks_of_another() -> None:
    """Without `[toml]` after `coverage==7.0`, pip finds another version of coverage[toml] and refuses the whole lock file."""
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    locked = {canonicalize_name(each.name): each for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))
              and (each := Requirement(line.removesuffix("\\")))}
    asked = [Requirement(each) for name in locked for each in _requires(name)]
    asked = [each for each in asked if each.extras and (each.marker is None or each.marker.evaluate({"extra": ""}))]
    assert "coverage" in {each.name for each in asked}
    assert [str(each) for each in asked if not each.extras <= locked[canonicalize_name(each.name)].extras] == []


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # it is for another system
        return []


def test_the_locks_hold_every_named_package_with_hashes() -> None:
    run, run_on, dev = "requirements.in", "requirements-run.in", "requirements-dev.in"
    for lock, sources in (("requirements.txt", [run]), ("requirements-run.txt", [run_on]), ("requirements-dev.txt", [run, run_on, dev])):
        text = (ROOT / lock).read_text(encoding="utf-8")
        pinned = {line.split("==")[0].split("[")[0] for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))}
        for source in sources:
            wanted = {line.split("[")[0].split(">")[0].strip().lower() for line in (ROOT / source).read_text().splitlines()
                      if line and line[0].isalpha()}
            assert wanted <= pinned
        blocks = [block for block in text.replace("\\\n", "").splitlines() if "==" in block and not block.startswith("#")]
        assert all("--hash=sha256:" in block for block in blocks)


def test_rejected_packages_are_not_installed() -> None:
    pinned = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").lower()
    for name in ("graphene-sqlalchemy", "flask-graphql", "passlib=="):
        assert f"\n{name}" not in pinned
