"""Owns which files a folder had when it was unpacked, so that one that was changed, added or lost since then shows."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = "manifest.json"


def write_manifest(folder: Path) -> None:
    """Note down every file of the folder as it is now."""
    (folder / MANIFEST).write_text(json.dumps(_found(folder), sort_keys=True, indent=0), encoding="utf-8")


def deviating(folder: Path) -> dict[str, str]:
    """Each file that is not as it was, with `changed`, `added` or `missing`; none of a folder from before there were manifests."""
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    noted, found = json.loads(path.read_text(encoding="utf-8")), _found(folder)
    words = {name: "added" if name not in noted else "missing" if name not in found else "changed" for name in {**noted, **found}}
    return {name: words[name] for name in sorted(words) if noted.get(name) != found.get(name)}


def restore(folder: Path, fresh: Path) -> None:
    """Have every file be as it was, each at one moment, out of a folder that was unpacked anew."""
    for name, word in deviating(folder).items():
        path, right = folder / name, fresh / name
        if word == "added":
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.new")
        shutil.copy2(right, partial, follow_symlinks=False)
        # As of now: who read the wrong one has to see that there is another.
        os.utime(partial, follow_symlinks=False)
        os.chown(partial, right.lstat().st_uid, right.lstat().st_gid, follow_symlinks=False)
        partial.replace(path)


def _found(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(path.relative_to(folder)): _described(path) for path in paths if path.name != MANIFEST}


def _described(path: Path) -> str:
    """Whose it is, who may do what with it, and what is in it."""
    about = path.lstat()
    if stat.S_ISLNK(about.st_mode):
        return f"to {path.readlink()}"
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{about.st_uid}:{about.st_gid} {stat.S_IMODE(about.st_mode):o} {content}"
