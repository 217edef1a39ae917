"""workflow.md, part "Node kinds": each kind's config, ports and outputs."""

import asyncio
from typing import Any

import pytest

from engine.errors import AlreadyDecided, Invalid, NotAllowed, SelfApproval, StaleApproval
from tests.acceptance.by_contract import (
    EXAMPLE,
    START,
    canonical_digest,
    decide,
    doc,
    ends,
    errors,
    item,
    link,
    node,
    problems,
    run,
    sets,
    steps,
    straight,
    waits,
)
from tests.fakes import provider as fake
from tests.fakes.provider import FakeProvider
from tests.integration.modelled import ANN, opened, published, rested, until
from tests.integration.running import BEA, CY

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the '.*' attribute on the instance is deprecated")


@pytest.fixture
async def engine(tmp_path):
    async with opened(tmp_path, None) as it:
        yield it


@pytest.fixture
async def modelled(tmp_path):
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as it:
            yield it, provider


# start, end, set


async def test_start_gives_the_inputs_and_end_the_output(engine) -> None:
    view = await run(engine, straight(ends(a="inputs.a", b="nodes.start.a", c="nodes.start")), a=[1])
    assert (view.status, view.output, view.inputs) == ("succeeded", {"a": [1], "b": [1], "c": {"a": [1]}}, {"a": [1]})


async def test_inputs_must_fit_the_schema(engine) -> None:
    schema = {"type": "object", "required": ["m"], "properties": {"m": {"type": "string"}, "n": {"type": "integer"}}}
    document = doc([node("start", "start", {"inputs": schema}), ends(m="inputs.m")], ["start -> done"])
    workflow = await published(engine, document)
    for bad in ({}, {"m": 1}, {"m": "x", "n": 1.5}, [], "x"):
        with pytest.raises(Invalid):
            await engine.runs.start(ANN, workflow, inputs=bad)
    started = await engine.runs.start(ANN, workflow, inputs={"m": "x", "n": 2.0, "more": 1})
    assert (await rested(engine, started.run_id)).output == {"m": "x"}


async def test_an_end_without_output_gives_an_empty_object(engine) -> None:
    assert (await run(engine, straight(node("done", "end")))).output == {}


async def test_an_end_of_outcome_failure_makes_the_run_failed(engine) -> None:
    view = await run(engine, straight(node("bad", "end", {"outcome": "failure", "output": {"x": "1"}})))
    assert (view.status, bool(view.reason), view.output) == ("failed", True, {"x": 1})


# branch


@pytest.mark.parametrize(("n", "case"), [(5, "big"), (2, "mid"), (0, "else")])
async def test_a_branch_takes_the_first_case_that_holds_and_else_otherwise(engine, n: int, case: str) -> None:
    cases = [{"port": "big", "label": "big one", "when": "inputs.n > 3"}, {"port": "mid", "when": "inputs.n > 1"}]
    document = doc(
        [START, node("b", "branch", {"cases": cases}), *[ends(p, took=f'"{p}"', case="nodes.b.case") for p in ("big", "mid", "other")]],
        ["start -> b", "b.big -> big", "b.mid -> mid", "b.else -> other"],
    )
    assert (await run(engine, document, n=n)).output == {"took": case if case != "else" else "other", "case": case}


@pytest.mark.parametrize(
    ("when", "case"),
    [("0", "else"), ('""', "else"), ("[]", "else"), ("null", "else"), ("{}", "else"), ("1", "x"), ("[0]", "x"), ('"0"', "x")],
)
async def test_conditions_are_true_as_values_are(engine, when: str, case: str) -> None:
    document = straight(node("b", "branch", {"cases": [{"port": "x", "when": when}]}))
    document["nodes"].append(ends(c="nodes.b.case"))
    document["edges"] += [link("b.x -> done"), link("b.else -> done")]
    assert (await run(engine, document)).output == {"c": case}


# classify


def classifying(**config: Any) -> dict[str, Any]:
    labels = [
        {"port": "lost", "description": "card lost or stolen", "examples": ["I lost my card", "my card was stolen"]},
        {"port": "fee", "description": "a fee was charged", "examples": ["why was I charged a fee", "there is a strange fee"]},
    ]
    nodes = [
        START,
        node("c", "classify", {"text": "{{ inputs.m }}", "labels": labels, **config}),
        *[ends(p, took=f'"{p}"', c="nodes.c") for p in ("lost", "fee", "unsure")],
    ]
    return doc(nodes, ["start -> c", "c.lost -> lost", "c.fee -> fee", "c.unsure -> unsure"])


@pytest.mark.parametrize(("m", "label"), [("help, my card has been stolen!", "lost"), ("what is this fee you charged me", "fee")])
async def test_classify_finds_the_label_by_meaning(engine, m: str, label: str) -> None:
    out = (await run(engine, classifying(), m=m)).output
    assert (out["took"], out["c"]["label"], set(out["c"])) == (label, label, {"label", "confidence", "scores"})
    assert set(out["c"]["scores"]) == {"lost", "fee"} and out["c"]["scores"][label] == out["c"]["confidence"]


async def test_below_min_confidence_classify_leaves_by_unsure(engine) -> None:
    out = (await run(engine, classifying(min_confidence=1), m="bananas are yellow")).output
    assert out["took"] == "unsure" and out["c"]["label"] in ("lost", "fee")


async def test_classify_by_model_asks_the_model(modelled) -> None:
    engine, provider = modelled
    provider.then(fake.value({"label": "fee", "confidence": 0.9}))
    view = await run(engine, classifying(method="model"), m="x")
    assert (view.output["took"], view.output["c"]["confidence"], view.spent["llm_calls"]) == ("fee", 0.9, 1)
    provider.then(fake.value({"label": "fee", "confidence": 0.1}))
    assert (await run(engine, classifying(method="model"), m="x")).output["took"] == "unsure"


async def test_labels_and_examples_are_templates(engine) -> None:
    labels = [{"port": "a", "description": "{{ inputs.d }}", "examples": ["{{ inputs.e }}"]}, {"port": "b", "description": "bananas"}]
    document = doc(
        [START, node("c", "classify", {"text": "I lost my card", "labels": labels}), ends(c="nodes.c.label")],
        ["start -> c", "c.a -> done", "c.b -> done", "c.unsure -> done"],
    )
    assert (await run(engine, document, d="card lost", e="I lost my card")).output == {"c": "a"}


# llm


async def test_llm_gives_text_json_model_and_usage(modelled) -> None:
    engine, provider = modelled
    provider.then(fake.text("Hello Ann"))
    view = await run(
        engine,
        straight(node("l", "llm", {"system": "Be {{ inputs.how }}.", "prompt": "Hi {{ inputs.x }}", "temperature": 0}), ends(o="nodes.l")),
        how="kind",
        x={"a": 1},
    )
    out = view.output["o"]
    assert (out["text"], out["json"], out["model"], set(out)) == ("Hello Ann", None, "fake-1", {"text", "json", "model", "usage"})
    body = provider.calls[-1].body
    assert (
        [m["content"] for m in body["messages"]] == ["Be kind.", 'Hi {"a":1}'] and body["max_tokens"] == 1024 and body["temperature"] == 0
    )
    assert view.spent["llm_calls"] == 1 and view.spent["tokens"] == provider.total_tokens() and view.spent["cost_usd"] > 0


async def test_llm_with_output_schema_gives_json_and_refuses_what_does_not_fit(modelled) -> None:
    engine, provider = modelled
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    document = straight(node("l", "llm", {"prompt": "x", "output": schema}), ends(n="nodes.l.json.n", t="nodes.l.text"))
    provider.then(fake.text('{"n": 4}'))
    assert (await run(engine, document)).output == {"n": 4, "t": '{"n": 4}'}
    provider.then(fake.text('{"n": "four"}'))
    view = await run(engine, document)
    assert view.status == "failed"
    provider.then(fake.text("nope"), fake.text('{"n": 5}'))
    document["nodes"][1] |= {"retry": {"attempts": 2, "backoff_s": 0.01, "factor": 1}}
    document["nodes"][1]["config"] |= {"repairs": 0}
    workflow = await published(engine, document)
    started = await engine.runs.start(ANN, workflow)
    view = await until(engine, started.run_id, lambda r: r.ended_at is not None)
    assert view.output["n"] == 5 and (await steps(engine, view))["l"].attempt == 2 and view.spent["steps"] == 4


async def test_a_fallback_model_answers_when_the_first_does_not(modelled) -> None:
    engine, provider = modelled
    provider.model("fake-1", fake.failing(500)).model("fake-2", fake.text("second"))
    view = await run(
        engine, straight(node("l", "llm", {"prompt": "x", "fallback_models": ["fake-2"]}), ends(t="nodes.l.text", m="nodes.l.model"))
    )
    assert view.output == {"t": "second", "m": "fake-2"}


async def test_fallback_models_are_templates(modelled) -> None:
    engine, provider = modelled
    provider.model("fake-1", fake.failing(500)).model("fake-2", fake.text("second"))
    view = await run(
        engine, straight(node("l", "llm", {"prompt": "x", "fallback_models": ["{{ inputs.m }}"]}), ends(m="nodes.l.model")), m="fake-2"
    )
    assert view.output == {"m": "fake-2"}


async def test_max_tokens_shrink_down_to_64_before_the_limit_is_met(modelled) -> None:
    engine, provider = modelled
    view = await run(engine, straight(node("l", "llm", {"prompt": "x"}), ends(t="nodes.l.text"), limits={"tokens": 300}))
    assert view.status == "succeeded" and 64 <= provider.calls[-1].body["max_tokens"] < 300
    view = await run(engine, straight(node("l", "llm", {"prompt": "x"}), ends(), limits={"tokens": 64}))
    assert view.status == "stopped" and "tokens" in view.reason and len(provider.calls) == 1


# notify, fail


async def test_notify_delivers(engine) -> None:
    assert (
        await run(engine, straight(node("n", "notify", {"subject": "s", "message": "{{ inputs.m }}"}), ends(d="nodes.n.delivered")), m="x")
    ).output == {"d": True}


async def test_notify_by_a_channel_that_is_not_set_up_says_that_it_was_not_delivered(engine) -> None:
    view = await run(
        engine, straight(node("n", "notify", {"channel": "ops", "message": "m"}, on_error="port"), ends(d="nodes.n.delivered"))
    )
    found = (await steps(engine, view))["n"]
    assert found.error is not None or found.outputs == {"delivered": False}


async def test_fail_ends_the_run_as_failed_with_its_message(engine) -> None:
    view = await run(engine, straight(node("f", "fail", {"message": "No {{ inputs.what }}"})), what="money")
    assert view.status == "failed" and "No money" in view.reason and (await steps(engine, view))["f"].error["message"] == "No money"


# approval


def approving(*after: dict[str, Any], **config: Any) -> dict[str, Any]:
    nodes = [
        START,
        sets("d", text='"Dear Sir"', n="7"),
        node("ok", "approval", {"title": "Send?", **config}),
        ends("yes", o="nodes.ok", p='"approved"'),
        ends("no", o="nodes.ok", p='"rejected"'),
        ends("late", o="nodes.ok", p='"expired"'),
    ]
    return doc(nodes, ["start -> d", "d -> ok", "ok.approved -> yes", "ok.rejected -> no", "ok.expired -> late"])


async def test_an_approval_shows_its_card_and_the_digest_can_be_computed_from_it(engine) -> None:
    view = await waits(
        engine,
        approving(message="About {{ nodes.d.n }}", show={"n": "nodes.d.n", "ö": "[1.5, null, 'ü']"}, editable={"reply": "nodes.d.text"}),
    )
    card = await item(engine, view)
    assert (card.type, card.status, card.choices, card.title, card.message, card.run_id, card.path) == (
        "approval",
        "pending",
        ["approve", "reject"],
        "Send?",
        "About 7",
        view.id,
        "ok",
    )
    assert (card.show, card.editable, card.action) == ({"n": 7, "ö": [1.5, None, "ü"]}, {"reply": "Dear Sir"}, None)
    assert card.digest == canonical_digest({"title": card.title, "message": card.message, "show": card.show, "editable": card.editable})
    assert view.reason


@pytest.mark.parametrize(("decision", "port"), [("approve", "approved"), ("reject", "rejected")])
async def test_an_approval_leaves_by_the_decision_with_all_editable_values(engine, decision: str, port: str) -> None:
    view = await waits(engine, approving(editable={"reply": "nodes.d.text", "n": "nodes.d.n"}))
    view = await decide(engine, view, decision, values={"reply": "Dear Madam"}, reason="politer")
    out = view.output["o"]
    assert (view.output["p"], out["decision"], out["reason"], out["values"]) == (port, port, "politer", {"reply": "Dear Madam", "n": 7})
    assert out["by"] and set(out) == {"decision", "by", "reason", "values"}


@pytest.mark.parametrize(
    ("config", "port"), [({}, "expired"), ({"on_expire": "rejected"}, "rejected"), ({"on_expire": "approved"}, "approved")]
)
async def test_an_approval_that_nobody_answers_expires(engine, config: dict[str, Any], port: str) -> None:
    started = await engine.runs.start(ANN, await published(engine, approving(expires_after_s=0.05, editable={"r": "1"}, **config)))
    view = await until(engine, started.run_id, lambda r: r.ended_at is not None)
    assert (view.output["p"], view.output["o"]["values"], view.output["o"]["by"]) == (port, {"r": 1}, None)


async def test_a_wrong_digest_a_second_decision_and_unknown_values_are_refused(engine) -> None:
    view = await waits(engine, approving(editable={"a": "1"}))
    card = await item(engine, view)
    with pytest.raises(StaleApproval):
        await engine.approvals.decide(ANN, card.id, decision="approve", digest="0" * 64)
    with pytest.raises(Invalid):
        await engine.approvals.decide(ANN, card.id, decision="approve", digest=card.digest, values={"b": 1})
    with pytest.raises(Invalid):
        await engine.approvals.decide(ANN, card.id, decision="submit", digest=card.digest)
    await engine.approvals.decide(ANN, card.id, decision="approve", digest=card.digest)
    with pytest.raises(AlreadyDecided):
        await engine.approvals.decide(ANN, card.id, decision="approve", digest=card.digest)


async def test_only_the_approvers_decide_and_their_names_may_come_from_the_run(engine) -> None:
    view = await waits(engine, approving(approvers={"users": ["{{ inputs.boss }}"]}), boss="bea@example.com")
    card = await item(engine, view)
    assert card.approvers["users"] == ["bea@example.com"]
    with pytest.raises(NotAllowed):
        await engine.approvals.decide(CY, card.id, decision="approve", digest=card.digest)
    assert (await decide(engine, view, actor=BEA)).status == "succeeded"


async def test_under_four_eyes_the_starter_and_the_last_editor_cannot_decide(engine) -> None:
    document = approving(approvers={"four_eyes": True})
    workflow = await published(engine, document)
    started = await engine.runs.start(BEA, workflow)
    view = await until(engine, started.run_id, lambda r: r.status == "waiting")
    card = await item(engine, view)
    for concerned in (ANN, BEA):
        with pytest.raises(SelfApproval):
            await engine.approvals.decide(concerned, card.id, decision="approve", digest=card.digest)
    assert (await decide(engine, view, actor=CY)).status == "succeeded"


async def test_a_quorum_needs_as_many_people(engine) -> None:
    view = await waits(engine, approving(approvers={"quorum": 2}))
    assert (await decide(engine, view, actor=BEA)).status == "waiting"
    with pytest.raises(AlreadyDecided):
        await decide(engine, view, actor=BEA)
    assert (await decide(engine, view, actor=CY)).output["p"] == "approved"


def acting(action: dict[str, Any], *beside: dict[str, Any], edges: tuple[Any, ...] = (), **config: Any) -> dict[str, Any]:
    nodes = [
        START,
        sets("d", text='"Dear Sir"'),
        node("ok", "approval", {"title": "Send?", "action": "act", **config}),
        {"id": "act", **action},
        ends(),
        *beside,
    ]
    return doc(nodes, ["start -> d", "d -> ok", "ok.approved -> act", "act -> done", *edges])


MESSAGE = {"kind": "notify", "config": {"subject": "s", "message": "{{ nodes.ok.values.reply }}"}}


async def test_the_digest_of_an_action_can_be_computed_from_the_card(engine) -> None:
    view = await waits(engine, acting(MESSAGE, editable={"reply": "nodes.d.text"}))
    card = await item(engine, view)
    action = card.action
    assert (action["node"], action["kind"]) == ("act", "notify")
    assert action["config"] == {"channel": "app", "subject": "s", "message": "Dear Sir"}
    assert card.digest == canonical_digest(
        {"node": action["node"], "kind": action["kind"], "config": action["config"], "editable": card.editable}
    )
    view = await decide(engine, view, values={"reply": "Dear Madam"})
    assert view.status == "succeeded"
    found = await steps(engine, view)
    assert found["act"].inputs["message"] == "Dear Madam"
    (done,) = [i for i in (await engine.approvals.list(ANN)).items if i.run_id == view.id]
    assert done.status == "done"


async def test_an_action_whose_numbers_are_floats_has_a_digest_that_strangers_can_compute(engine) -> None:
    values = {"a": "1e16", "b": "1e-7", "c": "0.1", "d": "1.0", "e": "123456789012345680000.0", "f": "-0.0", "g": "5e-324", "h": "1e22"}
    view = await waits(engine, acting(MESSAGE, editable={"reply": "nodes.d.text", "x\u007f\u2028": '"\\t\\u0001\\u007f/\\\\"', **values}))
    card = await item(engine, view)
    action = card.action
    assert card.digest == canonical_digest(
        {"node": action["node"], "kind": action["kind"], "config": action["config"], "editable": card.editable}
    )


async def test_what_changed_while_the_card_waited_voids_the_consent_and_is_asked_again(modelled) -> None:
    engine, provider = modelled
    provider.then(fake.slow(0.6, "late news"))
    action = {"kind": "notify", "config": {"message": "{{ default(nodes.slow.text, 'nothing') }}"}}
    document = acting(action, node("slow", "llm", {"prompt": "x"}), edges=("start -> slow",))
    started = await engine.runs.start(ANN, await published(engine, document))
    view = await until(engine, started.run_id, lambda r: r.status in ("waiting", "running") and r.spent["steps"] >= 4)
    while not [i for i in (await engine.approvals.list(ANN, status="pending")).items if i.run_id == view.id]:
        await asyncio.sleep(0.02)
    first = await item(engine, view)
    assert first.action["config"]["message"] == "nothing"
    await until(engine, view.id, lambda r: r.status == "waiting")
    view = await decide(engine, view)
    assert view.status == "waiting", "nobody has agreed to the late news"
    second = await item(engine, view)
    assert second.action["config"]["message"] == "late news" and second.digest != first.digest
    view = await decide(engine, view)
    assert view.status == "succeeded" and (await steps(engine, view))["act"].inputs["message"] == "late news"


async def test_an_action_that_reads_the_clock_or_the_decision_is_asked_once(engine) -> None:
    action = {"kind": "notify", "config": {"subject": "{{ now }}", "message": "by {{ nodes.ok.by }}: {{ nodes.ok.reason }}"}}
    view = await decide(engine, await waits(engine, acting(action)), reason="fine")
    assert view.status == "succeeded"
    assert (await steps(engine, view))["act"].inputs["message"].endswith(": fine")


async def test_an_action_that_reads_what_runs_only_after_the_approval_is_warned_about(engine) -> None:
    nodes = [START, node("ok", "approval", {"title": "t", "action": "act"}), sets("mid", x="1"), ends()]
    nodes.append(node("act", "notify", {"message": "{{ nodes.mid.x }} {{ nodes.ok.by }}"}))
    told = await problems(engine, doc(nodes, ["start -> ok", "ok.approved -> mid", "mid -> act", "act -> done"]))
    assert errors(told) == []
    assert [p["field"] for p in told if p["code"] == "possibly_untaken"] == ["config.message"]


async def test_an_action_must_be_dominated_by_the_approved_port(engine) -> None:
    document = acting(MESSAGE, edges=("ok.rejected -> act",), editable={"reply": "nodes.d.text"})
    assert any(p.get("node") == "ok" and p.get("field") == "config.action" for p in errors(await problems(engine, document)))


# on_error, disabled


async def test_the_example_runs_to_its_end_and_out_of_visits(engine) -> None:
    view = await waits(engine, EXAMPLE, message="I lost my card")
    assert set(await steps(engine, view)) == {"start", "topic", "draft#1", "draft#1/ok"}
    for _ in range(3):
        view = await decide(engine, view, "reject")
    assert (view.status, view.output) == ("succeeded", None) and "expired" in view.reason
    assert {"draft#2", "draft#2/ok", "draft#3", "draft#3/ok"} <= set(await steps(engine, view))
    view = await waits(engine, EXAMPLE, message="I lost my card")
    view = await decide(engine, view, values={"reply": "ok"})
    assert view.output == {"reply": "ok", "topic": "lost"}
    view = await run(engine, EXAMPLE, message="bananas bananas zzz")
    assert (view.status, view.output) == ("succeeded", None) and ("other" in view.reason or "unsure" in view.reason)


@pytest.mark.parametrize("kind", ["set", "branch", "classify", "llm", "approval", "notify", "fail", "end"])
async def test_every_kind_has_the_port_error_exactly_when_on_error_is_port(engine, kind: str) -> None:
    bad = {
        "set": {"values": {"x": "inputs.gone"}},
        "branch": {"cases": [{"port": "a", "when": "inputs.gone"}]},
        "classify": {"text": "{{ inputs.gone }}", "labels": [{"port": "a", "description": "x"}]},
        "llm": {"prompt": "{{ inputs.gone }}"},
        "approval": {"title": "{{ inputs.gone }}"},
        "notify": {"message": "{{ inputs.gone }}"},
        "fail": {"message": "{{ inputs.gone }}"},
        "end": {"output": {"x": "inputs.gone"}},
    }[kind]
    document = doc(
        [START, node("x", kind, bad, on_error="port"), ends(c="nodes.x.error.code", m="nodes.x.error.message")],
        ["start -> x", "x.error -> done"],
    )
    view = await run(engine, document)
    assert view.status == "succeeded" and view.output["c"] == "missing_value" and view.output["m"]
    document["nodes"][1].pop("on_error")
    assert any(p.get("edge") == 1 for p in errors(await problems(engine, document)))


async def test_a_fail_with_an_error_port_goes_on_there(engine) -> None:
    document = doc(
        [START, node("x", "fail", {"message": "boo"}, on_error="port"), ends(m="nodes.x.error.message")], ["start -> x", "x.error -> done"]
    )
    assert (await run(engine, document)).output == {"m": "boo"}


async def test_on_error_default_gives_the_default_output_and_the_error(engine) -> None:
    bad = node("x", "set", {"values": {"v": "inputs.gone"}}, on_error="default", default_output={"v": 5})
    assert (await run(engine, straight(bad, ends(v="nodes.x.v", c="nodes.x.error.code")))).output == {"v": 5, "c": "missing_value"}


@pytest.mark.parametrize(
    ("kind", "config", "port"),
    [
        ("branch", {"cases": [{"port": "a", "when": "inputs.gone"}]}, "else"),
        ("classify", {"text": "{{ inputs.gone }}", "labels": [{"port": "a"}]}, "unsure"),
        ("approval", {"title": "{{ inputs.gone }}"}, "expired"),
    ],
)
async def test_on_error_default_never_takes_a_way_that_nobody_decided(engine, kind: str, config: dict[str, Any], port: str) -> None:
    first = {"branch": "a", "classify": "a", "approval": "approved"}[kind]
    document = doc(
        [START, node("x", kind, config, on_error="default", default_output={}), ends("wrong", p='"wrong"'), ends("right", p='"right"')],
        ["start -> x", f"x.{first} -> wrong", f"x.{port} -> right"],
    )
    assert (await run(engine, document)).output == {"p": "right"}


async def test_a_disabled_node_is_passed_through(engine) -> None:
    off = sets("x", v="1") | {"disabled": True}
    view = await run(engine, straight(off, ends(v="default(nodes.x.v, 'none')")))
    assert view.output == {"v": "none"} and view.spent["steps"] == 2
    assert (await steps(engine, view))["x"].status == "skipped"
