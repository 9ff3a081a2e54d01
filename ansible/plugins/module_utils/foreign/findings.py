"""Owns the sentences in which the operator is told what belongs to somebody else, and which word takes it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

# By the kind of what was found: the word of payment_system_adopt that takes it over, or none when nothing does; the sentence; and where it
# can be taken over and something else can be done, too, that.
SENTENCES: Final[dict[str, tuple[str, ...]]] = {
    "unit": ("names", "{paths} is not from a deploy, and it has the name of the wallet's.", "Move it away, or deploy to another host."),
    "unit_runs": ("names", (
        "{paths} is not from a deploy, and it has the name of the wallet's. {runs}{ports}; "
        "the deploy would end it at the moment when the wallet begins to serve."),
        "Stop it and move it away (`systemctl disable --now {names}`), or deploy to another host."),
    "unit_without_file": ("", (
        "{runs} runs, has the name of the wallet's, and has no file by which it could come back: stop it (`systemctl stop {runs}`), "
        "or deploy to another host.")),
    "unit_at_once": ("", (
        "{paths} is not from a deploy, and it has the name of a unit that is the wallet's at once, not at a moment that can be undone: "
        "stop it and move it away, or deploy to another host.")),
    "file": ("names", "{paths} is not from a deploy, and it has the name of the wallet's.", "Move it away, or deploy to another host."),
    "folder": ("names", (
        "{path} holds {names}, which no deploy put there, and it is the wallet's folder; the deploy would leave them there."),
        "Move them away, or deploy to another host."),
    "folder_in_use": ("", (
        "{path} holds {names}, which no deploy put there, and a deploy would put its own there or remove them: "
        "move them away, or deploy to another host.")),
    "account": (
        "names", "The account payment-system has {has}, and the wallet's has neither home nor shell nor groups.",
        "Give that account another name (`usermod --login NEW payment-system`), or deploy to another host."),
    "account_runs": ("", (
        "{names} runs as the account payment-system, which would be the wallet's alone and may read its books: "
        "give it another account, or deploy to another host.")),
    "account_group": ("", (
        "The account payment-system belongs to the group {group}, and the wallet's to one of its own name: "
        "give it such a one (`groupadd --system payment-system`, `usermod --gid payment-system payment-system`), "
        "or deploy to another host.")),
    "settings": ("postgresql", (
        "{path} has rules of its own ({rules}), and the deploy would put them out of force: "
        "only accounts of this host would come in, by the socket.")),
    "listens": ("", (
        "PostgreSQL listens on {addresses}, and the wallet's listens on its socket alone: "
        "set listen_addresses back to localhost and restart it, or deploy to another host.")),
    "rights": ("postgresql", "The role {role} of PostgreSQL has {rights}, and the deploy would take that away for good."),
    "databases": ("", "PostgreSQL holds {names}, and the deploy would let nobody into another database than payment_system: {elsewhere}"),
    "roles": ("", "PostgreSQL has {names}, and the deploy would let in no other role than its own: {elsewhere}"),
    "owner": ("", "The database payment_system belongs to the role {role}, not to payment_system_owner: {elsewhere}"),
    "clients": ("", (
        "{names} is connected to PostgreSQL over the network, and the deploy would cut that off: "
        "end it where it comes from, or {elsewhere}")),
    "replication": ("", "PostgreSQL is one of several that copy from each other ({names}), and the deploy would cut that off: {elsewhere}"),
    "stopped": ("", (
        "The PostgreSQL cluster {cluster} in {folder} is stopped, so that nobody can say what it holds: "
        "start it with `pg_ctlcluster {cluster} start`, then deploy again.")),
    "silent": ("", (
        "The PostgreSQL cluster {cluster} does not tell root what it holds ({words}): "
        "let the account postgres in by peer, then deploy again.")),
    "cluster": ("", (
        "There is another PostgreSQL cluster, {cluster} in {folder}, and the deploy would cut it off from the network: {elsewhere}")),
    "cluster_port": ("", (
        "The PostgreSQL cluster {cluster} listens on port {port}, and the wallet asks on 5432: "
        "set `port = 5432` in its postgresql.conf and restart it, or {elsewhere}")),
    "database_port": ("", "Port 5432 is taken by {program}, which is not Debian's PostgreSQL: stop it there, or deploy to another host."),
    "sites": ("nginx", "nginx has {paths}, which Debian did not put there, and the deploy would have it serve the wallet alone."),
    "web_port": ("", "Port {ports} is taken by {program}: stop it there (`systemctl disable --now NAME`), or deploy to another host."),
    "web_server": ("", (
        "{names} starts with the host and takes port 80 or 443: "
        "stop it for good there (`systemctl disable --now {names}`), or deploy to another host.")),
    "port": ("ports", "{program} answers on port {port}, and the firewall of the deploy lets in SSH, 80 and 443 alone."),
}
ELSEWHERE: Final = "deploy to another host, or move what is there to another one."


@dataclass(frozen=True)
class Finding:
    """Something that belongs to somebody else."""

    kind: str
    item: str
    sentence: str
    # Empty when nothing can be done but to take it over, and when the sentence says it.
    instead: str = ""
    # What is kept when it is taken over, because it is replaced or goes out of force.
    files: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """It, as a module of Ansible's returns it."""
        return {"kind": self.kind, "item": self.item, "sentence": self.sentence, "instead": self.instead, "files": list(self.files)}


def found(kind: str, *, files: tuple[str, ...] = (), **words: str) -> Finding:
    """A finding of this kind, with the words of its sentence."""
    item, *sentences = SENTENCES[kind]
    given = {"elsewhere": ELSEWHERE, "paths": " and ".join(files), **words}
    sentence, instead = ([each.format(**given) for each in sentences] + [""])[:2]
    return Finding(kind, item, sentence, instead, files)
