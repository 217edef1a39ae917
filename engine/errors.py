"""Every error that Signalbox raises on purpose, with a stable code and the next step.

The class docstring is the default message. `code` is part of the API and never changes; `hint` says what to do next;
`status` is what the HTTP API answers. Retry is decided by class (`Transient`), never by text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class SignalboxError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    hint: ClassVar[str] = "Look at the log of the server."

    def __init__(self, message: str = "", *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        self.message = message or (self.__doc__ or "").strip().splitlines()[0]
        self.next_step = hint or type(self).hint
        self.details: dict[str, Any] = dict(details or {})
        """JSON values: ids, field names and numbers, never secrets."""
        super().__init__(self.message)

    def as_json(self) -> dict[str, Any]:
        """`{code, message, hint}` plus the details, as the API and the journal tell it."""
        return {"code": self.code, "message": self.message, "hint": self.next_step, **self.details}


# What the caller did; told as it is.
class UserError(SignalboxError):
    """The request cannot be carried out as it is."""

    code = "bad_request"
    status = 400
    hint = "Compare the request with /api/docs."


class NotJson(UserError):
    """The body is not a JSON value that Signalbox can keep."""

    code = "not_json"
    hint = "Send one JSON value in UTF-8, without NaN, infinities or lone surrogates."


class NotADocument(UserError):
    """This is not a workflow document."""

    code = "not_a_document"
    hint = "Send a JSON object with the arrays `nodes` and `edges`."


class TooLarge(UserError):
    """The body is larger than Signalbox accepts."""

    code = "too_large"
    status = 413
    hint = "Send at most 10 MB."


class Invalid(UserError):
    """Some fields are not valid."""

    code = "invalid"
    status = 422
    hint = "Correct the fields named in `problems` and send it again."


class InvalidInputs(Invalid):
    """The inputs do not fit what the workflow asks for."""

    code = "invalid_inputs"
    hint = "Compare the inputs with the schema of the workflow's start step."


class StepMissing(Invalid):
    """A try-out needs the result of a step that has none yet."""

    code = "step_missing"
    hint = "Run that step first, or pin its output."


class WorkflowHasProblems(Invalid):
    """The workflow has problems that must be mended before it can be published or run."""

    code = "workflow_has_problems"
    hint = "Mend the problems of severity error; each names its node and field."


class NotFound(UserError):
    """There is no such thing here."""

    code = "not_found"
    status = 404
    hint = "Use an id, a slug or a number from the list that it belongs to."


class Conflict(UserError):
    """Somebody else was faster."""

    code = "conflict"
    status = 409
    hint = "Read it again and repeat your change on what is there now."


class StaleRevision(Conflict):
    """The draft has changed since you read it."""

    code = "stale_revision"


class NotPublished(Conflict):
    """The workflow has no live version."""

    code = "not_published"
    hint = "Publish it first."


class IdempotencyMismatch(Conflict):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_mismatch"
    hint = "Use a new key for a new request."


class WrongState(Conflict):
    """The run is not in a state that allows this."""

    code = "wrong_state"
    hint = "Look at the run's status and reason."


class AlreadyDecided(Conflict):
    """This was decided before."""

    code = "already_decided"
    hint = "Nothing is left to do; the first answer counts."


class StaleApproval(Conflict):
    """What you saw is no longer what would happen."""

    code = "stale_approval"
    hint = "Read the item again and decide on what it shows now."


# Who may do what.
class NotSignedIn(SignalboxError):
    """Sign in or send a valid token."""

    code = "not_signed_in"
    status = 401
    hint = "Send `Authorization: Bearer sbx_…` or sign in."


class NotAllowed(SignalboxError):
    """You may not do this."""

    code = "not_allowed"
    status = 403
    hint = "Ask an administrator for the role that this needs."


class SelfApproval(NotAllowed):
    """Under four-eyes, who started the run or last edited the workflow cannot decide."""

    code = "self_approval"
    hint = "Ask a colleague to decide."


class TooManyAttempts(SignalboxError):
    """Too many attempts."""

    code = "too_many_attempts"
    status = 429
    hint = "Wait a little and try again."


# What stops a step or a run.
class LimitReached(SignalboxError):
    """A limit of the run is reached."""

    code = "limit_reached"
    status = 409
    hint = "Raise the limit and resume the run."


class Transient(SignalboxError):
    """It may work when tried again."""

    code = "transient"
    status = 503
    hint = "Try again in a moment."


class ProviderUnavailable(Transient):
    """The model provider did not answer properly."""

    code = "provider_unavailable"
    hint = "Try again later, or name a fallback model."


class ProviderRateLimited(ProviderUnavailable):
    """The model provider asks to slow down."""

    code = "provider_rate_limited"


class StepTimedOut(Transient):
    """The step took longer than it may."""

    code = "timeout"
    hint = "Raise the step's timeout_s, or look at what it waits for."


class OutputInvalid(Transient):
    """The model's answer is not what was asked for."""

    code = "output_invalid"
    hint = "Make the prompt clearer, use a stronger model, or let the step retry."


class WebUnavailable(Transient):
    """The web address did not answer properly; nothing was done there that must not be done twice."""

    code = "web_unavailable"
    hint = "Try again later, or let the step retry."


class SandboxCrashed(Transient):
    """The process that ran the step's code is gone."""

    code = "sandbox_crashed"
    hint = "Let the step retry; if it happens each time, simplify its code."


class StorageUnavailable(Transient):
    """The database does not take writes right now; nothing that was acknowledged is lost."""

    code = "storage_unavailable"
    hint = "Free disk space or unlock the database, then resume the run."


class Permanent(SignalboxError):
    """The step cannot succeed as it is."""

    code = "step_failed"
    status = 422
    hint = "Look at the step's inputs and settings, mend the workflow and run it again."


class ConfigInvalid(Permanent):
    """The step's settings do not fit."""

    code = "config_invalid"


class ExpressionFailed(Permanent):
    """An expression could not be worked out."""

    code = "expression_failed"


class ProviderRejected(Permanent):
    """The model provider refused the request."""

    code = "provider_rejected"
    hint = "Check the key, the model's name and the size of the request."


class ToolUnusable(Permanent):
    """A tool cannot be called: it is not there, lies about itself, or is not what it was when it was offered."""

    code = "tool_unusable"
    hint = "Look at the tool in Settings, or leave it out of the step."


class AgentMissing(Permanent):
    """The colleague that this step names is gone."""

    code = "agent_missing"
    hint = "Choose another colleague in the step, or make this one anew under Agents."


class ToolFailed(Permanent):
    """A tool was called, and says that it could not do it."""

    code = "tool_failed"
    hint = "Look at what the tool says, and at what it was given."


class PriceUnknown(Permanent):
    """The price of this model is not known, so its cost cannot be limited."""

    code = "price_unknown"
    hint = "Set a price for the model (SIGNALBOX_MODEL_PRICE=in,out in USD per million tokens)."


class EgressBlocked(Permanent):
    """Signalbox does not call this address."""

    code = "egress_blocked"
    hint = "Look at the address, and at the hosts that the secret may go to."


class HttpStatus(Permanent):
    """The web address answered with an error."""

    code = "http_status"
    hint = "Look at what the step sends, and at the answer."


class AnswerRefused(Permanent):
    """The web address answered with something that cannot be kept."""

    code = "answer_refused"
    hint = "Ask for less, or for another format."


class FailedOnPurpose(Permanent):
    """A fail step was reached."""

    code = "failed_on_purpose"


class ConsentRefused(Permanent):
    """The action was not approved in the form in which it would have run."""

    code = "consent_refused"


class LoopBothWays(Permanent):
    """A loop was both left and repeated in one visit."""

    code = "loop_both_ways"
    hint = "Let one step decide between going back and going on."


class ChildFailed(Permanent):
    """The run that the step has started did not succeed."""

    code = "child_failed"
    hint = "Open that run to see why."


class CodeFailed(Permanent):
    """The step's code ended with an error."""

    code = "code_failed"
    hint = "Look at the line that is named, and at the values that the code was given."


class CodeLimit(Permanent):
    """The step's code needed more than it may use."""

    code = "code_limit"
    hint = "Give it less to work on, or divide the work over several steps."


class SandboxMissing(Permanent):
    """Code cannot run here: its sandbox is not installed."""

    code = "sandbox_missing"
    hint = "Install Signalbox with its locked packages (./signalbox up), then start it again."


class ItemFailed(Permanent):
    """An item of a box has failed."""

    code = "item_failed"
    hint = "Look at the step of the item that failed, or let the box skip or collect items that fail."


class InDoubt(Permanent):
    """It is not known whether the effect of this step happened."""

    code = "in_doubt"
    hint = "Look at the other system, then answer the inbox item."


# Ours.
class Bug(SignalboxError):
    """Signalbox has a defect; please report it."""

    code = "internal"
    hint = "Report it with the lines that the server has logged at this moment."


class FencedOut(Bug):
    """Another worker owns this run now."""

    code = "fenced_out"


class AuditChainBroken(Bug):
    """The audit log was changed behind Signalbox's back."""

    code = "audit_chain_broken"
