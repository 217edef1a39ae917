"""API tokens."""

import json
from typing import Any

import pytest

from engine.errors import Conflict, Invalid, NotFound, NotSignedIn
from engine.people import api_tokens
from engine.people.permissions import SYSTEM, Permission, Role

DAY = 86400


def test_a_token_acts_for_its_owner_with_its_own_roles(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.EDITOR, Role.OPERATOR)
    made = office.accounts.tokens.create(ada, name="ci", roles=["operator"])
    actor = office.accounts.tokens.actor_for_token(made.text)
    assert (actor.kind, actor.id, actor.name, actor.email, actor.user_id) == ("token", made.token.id, "ci", ada.email, ada.id)
    assert actor.roles == {Role.OPERATOR}
    assert actor.may(Permission.RUN_START) and not actor.may(Permission.WORKFLOW_EDIT)


def test_the_text_is_shown_once_and_kept_nowhere(office: Any) -> None:
    made = office.accounts.tokens.create(office.admin(), name="ci", roles=["viewer"])
    assert made.text not in repr(made) + repr(office.told()) + repr(office.accounts.tokens.list_all(SYSTEM))
    for file in office.path.parent.iterdir():
        assert made.text.encode() not in file.read_bytes()


def test_a_token_cannot_have_more_than_its_maker(office: Any) -> None:
    ada = office.person(office.admin(), "ada", Role.EDITOR)
    for role in ("admin", "operator", "publisher", "approver", "auditor"):
        with pytest.raises(Invalid) as caught:
            office.accounts.tokens.create(ada, name="ci", roles=[role])
        assert caught.value.details["problems"][0]["field"] == "roles"
    # Viewer allows nothing that editor does not.
    assert office.accounts.tokens.create(ada, name="ci", roles=["viewer"]).token.roles == {Role.VIEWER}


def test_a_token_cannot_make_one_with_more_roles_or_a_longer_life(office: Any) -> None:
    admin = office.admin()
    weak = office.accounts.tokens.actor_for_token(office.accounts.tokens.create(admin, name="weak", roles=["viewer"], days=1).text)
    with pytest.raises(Invalid):
        office.accounts.tokens.create(weak, name="x", roles=["admin"])
    ends_at = office.clock.now_us() + DAY * 1_000_000
    assert office.accounts.tokens.create(weak, name="x", roles=["viewer"]).token.expires_at == ends_at
    assert office.accounts.tokens.create(weak, name="x", roles=["viewer"], days=30).token.expires_at == ends_at


def test_what_its_owner_loses_a_token_loses_too(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.OPERATOR, Role.EDITOR)
    made = office.accounts.tokens.create(ada, name="ci", roles=["operator", "editor"])
    office.accounts.set_roles(admin, ada.id, roles=["editor"])
    assert office.accounts.tokens.actor_for_token(made.text).roles == {Role.EDITOR}


def test_a_token_for_somebody_else_has_no_more_than_that_person(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.EDITOR)
    made = office.accounts.tokens.create(SYSTEM, name="ci", roles=["editor"], user_id=ada.id)
    assert office.accounts.tokens.actor_for_token(made.text).user_id == ada.id
    with pytest.raises(Invalid, match="owner of the token"):
        office.accounts.tokens.create(admin, name="ci", roles=["operator"], user_id=ada.id)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name": ""}, "name"), ({"roles": ["king"]}, "roles"), ({"roles": []}, "roles"), ({"days": 0}, "days"), ({"days": 9999}, "days")],
)
def test_a_bad_field_is_named(office: Any, change: dict[str, Any], field: str) -> None:
    admin = office.admin()
    with pytest.raises(Invalid) as caught:
        office.accounts.tokens.create(admin, **{"name": "ci", "roles": ["viewer"], "days": 1, **change})
    assert [p["field"] for p in caught.value.details["problems"]] == [field]


@pytest.mark.parametrize("text", [None, "", "sbx_", "sbx_unknown-but-well-formed", "Bearer sbx_x", "x" * 100, "sbx_" + "x" * 10_000])
def test_what_is_no_token_is_refused(office: Any, text: str | None) -> None:
    office.admin()
    with pytest.raises(NotSignedIn):
        office.accounts.tokens.actor_for_token(text)


def test_a_token_ends_on_its_day(office: Any) -> None:
    made = office.accounts.tokens.create(office.admin(), name="ci", roles=["viewer"], days=2)
    office.clock.advance(2 * DAY - 1)
    office.accounts.tokens.actor_for_token(made.text)
    office.clock.advance(1)
    with pytest.raises(NotSignedIn, match="expired"):
        office.accounts.tokens.actor_for_token(made.text)


def test_a_revoked_token_ends_at_once(office: Any) -> None:
    admin = office.admin()
    made = office.accounts.tokens.create(admin, name="ci", roles=["viewer"])
    office.accounts.tokens.revoke(admin, made.token.id)
    office.accounts.tokens.revoke(admin, made.token.id)
    with pytest.raises(NotSignedIn):
        office.accounts.tokens.actor_for_token(made.text)
    assert office.actions().count("token.revoke") == 1


def test_people_see_and_revoke_their_own_tokens_only(office: Any) -> None:
    admin = office.admin()
    ada, eve = office.person(admin, "ada", Role.VIEWER), office.person(admin, "eve", Role.VIEWER)
    hers = office.accounts.tokens.create(ada, name="hers", roles=["viewer"]).token
    assert [t.name for t in office.accounts.tokens.list(ada)] == ["hers"]
    assert office.accounts.tokens.list(eve) == []
    with pytest.raises(NotFound):
        office.accounts.tokens.revoke(eve, hers.id)
    assert [t.name for t in office.accounts.tokens.list_all(admin)] == ["hers"]
    office.accounts.tokens.revoke(admin, hers.id)


def test_use_is_written_at_most_once_a_minute(office: Any) -> None:
    admin = office.admin()
    made = office.accounts.tokens.create(admin, name="ci", roles=["viewer"])

    def used() -> int | None:
        office.accounts.tokens.actor_for_token(made.text)
        return office.accounts.tokens.list(admin)[0].last_used_at

    first = used()
    assert first == office.clock.now_us()
    office.clock.advance(59)
    assert used() == first
    office.clock.advance(1)
    assert used() == office.clock.now_us()


def test_nobody_has_tokens_without_end(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MAX_TOKENS", 2)
    admin = office.admin()
    made = [office.accounts.tokens.create(admin, name=f"t{n}", roles=["viewer"]).token for n in range(2)]
    with pytest.raises(Conflict, match="more than 2"):
        office.accounts.tokens.create(admin, name="t", roles=["viewer"])
    office.accounts.tokens.revoke(admin, made[0].id)
    office.accounts.tokens.create(admin, name="t", roles=["viewer"])


def test_making_a_token_is_told(office: Any) -> None:
    admin = office.admin()
    made = office.accounts.tokens.create(admin, name="ci", roles=["viewer", "editor"], days=1).token
    row = office.told()[-1]
    assert (row.action, row.actor, row.subject) == ("token.create", admin.label, made.id)
    assert json.loads(row.details) == {"name": "ci", "user": admin.id, "roles": ["viewer", "editor"], "expires_at": made.expires_at}
