"""What people are called, where rows only hold their ids."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from engine.people.permissions import SYSTEM
from engine.storage.tables import Token, User


def names_of(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Id or label -> name; a token is called after the person whose it is."""
    wanted = {id_: id_.partition(":")[2] or id_ for id_ in ids if id_}
    plain = set(wanted.values())
    users = {user.id: user.name for user in session.exec(select(User).where(col(User.id).in_(plain)))}
    tokens = {row.id: row.user_id for row in session.exec(select(Token).where(col(Token.id).in_(plain)))}
    owners = {user.id: user.name for user in session.exec(select(User).where(col(User.id).in_(set(tokens.values()))))}
    found = {**users, **{token: f"{owners[user]} (token)" for token, user in tokens.items() if user in owners}}
    return {id_: _name(short, found) for id_, short in wanted.items()}


def _name(id_: str, found: dict[str, str]) -> str:
    match id_:
        case SYSTEM.id:
            return SYSTEM.name
        case "command-line":
            return "Command line"
        case _:
            return found.get(id_, id_)
