"""`user` and `token`: people and the tokens of their programs."""

from __future__ import annotations

import getpass
import sys

from engine.cli.desk import Answer, Desk, open_desk
from engine.errors import Invalid, NotFound
from engine.settings import Settings


def add_user(email: str, *, name: str, roles: list[str], asks_password: bool) -> int:
    """Adds a person; the exit status."""
    password = _asked_password() if asks_password else None
    with open_desk(Settings.load()) as desk:
        user = desk.add_user(email=email, name=name or email.partition("@")[0], roles=roles, password=password)
    print(f"{user['id']} {user['email']} {','.join(user['roles'])}")
    if not user["has_password"]:
        print("The account has no password: it can have API tokens, but cannot sign in.", file=sys.stderr)
    return 0


def _asked_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise Invalid("The two passwords differ.", hint="Try again.")
    return password


def list_users() -> int:
    """Prints one line a person; the exit status."""
    with open_desk(Settings.load()) as desk:
        users = desk.users()
    for user in users:
        state = "  disabled" if user["disabled_at"] else ""
        print(f"{user['id']}  {user['email']}  {','.join(user['roles'])}{state}")
    if not users:
        print("Nobody has an account yet. `./signalbox up` prints the link that makes the first one.", file=sys.stderr)
    return 0


def create_token(*, name: str, roles: list[str], days: int | None, owner: str) -> int:
    """Prints the new token, this once; the exit status."""
    with open_desk(Settings.load()) as desk:
        user = _owner(desk, owner)
        made = desk.create_token(name=name, roles=roles, days=days, user_id=user["id"])
    told = f"until {made['expires_at']}" if made["expires_at"] else "until it is revoked"
    print(f"The token of {user['email']} for {name}, good {told}. It is shown this once:", file=sys.stderr)
    print(made["token"])
    return 0


def _owner(desk: Desk, email: str) -> Answer:
    users = [user for user in desk.users() if not user["disabled_at"]]
    if email:
        found = [user for user in users if user["email"] == email.strip().lower()]
        if not found:
            raise NotFound(f"Nobody here has the address {email[:100]}.", hint="./signalbox user list shows everybody.")
        return found[0]
    admins = [user for user in users if "admin" in user["roles"]]
    if not admins and users:
        raise Invalid("Nobody here is an administrator, and a token belongs to a person.", hint="Name the person: --user EMAIL.")
    if not admins:
        hint = "Make the first account through the link that ./signalbox up prints, or set SIGNALBOX_ADMIN_EMAIL and _PASSWORD."
        raise Invalid("Nobody has an account yet, and a token belongs to a person.", hint=hint)
    return admins[0]


def list_tokens() -> int:
    """Prints one line a token; the exit status."""
    with open_desk(Settings.load()) as desk:
        for token in desk.tokens():
            state = "  revoked" if token["revoked_at"] else f"  until {token['expires_at']}" if token["expires_at"] else ""
            print(f"{token['id']}  {token['name']}  {','.join(token['roles'])}{state}")
    return 0


def revoke_token(token_id: str) -> int:
    """Ends a token; the exit status."""
    with open_desk(Settings.load()) as desk:
        token = desk.revoke_token(token_id)
    print(f"{token['id']} {token['name']} is revoked.")
    return 0
