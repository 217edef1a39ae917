"""How edges settle, joins open, death spreads and loops turn (workflow.md, Running 2 to 5). Pure.

A frame is one instance of a region: the root, one visit of a loop or one item of a box. It counts what is alive in it;
when nothing is, the visit ends: the back edge starts the next one, or the loop's exits settle in the frame around it. An
item that ends so waits until `decide` has it collected.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from engine.errors import Bug, LoopBothWays
from engine.graph.plan import ROOT, Edge, PlannedNode
from engine.nodes.contract import BoxKind
from engine.run import labels
from engine.run.frontier import Frame, Item, Slot, Step
from engine.run.paths import visits_of

if TYPE_CHECKING:
    from engine.run.state import RunState


class Router:
    """Settles edges over a state; made for one event."""

    __slots__ = ("_plan", "_queue", "_quiet", "_state")

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._plan = state.plan
        self._queue: deque[tuple[Frame, Edge, bool]] = deque()
        self._quiet: list[Frame] = []

    def leave(self, frame_key: str, node: PlannedNode, port: str | None) -> None:
        """A step of `node` has ended and leaves by `port`."""
        frame = self._state.frames[frame_key]
        self._leave(frame, node, port)
        self._dead_or_alive(frame, -1)
        self._run()

    def activate(self, frame: Frame, target: str) -> None:
        """The start step, or the header of a new visit."""
        self._open(frame, target)
        self._run()

    def stand(self, path: str, node: PlannedNode) -> None:
        """Makes one step ready at its place, with nothing around it but the visits of its loops."""
        frame = self._state.frames[""]
        for header, visit in visits_of(path):
            frame = self._visit(frame, self._plan.nodes[header], visit, visit)
        frame.live += 1
        self._state.steps[path] = Step(path, node, frame.key)

    def open_items(self, step: Step) -> None:
        """As many items as the box may work on at once; the box is full when none is left."""
        kind, box = step.node.kind, step.box
        if box is None or not isinstance(kind, BoxKind):
            raise Bug(f"{step.path} is no open box.")
        while box.live < kind.at_once(step.node.config) and box.opened < len(box.items):
            box.opened, box.live = box.opened + 1, box.live + 1
            self._open_item(step, box.opened - 1)
            self._run()
        if not box.live:
            self._state.full[step.path] = None

    def _open_item(self, step: Step, index: int) -> None:
        node, around = step.node, self._state.frames[step.frame]
        key = f"{step.path}[{index}]"
        region = self._plan.regions[node.body or ROOT]
        frame = Frame(key, region.index, around.key, node.id, key, innermost_visit=around.innermost_visit)
        around.live += 1
        self._state.frames[key] = frame
        source = labels.of_items(self._state, step)
        self._state.items[key] = Item(key, step.path, index, step.within, source=source, labels=source)
        self._queue.extend((frame, edge, True) for edge in region.entries)
        self._quiet.append(frame)

    def leave_item(self, step: Step, item: Item) -> None:
        """An item was collected: the next one begins."""
        self._forget(item.key)
        self._state.frames[step.frame].live -= 1
        if step.box is not None:
            step.box.live -= 1
        self.open_items(step)

    def clear(self, item: str) -> None:
        """The item ends at once: what is alive in it is given up, except an unsafe call in flight, which is finished."""
        self._give_up_inside(f"{item}/")
        self._state.frames[item].live = 0
        self._state.ended[item] = None

    def empty(self, step: Step) -> None:
        """The box ends at once, with all its items."""
        around = self._state.frames[step.frame]
        around.live -= sum(item.box == step.path for item in self._state.items.values())
        self._give_up_inside(f"{step.path}[")

    def exhaust(self, frame: Frame, back: Edge) -> None:
        """The loop ends in this visit, as if its back edge had no visit left: what is alive in it is given up."""
        state = self._state
        if (header := state.steps.get(frame.key)) is not None and not header.is_given_up:
            self._drop(header)
        self._give_up_inside(f"{frame.key}/")
        ways = self._plan.nodes[back.source].edges.get(back.on_exhausted or "", ())
        if not ways:
            state.left_by = f"{back.source}.{back.on_exhausted}"
        frame.live, frame.back = 0, None
        frame.exits |= {way.index for way in ways}
        self._quiet.append(frame)
        self._run()

    def again(self, used_up: str) -> None:
        """The run is resumed: the loop whose visits were used up gets as many again, loops that stood still end their visit."""
        if told := self._state.frames.get(used_up):
            # In other items of a box the same loop may have come to the same end; nobody should have to resume once for each.
            for frame in [f for f in self._state.frames.values() if f.region == told.region and f.is_used_up]:
                frame.allowed += self._plan.regions[frame.region].max_visits
        self._quiet.extend(f for f in self._state.frames.values() if not f.live)
        self._run()

    def _leave(self, frame: Frame, node: PlannedNode, port: str | None) -> None:
        taken = node.edges.get(port, ()) if port is not None else ()
        if port is not None and not taken:
            self._state.left_by = f"{node.id}.{port}"
        for edge in node.all_edges:
            self._queue.append((frame, edge, edge.port == port))

    def _dead_or_alive(self, frame: Frame, change: int) -> None:
        frame.live += change
        if not frame.live:
            self._quiet.append(frame)

    def _run(self) -> None:
        while True:
            while self._queue:
                self._settle(*self._queue.popleft())
            if not self._quiet:
                return
            frame = self._quiet.pop()
            # Something may have come alive in it since; root ends by decide().
            if not frame.live and frame.key and self._state.frames.get(frame.key) is frame:
                self._end_visit(frame)

    def _settle(self, frame: Frame, edge: Edge, taken: bool) -> None:
        if self._state.frames.get(frame.key) is not frame:
            # A disabled step has just left there, and a `join: any` around it has given the whole loop up.
            return
        if edge.is_back:
            if self._plan.nodes[edge.target].heads == frame.region:
                frame.back = edge if taken else frame.back
            elif taken:
                frame.exits.add(edge.index)
            return
        if edge.settles_in != frame.region:
            if taken:
                frame.exits.add(edge.index)
            return
        allowed = self._state.may_open
        if allowed is None or edge.target in allowed:
            self._count(frame, edge, taken)
        elif taken:
            # What a try-out does not need ends the branch, like a port without an edge.
            self._state.left_by = f"{edge.source}.{edge.port}"

    def _count(self, frame: Frame, edge: Edge, taken: bool) -> None:
        slot = frame.slots.get(edge.target)
        if slot is None:
            slot = frame.slots[edge.target] = Slot()
        slot.settled += 1
        slot.taken += taken
        if slot.is_closed:
            return
        node = self._plan.nodes[edge.target]
        if taken and node.join == "any":
            slot.is_closed = True
            self._give_up(frame, node)
            self._open(frame, edge.target)
        elif slot.settled == self._plan.regions[frame.region].joins[edge.target]:
            slot.is_closed = True
            if slot.taken:
                self._open(frame, edge.target)
            else:
                self._kill(frame, node)

    def _open(self, frame: Frame, target: str) -> None:
        node = self._plan.nodes[target]
        if node.heads is not None and node.heads != frame.region:
            allowed = self._plan.regions[node.heads].max_visits
            frame.live += 1
            frame = self._visit(frame, node, 1, allowed)
        path = self._path(frame, node)
        if node.is_disabled:
            self._state.skipped_now.append(path)
            frame.live += 1
            self._leave(frame, node, leaving_port(self._state, frame.key, node, passing_port(node)))
            self._dead_or_alive(frame, -1)
            return
        frame.live += 1
        self._state.steps[path] = Step(path, node, frame.key, frame.within)

    def _path(self, frame: Frame, node: PlannedNode) -> str:
        if node.heads == frame.region and frame.owner == node.id:
            return frame.key
        return f"{frame.key}/{node.id}" if frame.key else node.id

    def _visit(self, parent: Frame, header: PlannedNode, visit: int, allowed: int) -> Frame:
        name = f"{header.id}#{visit}"
        key = f"{parent.key}/{name}" if parent.key else name
        frame = Frame(key, header.heads or ROOT, parent.key, header.id, parent.within, visit, visit, allowed)
        self._state.frames[key] = frame
        return frame

    def _kill(self, frame: Frame, node: PlannedNode) -> None:
        edges = node.all_edges
        if node.heads is not None and node.heads != frame.region:
            edges = self._plan.regions[node.heads].exits
        for edge in edges:
            self._queue.append((frame, edge, False))

    def _end_visit(self, frame: Frame) -> None:
        if frame.key in self._state.items:
            self._state.ended[frame.key] = None
            return
        region = self._plan.regions[frame.region]
        parent = self._state.frames[frame.parent]
        if frame.back is not None:
            if frame.exits:
                self._both_ways(frame)
                return
            if frame.is_used_up:
                self._state.used_up = frame.key
                return
            del self._state.frames[frame.key]
            header = self._plan.nodes[region.owner]
            self._open(self._visit(parent, header, frame.visit + 1, frame.allowed), header.id)
            return
        del self._state.frames[frame.key]
        for edge in region.exits:
            self._queue.append((parent, edge, edge.index in frame.exits))
        self._dead_or_alive(parent, -1)

    def _both_ways(self, frame: Frame) -> None:
        ways = ", ".join(f"{self._plan.edges[i].source}.{self._plan.edges[i].port}" for i in sorted(frame.exits))
        message = f"The loop at {frame.owner} was left by {ways} and repeated in the same visit."
        self._state.break_off({"code": "loop_both_ways", "message": message, "hint": LoopBothWays.hint, "path": frame.key})

    def _give_up(self, frame: Frame, join: PlannedNode) -> None:
        """Everything that could only lead to a `join: any` that has opened is cancelled; an unsafe call in flight is finished."""
        state, names = self._state, join.feeds_only
        for name in names:
            frame.slots.setdefault(name, Slot()).is_closed = True
        doomed = [key for key in state.frames if self._inside(key, frame, names)]
        for step in list(state.steps.values()):
            # An approval that is asked again could only lead to its action.
            is_here = step.frame == frame.key and (step.node.id in names or step.void_for in names) and not step.is_given_up
            if not is_here and step.frame not in doomed:
                continue
            frame.live -= is_here
            self._drop(step)
        for key in doomed:
            frame.live -= state.frames[key].parent == frame.key
            self._forget(key)

    def _give_up_inside(self, prefix: str) -> None:
        """Everything whose path begins so."""
        state = self._state
        for step in [s for s in state.steps.values() if s.path.startswith(prefix) and not s.is_given_up]:
            self._drop(step)
        for key in [k for k in state.frames if k.startswith(prefix)]:
            self._forget(key)

    def _drop(self, step: Step) -> None:
        if step.status == "running" and step.is_unsafe:
            step.is_given_up = True
        else:
            self._state.cancel_step(step.path)

    def _forget(self, key: str) -> None:
        state = self._state
        del state.frames[key]
        state.items.pop(key, None)
        state.ended.pop(key, None)
        if state.used_up == key and not state.halted:
            state.used_up = ""

    def _inside(self, key: str, frame: Frame, names: frozenset[str]) -> bool:
        """Whether the frame `key` is a visit of a loop of `frame`, or an item of a box, of one of `names`, or inside one."""
        inner = self._state.frames.get(key)
        while inner is not None and inner.key:
            if inner.parent == frame.key and inner is not frame:
                return inner.owner in names
            inner = self._state.frames.get(inner.parent)
        return False


def caught_by(state: RunState, within: str) -> str | None:
    """The item that ends with an error inside the item `within`, or the box that fails; None: the run fails."""
    while within:
        item = state.items[within]
        node = state.steps[item.box].node
        if isinstance(node.kind, BoxKind) and node.kind.on_item_error(node.config) != "stop":
            return item.key
        if node.on_error != "stop":
            return item.box
        within = item.around
    return None


def leaving_port(state: RunState, frame_key: str, node: PlannedNode, port: str | None) -> str | None:
    """The port that is really taken: `on_exhausted` where the chosen one leads into a loop that has no visit left."""
    tried: set[str] = set()
    while port is not None and port not in tried:
        tried.add(port)
        used_up = next((e for e in node.edges.get(port, ()) if e.is_back and _is_used_up(state, frame_key, e)), None)
        if used_up is None or used_up.on_exhausted is None:
            return port
        port = used_up.on_exhausted
    return port


def _is_used_up(state: RunState, frame_key: str, back: Edge) -> bool:
    region = state.plan.nodes[back.target].heads
    frame = state.frames.get(frame_key)
    while frame is not None and frame.region != region:
        frame = state.frames.get(frame.parent) if frame.key else None
    return frame is not None and frame.visit >= frame.allowed


def passing_port(node: PlannedNode) -> str | None:
    """The port by which a disabled node is passed: `out` where it has one, `else` or `unsure` for a choice."""
    for name in ("out", "else", "unsure"):
        if name in node.ports:
            return name
    return node.ports[0] if node.ports else None


def port_without_decision(node: PlannedNode) -> str | None:
    """Where `on_error: default` leads: as if the node had been passed, but never by a consent that nobody gave."""
    return "expired" if "expired" in node.ports else passing_port(node)
