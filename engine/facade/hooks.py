"""Which workflow a webhook path belongs to, and the secret that its callers sign with."""

from __future__ import annotations

import secrets
from typing import Any

from sqlmodel import Session

from engine.facade.core import Core
from engine.facade.views import PublishedTrigger
from engine.jsonvalue import loads
from engine.security.secrets import SecretBox
from engine.storage.tables import Document, Hook, Version, Workflow

ADDRESS = "/hooks/"


class Hooks:
    """Works inside the transaction of whoever publishes."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._box = SecretBox(core.key)

    def open(self, session: Session, workflow: Workflow, document: Any) -> list[PublishedTrigger]:
        """Takes the paths of a sound document for its workflow.

        A path that is new gets a secret, told this once; one that it has already keeps its own. One that another live workflow
        listens on stays with that one: publishing goes through, and the trigger tells why it does not listen.
        """
        return [self._opened(session, workflow, path) for path in webhook_paths(document).values()]

    def _opened(self, session: Session, workflow: Workflow, path: str) -> PublishedTrigger:
        if problem := _taken(session, workflow, path):
            return PublishedTrigger(path=path, url=None, secret=None, problem=problem)
        return PublishedTrigger(path=path, url=ADDRESS + path, secret=self._secret(session, workflow, path))

    def _secret(self, session: Session, workflow: Workflow, path: str) -> str | None:
        known = session.get(Hook, path)
        if known is not None and known.workflow_id == workflow.id:
            return None
        # Whoever had the path before must not be able to call its next owner.
        text, version = secrets.token_hex(32), (known.version if known else 0) + 1
        sealed = self._box.seal(text, workspace_id=workflow.workspace_id, secret_id=f"hook:{path}", version=version)
        hook = known or Hook(path=path, workspace_id=workflow.workspace_id, workflow_id=workflow.id, key_id="", nonce=b"", ciphertext=b"")
        hook.workflow_id, hook.version, hook.created_at = workflow.id, version, self._core.clock.now_us()
        hook.key_id, hook.nonce, hook.ciphertext = sealed.key_id, sealed.nonce, sealed.ciphertext
        session.add(hook)
        return text


def webhook_paths(document: Any) -> dict[int, str]:
    """The webhook paths of a sound document, by the place of their trigger."""
    triggers = document.get("triggers") or []
    return {index: trigger["path"] for index, trigger in enumerate(triggers) if trigger.get("kind") == "webhook"}


def _taken(session: Session, workflow: Workflow, path: str) -> str | None:
    known = session.get(Hook, path)
    owner = session.get(Workflow, known.workflow_id) if known is not None and known.workflow_id != workflow.id else None
    if owner is None or owner.deleted_at is not None or path not in _live_paths(session, owner):
        return None
    return f"The workflow “{owner.name}” listens on the path `{path}` already. Choose another path, or take it out of that one."


def _live_paths(session: Session, workflow: Workflow) -> set[str]:
    version = session.get(Version, (workflow.id, workflow.live_version)) if workflow.live_version is not None else None
    document = session.get(Document, version.hash) if version else None
    return set(webhook_paths(loads(document.body)).values()) if document else set()
