"""Personal data in a text: addresses, phones, accounts, cards and identity papers, by their form and their check digits."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.llm.checks.findings import Finding

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}(?![\w@])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{2,4}){3,8}(?:[ ]?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_PHONE = re.compile(r"(?<![\w+])(?<!\d[ -])(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(0?\d{1,5}\)[ ./-]?)?\d(?:[ ./-]?\d){5,12}(?!\w)")
_LOCAL_PHONE = re.compile(
    r"(?<![\w+-])(?<!\d[ -])\(?0[1-9]\d{1,4}\)?(?: ?/ ?|[ -])\d(?:[ -]?\d){4,9}(?![\w-])|"
    r"(?<![\w-])(?<!\d[ -])\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"
)
_US_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_UK_NINO = re.compile(r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b")
_ES_DNI = re.compile(r"\b(?:\d{8}|[XYZ]\d{7})-?[A-Z]\b")
_FR_NIR = re.compile(r"(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\d)")
_DE_TAX = re.compile(r"(?<!\d)[1-9]\d(?: ?\d{3}){3}(?!\d)")
_LENGTH_OF_IBAN = {
    "AT": 20, "BE": 16, "CH": 21, "DE": 22, "ES": 24, "FR": 27, "GB": 22, "IE": 22, "IT": 27, "LU": 20, "NL": 18, "PL": 28, "PT": 25,
}  # fmt: skip
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def personal_data(text: str) -> list[Finding]:
    """What in `text` tells of a person, each place once and masked, in the order of the text."""
    taken: list[tuple[int, int]] = []
    found: list[tuple[int, Finding]] = []
    for what, pattern, is_one in _KINDS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if is_one(match.group()) and not any(start < b and a < end for a, b in taken):
                taken.append((start, end))
                found.append((start, Finding(_masked(match.group()), what)))
    return [finding for _, finding in sorted(found, key=lambda item: item[0])]


def is_iban(text: str) -> bool:
    """Whether it is an account number by its length and its check digits (ISO 13616)."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34 or len(plain) != _LENGTH_OF_IBAN.get(plain[:2], len(plain)):
        return False
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether it is the number of a payment card by its first digits, its length and the check digit of Luhn (ISO/IEC 7812)."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) == 1:
        return False
    doubled = [digit if i % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2) for i, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _is_dni(text: str) -> bool:
    plain = text.replace("-", "")
    number = str("XYZ".index(plain[0])) + plain[1:-1] if plain[0] in "XYZ" else plain[:-1]
    return _DNI_LETTERS[int(number) % 23] == plain[-1]


def _is_nir(text: str) -> bool:
    plain = text.replace(" ", "")
    body = plain[:-2].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(plain[-2:])


def _is_tax(text: str) -> bool:
    """The German tax number: ISO 7064 MOD 11,10, and one digit of the first ten stands twice or three times."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    if len(set(digits[:10])) not in (8, 9):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == digits[10]


def _anything(_text: str) -> bool:
    return True


def _masked(text: str) -> str:
    return f"{text[:2]}…{text[-2:]}" if len(text) > 6 else "…"


# The stricter ones first: what has the right check digits is not a phone.
_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("an e-mail address", _EMAIL, _anything),
    ("an account number (IBAN)", _IBAN, is_iban),
    ("a Spanish identity number", _ES_DNI, _is_dni),
    ("a French social security number", _FR_NIR, _is_nir),
    ("the number of a payment card", _CARD, is_card),
    ("a German tax number", _DE_TAX, _is_tax),
    ("a US social security number", _US_SSN, _anything),
    ("a British national insurance number", _UK_NINO, _anything),
    ("a phone number", _PHONE, _anything),
    ("a phone number", _LOCAL_PHONE, _anything),
)
