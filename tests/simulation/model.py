"""What workflow.md says of running a workflow without loops and boxes, in few words and without a line of the engine.

The model is told what a person, a call or time has done, then which steps the engine has started; it objects to a start that
no rule allows and to a step that stands still without a reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field

INLINE = ("start", "set", "end")
OVER = ("succeeded", "failed", "cancelled")


@dataclass(repr=False)
class Node:
    """One node and, since there are no loops, its one step."""

    id: str
    kind: str
    ports: tuple[str, ...] = ("out",)
    tokens: int = 0
    """The most that a call may use."""
    attempts: int = 1
    on_error: str = "stop"
    is_unsafe: bool = False
    seconds: float = 0
    status: str = "pending"
    """pending ready running waiting asleep retrying in_doubt failed done dead"""
    port: str | None = None
    tried: int = 0
    """Failed attempts since it was last given new ones."""
    due: float = 0


@dataclass
class Edge:
    """From a port to a node; `taken` is None as long as nobody knows."""

    source: str
    port: str
    target: str
    taken: bool | None = None


@dataclass
class Model:
    """One run."""

    nodes: dict[str, Node]
    edges: list[Edge]
    steps_allowed: int
    tokens_allowed: int
    status: str = "running"
    now: float = 0
    steps: int = 0
    tokens: int = 0
    is_halted: bool = False
    is_paused: bool = False
    has_failed: bool = False
    reached: list[str] = field(default_factory=list)

    def of(self, *statuses: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.status in statuses]

    @property
    def reserved(self) -> int:
        return sum(node.tokens for node in self.of("running"))

    # What the engine did

    def began(self, id_: str) -> None:
        """A step was started: only one that is ready, only while nothing stops the run, only within the limits."""
        node = self.nodes[id_]
        assert node.status == "ready" or (node.status == "retrying" and node.due <= self.now), f"{id_} is {node.status} and was started"
        assert not (self.is_halted or self.is_paused or self.has_failed or self.status in OVER), f"{id_} was started in a run that stands"
        assert self.steps < self.steps_allowed, f"{id_} is a step too many"
        assert self.tokens + self.reserved + node.tokens <= self.tokens_allowed, f"{id_} does not fit"
        self.steps += 1
        node.status = {"approval": "waiting", "wait": "asleep"}.get(node.kind, "running")
        node.due = self.now + node.seconds
        if node.kind in INLINE:
            self._done(node, node.ports[0] if node.ports else None)

    def met_a_limit(self) -> None:
        """The engine says that a limit is met: some ready step must be too much."""
        startable = [node for node in self.of("ready", "retrying") if node.status == "ready" or node.due <= self.now]
        assert self.steps >= self.steps_allowed or any(self._is_too_much(node) for node in startable), "no limit is met"
        self.is_halted = True

    def settle(self) -> None:
        """Whatever follows has followed; nothing may stand still without a reason."""
        stands = self.is_halted or self.is_paused or self.has_failed
        if self.status in OVER:
            return
        if not stands:
            for node in self.of("ready"):
                assert self._is_too_much(node) and self.reserved, f"{node.id} is ready and was not started"
        if self.of("running"):
            return
        if self.has_failed:
            self.status = "failed"
        elif not self.of("ready", "waiting", "asleep", "retrying", "in_doubt"):
            self.status = "succeeded"
        elif stands:
            self.status = "paused" if self.is_paused else "stopped"

    def _is_too_much(self, node: Node) -> bool:
        return self.tokens + self.reserved + node.tokens > self.tokens_allowed

    # What happened to it

    def begin(self) -> None:
        self.nodes["start"].status = "ready"

    def ended(self, id_: str, port: str, tokens: int) -> None:
        """A call came back."""
        self.tokens += tokens
        self._done(self.nodes[id_], port)

    def failed(self, id_: str, tokens: int, *, is_transient: bool) -> None:
        """A call came back with an error."""
        node = self.nodes[id_]
        self.tokens += tokens
        node.tried += 1
        if is_transient and node.tried < node.attempts:
            # No timer outlives a run that fails: when it is resumed the step starts at once.
            node.status, node.due = ("ready", 0) if self.has_failed else ("retrying", self.now + 1)
            return
        self._give_up(node)

    def _give_up(self, node: Node) -> None:
        if node.on_error != "stop":
            return self._done(node, "error" if node.on_error == "port" else node.ports[0])
        node.status, self.has_failed = "failed", True
        for waiting in self.of("waiting", "asleep", "retrying"):
            waiting.status = "ready"

    def answered(self, id_: str, decision: str) -> None:
        """A person decided."""
        node = self.nodes[id_]
        if node.status == "waiting":
            self._done(node, decision)
        elif decision == "done":
            self._done(node, node.ports[0])
        elif decision == "retry":
            node.status, node.tried = "ready", 0
        else:
            self._give_up(node)

    def passed(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds
        for node in self.of("asleep"):
            if node.due <= self.now:
                self._done(node, node.ports[0])
        for node in self.of("retrying"):
            if node.due <= self.now:
                node.status = "ready"

    def crashed(self) -> None:
        """What was running was lost, and paid for; of what is unsafe nobody knows."""
        for node in self.of("running"):
            self.tokens += node.tokens
            node.status = "in_doubt" if node.is_unsafe else "ready"

    def resumed(self, *, steps: int, tokens: int) -> None:
        """Everybody has all attempts again."""
        self.status, self.is_paused, self.is_halted, self.has_failed = "running", False, False, False
        self.steps_allowed, self.tokens_allowed = steps, tokens
        for node in self.nodes.values():
            node.tried = 0
            node.status = "ready" if node.status == "failed" else node.status

    def cancelled(self) -> None:
        self.tokens += self.reserved
        self.status = "cancelled"

    # Edges

    def _done(self, node: Node, port: str | None) -> None:
        node.status, node.port = "done", port
        if node.kind == "end":
            self.reached.append(node.id)
        for edge in self.edges:
            if edge.source == node.id:
                edge.taken = edge.port == port
        self._spread()

    def _spread(self) -> None:
        for node in self.of("pending"):
            into = [edge for edge in self.edges if edge.target == node.id]
            if not into or any(edge.taken is None for edge in into):
                continue
            node.status = "ready" if any(edge.taken for edge in into) else "dead"
            if node.status == "dead":
                for edge in self.edges:
                    edge.taken = False if edge.source == node.id else edge.taken
                self._spread()
