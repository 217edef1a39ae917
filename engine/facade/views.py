"""What the facade answers: the shapes of the HTTP API, which the web UI and the command line share."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the following page, or null."""

    items: list[T]
    next: str | None = None


class WorkflowRow(BaseModel):
    """A workflow in a list; `problems` counts them."""

    id: str
    slug: str
    name: str
    revision: int
    live_version: int | None
    problems: int
    updated_at: str | None = None


class WorkflowSaved(BaseModel):
    """A draft that was created or changed."""

    id: str
    slug: str
    revision: int
    problems: list[dict[str, Any]]
    worst_case: dict[str, Any] | None = None
    """The most that a run can use; null while errors remain."""
    has_unpublished: bool = False
    """Whether the draft differs from the version that is live; false while none is."""


class WorkflowView(BaseModel):
    """A workflow with its draft."""

    id: str
    slug: str
    name: str
    revision: int
    live_version: int | None
    document: Any
    problems: list[dict[str, Any]]
    worst_case: dict[str, Any] | None = None
    """The most that a run can use; null while errors remain."""
    has_unpublished: bool = False
    """Whether the draft differs from the version that is live; false while none is."""
    updated_at: str | None = None
    updated_by: str = ""


class Checked(BaseModel):
    """What checking a document says."""

    problems: list[dict[str, Any]]
    worst_case: dict[str, Any] | None
    steps: dict[str, dict[str, Any]] | None = None
    """The worst case of each step alone; null where only the limits bound it."""


class PublishedTrigger(BaseModel):
    """A webhook that a published version listens on; `secret` is shown when it is made, and null from then on."""

    path: str
    url: str | None
    """None when it does not listen, for the reason that `problem` tells."""
    secret: str | None
    problem: str | None = None

    @model_serializer(mode="wrap")
    def _without_an_empty_problem(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if name != "problem" or value is not None}


class Previewed(BaseModel):
    """What a setting would be worth: `value`, or `error` as `{code, message, hint, position}`."""

    value: Any = None
    error: dict[str, Any] | None = None
    is_cut: bool = False
    """Whether `value` is only the beginning, as text."""


class Published(BaseModel):
    """A new immutable version."""

    version: int
    hash: str
    triggers: list[PublishedTrigger] = []


class VersionView(BaseModel):
    """One published version."""

    version: int
    hash: str
    note: str
    edited_by: str
    published_by: str
    published_at: str | None
    is_live: bool
    document: Any = None
    published_by_name: str = ""
    runs: int = 0
    """Live runs of this version."""
    active: int = 0
    """Those that have not ended; they stay on this version whatever is published."""


class RunStarted(BaseModel):
    """A run that is on disk."""

    run_id: str
    status: str


class TryView(BaseModel):
    """What a test run tries of a workflow: `what` is only, until or from."""

    what: str
    node: str
    base: str | None
    """The run whose inputs and values it goes on with."""


class RunView(BaseModel):
    """One run. Money in USD, times in ISO 8601, `seconds` with at least one step running."""

    id: str
    workflow: str
    workflow_name: str = ""
    version: int | None
    mode: str = "live"
    effects: str = "real"
    """`simulated` where a test run does not touch the world."""
    tried: TryView | None = None
    """What it tries, where it does not run the workflow as a whole."""
    status: str
    reason: str
    inputs: Any = None
    output: Any = None
    spent: dict[str, float | int]
    limits: dict[str, float | int] | None = None
    started_by: str = ""
    started_at: str | None
    ended_at: str | None
    parent: str | None = None
    """The run that has started this one, by its step `parent_path`."""
    parent_path: str | None = None
    fork_of: str | None = None
    """The run that this one left at the step `forked_at`."""
    forked_at: str | None = None


class StepView(BaseModel):
    """One step of a run, with its latest attempt."""

    path: str
    node: str
    kind: str
    title: str = ""
    parent: str | None
    status: str
    attempt: int
    started_at: str | None
    ended_at: str | None
    spent: dict[str, float | int]
    inputs: Any = None
    outputs: Any = None
    error: Any = None
    port: str | None = None
    note: Any = None
    pinned: bool = False
    """Not executed: a person set its outputs."""
    simulated: bool = False
    """Not executed: it would have touched the world, and an example stands for its outputs."""
    reused: str | None = None
    """The id of the run that its outputs come from, where it was not executed in this one."""
    labels: list[str] = []
    """What is to be known of what it came to: `private` must not leave the house unseen, `external` was written outside."""


class LastStep(BaseModel):
    """What a step of the draft did when it last ran, in whichever run; without bodies: GET /api/v1/runs/{run_id}/steps/{path}."""

    node: str
    path: str
    run_id: str
    mode: str
    version: int | None
    status: str
    port: str | None
    attempt: int
    started_at: str | None
    ended_at: str | None
    spent: dict[str, float | int]
    pinned: bool
    simulated: bool
    reused: str | None
    is_stale: bool
    """Whether the step, or one whose result it uses, has changed since."""
    stale_reason: str | None


class PinView(BaseModel):
    """Outputs that stand in for running a step in test runs."""

    node: str
    outputs: dict[str, Any]
    port: str | None
    """The port that the step leaves by."""
    set_by: str
    set_at: str | None


class EventView(BaseModel):
    """One journal row."""

    seq: int
    type: str
    at: str | None
    path: str
    attempt: int = 0
    data: Any


class RunDocument(BaseModel):
    """The document that a run runs, and its content hash."""

    hash: str
    document: Any


class EffectView(BaseModel):
    """A step that has touched the world and would do so again."""

    path: str
    kind: str
    title: str
    effect: str


class ForkBill(BaseModel):
    """What a fork reuses, does again, costs at about what it has cost before, and which effects it repeats."""

    from_path: str
    reuses: int
    reruns: int
    cost_usd: float
    tokens: int
    effects: list[EffectView]


class BudgetView(BaseModel):
    """What a workflow or an agent may spend a day, or the workspace a month, and has spent in this one (UTC)."""

    scope: str
    subject: str
    name: str
    period: str
    limit_usd: float | None
    spent_usd: float


class ToolView(BaseModel):
    """A tool: what a model is told of it, and what calling it does."""

    name: str
    kind: str
    description: str
    parameters: dict[str, Any]
    effect: str
    method: str
    url: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str
    secret: str
    cost_usd: float
    origins: list[str]
    carries: bool | None
    digest: str
    """SHA-256 of what a model is told of it."""
    updated_at: str | None
    updated_by: str


class ToolsRead(BaseModel):
    """What a description of tools comes to; nothing of it is kept yet."""

    tools: list[dict[str, Any]]
    """Each as it can be put."""
    problems: list[str]


class Delivered(BaseModel):
    """How many waiting steps an event has woken."""

    delivered: int


class ApprovalView(BaseModel):
    """Something that waits, or waited, for a person."""

    id: str
    run_id: str
    path: str
    workflow: str
    workflow_name: str = ""
    type: str
    status: str
    choices: list[str]
    title: str
    message: str
    show: dict[str, Any] = {}
    action: dict[str, Any] | None = None
    editable: dict[str, Any] = {}
    fields: dict[str, Any] | None = None
    """JSON Schema of what is filled in, where the answer is a form."""
    approvers: dict[str, Any] = {}
    votes: list[str] = []
    digest: str
    opened_at: str | None
    expires_at: str | None
    decided_at: str | None = None
    decided_by: str | None = None
    decision: str | None = None
    result: Any = None


class Decided(BaseModel):
    """An item after a decision."""

    id: str
    status: str
    decision: str | None
    run_id: str


class BatchResult(BaseModel):
    """One item of a batch: the decision, or the error."""

    id: str
    result: Decided | None = None
    error: dict[str, Any] | None = None


class TokenView(BaseModel):
    """A piece of text that a model is writing; not stored, carries no seq."""

    at: str | None
    path: str
    text: str
