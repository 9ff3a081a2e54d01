"""Bandit and the ast-grep rules of rules.yml: they find nothing, each rule can find something, and each exception has a reason.

Semgrep is not used: it asks for an older wcmatch than ansible-lint does, so no lock can hold both. What is used here works offline.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
RULES = Path(__file__).with_name("rules.yml")
RULE_IDS = [rule["id"] for rule in yaml.safe_load_all(RULES.read_text(encoding="utf-8"))]
PROGRAM = ["app", "ansible/roles/app/files", "gunicorn.conf.py"]
SCANNED = [*PROGRAM, "ansible/connect.py", "ansible/plugins", "schema/migrations"]

# Each line is one finding. The key is the path of the file.
BAD = {
    "float-in-money": {
        "app/ledger/sample.py": ["fee = 0.5", "half = total / 2", "total /= 2", "kept = float(given)", "column = Column(Float)"],
        "app/money.py": ["def share(of: float) -> int: ..."],
    },
    "amount-made-a-float": {
        "app/web/pages/sample.py": [
            "shown = float(payment.amount)", "whole = round(balance)", "pounds = minor_units / 100", "fee = amount * 0.01",
            "double = 2.0 * amount", "amount /= 2", "amount *= 1.5", "amount = 12.5", "amount: float = 0", "pay(amount=12.5)",
            "def pay(amount: float): ...", "def pay(amount: float = 1): ...", "def pay(amount: float | None): ...",
        ],
    },
    "sql-put-together": {
        "app/payments/sample.py": [
            "session.execute(text(f'SELECT {name}'))", "session.execute(text('SELECT ' + name))",
            "session.scalar(text('SELECT %s' % name))",
            "session.scalars(text('SELECT {}'.format(name)))", "connection.exec_driver_sql(f'{name}')", "text(FIRST + name + LAST)",
            "wanted = f\"SELECT * FROM users WHERE username = '{name}'\"", "text('SELECT ' f'{name}')", "text(', '.join(names))",
        ],
    },
    "route-without-login": {
        "app/web/pages/sample.py": [
            "@app.route('/')\ndef page(): ...", "@blueprint.route('/', methods=['POST'])\ndef page(): ...",
            "@blueprint.get('/')\ndef page(): ...", "@blueprint.post('/')\ndef page(): ...",
            "blueprint.add_url_rule('/', view_func=page)", "app.url_map.add(rule)", "add = blueprint.route",
        ],
    },
}
GOOD = {
    "app/ledger/sample.py": ["half = total // 2", "text(f'SET lock_timeout = {LIMIT_MILLISECONDS}')", "text(ASKED + POSTED + FOUND)"],
    "app/web/pages/sample.py": [
        "wait: float = 0.5", "share = waited / limit", "session.execute(text('SELECT :name'), {'name': name})",
        "@private_page('/')\ndef page(): ...", "there = known.get('/')", "said = f'Set {name} to {amount}.'",
    ],
}


def scan(folder: Path, *paths: str) -> list[tuple[str, str]]:
    """Each finding: its rule and its place. An unused exception is a finding, too."""
    done = subprocess.run(
        [Path(sys.executable).with_name("ast-grep"), "scan", "--rule", RULES, "--error=unused-suppression", "--json=compact", *paths],
        cwd=folder, capture_output=True, text=True, check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    return sorted((each["ruleId"], f"{each['file']}:{each['range']['start']['line'] + 1}") for each in found)


def bandit(folder: Path, *paths: str) -> list[tuple[str, str]]:
    """Each finding: the number of its check and its place."""
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json", *paths],
        cwd=folder, capture_output=True, text=True, check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    assert told["errors"] == []
    assert told["metrics"]["_totals"]["loc"] > 0, "nothing was read"
    return [(each["test_id"], f"{each['filename']}:{each['line_number']}") for each in told["results"]]


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    return name


def test_bandit_finds_nothing() -> None:
    assert bandit(ROOT, *PROGRAM) == []


def test_bandit_can_find_something(tmp_path: Path) -> None:
    bad = "import subprocess\nsubprocess.run(command, shell=True)\nsession.execute(f\"SELECT * FROM users WHERE name = '{name}'\")"
    found = bandit(tmp_path, written(tmp_path, "app/sample.py", bad))

    assert {check for check, _ in found} == {"B404", "B602", "B608"}


def test_our_ast_grep_rules_find_nothing() -> None:
    assert all((ROOT / path).exists() for path in SCANNED)
    assert scan(ROOT, *SCANNED) == []


def test_every_rule_has_samples_and_says_what_to_do() -> None:
    assert sorted(BAD) == sorted(RULE_IDS)
    for rule in yaml.safe_load_all(RULES.read_text(encoding="utf-8")):
        assert rule["severity"] == "error"
        assert len(rule["message"].split(". ")) > 1 or ", so that" in rule["message"], f"{rule['id']} says only what is wrong"


@pytest.mark.parametrize(
    ("rule", "name", "line"), [(rule, name, line) for rule, files in BAD.items() for name, lines in files.items() for line in lines])
def test_a_rule_finds_what_it_forbids(tmp_path: Path, rule: str, name: str, line: str) -> None:
    assert {found for found, _ in scan(tmp_path, written(tmp_path, name, line))} == {rule}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in GOOD.items() for line in lines])
def test_no_rule_finds_correct_code(tmp_path: Path, name: str, line: str) -> None:
    assert scan(tmp_path, written(tmp_path, name, line)) == []


def test_an_unused_exception_is_a_finding(tmp_path: Path) -> None:
    line = "# ast-grep-ignore: float-in-money - it was one once\nfee = 1"

    assert scan(tmp_path, written(tmp_path, "app/ledger/sample.py", line)) == [("unused-suppression", "app/ledger/sample.py:1")]


def test_each_exception_is_for_one_finding_and_has_a_reason() -> None:
    excuses = [(f"{path.relative_to(ROOT)}:{number}", found[0])
               for scanned in SCANNED for path in ([ROOT / scanned] if (ROOT / scanned).is_file() else (ROOT / scanned).rglob("*.py"))
               for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
               if (found := re.search(r"#\s*(nosec|ast-grep-ignore).*", line))]
    named = re.compile(rf"# (nosec B\d{{3}} # (noqa: S\d{{3}} - )?|ast-grep-ignore: ({'|'.join(RULE_IDS)}) - )\w.{{8,}}")

    assert excuses
    assert [(place, text) for place, text in excuses if not named.fullmatch(text)] == []
