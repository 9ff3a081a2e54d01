"""Owns what `make deploy` sends: the program, the wheels it runs on, and what installs both, each as one archive named after its content.

Runs on the operator's machine, so that the host needs neither a compiler nor a package index.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import subprocess  # nosec B404 # that it starts programs is looked at where it does
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

# What a release consists of; all else in a checkout is for whoever carries the code on.
CONTENT: Final = ("app", "schema", "gunicorn.conf.py", "requirements.txt")
INSTALLER: Final = Path(__file__).parent / "payment_system_release"
LEFT_OUT: Final = frozenset({"__pycache__"})
DIGEST_CHARACTERS: Final = 12
# Newest first: what glibc of the supported systems runs. Source: PEP 600.
MANYLINUX: Final = (
    "manylinux_2_36", "manylinux_2_34", "manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014",
)


def main() -> int:
    """Build the archives that are not there yet, and print their paths as JSON. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Build a release of this checkout.")
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder for the archives")
    parser.add_argument("--python", required=True, metavar="3.13", help="the host's Python")
    parser.add_argument("--machine", required=True, metavar="x86_64", help="the host's processor")
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    try:
        program = pack_program(chosen.checkout, chosen.output)
        wheels = fetch_wheels(chosen.checkout / "requirements.txt", chosen.output, python=chosen.python, machine=chosen.machine)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for people
        return 1
    archives = {"installer": pack_installer(chosen.output), "program": program, "wheels": wheels}
    print(json.dumps({name: str(path) for name, path in archives.items()}))  # noqa: T201 - for Ansible
    return 0


def pack_program(checkout: Path, output: Path) -> Path:
    """The archive of what this checkout runs. The same content is the same archive, bit for bit."""
    files = sorted(path for name in CONTENT for path in _files(checkout / name))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for path in files:
            entry = tarfile.TarInfo(str(path.relative_to(checkout)))
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return _keep(output / f"program-{_digest(packed.getvalue())}.tar.gz", packed.getvalue())


def pack_installer(output: Path) -> Path:
    """What installs releases on a host, as one file that Python runs. Source: Python's documentation, zipapp."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(INSTALLER.glob("*.py")):
            archive.writestr(zipfile.ZipInfo(f"{INSTALLER.name}/{path.name}"), path.read_bytes())
        archive.writestr(zipfile.ZipInfo("__main__.py"), f"import runpy; runpy.run_module('{INSTALLER.name}', run_name='__main__')\n")
    return _keep(output / f"installer-{_digest(packed.getvalue())}.pyz", packed.getvalue())


def fetch_wheels(requirements: Path, output: Path, *, python: str, machine: str) -> Path:
    """The archive of the wheels that the lock names, for this Python and processor, each proved by its hash.

    Raises: ValueError with what pip says when one is not to be had.
    """
    name = _digest(f"{python} {machine} {requirements.read_text(encoding='utf-8')}".encode())
    kept = output / f"wheels-{name}.tar"
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory() as folder:
        tags = [f"--platform={system}_{machine}" for system in MANYLINUX]
        fetched = subprocess.run(  # nosec B603 # pip, with what the locks of this checkout name
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes",
             "--no-deps", "--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *tags,
             "--requirement", requirements, "--dest", folder],
            capture_output=True, text=True, check=False,
        )
        if fetched.returncode:
            raise ValueError(f"The wheels for Python {python} on {machine} could not be fetched: {fetched.stderr.strip().splitlines()[-1]}")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for wheel in sorted(Path(folder).iterdir()):
                archive.add(wheel, wheel.name)
    return _keep(kept, packed.getvalue())


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return [path for path in place.rglob("*") if path.is_file() and not LEFT_OUT & set(path.parts)]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]


def _keep(path: Path, content: bytes) -> Path:
    """Write it whole or not at all, also when another deploy from this checkout does so at the same moment."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.rename(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
