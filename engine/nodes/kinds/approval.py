"""How a person allows or refuses what the workflow is about to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from engine.errors import ConfigInvalid
from engine.nodes.contract import Answer, Ask, AskKind, Example, Expr, NodeConfig, Outcome, Problem, Template, text_of
from engine.nodes.form import hints
from engine.nodes.people import names_of
from engine.roles import Role


class Approvers(NodeConfig):
    """Who may decide."""

    roles: list[Template] = Field(
        default_factory=list, title="Roles", description="Roles that may decide; with no role and no user, every approver may."
    )
    users: list[Template] = Field(default_factory=list, title="People", description="People who may decide, by e-mail address.")
    quorum: int = Field(
        default=1, ge=1, le=20, title="How many must agree", description="How many people have to agree; one rejection is enough to reject."
    )
    four_eyes: bool = Field(
        default=False,
        title="Somebody else decides",
        description="Whether whoever started the run or last edited the workflow may not decide.",
    )


class ApprovalConfig(NodeConfig):
    """The card that people see, and who decides by when."""

    title: Template = Field(
        default="", title="Question", description="The question, in a few words.", json_schema_extra=hints(widget="line", text="")
    )
    message: Template = Field(
        default="",
        title="What the person should know",
        description="What the person needs to know to decide.",
        json_schema_extra=hints(widget="text", text=""),
    )
    show: dict[str, Expr] = Field(
        default_factory=dict,
        title="What the person sees",
        description="Values to show beside the message: a name and an expression each.",
        json_schema_extra=hints(widget="names", text="Values shown beside the message, each under its name.", add="Value to show"),
    )
    editable: dict[str, Expr] = Field(
        default_factory=dict,
        title="What the person may change",
        description="Values that the person may change: a name and an expression each.",
        json_schema_extra=hints(
            widget="names", text="They are filled in already; later steps get what the person made of them.", add="Value to change"
        ),
    )
    approvers: Approvers = Field(
        default_factory=Approvers, title="Who decides", description="Who may decide.", json_schema_extra=hints(widget="approvers", text="")
    )
    action: str | None = Field(
        default=None,
        title="What it allows",
        description="The node that is allowed by the approval; the card shows exactly what it would do.",
        json_schema_extra=hints(
            widget="step", text="The card shows exactly what that step would do, and nothing else may be done with the consent."
        ),
    )
    expires_after_s: float | None = Field(
        default=None,
        gt=0,
        le=31_536_000,
        title="Answer within",
        description="After how many seconds without an answer the run goes on.",
        json_schema_extra=hints(widget="duration", text="After that the run goes on without an answer.", none="Waits for ever"),
    )
    on_expire: Literal["expired", "approved", "rejected"] = Field(
        default="expired",
        title="If nobody answers in time",
        description="The port by which the run goes on then.",
        json_schema_extra=hints(
            text="",
            choices={"expired": "Go on by “No answer”", "approved": "It counts as approved", "rejected": "It counts as rejected"},
            when={"expires_after_s": "*"},
        ),
    )


class ApprovalOutputs(BaseModel):
    """What was decided."""

    decision: str = Field(description="`approved`, `rejected` or `expired`.")
    by: str | None = Field(description="Who decided; null when nobody did in time.")
    reason: str = Field(description="Why, in that person's words.")
    values: dict[str, Any] = Field(description="All editable values, edited or not.")


def _approvers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Who may decide. ConfigInvalid where names were asked for and none came out: that must not let everybody decide."""
    found = {kind: names_of(given[kind]) for kind in ("roles", "users")}
    if (given["roles"] or given["users"]) and not (found["roles"] or found["users"]):
        raise ConfigInvalid("Nobody may decide: the names of the approvers are empty.", hint="Look at the step's setting `approvers`.")
    return {**given, **found}


def _no_role(i: int, name: str) -> Problem:
    return Problem("unknown_role", f"There is no role `{name[:40]}`.", f"Use {', '.join(Role)}.", "warning", field=f"approvers.roles[{i}]")


class Approval(AskKind[ApprovalConfig]):
    """Puts a card into the inbox and waits, without holding a worker, until somebody decides."""

    kind = "approval"
    title = "Approval"
    icon = "user-check"
    group = "People"
    Config = ApprovalConfig
    Outputs = ApprovalOutputs
    fixed_ports = ("approved", "rejected", "expired")
    consent_port = "approved"
    port_output = "decision"
    examples = (
        Example(
            "A reply is edited and approved",
            {"title": "Send this reply?", "editable": {"reply": "nodes.draft.text"}, "approvers": {"roles": ["approver"]}},
            {"nodes": {"draft": {"text": "Dear sir"}}},
            {"decision": "approved", "by": "Ada", "reason": "", "values": {"reply": "Dear madam"}},
            port="approved",
            answer=Answer("approved", "Ada", "", {"reply": "Dear madam"}),
        ),
        Example(
            "Nobody answers in time",
            {"title": "Block this card?", "expires_after_s": 3600, "on_expire": "rejected"},
            {},
            {"decision": "rejected", "by": None, "reason": "Nobody answered in time.", "values": {}},
            port="rejected",
            answer=Answer("expired", None, "Nobody answered in time.", {}),
        ),
    )

    def outcome_ports(self, config: ApprovalConfig) -> tuple[str, ...]:
        """Nothing leaves by `expired` where nothing expires, or where that counts as an answer."""
        can_expire = config.expires_after_s is not None and config.on_expire == "expired"
        return tuple(port for port in self.ports(config) if can_expire or port != "expired")

    def problems(self, config: ApprovalConfig) -> list[Problem]:
        """Silence as consent is possible but said aloud."""
        found: list[Problem] = []
        if config.on_expire == "approved":
            message = "When nobody answers in time, this counts as approved."
            found.append(Problem("silence_approves", message, "Choose `expired` or `rejected`.", "warning", field="on_expire"))
        if config.on_expire != "expired" and config.expires_after_s is None:
            message = "“If nobody answers in time” has no effect: the approval never expires."
            found.append(
                Problem("unused_setting", message, "Fill in “Answer within”, or choose `expired` again.", "warning", field="on_expire")
            )
        if config.approvers.quorum > 1 and config.editable:
            message = "Where several people have to agree, none of them can edit the values."
            found.append(
                Problem(
                    "unused_setting",
                    message,
                    "Ask for one person, or leave “What the person may change” empty.",
                    "warning",
                    field="editable",
                )
            )
        found += [_no_role(i, r) for i, r in enumerate(config.approvers.roles) if "{{" not in r and r not in set(Role)]
        if not config.title.strip() and not config.message.strip():
            found.append(Problem("empty_text", "The card has neither a title nor a message.", "Ask a question.", "warning", field="title"))
        return found

    def ask(self, config: ApprovalConfig, given: Mapping[str, Any]) -> Ask:
        """The card."""
        return Ask(
            "approval",
            text_of(given["title"]),
            text_of(given["message"]),
            ("approve", "reject"),
            show=dict(given["show"]),
            editable=dict(given["editable"]),
            approvers=_approvers(given["approvers"]) if "approvers" in given else config.approvers.model_dump(),
            expires_after_s=config.expires_after_s,
            action=config.action,
        )

    def answered(self, config: ApprovalConfig, given: Mapping[str, Any], answer: Answer) -> Outcome:
        """Leaves by the decision. Edited values replace the original ones; names that are not editable are ignored."""
        decision = config.on_expire if answer.decision == "expired" else answer.decision
        values = {name: answer.values.get(name, value) for name, value in given["editable"].items()}
        return Outcome({"decision": decision, "by": answer.by, "reason": answer.reason, "values": values}, decision)
