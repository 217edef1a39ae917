// The canvas in the middle: moving, connecting, selecting and dropping; what it means for the document is decided elsewhere.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { applyNodeChanges } from "@xyflow/react";
import { noticesOf, openAt, Surface, toFlow } from "../drawing/drawing.jsx";
import { checkConnection } from "./rules.js";

const KIND = "application/x-signalbox-kind";
// On a phone: the smallest at which the names of steps can be read.
const READABLE = 0.85;

// The steps as they stand while they are dragged; positions come back from the document when it changes.
function useNodes(work, drawn) {
  const { selected } = work, drag = useRef(false);
  const [nodes, setNodes] = useState([]);
  useLayoutEffect(() => {
    setNodes((before) => {
      const known = new Map(before.map((node) => [node.id, node]));
      return drawn.nodes.map((node) => {
        const old = known.get(node.id), isSelected = selected.nodes.has(node.id);
        const isSame = old && old.data === node.data && old.parentId === node.parentId && old.position.x === node.position.x && old.position.y === node.position.y && old.width === node.width && old.height === node.height;
        if (isSame) return old.selected === isSelected ? old : { ...old, selected: isSelected };
        return { ...node, selected: isSelected, ...(drag.current && old?.dragging ? { position: old.position, dragging: true } : {}) };
      });
    });
  }, [drawn, selected]);
  return { nodes, setNodes, drag };
}

export function Stage({ work, children }) {
  const { state, kinds, places, marks, canEdit, desk } = work;
  const before = useRef(null), pointer = useRef(null), place = useRef(null), fitted = useRef(false);
  const drawn = useMemo(() => (before.current = toFlow(state.document, kinds, { places, before: before.current })), [state.document, kinds, places]);
  const { nodes, setNodes, drag } = useNodes(work, drawn);
  const edges = useMemo(() => drawn.edges.map((edge) => (Boolean(edge.selected) === work.selected.edges.has(edge.data.key) ? edge : { ...edge, selected: work.selected.edges.has(edge.data.key) })), [drawn, work.selected.edges]);
  useEffect(() => marks.notices.replace(withPins(noticesOf(state.problems ?? [], state.document), work.pins)), [marks, state.problems, work.pins]);
  useEffect(() => {
    if (fitted.current || !nodes.length) return;
    fitted.current = true;
    requestAnimationFrame(() => (nodes.length === 1 ? work.showFirst() : openAt(work.flow, nodes, { least: work.isSmall ? READABLE : 0 })));
  }, [nodes.length]);

  const onNodesChange = useCallback((changes) => {
    const picks = changes.filter((change) => change.type === "select"), others = changes.filter((change) => change.type === "position" || change.type === "dimensions");
    if (picks.length) desk.setSelected((all) => ({ ...all, nodes: picked(all.nodes, picks) }));
    if (others.length) setNodes((all) => applyNodeChanges(others, all));
  }, [desk]);
  const onEdgesChange = useCallback((changes) => {
    const picks = changes.filter((change) => change.type === "select");
    if (picks.length) desk.setSelected((all) => ({ ...all, edges: picked(all.edges, picks.map((pick) => ({ ...pick, id: pick.id.replace(/ \d+$/, "") }))) }));
  }, [desk]);

  const drop = useDrop(work), connecting = useConnecting(work);
  const shared = useMemo(() => ({
    onEdgeAdd: canEdit ? (edge, at) => desk.setPanel({ name: "picker", at, where: { edge } }) : null,
    onNote: (note) => desk.setDialog({ name: "note", id: note.id }), onGroup: (group) => desk.setDialog({ name: "group", id: group.id }),
  }), [desk, canEdit]);
  const stop = useCallback((_, __, moved) => { drag.current = false; moveEnded(work, moved); }, [work]);

  return (
    <div
      className="stage" ref={place} data-testid="stage" data-steps={state.document.nodes.length} data-edges={state.document.edges.length} data-revision={state.revision} data-saving={state.saving}
      onPointerMove={(event) => { pointer.current = { x: event.clientX, y: event.clientY }; desk.pointer = pointer.current; }}
      onPointerLeave={() => { desk.pointer = null; }}
      onFocus={(event) => {
        const id = event.target.classList?.contains("react-flow__node") && event.target.matches(":focus-visible") ? event.target.dataset.id : null;
        if (id && !desk.selected.nodes.has(id)) work.select([id]);
      }}
      {...drop}
    >
      <Surface
        nodes={nodes} edges={edges} marks={marks} shared={shared} readOnly={!canEdit} dark={work.isDark} mini={!work.isSmall}
        onNodesChange={onNodesChange} onEdgesChange={onEdgesChange} onNodeDragStart={() => { drag.current = true; }} onNodeDragStop={stop}
        selectNodesOnDrag={false} selectionKeyCode="Shift" multiSelectionKeyCode={["Control", "Meta", "Shift"]} panOnScroll zoomActivationKeyCode={["Control", "Meta"]} panActivationKeyCode="Space"
        onPaneClick={() => desk.setPanel(null)} onSelectionDragStop={(_, moved) => moveEnded(work, moved)} {...connecting}
      >
        {children}
      </Surface>
    </div>
  );
}

function picked(before, picks) {
  const after = new Set(before);
  for (const pick of picks) if (pick.selected) after.add(pick.id); else after.delete(pick.id);
  return after;
}

const withPins = (notices, pins) => {
  const told = { ...notices };
  for (const id in pins) told[id] = { ...told[id], pinned: true };
  return told;
};

// One message for a drag, whatever was dragged; a step that was let go over a box stands in it from then on.
function moveEnded(work, moved) {
  const ops = [];
  for (const node of moved) {
    if (node.type === "group-frame") continue;
    const isNote = node.type === "note", id = isNote ? node.id.slice(5) : node.id;
    const own = isNote ? (work.desk.document.notes ?? []).find((note) => note.id === id) : work.nodeOf(id);
    if (!own) continue;
    const into = isNote || moved.length > 1 ? undefined : boxUnder(work, node);
    const value = { x: Math.round(into?.position.x ?? node.position.x), y: Math.round(into?.position.y ?? node.position.y) }, old = isNote ? own.position : work.at(own);
    if (into) ops.push({ op: "update", target: "node", id, value: { parent: into.parent } });
    if (old?.x !== value.x || old?.y !== value.y) ops.push({ op: "move", target: isNote ? "note" : "node", id, value });
  }
  work.change(ops, ops.some((op) => op.op === "update") ? "Move into another box" : "Move");
}

// `{parent, position}` when a step now stands in another box than before, else undefined.
function boxUnder(work, node) {
  if (node.type === "box" || node.data.node.kind === "start" || node.data.node.kind === "end") return undefined;
  const inner = work.flow.getInternalNode(node.id), at = inner.internals.positionAbsolute, center = { x: at.x + node.width / 2, y: at.y + node.height / 2 };
  const boxes = work.flow.getNodes().filter((other) => other.type === "box" && other.id !== node.id).map((other) => ({ id: other.id, ...work.flow.getInternalNode(other.id).internals.positionAbsolute, width: other.width, height: other.height }));
  const under = boxes.filter((box) => center.x > box.x && center.x < box.x + box.width && center.y > box.y && center.y < box.y + box.height).at(-1);
  const before = node.data.node.parent ?? null, after = under?.id ?? null;
  // A box grows with what stands in it: only what leaves it clearly is taken out.
  if (before === after) return undefined;
  return { parent: after, position: under ? { x: Math.max(14, at.x - under.x), y: Math.max(88, at.y - under.y) } : at };
}

function useDrop(work) {
  return {
    onDragOver: (event) => { if (event.dataTransfer.types.includes(KIND)) { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; } },
    onDrop: (event) => {
      const kind = work.kinds.get(event.dataTransfer.getData(KIND));
      if (!kind) return;
      event.preventDefault();
      const at = { x: event.clientX, y: event.clientY }, key = window.document.elementFromPoint(at.x, at.y)?.closest("[data-edge]")?.dataset.edge;
      const edge = key && work.desk.document.edges.find((one) => `${one.source}.${one.port ?? "out"}->${one.target}` === key);
      if (edge && !["start", "end", "fail"].includes(kind.kind)) { work.add(kind, { edge }); return; }
      const place = work.flow.screenToFlowPosition(at), box = window.document.elementFromPoint(at.x, at.y)?.closest(".mapbox")?.dataset.step;
      const corner = box && work.flow.getInternalNode(box).internals.positionAbsolute;
      const position = box && kind.kind !== "start" ? { x: Math.max(14, place.x - corner.x - 112), y: Math.max(88, place.y - corner.y - 24) } : { x: place.x - 120, y: place.y - 24 };
      work.add(kind, { position, ...(box && kind.kind !== "start" ? { parent: box } : {}) });
    },
  };
}

export const startDrag = (kind) => (event) => { event.dataTransfer.setData(KIND, kind); event.dataTransfer.effectAllowed = "copy"; };

const wantedOf = (from, id) => (from.type === "source" ? { source: from.nodeId, port: from.id, target: id } : { source: id, port: undefined, target: from.nodeId });

function useConnecting(work) {
  const { desk } = work, start = useRef(null);
  const isValidConnection = useCallback((wanted) => !checkConnection(desk.document, desk.kinds, { source: wanted.source, port: wanted.sourceHandle, target: wanted.target }).reason, [desk]);
  const onConnectStart = useCallback((_, from) => {
    start.current = { nodeId: from.nodeId, id: from.handleId, type: from.handleType };
    window.document.querySelector(".drawing")?.classList.add("connecting");
  }, []);
  const onConnectEnd = useCallback((event, ended) => {
    window.document.querySelector(".drawing")?.classList.remove("connecting");
    const from = start.current;
    start.current = null;
    if (!from) return;
    const touch = event.changedTouches?.[0] ?? event, at = { x: touch.clientX, y: touch.clientY };
    // Let go anywhere on a step means that step; the small circle need not be met.
    const id = ended.toNode?.id ?? window.document.elementFromPoint(at.x, at.y)?.closest(".react-flow__node")?.dataset.id;
    if (id && desk.document.nodes.some((node) => node.id === id)) {
      const other = ended.toHandle?.type === "source" && from.type === "target" ? ended.toHandle.id : undefined;
      const wanted = wantedOf(from, id);
      if (id !== from.nodeId || ended.toHandle?.id !== from.id) work.connect({ ...wanted, port: wanted.port ?? other ?? "out" });
    } else if (!window.document.elementFromPoint(at.x, at.y)?.closest(".react-flow__panel,.pal,.side")) {
      const position = desk.flow.screenToFlowPosition(at);
      desk.setPanel({ name: "picker", at, where: { position: { x: position.x - 120, y: position.y }, ...(from.type === "source" ? { from: { source: from.nodeId, port: from.id } } : { to: from.nodeId }) } });
    }
  }, [desk]);
  return { isValidConnection, onConnectStart, onConnectEnd, connectionRadius: 24, connectOnClick: false };
}
