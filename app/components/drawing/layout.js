// Where steps stand: top to bottom, boxes from the inside out, in the order a run would take them.
import dagre from "@dagrejs/dagre";
import { BOX, boxSize, edgeKey, portsOf, sizeOf } from "./shape.js";

// Keys of the edges that lead back to a step that is on the way to them.
export function backEdges(document) {
  const leaving = new Map();
  for (const edge of document.edges) (leaving.get(edge.source) ?? leaving.set(edge.source, []).get(edge.source)).push(edge);
  const state = new Map(), back = new Set();
  for (const root of [...document.nodes.filter((node) => node.kind === "start"), ...document.nodes]) {
    if (state.has(root.id)) continue;
    const path = [[root.id, 0]];
    state.set(root.id, "open");
    while (path.length) {
      const top = path[path.length - 1], edge = (leaving.get(top[0]) ?? [])[top[1]++];
      if (!edge) { state.set(top[0], "done"); path.pop(); continue; }
      if (state.get(edge.target) === "open") back.add(edgeKey(edge));
      else if (!state.has(edge.target)) { state.set(edge.target, "open"); path.push([edge.target, 0]); }
    }
  }
  return back;
}

// Steps so that each comes after all that lead to it, back edges apart: the order of the Tab key and of the step list.
export function runOrder(document, back = backEdges(document)) {
  const waits = new Map(document.nodes.map((node) => [node.id, 0])), leaving = new Map();
  for (const edge of document.edges) {
    if (back.has(edgeKey(edge)) || !waits.has(edge.target) || !waits.has(edge.source)) continue;
    waits.set(edge.target, waits.get(edge.target) + 1);
    (leaving.get(edge.source) ?? leaving.set(edge.source, []).get(edge.source)).push(edge.target);
  }
  const ready = document.nodes.filter((node) => !waits.get(node.id)).map((node) => node.id).reverse(), order = [];
  while (ready.length) {
    const id = ready.pop();
    order.push(id);
    for (const next of [...(leaving.get(id) ?? [])].reverse()) {
      waits.set(next, waits.get(next) - 1);
      if (!waits.get(next)) ready.push(next);
    }
  }
  return order;
}

// Whether positions are missing, or so that steps hide each other: then a layout of ours is shown.
export function needsLayout(document, kinds) {
  const used = usedPorts(document), boxes = new Set(document.nodes.map((node) => node.parent).filter(Boolean)), beside = new Map();
  for (const node of document.nodes) {
    const at = node.position;
    if (!at || typeof at.x !== "number" || typeof at.y !== "number") return true;
    if (boxes.has(node.id) || kinds.get(node.kind)?.is_box) continue;
    const key = node.parent ?? "", size = sizeOf(node, portsOf(node, kinds.get(node.kind), used.get(node.id)));
    (beside.get(key) ?? beside.set(key, []).get(key)).push({ ...at, ...size });
  }
  return [...beside.values()].some(hideEachOther);
}

function hideEachOther(places) {
  places.sort((a, b) => a.x - b.x);
  return places.some((a, index) => {
    for (let next = index + 1; next < places.length && places[next].x < a.x + a.width; next++) {
      if (places[next].y < a.y + a.height && a.y < places[next].y + places[next].height) return true;
    }
    return false;
  });
}

// `{node id: {x, y}}`; a position inside a box counts from the box's corner.
export function layout(document, kinds) {
  const used = usedPorts(document), back = backEdges(document), sizes = new Map(), places = {};
  const inside = new Map();
  for (const node of document.nodes) (inside.get(node.parent ?? "") ?? inside.set(node.parent ?? "", []).get(node.parent ?? "")).push(node);
  const order = new Map(runOrder(document, back).map((id, index) => [id, index]));
  const place = (owner, depth) => {
    const nodes = [...(inside.get(owner) ?? [])].sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
    for (const node of nodes) {
      const isBox = inside.has(node.id) || kinds.get(node.kind)?.is_box;
      if (isBox && depth < 20) place(node.id, depth + 1);
      const children = (inside.get(node.id) ?? []).map((child) => ({ ...places[child.id], ...sizes.get(child.id) }));
      sizes.set(node.id, isBox ? boxSize(children) : sizeOf(node, portsOf(node, kinds.get(node.kind), used.get(node.id))));
    }
    Object.assign(places, arrange(nodes, document.edges, sizes, back, owner ? { x: BOX.inset, y: BOX.top } : { x: 0, y: 0 }));
  };
  place("", 0);
  return places;
}

export function usedPorts(document) {
  const used = new Map();
  for (const edge of document.edges) {
    const ports = used.get(edge.source) ?? used.set(edge.source, new Set()).get(edge.source);
    ports.add(edge.port ?? "out");
    if (edge.on_exhausted) ports.add(edge.on_exhausted);
  }
  return used;
}

function arrange(nodes, edges, sizes, back, corner) {
  const graph = new dagre.graphlib.Graph({ multigraph: true }).setGraph({ rankdir: "TB", nodesep: 40, ranksep: 48, marginx: 0, marginy: 0 }).setDefaultEdgeLabel(() => ({}));
  const here = new Set(nodes.map((node) => node.id));
  nodes.forEach((node) => graph.setNode(node.id, { ...sizes.get(node.id) }));
  edges.forEach((edge) => {
    if (here.has(edge.source) && here.has(edge.target) && !back.has(edgeKey(edge))) graph.setEdge(edge.source, edge.target, {}, edge.port ?? "out");
  });
  dagre.layout(graph);
  const snap = (value) => Math.round(value / 8) * 8;
  return Object.fromEntries(nodes.map((node) => {
    const at = graph.node(node.id), size = sizes.get(node.id);
    return [node.id, { x: snap(at.x - size.width / 2) + corner.x, y: snap(at.y - size.height / 2) + corner.y }];
  }));
}
