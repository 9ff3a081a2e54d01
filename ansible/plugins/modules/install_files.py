"""Owns writing a role's folders and files in one round trip, and knowing which of them their service has not read yet.

A task of its own for each would be two round trips for each, which is most of what a deploy without changes costs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION: Final = """
module: install_files
short_description: Folders and files of a role, in one round trip
description: Each is written whole or not at all, and only if it differs.
options:
  folders:
    description: Folders that have to be there.
    type: list
    elements: dict
  files:
    description: Files, each with its content, as a template or a file lookup has it.
    type: list
    elements: dict
  stamp:
    description: A file that is touched whenever the service has read the files.
    type: path
"""
RETURN: Final = """
waiting:
  description: Files that are newer than the stamp, or all when there is none; a deploy that was cut off may have left them so.
  returned: always
  type: list
  elements: str
"""
OWNED: Final = {"owner": {"type": "str", "default": "root"}, "group": {"type": "str", "default": "root"}}
FOLDER: Final = {**OWNED, "path": {"type": "path", "required": True}, "mode": {"type": "str", "default": "0755"}}
FILE: Final = {
    **OWNED, "path": {"type": "path", "required": True}, "mode": {"type": "str", "default": "0644"},
    "content": {"type": "str", "required": True},
    # A program that has to agree first, with %s for the file.
    "validate": {"type": "str"},
}


def main() -> None:
    """Do it, or in check mode tell what would be done."""
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "dict", "options": FOLDER, "default": []},
            "files": {"type": "list", "elements": "dict", "options": FILE, "default": []},
            "stamp": {"type": "path"},
        },
        supports_check_mode=True,
    )
    diff: list[dict[str, str]] = []
    changed = [_folder(module, each) for each in module.params["folders"]]
    changed += [_file(module, each, diff) for each in module.params["files"]]
    module.exit_json(changed=any(changed), diff=diff, waiting=_waiting(module))


def _folder(module: AnsibleModule, wanted: dict[str, Any]) -> bool:
    missing = not Path(wanted["path"]).is_dir()
    if missing and not module.check_mode:
        Path(wanted["path"]).mkdir(parents=True)
    return _attributes(module, wanted, changed=missing)


def _file(module: AnsibleModule, wanted: dict[str, Any], diff: list[dict[str, str]]) -> bool:
    path, content = Path(wanted["path"]), wanted["content"]
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    differs = before != content or not path.is_file()
    if differs:
        diff.append({"before": before, "after": content, "before_header": str(path), "after_header": str(path)})
        if not module.check_mode:
            _write(module, wanted)
    return _attributes(module, wanted, changed=differs)


def _write(module: AnsibleModule, wanted: dict[str, Any]) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=module.tmpdir, delete=False) as fresh:
        fresh.write(wanted["content"])
    if wanted["validate"]:
        exit_status, said, error = module.run_command(wanted["validate"] % fresh.name)
        if exit_status:
            module.fail_json(msg=f"{wanted['path']} was not written: {(error or said).strip()}")
    module.atomic_move(fresh.name, wanted["path"])


def _attributes(module: AnsibleModule, wanted: dict[str, Any], *, changed: bool) -> bool:
    if module.check_mode and not Path(wanted["path"]).exists():
        return True
    return bool(module.set_fs_attributes_if_different(module.load_file_common_arguments(wanted), changed))


def _waiting(module: AnsibleModule) -> list[str]:
    stamp = module.params["stamp"]
    read = Path(stamp).stat().st_mtime_ns if stamp and Path(stamp).exists() else 0
    paths = [Path(each["path"]) for each in module.params["files"]]
    return [str(path) for path in paths if not path.exists() or path.stat().st_mtime_ns > read]


if __name__ == "__main__":
    main()
