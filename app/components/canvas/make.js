// What an action of the hand means for the document: each function answers the operations, and what is selected afterwards.
import { layout } from "../drawing/layout.js";
import { BOX, edgeKey, portsOf, sizeOf } from "../drawing/shape.js";
import { kindWords } from "../drawing/words.js";
import { edgeId } from "./ops.js";
import { shownBehind } from "./show.js";

const STEP = 40;

export function freeId(taken, wanted) {
  const base = wanted.toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+/, "").slice(0, 34) || "step";
  if (!taken.has(base)) return base;
  const stem = base.replace(/_\d+$/, "");
  for (let number = 2; ; number++) if (!taken.has(`${stem}_${number}`)) return `${stem}_${number}`;
}

const idsOf = (items) => new Set((items ?? []).map((item) => item.id));

// Settings a new step begins with; whatever a person must still say is told as a problem.
const FIRST_CONFIG = {
  start: () => ({ inputs: { type: "object", properties: {} } }),
  branch: () => ({ cases: [{ port: "yes", label: "Yes", when: "" }] }),
  classify: () => ({ text: "", labels: [{ port: "first", description: "", examples: [] }, { port: "second", description: "", examples: [] }] }),
  set: () => ({ values: {} }),
  code: () => ({ code: "", inputs: {} }),
  end: () => ({ output: {} }),
};

export function newNode(document, kind, position, parent) {
  const id = freeId(idsOf(document.nodes), kind.kind);
  return { id, kind: kind.kind, title: kindWords(kind.kind, kind).name, config: FIRST_CONFIG[kind.kind]?.() ?? {}, position: { x: Math.round(position.x), y: Math.round(position.y) }, ...(parent ? { parent } : {}) };
}

export const snap = ({ x, y }) => ({ x: Math.round(x / 8) * 8, y: Math.round(y / 8) * 8 });

export const firstPort = (node, kind) => portsOf(node, kind)[0]?.id;

// A new step at a place: loose, behind a port, before a step, or on an edge (then the edge leads through it).
export function addStep(document, kind, { position, parent, from, to, edge, kinds = [] }) {
  const node = told(newNode(document, kind, position, parent), document, kinds, edge ? { source: edge.source, port: edge.port } : from);
  const ops = [{ op: "add", target: "node", id: node.id, value: node }], port = firstPort(node, kind);
  const lead = (source, out, target) => ops.push({ op: "add", target: "edge", value: { source, ...(out && out !== "out" ? { port: out } : {}), target } });
  if (edge) {
    ops.push({ op: "remove", target: "edge", id: edgeId(edge) });
    lead(edge.source, edge.port, node.id);
    if (port) lead(node.id, port, edge.target);
  } else if (from) lead(from.source, from.port, node.id);
  else if (to && port) lead(node.id, port, to);
  return { ops, select: [node.id] };
}

// An approval begins with what the step before it made: a card that shows nothing lets nobody decide.
function told(node, document, kinds, behind) {
  const show = node.kind === "approval" && behind ? shownBehind(document, kinds, behind) : {};
  return Object.keys(show).length ? { ...node, config: { ...node.config, show } } : node;
}

// The same for an approval that was put down loose and that nobody has filled in: the first way that leads to it tells.
export function toldBy(document, kinds, { source, port, target }) {
  const node = document.nodes.find((one) => one.id === target);
  if (!node || Object.keys(node.config ?? {}).length || document.edges.some((edge) => edge.target === target)) return [];
  const { config } = told(node, document, kinds, { source, port });
  return config?.show ? [{ op: "update", target: "node", id: target, value: { config } }] : [];
}

// Makes room below: what stands under a place moves down.
export function makeRoom(document, places, { y, left, right, parent, by }) {
  return document.nodes.filter((node) => (node.parent ?? "") === (parent ?? "")).flatMap((node) => {
    const at = places(node);
    return at.y >= y && at.x < right && at.x + 240 > left ? [{ op: "move", target: "node", id: node.id, value: { x: at.x, y: at.y + by } }] : [];
  });
}

export function connect({ source, port, target }, limit) {
  return [{ op: "add", target: "edge", value: { source, ...(port && port !== "out" ? { port } : {}), target, ...(limit ? { max_visits: limit } : {}) } }];
}

export function removeAll(document, { nodes, edges, notes = [], groups = [] }) {
  const gone = new Set(nodes);
  // Edges of a step that goes are taken along by the engine; removed here they can be put back one by one.
  const loose = document.edges.filter((edge) => edges.has(edgeKey(edge)) && !gone.has(edge.source) && !gone.has(edge.target));
  const boxes = new Map(document.nodes.filter((node) => gone.has(node.id)).map((node) => [node.id, node]));
  const moves = document.nodes.filter((node) => boxes.has(node.parent) && !gone.has(node.id)).map((node) => {
    const box = boxes.get(node.parent).position ?? { x: 0, y: 0 }, at = node.position ?? { x: 0, y: 0 };
    return { op: "move", target: "node", id: node.id, value: { x: at.x + box.x, y: at.y + box.y } };
  });
  return [
    ...moves,
    ...loose.map((edge) => ({ op: "remove", target: "edge", id: edgeId(edge) })),
    ...notes.map((id) => ({ op: "remove", target: "note", id })),
    ...groups.map((id) => ({ op: "remove", target: "group", id })),
    ...[...gone].map((id) => ({ op: "remove", target: "node", id })),
  ];
}

export const FORMAT = "signalbox/steps";

// Steps as text that can be pasted anywhere: into another workflow, a chat, an issue.
export function copyText(document, { nodes, notes = [] }, places) {
  const wanted = withChildren(document, new Set(nodes));
  return JSON.stringify({
    format: FORMAT,
    nodes: document.nodes.filter((node) => wanted.has(node.id)).map((node) => ({ ...node, position: places(node) })),
    edges: document.edges.filter((edge) => wanted.has(edge.source) && wanted.has(edge.target)),
    notes: (document.notes ?? []).filter((note) => notes.includes(note.id)),
  }, null, 1);
}

function withChildren(document, ids) {
  const all = new Set(ids);
  for (let before = -1; before !== all.size; ) {
    before = all.size;
    document.nodes.forEach((node) => node.parent && all.has(node.parent) && all.add(node.id));
  }
  return all;
}

// The copied part, or a whole document, or null when the text is neither.
export function readCopied(text) {
  let value;
  try { value = JSON.parse(text); } catch { return null; }
  const isPart = value && typeof value === "object" && Array.isArray(value.nodes) && Array.isArray(value.edges);
  const isKnown = isPart && ["signalbox/1", FORMAT].includes(value.format);
  return isKnown && value.nodes.every((node) => typeof node?.id === "string" && typeof node?.kind === "string") ? value : null;
}

// Pasted steps get ids of their own; what their settings say about each other follows.
export function paste(document, copied, at) {
  const hasStart = document.nodes.some((node) => node.kind === "start");
  const nodes = copied.nodes.filter((node) => !(node.kind === "start" && hasStart)), taken = idsOf(document.nodes), ids = new Map();
  for (const node of nodes) {
    const id = freeId(taken, node.id);
    taken.add(id);
    ids.set(node.id, id);
  }
  const top = nodes.filter((node) => !ids.has(node.parent)), left = Math.min(...top.map((node) => node.position?.x ?? 0)), up = Math.min(...top.map((node) => node.position?.y ?? 0));
  const made = nodes.map(({ parent, ...node }) => {
    const place = node.position ?? { x: 0, y: 0 }, isTop = !ids.has(parent);
    const position = isTop && at ? snap({ x: place.x - left + at.x, y: place.y - up + at.y }) : isTop ? { x: place.x + STEP, y: place.y + STEP } : place;
    return { ...node, id: ids.get(node.id), config: renamed(node.config ?? {}, ids), position, ...(isTop ? {} : { parent: ids.get(parent) }) };
  });
  const edges = copied.edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target)).map((edge) => ({ ...edge, source: ids.get(edge.source), target: ids.get(edge.target) }));
  const notesTaken = idsOf(document.notes), notes = (copied.notes ?? []).map((note) => {
    const id = freeId(notesTaken, String(note.id ?? "note")), place = note.position ?? { x: 0, y: 0 };
    notesTaken.add(id);
    return { ...note, id, position: at && nodes.length ? snap({ x: place.x - left + at.x, y: place.y - up + at.y }) : { x: place.x + STEP, y: place.y + STEP } };
  });
  return {
    ops: [...made.map((value) => ({ op: "add", target: "node", id: value.id, value })), ...edges.map((value) => ({ op: "add", target: "edge", value })), ...notes.map((value) => ({ op: "add", target: "note", id: value.id, value }))],
    select: made.filter((node) => !node.parent).map((node) => node.id), left: copied.nodes.length - nodes.length,
  };
}

const NAMED = /\bnodes\.([a-z][a-z0-9_]*)/g;

function renamed(value, ids) {
  if (typeof value === "string") return value.replace(NAMED, (all, id) => (ids.has(id) ? `nodes.${ids.get(id)}` : all));
  if (Array.isArray(value)) return value.map((item) => renamed(item, ids));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, key === "action" && ids.has(item) ? ids.get(item) : renamed(item, ids)]));
  return value;
}

export function tidy(document, kinds) {
  const places = layout(document, kinds);
  return document.nodes.filter((node) => node.position?.x !== places[node.id].x || node.position?.y !== places[node.id].y).map((node) => ({ op: "move", target: "node", id: node.id, value: places[node.id] }));
}

// `how`: left, center, top, or spread (the same gap between all, from top to bottom).
export function align(items, how) {
  if (items.length < 2) return [];
  const left = Math.min(...items.map((item) => item.x)), top = Math.min(...items.map((item) => item.y));
  const center = items.reduce((sum, item) => sum + item.x + item.width / 2, 0) / items.length;
  const sorted = [...items].sort((a, b) => a.y - b.y), room = sorted.at(-1).y + sorted.at(-1).height - top - sorted.reduce((sum, item) => sum + item.height, 0);
  const gap = Math.max(32, room / (sorted.length - 1));
  let y = top;
  return sorted.flatMap((item) => {
    const at = { left: { x: left, y: item.y }, center: { x: center - item.width / 2, y: item.y }, top: { x: item.x, y: top }, spread: { x: item.x, y } }[how];
    y += item.height + gap;
    const to = snap(at);
    return to.x === item.x && to.y === item.y ? [] : [{ op: "move", target: item.target, id: item.id, value: to }];
  });
}

export const sizeFor = (node, kind) => (kind?.is_box ? { width: BOX.width, height: BOX.height } : sizeOf(node, portsOf(node, kind)));
