"""Signing in, the back-off, and sessions."""

import threading
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlmodel import select

from engine.errors import NotFound, NotSignedIn, StorageUnavailable, TooManyAttempts
from engine.people.accounts import Accounts
from engine.people.permissions import Role
from engine.people.sign_in import FREE_FAILURES_OF_ADDRESS, LONGEST_BLOCK_S, block_s
from engine.security.passwords import REFUSED, Passwords
from engine.storage.sqlite import reading
from engine.storage.tables import LoginAttempt, User, UserSession

PASSWORD = "correct horse"
MINUTE, HOUR, DAY = 60, 3600, 86400


def _fail(office: Any, times: int, *, email: str = "boss@example.com", ip: str = "") -> None:
    for _ in range(times):
        with pytest.raises(NotSignedIn):
            office.accounts.sessions.sign_in(email, "wrong password", ip=ip)


def test_every_failure_gets_the_same_answer(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.VIEWER)
    office.accounts.add(admin, email="bot@example.com", name="Bot", roles=["viewer"])
    office.accounts.disable(admin, ada.id)
    for email, password in [
        ("boss@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("ada@example.com", PASSWORD),
        ("bot@example.com", ""),
        ("", ""),
        ("not an address\x00", PASSWORD),
        ("\ud800@example.com", PASSWORD),
        ("x" * 100_000, PASSWORD),
    ]:
        with pytest.raises(NotSignedIn) as caught:
            office.accounts.sessions.sign_in(email, password)
        assert caught.value.message == REFUSED


def test_a_hash_is_worked_out_even_for_an_account_that_does_not_exist(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    office.admin()
    asked: list[str | None] = []
    real = Passwords.verify
    monkeypatch.setattr(Passwords, "verify", lambda self, stored, password: asked.append(stored) or real(self, stored, password))
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.sign_in("nobody@example.com", PASSWORD)
    assert asked == [None]


def test_the_wait_grows_from_the_fifth_failure_and_has_an_end() -> None:
    assert [block_s(n, free=5) for n in (0, 4, 5, 6, 7, 8, 9, 10, 11, 1000)] == [0, 0, 30, 60, 120, 240, 480, 900, 900, LONGEST_BLOCK_S]


def test_five_failures_block_an_account_even_for_the_right_password(office: Any) -> None:
    office.admin()
    _fail(office, 5)
    with pytest.raises(TooManyAttempts) as caught:
        office.accounts.sessions.sign_in("Boss@example.com", PASSWORD)
    assert caught.value.status == 429
    assert caught.value.details["retry_after_s"] == 30
    office.clock.advance(29.5)
    with pytest.raises(TooManyAttempts, match="in 1 seconds"):
        office.accounts.sessions.sign_in("boss@example.com", PASSWORD)
    office.clock.advance(0.5)
    office.accounts.sessions.sign_in("boss@example.com", PASSWORD)
    assert office.actions()[-2:] == ["sign_in.block", "session.open"]


def test_each_further_failure_doubles_the_wait_and_success_forgets_it(office: Any) -> None:
    office.admin()
    _fail(office, 5)
    for wait in (30, 60, 120):
        with pytest.raises(TooManyAttempts) as caught:
            office.accounts.sessions.sign_in("boss@example.com", PASSWORD)
        assert caught.value.details["retry_after_s"] == wait
        office.clock.advance(wait)
        if wait < 120:
            _fail(office, 1)
    office.accounts.sessions.sign_in("boss@example.com", PASSWORD)
    _fail(office, 4)
    office.accounts.sessions.sign_in("boss@example.com", PASSWORD)


def test_guesses_during_a_block_do_not_lengthen_it(office: Any) -> None:
    office.admin()
    _fail(office, 5)
    for _ in range(20):
        with pytest.raises(TooManyAttempts):
            office.accounts.sessions.sign_in("boss@example.com", "wrong password")
    office.clock.advance(30)
    office.accounts.sessions.sign_in("boss@example.com", PASSWORD)


def test_an_account_that_does_not_exist_is_blocked_alike(office: Any) -> None:
    office.admin()
    _fail(office, 5, email="nobody@example.com")
    with pytest.raises(TooManyAttempts):
        office.accounts.sessions.sign_in("nobody@example.com", PASSWORD)
    assert "sign_in.block" not in office.actions()
    office.accounts.sessions.sign_in("boss@example.com", PASSWORD)


def test_guesses_at_the_same_moment_do_not_pass_the_block(office: Any) -> None:
    office.admin()
    answers: list[type[Exception]] = []

    def guess() -> None:
        try:
            office.accounts.sessions.sign_in("boss@example.com", "wrong password")
        except (NotSignedIn, TooManyAttempts) as error:
            answers.append(type(error))

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(NotSignedIn) == 5
    assert answers.count(TooManyAttempts) == 11


def test_one_address_that_tries_many_accounts_is_blocked(office: Any) -> None:
    office.admin()
    for number in range(FREE_FAILURES_OF_ADDRESS):
        if number == 20:
            # A right password in between takes back its own attempt only.
            office.accounts.sessions.sign_in("boss@example.com", PASSWORD, ip="192.0.2.7")
        _fail(office, 1, email=f"user{number}@example.com", ip="192.0.2.7")
    with pytest.raises(TooManyAttempts):
        office.accounts.sessions.sign_in("boss@example.com", PASSWORD, ip="192.0.2.7")
    office.accounts.sessions.sign_in("boss@example.com", PASSWORD, ip="192.0.2.8")


def test_failures_are_forgotten_after_a_day(office: Any) -> None:
    office.admin()
    _fail(office, 4)
    office.clock.advance(DAY + 1)
    _fail(office, 4)
    office.accounts.sessions.sign_in("boss@example.com", PASSWORD)
    with reading(office.engine) as session:
        assert session.exec(select(LoginAttempt)).all() == []


def test_a_weaker_hash_is_made_anew_when_its_owner_signs_in(office: Any) -> None:
    office.admin()
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    accounts = Accounts(office.engine, clock=office.clock, ids=office.accounts._records.ids, audit=office.audit, passwords=stronger)
    accounts.sessions.sign_in("boss@example.com", PASSWORD)
    with reading(office.engine) as session:
        stored = session.exec(select(User.password_hash)).one()
    assert stored and "m=16,t=2" in stored
    accounts.sessions.sign_in("boss@example.com", PASSWORD)


def test_a_session_is_new_each_time_and_only_its_hash_is_kept(office: Any) -> None:
    office.admin()
    made = [office.accounts.sessions.sign_in("boss@example.com", PASSWORD) for _ in range(2)]
    assert made[0].text != made[1].text
    assert made[0].text not in repr(made[0])
    with reading(office.engine) as session:
        kept = {row.id_hash for row in session.exec(select(UserSession))}
    assert not kept & {m.text for m in made}
    assert office.accounts.sessions.actor_for_session(made[0].text) == made[0].actor


@pytest.mark.parametrize("text", [None, "", "null", "x" * 43, "' OR 1=1 --", "x" * 100_000])
def test_what_is_no_session_is_refused(office: Any, text: str | None) -> None:
    office.admin()
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.actor_for_session(text)
    office.accounts.sessions.sign_out(text)


def test_the_hash_of_a_session_is_not_a_session(office: Any) -> None:
    office.admin()
    with reading(office.engine) as session:
        kept = session.exec(select(UserSession.id_hash)).one()
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.actor_for_session(kept)


def test_a_session_ends_after_twelve_silent_hours(office: Any) -> None:
    office.admin()
    text = office.accounts.sessions.sign_in("boss@example.com", PASSWORD).text
    for _ in range(3):
        office.clock.advance(11 * HOUR)
        office.accounts.sessions.actor_for_session(text)
    office.clock.advance(12 * HOUR)
    with pytest.raises(NotSignedIn, match="has ended"):
        office.accounts.sessions.actor_for_session(text)


def test_a_session_ends_after_seven_days_however_busy(office: Any) -> None:
    office.admin()
    text = office.accounts.sessions.sign_in("boss@example.com", PASSWORD).text
    for _ in range(7 * 24 - 1):
        office.clock.advance(HOUR)
        office.accounts.sessions.actor_for_session(text)
    office.clock.advance(HOUR)
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.actor_for_session(text)


def test_being_seen_is_written_at_most_once_a_minute(office: Any) -> None:
    office.admin()
    signed_in = office.accounts.sessions.sign_in("boss@example.com", PASSWORD)

    def seen() -> int:
        office.accounts.sessions.actor_for_session(signed_in.text)
        return next(s.last_seen_at for s in office.accounts.sessions.list(signed_in.actor) if s.expires_at == signed_in.expires_at)

    office.clock.advance(1)
    first = seen()
    office.clock.advance(58)
    assert seen() == first
    office.clock.advance(2)
    assert seen() == office.clock.now_us()


def test_on_a_full_disk_people_still_get_in_to_look(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = office.admin()
    session = office.accounts.sessions.sign_in("boss@example.com", PASSWORD).text
    token = office.accounts.tokens.create(admin, name="ci", roles=["viewer"]).text
    office.clock.advance(10 * MINUTE)

    def full(_engine: Any) -> Any:
        raise StorageUnavailable

    monkeypatch.setattr("engine.people.records.writing", full)
    assert office.accounts.sessions.actor_for_session(session).id == admin.id
    assert office.accounts.tokens.actor_for_token(token).user_id == admin.id


def test_signing_out_ends_the_session(office: Any) -> None:
    office.admin()
    text = office.accounts.sessions.sign_in("boss@example.com", PASSWORD).text
    office.accounts.sessions.sign_out(text)
    with pytest.raises(NotSignedIn):
        office.accounts.sessions.actor_for_session(text)
    office.accounts.sessions.sign_out(text)
    assert office.actions().count("session.close") == 1


def test_people_see_and_end_their_own_sessions_only(office: Any) -> None:
    admin = office.admin()
    ada = office.person(admin, "ada", Role.VIEWER)
    eve = office.person(admin, "eve", Role.VIEWER)
    [hers] = office.accounts.sessions.list(ada)
    with pytest.raises(Exception, match="You may not"):
        office.accounts.sessions.revoke(eve, hers.id)
    office.accounts.sessions.revoke(ada, hers.id)
    with pytest.raises(NotFound):
        office.accounts.sessions.revoke(ada, hers.id)
    office.accounts.sessions.sign_in("eve@example.com", PASSWORD, user_agent="x" * 5000)
    assert max(len(s.user_agent) for s in office.accounts.sessions.list(admin, user_id=eve.id)) == 200
    office.accounts.sessions.revoke_all(admin, user_id=eve.id)
    assert office.accounts.sessions.list(eve) == []


def test_sessions_that_are_over_are_cleared_away(office: Any) -> None:
    office.admin()
    office.clock.advance(8 * DAY)
    office.accounts.sessions.sign_in("boss@example.com", PASSWORD)
    with reading(office.engine) as session:
        assert len(session.exec(select(UserSession)).all()) == 1
