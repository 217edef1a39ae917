"""How a person fills in what the workflow needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from engine.errors import ConfigInvalid
from engine.jsonvalue import JsonValue
from engine.nodes.contract import Answer, Ask, AskKind, Example, NodeConfig, Outcome, Problem, Template, refused_values, text_of
from engine.nodes.form import hints
from engine.nodes.people import names_of
from engine.schemas import check_schema, problems_of, with_defaults


class Assignees(NodeConfig):
    """Who may fill the form in."""

    roles: list[Template] = Field(
        default_factory=list, title="Roles", description="Roles that may answer; with no role and no person, every approver may."
    )
    users: list[Template] = Field(default_factory=list, title="People", description="People who may answer, by e-mail address.")


class FormConfig(NodeConfig):
    """The questions, and who answers them by when."""

    title: Template = Field(
        default="", title="Title", description="What the form is about, in a few words.", json_schema_extra=hints(widget="line", text="")
    )
    message: Template = Field(
        default="",
        title="What the person should know",
        description="What the person needs to know to answer.",
        json_schema_extra=hints(widget="text", text=""),
    )
    fields: dict[str, Any] = Field(
        default_factory=dict,
        title="What is filled in",
        description="What the person fills in, as a JSON Schema of an object.",
        json_schema_extra=hints(widget="schema", text="Later steps read what was filled in.", none="Nothing yet. Add a field."),
    )
    assignees: Assignees = Field(
        default_factory=Assignees,
        title="Who fills it in",
        description="Who may answer.",
        json_schema_extra=hints(widget="people", text=""),
    )
    expires_after_s: float | None = Field(
        default=None,
        gt=0,
        le=31_536_000,
        title="Answer within",
        description="After how many seconds without an answer the run goes on by `expired`.",
        json_schema_extra=hints(widget="duration", text="After that the run goes on without an answer.", none="Waits for ever"),
    )


class Form(AskKind[FormConfig]):
    """Waits in the inbox until a person has filled in its fields. Leaves by `submitted` with them, or by `expired` without."""

    kind = "form"
    title = "Form"
    icon = "clipboard-pen"
    group = "People"
    Config = FormConfig
    fixed_ports = ("submitted", "expired")
    examples = (
        Example(
            "Ask for the amount",
            {
                "title": "How much may we refund?",
                "fields": {
                    "type": "object",
                    "required": ["amount"],
                    "properties": {"amount": {"type": "number"}},
                    "additionalProperties": False,
                },
            },
            {},
            {"amount": 12.5, "by": "ada@example.com"},
            port="submitted",
            answer=Answer("submitted", "ada@example.com", "", {"amount": 12.5}),
        ),
        Example(
            "Nobody answers in time",
            {"title": "Which colour?", "fields": {"type": "object", "properties": {"colour": {"type": "string"}}}, "expires_after_s": 3600},
            {},
            {"by": None},
            port="expired",
            answer=Answer("expired", None, "Nobody answered in time.", {}),
        ),
    )

    def outcome_ports(self, config: FormConfig) -> tuple[str, ...]:
        """Nothing leaves by `expired` where nothing expires."""
        return self.fixed_ports if config.expires_after_s is not None else ("submitted",)

    def problems(self, config: FormConfig) -> list[Problem]:
        """The schema must be usable and describe an object with at least one field."""
        found = [
            Problem("bad_schema", f"The schema cannot be used: {p.path or 'it'} {p.message}.", "Mend the schema.", field="fields")
            for p in check_schema(config.fields)
        ]
        if not found and config.fields.get("type", "object") != "object":
            message = "What is filled in is an object of named values."
            found.append(Problem("bad_schema", message, 'Write "type": "object".', field="fields.type"))
        if not found and not config.fields.get("properties"):
            found.append(Problem("empty_form", "The form has no field.", "Add what the person fills in.", "warning", field="fields"))
        return found

    def ask(self, config: FormConfig, given: Mapping[str, Any]) -> Ask:
        """The card, with the schema of what is filled in. ConfigInvalid where names were asked for and none came out."""
        assignees = given.get("assignees", config.assignees.model_dump())
        named: dict[str, Any] = {part: names_of(list(assignees.get(part, ()))) for part in ("roles", "users")}
        if (config.assignees.roles or config.assignees.users) and not any(named.values()):
            raise ConfigInvalid("Nobody may answer: the names are empty.", hint="Look at the step's setting `assignees`.")
        return Ask(
            "form",
            text_of(given["title"]),
            text_of(given["message"]),
            ("submit",),
            approvers=named,
            expires_after_s=config.expires_after_s,
            fields=config.fields,
        )

    def accepted(self, ask: Ask, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """What was filled in, if it fits the schema."""
        schema = ask.fields or {}
        filled = with_defaults(dict(values), schema)
        if found := problems_of(filled, schema):
            messages = {problem.path.lstrip("."): f"{problem.path.lstrip('.') or 'It'} {problem.message}." for problem in found}
            raise refused_values(messages, "Fill in the marked fields and send it again.")
        return filled

    def answered(self, config: FormConfig, given: Mapping[str, Any], answer: Answer) -> Outcome:
        """The fields and who filled them in; a field called `by` gives way to that."""
        if answer.decision == "expired":
            return Outcome({"by": None}, "expired")
        return Outcome({**answer.values, "by": answer.by}, "submitted")
