"""Each rule of the airline desk stops, or asks about, what it is there for; a write that keeps to the policy meets none of them."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from engine.expressions import ROOT_NAMES, ExpressionError, compile_expression
from engine.graph.validate import check
from engine.nodes.agents.call import judged
from engine.nodes.registry import Registry
from engine.schemas import check_schema, problems_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "airline"
DOCUMENT = json.loads((EXAMPLE / "workflow.json").read_text(encoding="utf-8"))
TOOLS = {tool["name"]: tool for tool in json.loads((EXAMPLE / "tools.json").read_text(encoding="utf-8"))}
DESK = {tool["tool"]: tool for node in DOCUMENT["nodes"] if node["kind"] == "agent" for tool in node["config"]["tools"]}
RULES = {name: tool["preconditions"] for name, tool in DESK.items() if "preconditions" in tool}
NAMES = ROOT_NAMES | {"arguments", "results", "said"}

CARD, GIFT, VOUCHER, OTHER = "credit_card_1", "gift_card_1", "certificate_1", "credit_card_2"
DATES = {"F1": "2024-05-20", "F2": "2024-05-24", "F3": "2024-05-21"}
OUT, BACK, NEW = ({"flight_number": number, "date": date} for number, date in DATES.items())
ADA, BOB = ({"first_name": name, "last_name": "Lee", "dob": "1990-01-01"} for name in ("Ada", "Bob"))
PROFILE = {
    "membership": "silver",
    "reservations": ["R1"],
    "payment_methods": {
        CARD: {"source": "credit_card", "last_four": "1234", "id": CARD},
        OTHER: {"source": "credit_card", "last_four": "9876", "id": OTHER},
        GIFT: {"source": "gift_card", "amount": 100, "id": GIFT},
        VOUCHER: {"source": "certificate", "amount": 50, "id": VOUCHER},
    },
}
RESERVATION = {
    "reservation_id": "R1", "user_id": "ada_lee_1", "origin": "JFK", "destination": "SEA", "flight_type": "round_trip", "cabin": "economy",
    "flights": [OUT | {"price": 100, "origin": "JFK", "destination": "SEA"}, BACK | {"price": 90, "origin": "SEA", "destination": "JFK"}],
    "passengers": [ADA, BOB], "payment_history": [{"payment_id": CARD, "amount": 380}], "created_at": "2024-05-15T10:00:00",
    "total_baggages": 1, "nonfree_baggages": 0, "insurance": "no",
}  # fmt: skip


def flight(number: str, origin: str, destination: str, **more: Any) -> dict[str, Any]:
    seats, prices = dict.fromkeys(("basic_economy", "economy", "business"), 9), {"basic_economy": 50, "economy": 100, "business": 300}
    told = {"flight_number": number, "origin": origin, "destination": destination, "status": "available"}
    return told | {"available_seats": seats, "prices": prices} | more


def called(tool: str, arguments: dict[str, Any], result: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments, "verdict": "allow", "result": result}


class Scene:
    """A conversation up to one write that keeps to the policy; tests spoil it in one place."""

    def __init__(self, tool: str, **arguments: Any) -> None:
        self.tool, self.arguments = tool, deepcopy(arguments)
        self.profile, self.reservation = deepcopy(PROFILE), deepcopy(RESERVATION)
        self.out, self.back, self.new = flight("F1", "JFK", "SEA"), flight("F2", "SEA", "JFK", date=DATES["F2"]), flight("F3", "JFK", "SEA")
        self.results = [
            called("get_user_details", {"user_id": "ada_lee_1"}, self.profile),
            called("get_reservation_details", {"reservation_id": "R1"}, self.reservation),
            called("search_direct_flight", {"origin": "JFK", "destination": "SEA", "date": "2024-05-20"}, [self.out]),
            called("search_direct_flight", {"origin": "JFK", "destination": "SEA", "date": "2024-05-21"}, [self.new]),
            called(
                "search_onestop_flight",
                {"origin": "SEA", "destination": "JFK", "date": "2024-05-24"},
                [[self.back | {"date": "2024-05-24"}]],
            ),
        ]
        self.said = [
            {"who": "user", "text": "I am ada_lee_1. My flight was cancelled and I want a voucher. I pay with the card ending in 1234."},
            {"who": "agent", "text": "Two bags, no insurance. Is that right?"},
            {"who": "user", "text": "Yes, please."},
        ]

    def says(self, text: str) -> None:
        """The customer says only this, and then yes."""
        self.said = [{"who": "user", "text": f"{text} I am ada_lee_1."}, *self.said[1:]]

    def without(self, tool: str) -> None:
        self.results = [result for result in self.results if result["tool"] != tool]

    def judge(self) -> list[bool | None]:
        """What each rule of the tool says: it holds, it does not, or that cannot be said."""
        scope = {"arguments": self.arguments, "results": self.results, "said": self.said, "vars": DOCUMENT["vars"]}
        return [_holds(rule["that"], scope) for rule in RULES[self.tool]]


def _holds(that: str, scope: dict[str, Any]) -> bool | None:
    expression = compile_expression(that, names=NAMES)
    try:
        value = expression.evaluate(scope)
    except ExpressionError:
        return None
    assert isinstance(value, bool), that
    return value


def booking() -> Scene:
    paid = [{"payment_id": GIFT, "amount": 100}, {"payment_id": CARD, "amount": 300}]
    trip = {"origin": "JFK", "destination": "SEA", "flight_type": "round_trip", "cabin": "economy", "flights": [OUT, BACK]}
    bags = {"total_baggages": 5, "nonfree_baggages": 1, "insurance": "no"}
    return Scene("book_reservation", user_id="ada_lee_1", passengers=[ADA, BOB], payment_methods=paid, **trip, **bags)


def cancelling() -> Scene:
    return Scene("cancel_reservation", reservation_id="R1")


def changing() -> Scene:
    return Scene("update_reservation_flights", reservation_id="R1", cabin="economy", flights=[NEW, BACK], payment_id=CARD)


def packing() -> Scene:
    return Scene("update_reservation_baggages", reservation_id="R1", total_baggages=5, nonfree_baggages=1, payment_id=CARD)


def renaming() -> Scene:
    return Scene("update_reservation_passengers", reservation_id="R1", passengers=[ADA, ADA])


def consoling() -> Scene:
    return Scene("send_certificate", user_id="ada_lee_1", amount=200)


BEGINNINGS = {make().tool: make for make in (booking, cancelling, changing, packing, renaming, consoling)}
Spoil = Callable[[Scene], Any]


def transferred(scene: Scene) -> None:
    scene.results.append(called("transfer_to_human_agents", {"summary": "…"}, "Transfer successful"))


def paid_with(*methods: tuple[str, int]) -> Spoil:
    return lambda s: s.arguments.update(payment_methods=[{"payment_id": name, "amount": amount} for name, amount in methods])


def last_words(text: str) -> Spoil:
    return lambda s: s.said.append({"who": "user", "text": text})


def profile_of_another(scene: Scene) -> None:
    scene.results.append(called("get_user_details", {"user_id": "eve_1"}, scene.profile))


def flown(scene: Scene) -> None:
    scene.reservation["flights"][0]["date"] = "2024-05-14"


def booked_long_ago(scene: Scene) -> None:
    scene.says("I have changed my plans.")
    scene.reservation["created_at"] = "2024-05-14T14:59:59"


def nothing_special(scene: Scene) -> None:
    scene.profile["membership"] = "regular"


COMMON: list[tuple[int, Spoil]] = [
    (1, transferred),
    (2, lambda s: s.without("get_reservation_details")),
    (3, lambda s: setattr(s, "said", [{"who": "user", "text": "My flight was cancelled, card ending in 1234."}, *s.said[1:]])),
    (4, profile_of_another),
    (5, lambda s: s.reservation.update(status="cancelled")),
]
A_CHANGE = [*COMMON, (6, last_words("I take the first one."))]
SPOILED: dict[str, list[tuple[int, Spoil]]] = {
    "book_reservation": [
        (1, transferred),
        (2, lambda s: s.without("get_user_details")),
        (3, last_words("I take the first one.")),
        (4, lambda s: s.arguments.update(passengers=[ADA] * 6)),
        (5, paid_with(("credit_card_3", 400))),
        (6, paid_with((VOUCHER, 50), ("certificate_2", 350))),
        (7, paid_with((CARD, 200), (OTHER, 200))),
        (8, paid_with((GIFT, 1), ("gift_card_2", 1), ("gift_card_3", 1), ("gift_card_4", 1))),
        (9, paid_with((GIFT, 101))),
        (9, paid_with((VOUCHER, 51))),
        (10, paid_with((OTHER, 400))),
        (11, lambda s: s.arguments.update(nonfree_baggages=0)),
        (11, lambda s: s.arguments.update(total_baggages=4)),
        (11, lambda s: s.profile.update(membership="gold")),
        (11, lambda s: s.arguments.update(cabin="business")),
        (12, lambda s: setattr(s, "said", [s.said[0], {"who": "agent", "text": "No insurance?"}, s.said[2]])),
        (13, lambda s: setattr(s, "said", [s.said[0], {"who": "agent", "text": "Two bags?"}, s.said[2]])),
        (14, lambda s: s.arguments.update(flights=[OUT | {"date": "2024-05-22"}, BACK])),
        (15, lambda s: s.out.update(status="delayed")),
        (15, lambda s: s.new.update(s.arguments.update(flights=[NEW, BACK]) or {"available_seats": {"economy": 1}})),
    ],
    "cancel_reservation": [
        *COMMON,
        (6, flown),
        (7, lambda s: flown(s) or s.reservation.update(cabin="business")),
        (8, booked_long_ago),
        (8, lambda s: booked_long_ago(s) or s.reservation.update(cabin="basic_economy")),
        (9, lambda s: booked_long_ago(s) or s.reservation.update(insurance="yes")),
    ],
    "update_reservation_flights": [
        *A_CHANGE,
        (7, lambda s: s.reservation.update(cabin="basic_economy")),
        (8, lambda s: s.arguments.update(flights=[NEW | {"date": "2024-05-22"}, BACK])),
        (9, lambda s: s.new["available_seats"].update(economy=1)),
        (9, lambda s: s.new.update(status="flying")),
        (10, lambda s: s.new.update(origin="BOS")),
        (11, lambda s: s.arguments.update(flights=[NEW])),
        (12, lambda s: s.arguments.update(cabin="business") or s.without("search_onestop_flight")),
        (13, lambda s: s.arguments.update(payment_id=VOUCHER)),
        (14, lambda s: s.arguments.update(payment_id="gift_card_7")),
        (15, lambda s: s.arguments.update(payment_id=OTHER)),
        (15, lambda s: s.without("get_user_details")),
        (16, lambda s: s.says("Another day, please.")),
    ],
    "update_reservation_baggages": [
        *A_CHANGE,
        (7, lambda s: s.reservation.update(total_baggages=6)),
        (8, lambda s: s.arguments.update(nonfree_baggages=0)),
        (8, lambda s: s.arguments.update(nonfree_baggages=2)),
        (9, lambda s: s.arguments.update(payment_id=VOUCHER)),
        (10, lambda s: s.arguments.update(payment_id="gift_card_7")),
        (11, lambda s: s.arguments.update(payment_id=OTHER)),
        (12, lambda s: s.arguments.update(payment_id=GIFT) or s.profile["payment_methods"][GIFT].update(amount=49)),
        (13, lambda s: s.says("Five bags, please.")),
    ],
    "update_reservation_passengers": [*A_CHANGE, (7, lambda s: s.arguments.update(passengers=[ADA]))],
    "send_certificate": [
        (1, transferred),
        (2, lambda s: s.without("get_user_details")),
        (3, lambda s: s.without("get_reservation_details")),
        (4, nothing_special),
        (5, lambda s: s.says("I am not happy, I want a voucher.")),
        (6, lambda s: s.arguments.update(amount=300)),
        (7, lambda s: s.says("My flight is delayed, I want a voucher.")),
        (8, lambda s: s.said.insert(0, {"who": "agent", "text": "Do you want a certificate?"})),
    ],
}  # fmt: skip
CASES = [(tool, number, spoil) for tool, cases in SPOILED.items() for number, spoil in cases]


def test_the_document_has_no_errors_and_its_tools_are_described() -> None:
    assert [problem for problem in check(DOCUMENT, Registry.builtin()).problems if problem.severity == "error"] == []
    assert sorted(DESK) == sorted(TOOLS)
    assert not any(check_schema(tool["parameters"]) for tool in TOOLS.values())
    for name, tool in DESK.items():
        assert tool["policy"] == ("ask" if name in RULES else "auto")
        assert (TOOLS[name]["effect"] == "unsafe") == (name in RULES or name == "transfer_to_human_agents")


@pytest.mark.parametrize("tool", RULES)
def test_a_write_that_keeps_to_the_policy_meets_no_rule_and_waits_for_a_person(tool: str) -> None:
    scene = BEGINNINGS[tool]()
    assert problems_of(scene.arguments, TOOLS[tool]["parameters"]) == []
    assert scene.judge() == [True] * len(RULES[tool])
    rules = [{**rule, "holds": True} for rule in RULES[tool]]
    assert judged({"tool": tool, "arguments": {}, "problems": [], "is_writing": True}, DESK[tool], rules)[0] == "ask"


@pytest.mark.parametrize(("tool", "number", "spoil"), CASES, ids=[f"{tool}-{number}" for tool, number, _ in CASES])
def test_each_rule_notices_what_it_is_there_for(tool: str, number: int, spoil: Spoil) -> None:
    scene = BEGINNINGS[tool]()
    spoil(scene)
    found = scene.judge()
    assert found[number - 1] is False, RULES[tool][number - 1]["because"]


@pytest.mark.parametrize("tool", RULES)
def test_no_rule_is_without_a_case(tool: str) -> None:
    assert {number for number, _ in SPOILED[tool]} == set(range(1, len(RULES[tool]) + 1))


ALLOWED: list[tuple[str, Callable[[], Scene], Spoil]] = [
    ("business may be cancelled late", cancelling, lambda s: booked_long_ago(s) or s.reservation.update(cabin="business")),
    ("so may what the airline cancelled", cancelling, lambda s: booked_long_ago(s) or s.says("The airline cancelled my flight.")),
    ("or what is insured, for health", cancelling,
     lambda s: booked_long_ago(s) or s.says("I am sick.") or s.reservation.update(insurance="yes")),
    ("a cabin may be changed with the flights as they are", changing,
     lambda s: s.reservation.update(cabin="basic_economy") or s.arguments.update(flights=[OUT, BACK])),
    ("flights may be changed once the cabin was", changing,
     lambda s: s.reservation.update(cabin="basic_economy")
     or s.results.append(called("update_reservation_flights", {"reservation_id": "R1", "cabin": "economy"}, s.reservation))),
    ("a flight that is kept needs no seats and no search", changing,
     lambda s: s.arguments.update(flights=[OUT, BACK]) or s.without("search_onestop_flight") or s.out["available_seats"].update(economy=0)),
    ("what it was paid with can be used without the profile", changing,
     lambda s: s.without("get_user_details") or s.says("Use the original payment method.")),
    ("a gift card that holds enough pays for bags", packing, lambda s: s.arguments.update(payment_id=GIFT)),
    ("a look-up that failed later changes nothing", packing,
     lambda s: s.results.append(called("get_user_details", {"user_id": "ada"}, "Error: user not found"))),
    ("nor does a search that failed", changing,
     lambda s: [s.results.append(called("search_direct_flight", {"date": "2024-05-21"}, told)) for told in ("Error: none", None)]),
    ("a yes in other words is one", booking, last_words("Looks good, go ahead!")),
    ("a delay is worth half", consoling, lambda s: s.says("My flight was delayed, I want a voucher.") or s.arguments.update(amount=100)),
    ("a regular member in business is compensated", consoling, lambda s: nothing_special(s) or s.reservation.update(cabin="business")),
]  # fmt: skip


@pytest.mark.parametrize(("make", "spoil"), [case[1:] for case in ALLOWED], ids=[case[0] for case in ALLOWED])
def test_what_the_policy_allows_is_not_stopped(make: Callable[[], Scene], spoil: Spoil) -> None:
    scene = make()
    spoil(scene)
    broken = [n + 1 for n, (rule, holds) in enumerate(zip(RULES[scene.tool], scene.judge(), strict=True)) if holds is False]
    assert broken == []


@pytest.mark.parametrize("tool", RULES)
def test_a_long_conversation_does_not_use_up_what_an_expression_may_do(tool: str) -> None:
    scene = BEGINNINGS[tool]()
    for number in range(20):
        more = [flight(f"G{number}{place}", "BOS", "LAX") for place in range(8)]
        scene.results.insert(0, called("search_direct_flight", {"origin": "BOS", "destination": "LAX", "date": "2024-05-20"}, more))
        scene.said.insert(1, {"who": "agent", "text": "And another day? " * 40})
    assert scene.judge() == [True] * len(RULES[tool])
