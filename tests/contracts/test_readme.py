"""README.md and docs match the code: their tables are generated, and their examples work as written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from app import demo
from app.devdb import Cluster, find_programs
from app.devdb.folder import temporary_folder
from app.settings import Settings, setting_name
from tests.conftest import CLUSTER_SETTINGS
from tests.contracts.readme import OPERATOR_PAGE, ROLES, ROOT, SETTINGS_PAGE, role_readme, with_table

if TYPE_CHECKING:
    from tests.conftest import Database
    from tests.gunicorn import Served

ADDRESS = "http://127.0.0.1:5000"
README = ROOT / "README.md"
MAXIMUM_README_LINES = 150


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MAXIMUM_README_LINES


@pytest.mark.parametrize("page", [SETTINGS_PAGE, OPERATOR_PAGE], ids=lambda page: page.name)
def test_the_tables_are_made_from_the_code(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == with_table(page), "run `make readme`"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_variables_of_a_role_are_in_its_readme(role: Path) -> None:
    assert (role / "README.md").read_text(encoding="utf-8") == role_readme(role), "run `make readme`"


def test_every_setting_is_in_the_example_file() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    names = [setting_name(each.name, each.metadata["name"]) for each in fields(Settings)]
    assert re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE) == names


def test_every_setting_reaches_the_wallet_in_containers() -> None:
    """A file beside compose.yaml sets them. The container sets the database URLs and the release id itself."""
    compose = yaml.safe_load((ROOT / "containers/compose.yaml").read_text(encoding="utf-8"))
    passed = compose["services"]["app"]["environment"]
    names = {setting_name(each.name, each.metadata["name"]) for each in fields(Settings)}
    wanted = names - {"DATABASE_URL", "DATABASE_OWNER_URL", "PAYMENT_SYSTEM_RELEASE_ID"}
    assert {name for name, value in passed.items() if value == f"${{{name}:-}}"} == wanted


def test_every_file_and_heading_that_a_page_links_to_is_there() -> None:
    for page in (README, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")):
        for link, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
            target = page.parent / link if link else page
            assert target.exists(), f"{page.name} links to {link}"
            assert not heading or heading in headings(target), f"{page.name} links to {link}#{heading}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings: lower case, hyphens for spaces, no punctuation."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in found}


def test_the_picture_of_the_architecture_matches_the_folders() -> None:
    """Each name in it is a folder of the program, and each arrow an import."""
    app = ROOT / "app"
    section = README.read_text(encoding="utf-8").partition("## Finding your way")[2]
    (picture,) = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    named = re.findall(r"app/(\w+)|(payments|identity|ledger)", picture)
    edges, core = [edge for edge, _ in named if edge], [inner for _, inner in named if inner]
    assert (edges, core) == (["web", "api", "commands"], ["payments", "identity", "ledger"])
    assert [name for name in edges + core if not (app / name).is_dir()] == []
    for upper, lowers in {**dict.fromkeys(edges, ("payments", "identity")), "payments": ("ledger",), "identity": ("ledger",)}.items():
        written = "".join(path.read_text(encoding="utf-8") for path in (app / upper).rglob("*.py"))
        assert [lower for lower in lowers if f"app.{lower}" not in written and f"import {lower}" not in written] == [], upper


def test_the_picture_of_a_host_names_what_a_deploy_makes_there() -> None:
    section = OPERATOR_PAGE.read_text(encoding="utf-8").partition("## On a server")[2].partition("\n## ")[0]
    (picture,) = (block for block in re.findall(r"```\n(.*?)```", section, re.DOTALL) if "─►" in block)
    names = yaml.safe_load((ROOT / "ansible/group_vars/all.yml").read_text(encoding="utf-8"))
    assert f"{names['payment_system_folder']}/releases/<id>/" in picture
    assert Path(names["payment_system_socket"]).stem == "payment-system"
    for word in ("nginx", "80, 443", "gunicorn", "PostgreSQL", "payment-", "system.", "socket", "standby"):
        assert word in picture


def test_an_upgrade_needs_only_the_sql_of_the_readme() -> None:
    (lines,) = re.findall(r"```sql\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    with temporary_folder() as folder, Cluster.create_or_open(folder / "data", find_programs(), durable=False) as cluster:
        cluster.start(CLUSTER_SETTINGS)
        cluster.run_sql(lines)
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PAYMENT_SYSTEM_", "FLASK_", "DATABASE_"))}
        environment = {**ours, "DATABASE_URL": cluster.url(), "DATABASE_OWNER_URL": cluster.url(role="payment_system_owner")}
        flask = Path(sys.executable).with_name("flask")
        for command, said in (("db upgrade", "Ran 0001"), ("users list", "There is nobody yet."), ("ledger verify", "The books balance")):
            done = subprocess.run(
                [flask, *command.split()], cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
            )
            # On a machine without syslog, audit events are printed there.
            told = [line for line in done.stderr.splitlines() if '"event": "command"' not in line]
            assert (done.returncode, told) == (0, [])
            assert done.stdout.startswith(said)


def test_the_curl_examples_log_in_make_a_token_and_pay(database: Database, served: Served, tmp_path: Path) -> None:
    demo.seed(database.owner_url)
    examples = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 3
    script = "set -e\n" + "\nprintf '\\n'\n".join(examples).replace(ADDRESS, served.address)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    logged_in, made, paid = (json.loads(line)["data"] for line in done.stdout.splitlines())
    assert logged_in["logIn"]["errors"] == []
    assert made["createApiToken"]["secret"].startswith("wave_")
    assert paid["sendPayment"]["errors"] == []
    assert paid["sendPayment"]["payment"]["amount"]["formatted"] == "£12.50"
