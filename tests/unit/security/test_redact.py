"""Blotting out secrets."""

import base64
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.security.redact import MARK, Redactor

SECRET = 'sk-Canary/+ "42"ü'


@pytest.fixture
def redactor() -> Redactor:
    return Redactor([SECRET])


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%22", "%22").replace("%C3%BC", "%c3%bc"),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        SECRET.encode().hex(),
        urlencode({"key": SECRET}),
    ],
)
def test_every_form_of_a_secret_is_blotted_out(redactor: Redactor, text: str) -> None:
    told = redactor.text(f"before {text} after")
    assert MARK in told
    assert "Canary" not in told
    assert text.strip('"=') not in told
    assert told.startswith("before ") and told.endswith(" after")


@given(before=st.binary(max_size=7), value=st.binary(min_size=8, max_size=40).map(lambda raw: raw.hex()), after=st.binary(max_size=7))
def test_a_secret_inside_a_base64_text_is_blotted_out(before: bytes, value: str, after: bytes) -> None:
    encoded = base64.b64encode(before + value.encode() + after).decode()
    told = Redactor([value]).text(encoded)
    assert MARK in told
    # What stays readable is less than a group at either side.
    left, _, right = told.partition(MARK)
    assert value.encode()[2:-2] not in base64.b64decode(left + "=" * (-len(left) % 4) if len(left) % 4 != 1 else left[:-1])
    assert len(left) + len(right) <= (len(before) + len(after)) * 4 / 3 + 8


def test_json_values_are_blotted_out_in_keys_and_depth(redactor: Redactor) -> None:
    value = {"a": [1, None, True, {SECRET: f"x{SECRET}y"}], "b": "kept"}
    assert redactor.value(value) == {"a": [1, None, True, {MARK: f"x{MARK}y"}], "b": "kept"}
    assert value["b"] == "kept"


def test_the_longer_of_two_secrets_is_blotted_out_whole() -> None:
    assert Redactor(["canary", "canary-long"]).text("canary-long canary") == f"{MARK} {MARK}"


def test_a_line_of_a_longer_secret_is_blotted_out() -> None:
    key = "-----BEGIN KEY-----\nMIIBVwIBADANBgkqhkiG9w0BAQEF\nshort\n-----END KEY-----"
    told = Redactor([key]).text("log: MIIBVwIBADANBgkqhkiG9w0BAQEF and short")
    assert told == f"log: {MARK} and short"


def test_too_short_values_are_left_alone() -> None:
    assert Redactor(["", "abc"]).text("abc abcd") == "abc abcd"


def test_nothing_known_changes_nothing() -> None:
    value = {"a": "b"}
    assert Redactor().value(value) is value
    assert Redactor().text("sk-abc") == "sk-abc"


def test_what_is_learnt_later_counts_and_nothing_is_forgotten(redactor: Redactor) -> None:
    redactor.know(["another-secret"])
    assert redactor.text(f"{SECRET} another-secret") == f"{MARK} {MARK}"


def test_special_signs_are_taken_literally() -> None:
    assert Redactor([".*+?"]).text("anything .*+?") == f"anything {MARK}"
    assert Redactor(["\ud800abcd"]).text("x\ud800abcd") == f"x{MARK}"
