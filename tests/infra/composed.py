"""Owns a wallet in containers for the tests: the true compose.yaml, its images built on a Debian that was made here from its packages."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.infra.hosts import CANNOT_RUN_HOSTS, PODMAN, NoHostsError, podman

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT: Final = Path(__file__).parents[2]
COMPOSE: Final = CHECKOUT / "containers/compose.yaml"
BUILD_RELEASE: Final = CHECKOUT / "ansible/roles/app/files/build_release.py"
BUILD_FOLDER: Final = CHECKOUT / ".build"
# What `debian:trixie-slim`, the images' own base, is: the smallest Debian, without manuals and translations.
BASE: Final = "localhost/wave-base:debian-13"
SLIM: Final = ("--variant=minbase", *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")))
BASE_PYTHON: Final = "3.13"
IMAGES: Final = {"WAVE_BASE": BASE, "WAVE_IMAGE": "localhost/wave-test-app", "WAVE_DATABASE_IMAGE": "localhost/wave-test-database"}
BUILD_SECONDS: Final = 600
UP_SECONDS: Final = 120
PROJECT: Final = "wave-test"


@dataclass(frozen=True)
class Composed:
    """A wallet that `up` has brought, and the port of this machine at which it is reached."""

    project: str
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def compose(self, *arguments: str, timeout_seconds: float = UP_SECONDS) -> subprocess.CompletedProcess[str]:
        """What became of `podman-compose …` on the project's own compose.yaml."""
        command = [str(Path(sys.executable).with_name("podman-compose")), "--podman-path", PODMAN, "--file", str(COMPOSE),
                   "--project-name", self.project, *arguments]
        settings = {**os.environ, **IMAGES, "WAVE_PORT": str(self.port), "PAYMENT_SYSTEM_OPENING_BALANCE": "1000.00"}
        return subprocess.run(command, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=timeout_seconds)

    def up(self) -> None:
        """Have it run; returns when the wallet is ready."""
        done = self.compose("up", "--detach", "--no-build")
        assert done.returncode == 0, done.stdout + done.stderr
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return when the wallet has its database and every migration. Until then nobody may listen, and podman says nothing of it."""
        ask = ["curl", "--silent", "--fail", "--show-error", "--retry", str(UP_SECONDS), "--retry-delay", "1", "--retry-all-errors",
               "--retry-max-time", str(UP_SECONDS), f"http://{self.address}/readyz"]
        done = subprocess.run(ask, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}{podman('logs', self.container('app'))}"

    def kill(self, service: str) -> None:
        """End the first process of a service as a lack of memory would; returns when podman has started it again."""
        events = [PODMAN, "events", "--filter", f"container={self.container(service)}", "--filter", "event=start",
                  "--since", str(int(time.time()))]
        os.kill(self.inspect(service)["State"]["Pid"], signal.SIGKILL)
        with subprocess.Popen(events, stdout=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            assert "container start" in watching.stdout.readline()
            watching.terminate()

    def container(self, service: str) -> str:
        return f"{self.project}_{service}_1"

    def attempt(self, service: str, *command: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """What became of a command in a service's container, as the service's own account or another."""
        options = ["--user", user] if user else []
        return subprocess.run([PODMAN, "exec", *options, self.container(service), *command], capture_output=True, text=True, check=False,
                              timeout=2 * UP_SECONDS)

    def run(self, service: str, *command: str, user: str = "") -> str:
        """What it prints. Fails with its own words."""
        done = self.attempt(service, *command, user=user)
        assert done.returncode == 0, f"{service}: {command!r} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def inspect(self, service: str) -> dict[str, Any]:
        (described,) = json.loads(podman("inspect", self.container(service)))
        assert isinstance(described, dict)
        return described


@contextmanager
def composed() -> Iterator[Composed]:
    """The images, built, and a project whose containers and volumes are gone afterwards.

    Raises:
        NoHostsError: this machine cannot run containers.
    """
    _make_base()
    wallet = Composed(f"{PROJECT}-{os.getpid()}", _free_port())
    _remove_left_overs()
    _build(wallet)
    try:
        yield wallet
    finally:
        wallet.compose("down", "--volumes")


def _make_base() -> None:
    made = subprocess.run([str(CHECKOUT / "containers/debian"), BASE, "trixie", *SLIM], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if made.returncode == CANNOT_RUN_HOSTS:
        raise NoHostsError(made.stdout.strip().splitlines()[-1])
    assert made.returncode == 0, made.stdout


def _build(wallet: Composed) -> None:
    """Build both images as compose.yaml says, with the wheels that a deploy would send: a build here may reach no index."""
    packed = subprocess.run(
        [sys.executable, str(BUILD_RELEASE), f"--checkout={CHECKOUT}", f"--output={BUILD_FOLDER}", f"--python={BASE_PYTHON}",
         f"--machine={os.uname().machine}"], capture_output=True, text=True, check=False,
    )
    assert packed.returncode == 0, packed.stderr
    wheels = Path(json.loads(packed.stdout)["wheels"])
    folder = wheels.with_suffix("")
    with tarfile.open(wheels) as archive:
        archive.extractall(folder, filter="data")
    # With this machine's own network: podman's may have no way out where two kinds of it were in use.
    options = f"--format=docker --network=host --volume={folder}:/wheels:ro --build-arg=PIP_NO_INDEX=1 --build-arg=PIP_FIND_LINKS=/wheels"
    done = wallet.compose(f"--podman-build-args={options}", "build", timeout_seconds=BUILD_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


def _remove_left_overs() -> None:
    """Wallets of runs that were killed, and so could not remove them."""
    for container in podman("ps", "--all", "--format", "{{.Names}}", "--filter", f"name={PROJECT}-").split():
        project = container.split("_")[0]
        if not Path("/proc", project.rpartition("-")[2]).exists():
            Composed(project, 0).compose("down", "--volumes")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
