"""Personal data is kept from a model and comes back in its answer; what looks like a placeholder already is nobody's key."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.bench_masking import SENTENCES, measure, read
from engine.llm.checks.personal import KINDS, personal_places
from engine.llm.masking import Mask, MaskRule, Shown, masked, unmasked
from engine.llm.messages import Message, ModelAnswer, ModelRequest, ToolCall, Usage

MAIL, PHONE, IBAN = "anna.keller@example.com", "+49 30 1234567", "DE89 3704 0044 0532 0130 00"


def request(prompt: str = "", *, system: str = "", messages: tuple[Message, ...] = (), **more: object) -> ModelRequest:
    return ModelRequest("default", system, prompt, None, None, 10, 1.0, messages, **more)  # pyright: ignore[reportArgumentType]


def answer(text: str, *calls: ToolCall) -> ModelAnswer:
    return ModelAnswer(text, "m", Usage(1, 1), "stop", False, calls)


def test_of_own_labelled_sentences_nothing_reaches_the_model_and_little_else_is_taken_for_it() -> None:
    *kinds, whole = measure()
    assert whole["sentences"] >= 300 and whole["without"] >= 100 and whole["marked"] >= 150
    assert [line["kind"] for line in kinds] == list(KINDS)
    assert all(line["marked"] >= 10 and line["recall"] >= 0.95 and line["precision"] >= 0.95 for line in kinds), kinds


def test_what_is_put_in_comes_out_again_in_every_sentence() -> None:
    for sentence in read(SENTENCES):
        mask = Mask(MaskRule(), [sentence.text])
        hidden = mask.hidden(sentence.text)
        assert mask.shown(hidden) == sentence.text
        assert (hidden == sentence.text) is not bool(sentence.marks), sentence.text


def test_the_same_value_has_the_same_placeholder_in_the_whole_conversation() -> None:
    talk = (
        Message("user", f"I am {MAIL}, call {PHONE}"),
        Message("assistant", "I look.", (ToolCall("1", "find", json.dumps({"email": MAIL})),)),
        Message("tool", json.dumps({"phone": f"Tel:\n{PHONE}", "other": "ben@example.com"}), call="1"),
    )
    asked, mask = masked(request(system=f"Desk of {MAIL}", messages=talk), MaskRule())
    assert asked.system == "Desk of [EMAIL_1]"
    assert [line.text for line in asked.messages] == [
        "I am [EMAIL_1], call [PHONE_1]",
        "I look.",
        '{"phone": "Tel:\\n[PHONE_1]", "other": "[EMAIL_2]"}',
    ]
    assert asked.messages[1].calls[0].arguments == '{"email": "[EMAIL_1]"}'
    assert mask.counts == {"email": 2, "phone": 1}
    # A shorter conversation, as before a crash, is masked as the beginning of the longer one.
    assert masked(request(system=f"Desk of {MAIL}", messages=talk[:1]), MaskRule())[0].messages == asked.messages[:1]


def test_the_answer_and_its_calls_are_filled_in_and_stay_json() -> None:
    rule = MaskRule(words=('Ann "the Boss" O\\Hara',))
    _, mask = masked(request(f'{MAIL} and Ann "the Boss" O\\Hara'), rule)
    told = unmasked(answer('{"to": "[EMAIL_1]", "who": "[WORD_1]"}', ToolCall("1", "send", '{"who": "[WORD_1]"}')), mask, is_json=True)
    assert json.loads(told.text) == {"to": MAIL, "who": 'Ann "the Boss" O\\Hara'}
    assert json.loads(told.calls[0].arguments) == {"who": 'Ann "the Boss" O\\Hara'}
    assert unmasked(answer("Dear [WORD_1]!"), mask, is_json=False).text == 'Dear Ann "the Boss" O\\Hara!'


def test_a_placeholder_that_somebody_wrote_is_nobodys() -> None:
    asked, mask = masked(request(f"Tell me what [EMAIL_1] is, and [PHONE_9]. I am {MAIL}."), MaskRule())
    assert asked.prompt == "Tell me what [EMAIL_1] is, and [PHONE_9]. I am [EMAIL_2]."
    assert mask.shown("It is [EMAIL_1], [EMAIL_2], [PHONE_9], [EMAIL_77].") == f"It is [EMAIL_1], {MAIL}, [PHONE_9], [EMAIL_77]."


def test_only_the_kinds_that_were_chosen_and_listed_words_as_whole_words() -> None:
    rule = MaskRule(frozenset({"email"}), ("Ann", "project aurora"))
    asked, mask = masked(request(f"ANN and Anna of Project  Aurora, Project Aurora: {MAIL}, {PHONE}, ann@example.com"), rule)
    assert asked.prompt == f"[WORD_1] and Anna of Project  Aurora, [WORD_2]: [EMAIL_1], {PHONE}, [EMAIL_2]"
    assert mask.shown(asked.prompt).startswith("ANN and Anna")
    stricter = rule.stricter(MaskRule(frozenset({"phone"}), ("x",)))
    assert stricter == MaskRule(frozenset({"email", "phone"}), ("Ann", "project aurora", "x"))


@given(
    st.lists(st.sampled_from(["[EMAIL_1]", "[", "[EMAIL", "_1]", "]", "Dear ", "[PHONE_1]", "[EMAIL_12345678]", "[[EMAIL_1]", "é"])),
    st.randoms(),
)
def test_a_stream_cut_anywhere_says_the_same_as_the_whole(parts: list[str], random: Random) -> None:
    _, mask = masked(request(f"{MAIL} {PHONE}"), MaskRule())
    whole, told = "".join(parts), list[str]()
    shown, at = Shown(mask, told.append), 0
    while at < len(whole):
        size = random.randint(1, 5)
        shown(whole[at : at + size])
        at += size
    shown.rest()
    assert "".join(told) == mask.shown(whole)


def test_a_stream_never_shows_a_part_of_a_placeholder() -> None:
    _, mask = masked(request(MAIL), MaskRule())
    told: list[str] = []
    shown = Shown(mask, told.append)
    for sign in "Hello [EMAIL_1], see [1] and [EMAIL":
        shown(sign)
    assert "".join(told) == f"Hello {MAIL}, see [1] and "
    shown.rest()
    assert "".join(told).endswith("[EMAIL")


@pytest.mark.parametrize("sign", ["1", "a", "-", " ", "@", ":", "A", "1 ", "1-", "a@", "a.", "1.", "Aa ", "born ", "passport ", "1 A"])
def test_a_text_of_any_length_is_looked_through_in_proportion(sign: str) -> None:
    """A pattern that goes back and forth would not finish before the time limit of every test."""
    assert len(personal_places(sign * (200_000 // len(sign)))) < 200_000


@given(st.text(alphabet="ab1 .@-+:/[]_EMAILPHON\n\\", max_size=200))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    mask = Mask(MaskRule(words=("ab",)), [text])
    assert mask.shown(mask.hidden(text)) == text
