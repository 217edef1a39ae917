// A document as React Flow takes it: nodes in the order of a run, each with its size and ports, and the edges between them.
import { backEdges, runOrder, usedPorts } from "./layout.js";
import { routesOf } from "./routes.js";
import { boxSize, COMPACT, edgeKey, handlesOf, portsOf, sizeOf } from "./shape.js";
import { kindLine, kindWords, portWord, titleOf } from "./words.js";

const STEP = { "aria-roledescription": "step" };
export const NOTE = "note:", GROUP = "group:";

// Beyond so many steps their numbers are left out of their names: one step more would change all of them.
const MOST_COUNTED = 120;

export const kindMap = (kinds) => (kinds instanceof Map ? kinds : new Map((kinds ?? []).map((kind) => [kind.kind, kind])));

// `places` stand in for positions of the document (a layout that is not stored). `before`: the result of the last call, whose unchanged parts are kept.
export function toFlow(document, kinds, { places = null, before = null } = {}) {
  const used = usedPorts(document), back = backEdges(document), order = runOrder(document, back);
  const rank = new Map(order.map((id, index) => [id, index]));
  const byId = new Map(document.nodes.map((node) => [node.id, node]));
  const inside = new Map();
  document.nodes.forEach((node) => node.parent && byId.has(node.parent) && (inside.get(node.parent) ?? inside.set(node.parent, []).get(node.parent)).push(node));
  const known = new Map(before?.nodes.map((node) => [node.id, node]) ?? []);
  const made = new Map();
  const make = (node, depth) => {
    if (made.has(node.id)) return made.get(node.id);
    const children = depth > 20 ? [] : (inside.get(node.id) ?? []).map((child) => make(child, depth + 1));
    const facts = { place: places?.[node.id] ?? node.position ?? { x: 0, y: 0 }, placeInRun: document.nodes.length > MOST_COUNTED ? "" : `, step ${(rank.get(node.id) ?? 0) + 1} of ${document.nodes.length}` };
    made.set(node.id, flowNode(node, kinds.get(node.kind), { ...facts, ports: used.get(node.id), children, isInside: byId.has(node.parent), old: known.get(node.id) }));
    return made.get(node.id);
  };
  document.nodes.forEach((node) => make(node, 0));
  const steps = [...made.values()].sort((a, b) => depthOf(a, byId) - depthOf(b, byId) || (rank.get(a.id) ?? 1e9) - (rank.get(b.id) ?? 1e9));
  const nodes = [...groupsOf(document, made), ...steps, ...notesOf(document, known)];
  const edges = edgesOf(document, made, back), routes = routesOf(nodes, edges), old = new Map(before?.edges.map((edge) => [edge.id, edge]) ?? []);
  return { nodes, edges: edges.map((edge) => keptEdge({ ...edge, data: { ...edge.data, route: routes[edge.id] } }, old.get(edge.id))), order };
}

function depthOf(node, byId) {
  let depth = 0;
  for (let at = node.data.node; at?.parent && depth < 20; at = byId.get(at.parent)) depth++;
  return depth;
}

function flowNode(node, kind, { place, placeInRun, ports: used, children, isInside, old }) {
  const ports = portsOf(node, kind, used);
  const isBox = Boolean(kind?.is_box || children.length);
  const size = isBox ? boxSize(children.map((child) => ({ ...child.position, width: child.width, height: child.height }))) : sizeOf(node, ports);
  const shape = `${ports.map((port) => `${port.id}=${port.name}`).join("\n")}|${size.width}x${size.height}|${placeInRun}|${isInside}`;
  if (old && old.data.node === node && old.data.shape === shape && old.position.x === place.x && old.position.y === place.y) return old;
  const words = kindWords(node.kind, kind), title = titleOf(node, kind);
  return {
    id: node.id,
    type: isBox ? "box" : COMPACT.has(node.kind) ? "compact" : "step",
    position: { x: place.x ?? 0, y: place.y ?? 0 },
    ...(isInside ? { parentId: node.parent } : {}),
    ...size,
    handles: handlesOf(node, ports, size, isBox),
    domAttributes: STEP,
    ariaLabel: `${title}, ${words.name.toLowerCase()}${placeInRun}`,
    data: { node, kind, title, line: kindLine(node, kind), icon: words.icon, isAi: words.isAi, ports, shape },
    ...(old ? { selected: old.selected, measured: size } : { measured: size }),
  };
}

// The same object as before when nothing about it is different: it is not drawn again.
function keptEdge(edge, old) {
  if (!old || old.data.edge !== edge.data.edge || old.targetHandle !== edge.targetHandle) return edge;
  return ["isBack", "lane", "room", "label"].every((name) => old.data[name] === edge.data[name]) && ["turn", "lane", "back"].every((name) => old.data.route?.[name] === edge.data.route?.[name]) ? old : edge;
}

function edgesOf(document, made, back) {
  const seen = new Map(), lanes = new Map();
  return document.edges.filter((edge) => made.has(edge.source) && made.has(edge.target)).map((edge) => {
    const key = edgeKey(edge), twin = seen.get(key) ?? 0;
    seen.set(key, twin + 1);
    const id = twin ? `${key} ${twin}` : key, isBack = back.has(key);
    const source = made.get(edge.source), handle = source.handles.find((one) => one.id === (edge.port ?? "out") && one.type === "source");
    const lane = isBack ? (lanes.set(edge.target, (lanes.get(edge.target) ?? -1) + 1), lanes.get(edge.target)) : 0;
    const room = handle ? source.width - handle.x : 0;
    return {
      id, type: "track", source: edge.source, sourceHandle: edge.port ?? "out", target: edge.target, targetHandle: isBack ? "back" : "in",
      data: { edge, key, isBack, lane, room, label: isBack ? backLabel(edge, source.data.node.kind) : "" },
    };
  });
}

export function backLabel(edge, kind) {
  const most = edge.max_visits ? `at most ${edge.max_visits} ${edge.max_visits === 1 ? "time" : "times"}` : "without a limit";
  return (edge.port ?? "out") === "out" ? `again, ${most}` : `${portWord(edge.port, kind).toLowerCase()}, ${most}`;
}

function notesOf(document, known) {
  return (document.notes ?? []).filter((note) => note && typeof note === "object" && note.id).map((note) => {
    const id = NOTE + note.id, old = known.get(id), place = note.position ?? { x: 0, y: 0 };
    if (old && old.data.note === note) return old;
    const lines = String(note.text ?? "").split("\n").reduce((all, line) => all + Math.max(1, Math.ceil(line.length / 30)), 0);
    const size = { width: note.width ?? 200, height: note.height ?? Math.max(48, lines * 16 + 20 + (note.author ? 16 : 0)) };
    return { id, type: "note", position: { x: place.x ?? 0, y: place.y ?? 0 }, ...size, measured: size, selected: old?.selected, ariaLabel: "Note", data: { note }, zIndex: 0 };
  });
}

// A group is a name over steps: its frame follows them.
function groupsOf(document, made) {
  return (document.groups ?? []).filter((group) => group && group.id && Array.isArray(group.nodes)).flatMap((group) => {
    const members = group.nodes.map((id) => made.get(id)).filter((node) => node && !node.parentId);
    if (!members.length) return [];
    const left = Math.min(...members.map((node) => node.position.x)) - 16, top = Math.min(...members.map((node) => node.position.y)) - 40;
    const width = Math.max(...members.map((node) => node.position.x + node.width)) + 16 - left;
    const height = Math.max(...members.map((node) => node.position.y + node.height)) + 16 - top;
    const size = { width, height };
    return [{ id: GROUP + group.id, type: "group-frame", position: { x: left, y: top }, ...size, measured: size, draggable: false, zIndex: -1, ariaLabel: `Group ${group.title ?? ""}`, data: { group } }];
  });
}
