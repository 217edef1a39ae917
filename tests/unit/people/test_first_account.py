"""The first account: by the environment or by a one-time link, never by a default password."""

from typing import Any

import pytest

from engine.errors import AuditChainBroken, Conflict, Invalid, NotSignedIn
from engine.people.accounts import ENV_EMAIL, Accounts
from engine.people.permissions import SYSTEM, Role
from engine.security.audit import AuditLog
from engine.security.tokens import new_random_text
from engine.settings import Settings
from engine.storage.sqlite import reading
from engine.storage.tables import Workspace

HOUR = 3600
GOOD: dict[str, Any] = {"email": "ada@example.com", "name": "Ada", "password": "correct horse"}
EMAIL = {"SIGNALBOX_ADMIN_EMAIL": "Boss@Example.com", "SIGNALBOX_ADMIN_PASSWORD": "correct horse"}
TOKEN = {"SIGNALBOX_ADMIN_TOKEN": "sbx_operators-token"}


def _prepare(office: Any, *environments: dict[str, str]) -> None:
    office.accounts.prepare(Settings.load({name: value for env in environments for name, value in env.items()}))


def test_nobody_has_an_account_at_first(office: Any) -> None:
    _prepare(office)
    assert office.accounts.needs_setup()
    with reading(office.engine) as session:
        assert session.get(Workspace, "main")
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.sign_in("admin", "admin")


def test_the_environment_makes_an_account_with_every_role(office: Any) -> None:
    _prepare(office, EMAIL, TOKEN)
    signed_in = office.accounts.sessions.sign_in("boss@example.com", "correct horse").actor
    by_token = office.accounts.tokens.actor_for_token("sbx_operators-token")
    assert signed_in.roles == by_token.roles == frozenset(Role)
    assert by_token.user_id == signed_in.id
    assert by_token.email == "boss@example.com"
    assert not office.accounts.needs_setup()


def test_a_token_alone_makes_an_account_too(office: Any) -> None:
    _prepare(office, TOKEN)
    assert office.accounts.tokens.actor_for_token("sbx_operators-token").email == ENV_EMAIL
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.sign_in(ENV_EMAIL, "")


def test_preparing_again_changes_nothing(office: Any) -> None:
    _prepare(office, EMAIL, TOKEN)
    before = office.told()
    _prepare(office, EMAIL, TOKEN)
    _prepare(office)
    assert office.told() == before
    assert [row.action for row in before] == ["workspace.add", "user.add", "token.create"]


def test_a_changed_password_in_the_environment_does_not_undo_one_that_a_person_chose(office: Any) -> None:
    _prepare(office, EMAIL)
    boss = office.accounts.sessions.sign_in("boss@example.com", "correct horse").actor
    office.accounts.change_password(boss, old="correct horse", new="battery staple")
    _prepare(office, EMAIL)
    office.accounts.sessions.sign_in("boss@example.com", "battery staple")


def test_a_changed_token_replaces_the_former_one(office: Any) -> None:
    _prepare(office, EMAIL, TOKEN)
    _prepare(office, EMAIL, {"SIGNALBOX_ADMIN_TOKEN": "sbx_another-token-1"})
    assert office.accounts.tokens.actor_for_token("sbx_another-token-1").roles == frozenset(Role)
    with pytest.raises(NotSignedIn):
        office.accounts.tokens.actor_for_token("sbx_operators-token")
    assert office.actions()[-1] == "token.replace"
    assert len(office.accounts.tokens.list_all(SYSTEM)) == 1


def test_a_revoked_token_does_not_come_back_with_the_next_start(office: Any) -> None:
    _prepare(office, EMAIL, TOKEN)
    office.accounts.tokens.revoke(SYSTEM, "token_environment")
    _prepare(office, EMAIL, TOKEN)
    with pytest.raises(NotSignedIn):
        office.accounts.tokens.actor_for_token("sbx_operators-token")


def test_a_password_can_be_added_later_to_an_account_that_had_none(office: Any) -> None:
    _prepare(office, {"SIGNALBOX_ADMIN_EMAIL": "boss@example.com"}, TOKEN)
    _prepare(office, EMAIL, TOKEN)
    office.accounts.sessions.sign_in("boss@example.com", "correct horse")
    assert office.accounts.list(SYSTEM)[0].has_password


def test_roles_that_were_taken_from_the_first_account_do_not_come_back(office: Any) -> None:
    admin = office.admin()
    office.person(admin, "eve", Role.ADMIN)
    office.accounts.set_roles(admin, admin.id, roles=["viewer"])
    _prepare(office, EMAIL, TOKEN)
    assert office.accounts.tokens.actor_for_token("sbx_operators-token").roles == {Role.VIEWER}


def test_a_set_up_link_makes_the_first_account(office: Any) -> None:
    _prepare(office)
    made = office.accounts.complete_setup(office.accounts.new_setup_link(), **GOOD)
    assert made.roles == frozenset(Role)
    assert office.accounts.sessions.sign_in("ada@example.com", "correct horse").actor.id == made.id
    assert office.actions() == ["workspace.add", "setup.link", "user.add", "session.open"]


@pytest.mark.parametrize("token", [None, "", " ", "null", "0", "x" * 43, new_random_text(), "a" * 10_000])
def test_an_unknown_or_empty_link_is_refused_even_while_a_good_one_waits(office: Any, token: str | None) -> None:
    office.accounts.new_setup_link()
    with pytest.raises(NotSignedIn, match="link is not valid"):
        office.accounts.complete_setup(token, **GOOD)
    assert office.accounts.needs_setup()


def test_a_link_ends_after_a_day(office: Any) -> None:
    link = office.accounts.new_setup_link()
    office.clock.advance(24 * HOUR)
    with pytest.raises(NotSignedIn):
        office.accounts.complete_setup(link, **GOOD)


def test_a_link_works_once(office: Any) -> None:
    link = office.accounts.new_setup_link()
    office.accounts.complete_setup(link, **GOOD)
    with pytest.raises(NotSignedIn):
        office.accounts.complete_setup(link, **{**GOOD, "email": "eve@example.com"})


def test_a_newer_link_ends_the_earlier_one(office: Any) -> None:
    first, second = office.accounts.new_setup_link(), office.accounts.new_setup_link()
    with pytest.raises(NotSignedIn):
        office.accounts.complete_setup(first, **GOOD)
    office.accounts.complete_setup(second, **GOOD)


def test_no_link_is_made_and_none_works_once_somebody_has_an_account(office: Any) -> None:
    link = office.accounts.new_setup_link()
    office.admin()
    with pytest.raises(Conflict):
        office.accounts.new_setup_link()
    with pytest.raises(Conflict):
        office.accounts.complete_setup(link, **GOOD)


def test_bad_fields_are_all_told_and_leave_the_link_good(office: Any) -> None:
    link = office.accounts.new_setup_link()
    with pytest.raises(Invalid) as caught:
        office.accounts.complete_setup(link, email="nobody", name=" ", password="short")
    assert [p["field"] for p in caught.value.details["problems"]] == ["email", "name", "password"]
    office.accounts.complete_setup(link, **GOOD)


def test_the_link_itself_is_not_kept(office: Any) -> None:
    link = office.accounts.new_setup_link()
    for file in office.path.parent.iterdir():
        assert link.encode() not in file.read_bytes()


def test_a_key_that_belongs_to_another_database_is_noticed_at_the_start(office: Any) -> None:
    _prepare(office)
    other = Accounts(office.engine, clock=office.clock, ids=office.accounts._records.ids, audit=AuditLog(b"x" * 32))
    with pytest.raises(AuditChainBroken):
        other.prepare(Settings.load({}))
