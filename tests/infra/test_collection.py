"""The roles are an Ansible collection, too: installed elsewhere, they and their plugins do from any playbook what `make deploy` does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from app.version import VERSION
from tests.infra.deploying import CHANGED, ROOT, Played, inventory_of, operator_environment
from tests.infra.hosts import RELEASES

if TYPE_CHECKING:
    from tests.infra.hosts import Hosts

CHECKOUT: Final = "/srv/wave"
PAGE: Final = (ROOT / "docs/operator.md").read_text(encoding="utf-8")
SECTION: Final = PAGE.partition("## From a playbook of your own")[2].partition("\n## ")[0]
HERE: Final = ("--inventory=here,", "--connection=local", f"--extra-vars=ansible_python_interpreter={sys.executable}",
               "--extra-vars=ansible_become=false")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the collection, installed as the operator's page says."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (command,) = re.findall(r"```\n(.*?)\n```", SECTION, re.DOTALL)
    done = run(folder, *command.replace(CHECKOUT, str(ROOT)).split())
    assert done.returncode == 0, done.stdout
    return folder


def run(folder: Path, *command: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """What comes of a command there, without a network to fetch collections from."""
    apart = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:9"}
    return subprocess.run(
        command, cwd=folder, env={**operator_environment(), **apart, **settings}, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


def example(folder: Path, *, leave_out: str) -> Path:
    """The playbook of the operator's page, without one of its variables."""
    (text,) = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)
    (play,) = yaml.safe_load(text)
    play["vars"] = {name: str(value).replace(CHECKOUT, str(ROOT)) for name, value in play["vars"].items() if name != leave_out}
    play["hosts"] = "all"
    path = folder / f"without-{leave_out}.yml"
    path.write_text(yaml.safe_dump([play]), encoding="utf-8")
    return path


def test_what_is_built_is_the_roles_with_what_they_need(tmp_path: Path) -> None:
    done = run(tmp_path, "ansible-galaxy", "collection", "build", "--output-path", tmp_path, ROOT / "ansible")
    assert done.returncode == 0, done.stdout
    (built,) = tmp_path.glob("wave-wallet-*.tar.gz")
    with tarfile.open(built) as archive:
        names = {Path(name) for name in archive.getnames()}
        changes = archive.extractfile("CHANGELOG.md")
        assert changes
        assert changes.read() == (ROOT / "CHANGELOG.md").read_bytes()
    assert {name.parts[0] for name in names} == {
        "CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "group_vars", "meta", "plugins", "roles"}
    assert {name for name in names if "__pycache__" in name.parts} == set()
    wanted = {path.relative_to(ROOT / "ansible") for path in (ROOT / "ansible/roles").glob("*/tasks/main.yml")}
    assert wanted
    assert wanted <= names


def test_the_example_has_the_roles_of_a_deploy_and_is_a_playbook(elsewhere: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)
    (deploy,) = yaml.safe_load((ROOT / "ansible/site.yml").read_text(encoding="utf-8"))
    assert yaml.safe_load(text)[0]["roles"] == [f"wave.wallet.{each['role']}" for each in deploy["roles"]]
    (elsewhere / "wallet.yml").write_text(text, encoding="utf-8")
    done = run(elsewhere, "ansible-playbook", "--inventory=pay.example.org,", "--syntax-check", "wallet.yml")
    assert (done.returncode, "playbook: wallet.yml" in done.stdout) == (0, True), done.stdout


def test_installed_roles_refuse_what_they_refuse_in_a_checkout(elsewhere: Path) -> None:
    playbook = example(elsewhere, leave_out="payment_system_domain")
    done = run(elsewhere, "ansible-playbook", *HERE, playbook, "--extra-vars=proxy_conections=5")
    assert done.returncode != 0
    assert "There is no variable proxy_conections: correct its name in inventory.ini to proxy_connections." in " ".join(done.stdout.split())


def test_installed_roles_ask_for_the_checkout_that_a_release_is_made_of(elsewhere: Path) -> None:
    done = run(elsewhere, "ansible-playbook", *HERE, example(elsewhere, leave_out="payment_system_checkout"))
    assert done.returncode != 0
    found = f"{elsewhere}/ansible_collections/wave is no checkout of the wallet, and a release is made of one: set payment_system_checkout"
    assert found in " ".join(done.stdout.split())


def test_installed_roles_refuse_a_checkout_of_another_version(elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/version.py").write_text('VERSION: Final = "9.9.9"\n', encoding="utf-8")
    (tmp_path / "gunicorn.conf.py").touch()
    playbook = example(elsewhere, leave_out="payment_system_domain")
    done = run(elsewhere, "ansible-playbook", *HERE, playbook, f"--extra-vars=payment_system_checkout={tmp_path}")
    assert done.returncode != 0
    told = " ".join(done.stdout.split())
    assert f"The roles are those of version {VERSION}, and {tmp_path} has another one: install them from there" in told


def test_installed_plugins_are_found_by_their_whole_names(elsewhere: Path) -> None:
    written = elsewhere / "written"
    file = {"path": str(written), "content": "by a module\n", "owner": str(os.getuid()), "group": str(os.getgid())}
    tasks: list[dict[str, Any]] = [
        {"wave.wallet.install_files": {"files": [file]}},
        {"wave.wallet.ask_host": {"argv": ["echo", "by an action"]}},
        {"wave.wallet.find_foreign": {"postgresql_version": "17", "ssh_port": 22}},
    ]
    (elsewhere / "plugins.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    done = run(elsewhere, "ansible-playbook", *HERE, "plugins.yml", ANSIBLE_STDOUT_CALLBACK="ansible.posix.json")
    assert done.returncode == 0, done.stdout
    told = [task["hosts"]["here"] for task in json.loads(done.stdout[done.stdout.index("{\n"):])["plays"][0]["tasks"]]
    assert written.read_text() == "by a module\n"
    assert told[1]["stdout"] == "by an action"
    assert isinstance(told[2]["findings"], list)


@pytest.mark.hosts
@pytest.mark.timeout(900)
def test_the_installed_roles_find_nothing_to_change_on_hosts_that_make_deploy_made(
    network: Hosts, first_run: Played, elsewhere: Path
) -> None:
    assert first_run.changed
    playbook = example(elsewhere, leave_out="payment_system_domain")
    done = run(elsewhere, "ansible-playbook", f"--inventory={inventory_of(network)}", playbook)
    assert done.returncode == 0, done.stdout[-5000:]
    assert {host: int(count) for host, count in CHANGED.findall(done.stdout)} == dict.fromkeys(RELEASES, 0), done.stdout
