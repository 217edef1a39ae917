"""People and their roles."""

import json
import threading
from typing import Any

import pytest

from engine.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, SignalboxError
from engine.people.permissions import SYSTEM, Actor, Role

PASSWORD = "correct horse"


def _fields(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [problem["field"] for problem in error.value.details["problems"]]


def test_an_added_person_can_sign_in_with_any_spelling_of_the_address(office: Any) -> None:
    made = office.accounts.add(office.admin(), email=" Ada@Example.COM ", name=" Ada ", roles=["editor", "viewer"], password=PASSWORD)
    assert (made.email, made.name, made.roles) == ("ada@example.com", "Ada", {Role.EDITOR, Role.VIEWER})
    actor = office.accounts.sessions.sign_in("ADA@example.com", PASSWORD).actor
    assert (actor.kind, actor.id, actor.user_id, actor.label) == ("user", made.id, made.id, f"user:{made.id}")
    assert [user.email for user in office.accounts.list(office.admin())] == ["boss@example.com", "ada@example.com"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "ada"}, "email"),
        ({"email": "a b@c"}, "email"),
        ({"email": "a@b@c"}, "email"),
        ({"email": "a\u202e@b.c"}, "email"),
        ({"email": "\ud800@b.c"}, "email"),
        ({"email": "x" * 251 + "@b.c"}, "email"),
        ({"email": None}, "email"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"password": "short"}, "password"),
        ({"password": "ada@example.com"}, "password"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_kept(office: Any, change: dict[str, Any], field: str) -> None:
    admin = office.admin()
    good = {"email": "ada@example.com", "name": "Ada", "roles": ["viewer"], "password": PASSWORD}
    with pytest.raises(Invalid) as caught:
        office.accounts.add(admin, **{**good, **change})
    assert _fields(caught) == [field]
    assert len(office.accounts.list(admin)) == 1


def test_an_address_has_one_account(office: Any) -> None:
    admin = office.admin()
    office.person(admin, "ada", Role.VIEWER)
    with pytest.raises(Invalid, match="There is an account") as caught:
        office.accounts.add(admin, email="ADA@example.com", name="Other", roles=["viewer"])
    assert _fields(caught) == ["email"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_administrator_manages_people(office: Any, role: Role) -> None:
    admin = office.admin()
    actor = office.person(admin, "ada", role)
    accounts = office.accounts
    for attempt in (
        lambda: accounts.add(actor, email="x@example.com", name="X", roles=["viewer"]),
        lambda: accounts.set_roles(actor, actor.id, roles=["admin"]),
        lambda: accounts.disable(actor, admin.id),
        lambda: accounts.enable(actor, admin.id),
        lambda: accounts.set_password(actor, admin.id, password="battery staple"),
        lambda: accounts.sessions.list(actor, user_id=admin.id),
        lambda: accounts.sessions.revoke_all(actor, user_id=admin.id),
        lambda: accounts.tokens.list_all(actor),
        lambda: accounts.tokens.create(actor, name="x", roles=["viewer"], user_id=admin.id),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_other_roles_are_in_force_with_the_next_request(office: Any) -> None:
    admin = office.admin()
    office.accounts.add(admin, email="ada@example.com", name="Ada", roles=["editor"], password=PASSWORD)
    signed_in = office.accounts.sessions.sign_in("ada@example.com", PASSWORD)
    office.accounts.set_roles(admin, signed_in.actor.id, roles=["auditor"])
    assert office.accounts.sessions.actor_for_session(signed_in.text).roles == {Role.AUDITOR}
    row = office.told()[-1]
    assert (row.action, row.actor, row.subject) == ("user.set_roles", admin.label, signed_in.actor.id)
    assert json.loads(row.details) == {"before": ["editor"], "after": ["auditor"]}


def test_the_last_administrator_stays(office: Any) -> None:
    admin = office.admin()
    before = office.actions()
    with pytest.raises(Conflict, match="stay administrator"):
        office.accounts.set_roles(admin, admin.id, roles=["viewer"])
    with pytest.raises(Conflict, match="stay administrator"):
        office.accounts.disable(admin, admin.id)
    assert office.actions() == before
    second = office.person(admin, "eve", Role.ADMIN)
    office.accounts.disable(second, admin.id)
    with pytest.raises(Conflict):
        office.accounts.set_roles(second, second.id, roles=["viewer"])


def test_two_administrators_who_remove_each_other_at_once_leave_one(office: Any) -> None:
    first = office.admin()
    second = office.person(first, "eve", Role.ADMIN)
    outcomes: list[str] = []

    def remove(by: Actor, other: Actor) -> None:
        try:
            office.accounts.disable(by, other.id)
            outcomes.append("done")
        except SignalboxError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=remove, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict", "done"]


def test_a_disabled_person_is_out_at_once_and_can_come_back(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.OPERATOR)
    session = office.accounts.sessions.sign_in("ada@example.com", PASSWORD).text
    token = office.accounts.tokens.create(ada, name="ci", roles=["operator"]).text
    office.accounts.disable(admin, ada.id)
    for attempt in (
        lambda: office.accounts.sessions.actor_for_session(session),
        lambda: office.accounts.tokens.actor_for_token(token),
        lambda: office.accounts.sessions.sign_in("ada@example.com", PASSWORD),
    ):
        with pytest.raises(NotSignedIn):
            attempt()
    office.clock.advance(3600)
    office.accounts.enable(admin, ada.id)
    assert office.accounts.sessions.sign_in("ada@example.com", PASSWORD).actor.roles == {Role.OPERATOR}
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.actor_for_session(session)


def test_disabling_twice_is_told_once(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.VIEWER)
    office.accounts.disable(admin, ada.id)
    office.accounts.disable(admin, ada.id)
    assert office.actions().count("user.disable") == 1


def test_a_new_password_ends_every_session(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.VIEWER)
    session = office.accounts.sessions.sign_in("ada@example.com", PASSWORD).text
    office.accounts.change_password(ada, old=PASSWORD, new="battery staple")
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.actor_for_session(session)
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.sign_in("ada@example.com", PASSWORD)
    office.accounts.sessions.sign_in("ada@example.com", "battery staple")
    office.accounts.set_password(admin, ada.id, password="third password")
    office.accounts.sessions.sign_in("ada@example.com", "third password")


def test_a_password_is_not_changed_without_the_old_one_nor_by_a_token(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.VIEWER)
    with pytest.raises(Invalid) as caught:
        office.accounts.change_password(ada, old="wrong", new="battery staple")
    assert _fields(caught) == ["old"]
    with pytest.raises(Invalid):
        office.accounts.change_password(ada, old=PASSWORD, new="short")
    token = office.accounts.tokens.create(ada, name="ci", roles=["viewer"]).text
    with pytest.raises(NotAllowed):
        office.accounts.change_password(office.accounts.tokens.actor_for_token(token), old=PASSWORD, new="battery staple")
    office.accounts.sessions.sign_in("ada@example.com", PASSWORD)


def test_people_of_another_workspace_are_not_there(office: Any) -> None:
    admin = office.admin()
    stranger = Actor(kind="user", id="user_x", name="X", email="x@y", roles=frozenset(Role), workspace_id="other", user_id="user_x")
    assert office.accounts.list(stranger) == []
    for attempt in (
        lambda: office.accounts.set_roles(stranger, admin.id, roles=["viewer"]),
        lambda: office.accounts.disable(stranger, admin.id),
        lambda: office.accounts.set_password(stranger, admin.id, password="battery staple"),
        lambda: office.accounts.tokens.create(stranger, name="x", roles=["viewer"], user_id=admin.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert office.accounts.sessions.list(stranger, user_id=admin.id) == []


def test_every_change_is_told_with_its_maker_and_without_passwords(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.VIEWER)
    office.accounts.set_password(admin, ada.id, password="battery staple")
    office.accounts.add(SYSTEM, email="bot@example.com", name="Bot", roles=["viewer"])
    told = office.told()
    assert [(row.action, row.actor) for row in told[-4:]] == [
        ("user.add", admin.label),
        ("session.open", ada.label),
        ("user.set_password", admin.label),
        ("user.add", "system:system"),
    ]
    everything = "".join(row.details for row in told)
    assert PASSWORD not in everything and "battery" not in everything and "argon2" not in everything
