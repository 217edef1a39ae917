"""Personal data in a text: addresses, phones, accounts, cards and identity papers, by their form and their check digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from engine.llm.checks.findings import Finding

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}(?![\w@])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{2,4}){3,8}(?:[ ]?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_PHONE = re.compile(r"(?<![\w+])(?<!\d[ -])(?:\+|00 ?)[1-9]\d{0,2}[ ./-]?(?:\(0?\d{1,5}\)[ ./-]?)?\d(?:[ ./-]?\d){5,12}(?!\w)")
_LOCAL_PHONE = re.compile(
    r"(?<![\w+-])(?<!\d[ -])\(?0[1-9]\d{1,4}\)?(?: ?/ ?|[ -])\d(?:[ -]?\d){4,9}(?![\w-])|"
    r"(?<![\w-])(?<!\d[ -])\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"
)
_US_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_UK_NINO = re.compile(r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b")
_ES_DNI = re.compile(r"\b(?:\d{8}|[XYZ]\d{7})-?[A-Z]\b")
_FR_NIR = re.compile(r"(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\d)")
_DE_TAX = re.compile(r"(?<!\d)[1-9]\d(?: ?\d{3}){3}(?!\d)")
_DATE = (
    r"(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d{2}|(?:19|20)\d{2}-\d{2}-\d{2}|"
    r"\d{1,2}(?:st|nd|rd|th|\.)? (?:of )?[A-Za-zä]{3,9}\.?,? (?:19|20)\d{2}|[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d{2})"
)
_BIRTH = re.compile(
    r"(?i:\b(?:born|birth ?day|date of birth|d\.?o\.?b\.?|geboren|geb\.|geburtsdatum|née? le|date de naissance|"
    r"fecha de nacimiento|naci[dó]\w*)"
    rf"[^\d\n]{{0,20}}?)({_DATE})(?![\d/]|-\d)"
)
_PAPER = re.compile(
    r"(?i:\b(?:passport|identity card|id card|national id|driving licen[cs]e|driver'?s licen[cs]e|personalausweis|reisepass|führerschein)"
    r"(?:nummer)?(?: (?:number|no\.?|nr\.?|is|#))*[ :#]{1,3})([A-Z0-9](?:[A-Z0-9]|[ -](?=[A-Z0-9])){5,17})(?!\w)"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(
    rf"(?<![\w.-])(?<!version )(?<!release )(?<!Version )(?<![Ss]ection )(?<!v\.)((?:{_OCTET}\.){{3}}{_OCTET})(?![\w-]|\.\d)"
)
_IPV6 = re.compile(r"(?<![\w:.])((?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4})(?![\w:])")
_WAY = (
    "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Square|Sq|Place|Pl|Terrace|Crescent|Close|"
    "Gardens|Highway|Hwy"
)
_STREET = re.compile(
    rf"(?<![\w.,$€£#-])(?<!\d )(\d{{1,5}}[A-Za-z]? (?:[NSEW]\.? )?(?:[A-Z][\w'’]{{1,20}}\.? ){{1,3}}(?:{_WAY})\b"
    rf"(?:,? (?:Apt|Apartment|Suite|Flat|Unit|#) ?\w{{1,5}})?(?:, [A-Z][\w ]{{2,25}}?(?:,? [A-Z]{{2}})?,? "
    rf"(?:\d{{5}}(?:-\d{{4}})?|[A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}))?)"
)
_STRASSE = re.compile(
    r"(?<!\w)((?:[A-ZÄÖÜ][a-zäöüß]{1,20}[ -]){0,2}[A-ZÄÖÜ][a-zäöüß]{0,24}"
    r"(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|damm|ufer|[ -]Stra(?:ß|ss)e|[ -]Allee|[ -]Platz)"
    r" \d{1,4}(?: ?[a-z](?!\w))?(?!\w)(?:,? (?:D-)?\d{4,5} [A-ZÄÖÜ][a-zäöüß]{2,24})?)"
)
_LENGTH_OF_IBAN = {
    "AT": 20, "BE": 16, "CH": 21, "DE": 22, "ES": 24, "FR": 27, "GB": 22, "IE": 22, "IT": 27, "LU": 20, "NL": 18, "PL": 28, "PT": 25,
}  # fmt: skip
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text tells of a person."""

    start: int
    end: int
    kind: str
    """One of `KINDS`."""
    what: str
    """In words for people."""


def personal_data(text: str) -> list[Finding]:
    """What in `text` tells of a person, each place once and masked, in the order of the text."""
    return [Finding(_masked(text[place.start : place.end]), place.what) for place in personal_places(text)]


def personal_places(text: str) -> list[Place]:
    """The places, none over another, in the order of the text."""
    found: list[Place] = []
    for kind, what, pattern, is_one in _KINDS:
        for match in pattern.finditer(text):
            # Where it can only be told by the words before it, those are no part of it.
            start, end = match.span(1 if pattern.groups else 0)
            if is_one(text[start:end]) and not any(start < other.end and other.start < end for other in found):
                found.append(Place(start, end, kind, what))
    return sorted(found, key=lambda place: place.start)


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


def _is_ip(text: str) -> bool:
    try:
        found = ip_address(text)
    except ValueError:
        return False
    # What stands for no machine tells of nobody.
    return not (found.is_unspecified or found.is_loopback)


def _has_digit(text: str) -> bool:
    return sum(sign.isdigit() for sign in text) >= 4


def _anything(_text: str) -> bool:
    return True


def _masked(text: str) -> str:
    return f"{text[:2]}…{text[-2:]}" if len(text) > 6 else "…"


# The stricter ones first: what has the right check digits is not a phone.
_KINDS: tuple[tuple[str, str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("email", "an e-mail address", _EMAIL, _anything),
    ("iban", "an account number (IBAN)", _IBAN, is_iban),
    ("id", "a Spanish identity number", _ES_DNI, _is_dni),
    ("id", "a French social security number", _FR_NIR, _is_nir),
    ("card", "the number of a payment card", _CARD, is_card),
    ("id", "a German tax number", _DE_TAX, _is_tax),
    ("id", "a US social security number", _US_SSN, _anything),
    ("id", "a British national insurance number", _UK_NINO, _anything),
    ("id", "the number of an identity paper", _PAPER, _has_digit),
    ("birth", "a date of birth", _BIRTH, _anything),
    ("ip", "an internet address", _IPV4, _is_ip),
    ("ip", "an internet address", _IPV6, _is_ip),
    ("address", "a street address", _STREET, _anything),
    ("address", "a street address", _STRASSE, _anything),
    ("phone", "a phone number", _PHONE, _anything),
    ("phone", "a phone number", _LOCAL_PHONE, _anything),
)
KINDS: dict[str, str] = {
    "email": "E-mail addresses",
    "phone": "Phone numbers",
    "iban": "Bank accounts (IBAN)",
    "card": "Payment cards",
    "id": "Identity and insurance numbers",
    "birth": "Dates of birth",
    "ip": "Internet addresses",
    "address": "Street addresses",
}
"""What can be found, in words for people."""
