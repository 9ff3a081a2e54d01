"""Owns the command line of `payment-system-release`: one verb, one JSON line as its result, or one sentence on why not."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from payment_system_release.content import Sent, forget_others, led_to, prune, unpack
from payment_system_release.cutover import cut_over, tidy
from payment_system_release.drift import deviations, mend
from payment_system_release.host import CURRENT, PREVIOUS, FailedError, alone, say
from payment_system_release.proxy import check_served, is_served
from payment_system_release.serving import MAIN, check_ready, is_serving
from payment_system_release.status import status, told

if TYPE_CHECKING:
    from payment_system_release.content import Release


def main() -> int:
    """Do what was asked; returns the exit status."""
    chosen = _choices()
    try:
        if chosen.verb == "status":
            result = status()
            if not chosen.json:
                print(told(result))  # noqa: T201 - for people
                return 0
        else:
            with alone():
                tidy()
                result = _install(chosen) if chosen.verb == "install" else _rollback(chosen.by)
    except FailedError as error:
        say(str(error))
        return 1
    print(json.dumps(result))  # noqa: T201 - for Ansible
    return 0


def _choices() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="payment-system-release", description="The releases on this host.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    install = verbs.add_parser("install", help="have a release serve")
    install.add_argument("--program", type=Path, required=True, help="archive of the program")
    install.add_argument("--wheels", type=Path, required=True, help="archive of the wheels that it runs on")
    install.add_argument("--configuration", type=Path, required=True, help="its settings and its files for the host, as JSON")
    install.add_argument("--keep", type=int, required=True, help="how many releases to keep")
    rollback = verbs.add_parser("rollback", help="have the release before serve again")
    for verb in (install, rollback):
        verb.add_argument("--by", default="root", help="who wants it, for the audit line")
    verbs.add_parser("status", help="what serves, and how it is").add_argument("--json", action="store_true")
    return parser.parse_args()


def _install(chosen: argparse.Namespace) -> dict[str, Any]:
    sent = (chosen.program, chosen.wheels, chosen.configuration)
    if not all(path.exists() for path in sent):
        raise FailedError("What this deploy sent is gone: another one has ended meanwhile. Deploy again.")
    content = Sent(chosen.program, chosen.wheels, json.loads(chosen.configuration.read_text(encoding="utf-8")))
    release = content.release
    mended = mend(release, content) if led_to(CURRENT) == release else []
    if led_to(CURRENT) == release and is_serving(release) and is_served(release):
        return {"changed": bool(mended), "release": release.id, **_in_force(release, mended)}
    if unpack(content):
        say(f"The release {release.id} is unpacked.")
    line = cut_over(release, chosen.by, is_new=True)
    mended += mend(release, content)
    check_ready(MAIN, release)
    check_served(release)
    forget_others(*sent)
    return {"changed": True, "release": release.id, "pruned": prune(chosen.keep), "audit": line, **_in_force(release, mended)}


def _in_force(release: Release, mended: list[str]) -> dict[str, list[str]]:
    """What was mended, and what is still not as the release says."""
    return {"mended": mended, "left": [each.sentence for each in deviations(release)]}


def _rollback(by: str) -> dict[str, Any]:
    release = led_to(PREVIOUS)
    if release is None:
        raise FailedError("There is no release before this one on this host.")
    return {"changed": True, "release": release.id, "audit": cut_over(release, by, is_new=False)}


if __name__ == "__main__":
    sys.exit(main())
