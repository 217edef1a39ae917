"""What the checks find, and what they leave alone."""

import pytest

from engine.llm.checks.grounding import grounds_of, sentences_of
from engine.llm.checks.personal import is_card, is_iban, personal_data
from engine.llm.checks.politeness import rudeness
from engine.memory.embed import Embedder

SOURCE = """Cards that were lost are blocked within one minute. A new card costs 5 euros and arrives after 7 to 10 working days.
Maria Lindgren leads the support team in Malmö. Transfers above 1,250.50 euros need a second signature."""


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Write to jo.doe+x@mail.example.com today", "an e-mail address"),
        ("IBAN DE89 3704 0044 0532 0130 00, please", "an account number (IBAN)"),
        ("GB82WEST12345698765432", "an account number (IBAN)"),
        ("Card 4111 1111 1111 1111", "the number of a payment card"),
        ("5555-5555-5555-4444", "the number of a payment card"),
        ("Call +49 30 901820 now", "a phone number"),
        ("(415) 555-2671", "a phone number"),
        ("030 / 9018 2077", "a phone number"),
        ("SSN 536-90-4399", "a US social security number"),
        ("NI number AB 12 34 56 C", "a British national insurance number"),
        ("DNI 12345678Z", "a Spanish identity number"),
        ("2 55 08 14 168 025 38", "a French social security number"),
        ("Steuer-ID 86 095 742 719", "a German tax number"),
    ],
)
def test_personal_data_is_found_once_and_masked(text: str, what: str) -> None:
    (found,) = personal_data(text)
    assert found.why == what and "…" in found.text and len(found.text) <= 5


@pytest.mark.parametrize(
    "text",
    [
        "Order 1234567890123456 of 2026-11-30, 14:05",
        "IBAN DE89 3704 0044 0532 0130 01 (mistyped)",
        "4111 1111 1111 1112",
        "It costs 1,250.50 euros; see page 12 of 400.",
        "Version 10.20.30, invoice 2026-000123, room 0.12",
        "000-12-3456 and 12345678A",
        "write me @ work",
        "0000 0000 0000 0000",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert personal_data(text) == []


def test_check_digits() -> None:
    assert is_iban("NL91 ABNA 0417 1643 00") and not is_iban("NL91 ABNA 0417 1643 01") and not is_iban("DE89370400440532013")
    assert is_card("378282246310005") and not is_card("378282246310006") and not is_card("1234")


@pytest.mark.parametrize("text", ["You are an idiot.", "READ THE TERMS AGAIN", "Stop wasting our time.", "What?!?!", "Deal with it"])
def test_rude_texts_are_found(text: str) -> None:
    assert rudeness(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your patience!",
        "We are sorry that your card was lost.",
        "The IBAN and BIC are on the PDF.",
        "He shut the door.",
        "A fool-proof lock?",
    ],
)
def test_polite_texts_are_left_alone(text: str) -> None:
    assert rudeness(text) == []


@pytest.fixture(scope="module")
def embedder():
    made = Embedder()
    yield made
    made.close()


async def verdicts(embedder: Embedder, answer: str) -> dict[str, bool]:
    async def meaning(texts):
        return (await embedder.embed(texts)).tolist()

    return {v.sentence: v.is_supported for v in await grounds_of(answer, SOURCE, meaning)}


async def test_other_words_for_the_same_are_supported(embedder: Embedder) -> None:
    told = await verdicts(
        embedder,
        "Hello Sam! We block a lost card within one minute. Your new card arrives in 7 to 10 working days and costs 5 euros. "
        "The support team in Malmö is led by Maria Lindgren. Transfers of more than 1250.50 euros need a second signature. "
        "Can we help you with anything else?",
    )
    assert len(told) == 4 and all(told.values()), told


@pytest.mark.parametrize(
    "planted",
    [
        "A new card costs 15 euros.",
        "Your new card arrives after 3 working days.",
        "The support team in Oslo is led by Maria Lindgren.",
        "We offer a free airport lounge to every customer.",
        "Peter Novak leads the support team.",
    ],
)
async def test_a_planted_sentence_is_not(embedder: Embedder, planted: str) -> None:
    told = await verdicts(embedder, f"Lost cards are blocked within one minute. {planted}")
    assert told == {"Lost cards are blocked within one minute.": True, planted: False}


async def test_without_sources_or_claims_nothing_is_asked(embedder: Embedder) -> None:
    async def nobody(texts):
        raise AssertionError("asked")

    assert await grounds_of("Hello! Kind regards,\nAnn", SOURCE, nobody) == []
    assert [v.is_supported for v in await grounds_of("The card costs 5 euros.", "  ", nobody)] == [False]
    assert sentences_of("- One thing.\n- Two 1.5 things. Three!") == ["One thing.", "Two 1.5 things.", "Three!"]
