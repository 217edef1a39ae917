// Every action of the hand: what it needs from the desk, the operations it makes, and what it says when it cannot.
import { backEdges, layout, needsLayout } from "../drawing/layout.js";
import { edgeKey, portsOf } from "../drawing/shape.js";
import { titleOf } from "../drawing/words.js";
import * as make from "./make.js";
import { checkConnection } from "./rules.js";

const GAP = 56, FIT = { padding: 0.08, maxZoom: 1, minZoom: 0.05, duration: 200 };

export function actionsOf(desk) {
  const at = (node) => desk.places?.[node.id] ?? node.position ?? { x: 0, y: 0 };
  const nodeOf = (id) => desk.document.nodes.find((node) => node.id === id);
  const name = (node) => titleOf(node, desk.kinds.get(node.kind));
  const sizeOf = (node) => make.sizeFor(node, desk.kinds.get(node.kind));

  const change = (ops, label, options) => {
    if (!ops.length || !desk.canEdit) return;
    if (desk.places) {
      // What is seen so far is our layout: from the first change on it belongs to the document.
      const moves = desk.document.nodes.filter((node) => desk.places[node.id]).map((node) => ({ op: "move", target: "node", id: node.id, value: desk.places[node.id] }));
      desk.draft.change(moves, "", { isQuiet: true });
      desk.places = null;
      desk.setPlaces(null);
    }
    desk.draft.change(ops, label, options);
    desk.document = desk.draft.state.document;
  };

  const select = (nodes, edges = []) => desk.setSelected({ nodes: new Set(nodes), edges: new Set(edges) });

  const absolute = (id) => desk.flow.getInternalNode(id)?.internals.positionAbsolute;
  const show = (id) => {
    const place = absolute(id), node = desk.flow.getNode(id);
    if (place && node) desk.flow.setCenter(place.x + node.width / 2, place.y + node.height / 2, { zoom: Math.max(0.7, Math.min(1, desk.flow.getZoom())), duration: 200 });
  };
  const jump = (id) => { select([id]); show(id); focusStep(id); };

  const selectedSteps = () => [...desk.selected.nodes].filter((id) => nodeOf(id));
  const only = () => (desk.selected.nodes.size === 1 ? nodeOf([...desk.selected.nodes][0]) : null);

  // Where a step goes that follows this one, and by which port: a free one, else into the first edge.
  const after = (node) => {
    const ports = portsOf(node, desk.kinds.get(node.kind)), used = new Map(desk.document.edges.filter((edge) => edge.source === node.id).map((edge) => [edge.port ?? "out", edge]));
    const out = ports.filter((port) => port.id !== "item"), free = out.find((port) => !used.has(port.id));
    if (free) return { from: { source: node.id, port: free.id } };
    const back = backEdges(desk.document), edge = out.map((port) => used.get(port.id)).find((one) => one && !back.has(edgeKey(one)));
    return edge ? { edge } : {};
  };

  const placeBelow = (above, kind, where) => {
    const size = make.sizeFor({ kind: kind.kind, config: {} }, kind), place = at(above), drawn = desk.flow.getNode(above.id), own = drawn ?? sizeOf(above);
    const port = where.from && drawn?.handles?.find((handle) => handle.type === "source" && handle.id === where.from.port);
    const many = (drawn?.handles?.filter((handle) => handle.type === "source").length ?? 1) > 1;
    // Exactly below the port, so that the track is straight; only the height keeps to the grid.
    return { x: place.x + (port && many ? port.x + 5 : own.width / 2) - size.width / 2, y: make.snap({ x: 0, y: place.y + own.height + GAP }).y };
  };

  // Adds a step of this kind: at a place, behind a port, before a step, or on an edge.
  const add = (kind, where = {}) => {
    const chosen = where.position || where.from || where.edge || where.to ? where : only() && !["end", "fail"].includes(only().kind) ? { ...after(only()), ...where } : where;
    const source = nodeOf(chosen.from?.source ?? chosen.edge?.source), above = source;
    const isInto = chosen.from?.port === "item", parent = chosen.parent ?? (isInto ? source.id : above?.parent ?? nodeOf(chosen.to)?.parent);
    let position = chosen.position;
    if (isInto) position = { x: 14, y: 88 };
    else if (position && parent && !chosen.parent) position = inside(position, parent);
    else if (!position && above) position = placeBelow(above, kind, chosen);
    position ??= middle(kind);
    if (chosen.position && chosen.from && !isInto) position = straightBelow(chosen.from, kind, position);
    const size = make.sizeFor({ kind: kind.kind, config: {} }, kind);
    const room = !chosen.position && above ? make.makeRoom(desk.document, at, { y: position.y - GAP / 2, left: position.x, right: position.x + size.width, parent, by: size.height + GAP }) : [];
    const needsRoom = room.some((move) => move.value.y - size.height - GAP < position.y + size.height + 24);
    const { ops, select: made } = make.addStep(desk.document, kind, { ...chosen, position, parent, kinds: desk.kindList });
    change([...(needsRoom ? room : []), ...ops], "Add a step");
    select(made);
    focusStep(made[0]);
    requestAnimationFrame(() => requestAnimationFrame(() => { if (!isInSight(made[0])) show(made[0]); }));
    return made[0];
  };

  // Let go nearly below a port means below it: the track is straight then.
  const straightBelow = ({ source, port }, kind, position) => {
    const above = desk.flow.getNode(source), handle = above?.handles?.find((one) => one.type === "source" && one.id === port), size = make.sizeFor({ kind: kind.kind, config: {} }, kind);
    const x = handle ? above.position.x + handle.x + 5 - size.width / 2 : position.x;
    return Math.abs(x - position.x) < 64 ? { x, y: position.y } : position;
  };

  // A place on the canvas, counted from a box's corner.
  const inside = (place, box) => { const corner = absolute(box) ?? { x: 0, y: 0 }; return { x: Math.max(14, place.x - corner.x), y: Math.max(88, place.y - corner.y) }; };

  const middle = (kind) => {
    const frame = window.document.querySelector(".stage")?.getBoundingClientRect() ?? { left: 0, top: 0, width: 800, height: 600 };
    const size = make.sizeFor({ kind: kind.kind, config: {} }, kind);
    const center = desk.flow.screenToFlowPosition({ x: frame.left + frame.width / 2, y: frame.top + frame.height / (desk.document.nodes.length ? 2 : 5) });
    let position = make.snap({ x: center.x - size.width / 2, y: center.y - size.height / 2 });
    while (desk.document.nodes.some((node) => Math.abs(at(node).x - position.x) < 24 && Math.abs(at(node).y - position.y) < 24)) position = { x: position.x + 24, y: position.y + 24 };
    return position;
  };

  const refuse = (reason) => desk.tell({ tone: "failed", title: "Not connected.", text: reason, kind: "refused" });

  const connect = (wanted, { without = null } = {}) => {
    const checked = checkConnection(desk.document, desk.kinds, wanted, without);
    if (checked.reason) { refuse(checked.reason); return false; }
    if (checked.isBack) { desk.setDialog({ name: "limit", wanted, without }); return true; }
    change([...(without ? [{ op: "remove", target: "edge", id: without }] : []), ...make.connect(wanted), ...make.toldBy(desk.document, desk.kindList, wanted)], "Connect");
    return true;
  };

  const closeLoop = ({ wanted, without }, most, then) => {
    const [edge] = make.connect(wanted, most);
    if (then) edge.value.on_exhausted = then;
    change([...(without ? [{ op: "remove", target: "edge", id: without }] : []), edge], "Lead back");
    select([], [edgeKey(edge.value)]);
  };

  const removeSelected = () => {
    const picked = [...desk.selected.nodes];
    const ops = make.removeAll(desk.document, {
      nodes: picked.filter((id) => nodeOf(id)), edges: desk.selected.edges,
      notes: picked.filter((id) => id.startsWith("note:")).map((id) => id.slice(5)), groups: picked.filter((id) => id.startsWith("group:")).map((id) => id.slice(6)),
    });
    change(ops, "Delete");
    select([]);
  };

  const copied = () => make.copyText(desk.document, { nodes: selectedSteps(), notes: [...desk.selected.nodes].filter((id) => id.startsWith("note:")).map((id) => id.slice(5)) }, at);

  const paste = (text, place) => {
    const value = make.readCopied(text);
    if (!value) { desk.tell({ tone: "waiting", text: "What was copied is no step. Copy steps here or in another workflow, or the text of a workflow." }); return; }
    const { ops, select: made, left } = make.paste(desk.document, value, place);
    change(ops, "Paste");
    select(made);
    if (left) desk.tell({ tone: "waiting", text: "The start was left out: this workflow has one already." });
  };

  const items = () => [...desk.selected.nodes].map((id) => desk.flow.getNode(id)).filter((node) => node && node.type !== "group-frame")
    .map((node) => ({ id: node.id.replace(/^note:/, ""), target: node.type === "note" ? "note" : "node", x: node.position.x, y: node.position.y, width: node.width, height: node.height }));

  const align = (how) => change(make.align(items(), how), "Align");

  const tidy = () => {
    // What was only shown so far is written down, so that it stays.
    desk.places = null;
    desk.setPlaces(null);
    change(make.tidy(desk.document, desk.kinds), "Tidy up");
    setTimeout(() => desk.flow.fitView(FIT), 60);
  };

  const addNote = (place) => {
    const id = make.freeId(new Set((desk.document.notes ?? []).map((note) => note.id)), "note"), position = place ?? middle({ kind: "llm" });
    change([{ op: "add", target: "note", id, value: { id, text: "", author: desk.me.name, position: make.snap(position) } }], "Add a note");
    select([`note:${id}`]);
    desk.setDialog({ name: "note", id });
  };

  const group = () => {
    const nodes = selectedSteps();
    if (!nodes.length) { desk.tell({ tone: "waiting", text: "Select the steps that belong together first: hold Shift and draw a frame around them." }); return; }
    const id = make.freeId(new Set((desk.document.groups ?? []).map((one) => one.id)), "group");
    change([{ op: "add", target: "group", id, value: { id, title: "Group", nodes } }], "Group");
    desk.setDialog({ name: "group", id });
  };

  const toggleOff = () => {
    const steps = selectedSteps().map(nodeOf), isOff = steps.every((node) => node.disabled);
    change(steps.filter((node) => node.kind !== "start").map((node) => ({ op: "update", target: "node", id: node.id, value: { disabled: isOff ? null : true } })), isOff ? "Switch on" : "Switch off");
  };

  const nudge = (x, y) => change(items().map((item) => ({ op: "move", target: item.target, id: item.id, value: { x: item.x + x, y: item.y + y } })), "Move", { joins: `nudge ${[...desk.selected.nodes].join()}` });

  // Along the edges: down to what follows, up to what leads here, sideways to the nearest beside.
  const walk = (direction) => {
    const node = only();
    if (!node) { const first = desk.flow.getNodes().find((one) => nodeOf(one.id)); if (first) jumpQuietly(first.id); return; }
    const back = backEdges(desk.document), forward = desk.document.edges.filter((edge) => !back.has(edgeKey(edge)));
    const next = direction === "down" ? forward.filter((edge) => edge.source === node.id).map((edge) => edge.target) : direction === "up" ? forward.filter((edge) => edge.target === node.id).map((edge) => edge.source) : beside(node.id, direction);
    if (next.length) jumpQuietly(nearest(node.id, next));
  };

  const nearest = (from, ids) => {
    const here = absolute(from);
    return [...ids].sort((a, b) => distance(here, absolute(a)) - distance(here, absolute(b)))[0];
  };
  const distance = (a, b) => (a && b ? Math.abs(a.x - b.x) * 2 + Math.abs(a.y - b.y) : Infinity);

  const beside = (id, direction) => {
    const here = absolute(id), sign = direction === "right" ? 1 : -1;
    return desk.document.nodes.filter((node) => { const there = absolute(node.id); return there && (there.x - here.x) * sign > 40 && Math.abs(there.y - here.y) < 160; }).map((node) => node.id);
  };

  const jumpQuietly = (id) => { select([id]); focusStep(id); if (!isInSight(id)) show(id); };

  // The next edge that leaves the selected step, for the keyboard.
  const walkEdges = () => {
    const chosen = [...desk.selected.edges][0], source = chosen ? desk.document.edges.find((edge) => edgeKey(edge) === chosen)?.source : only()?.id;
    const leaving = desk.document.edges.filter((edge) => edge.source === source);
    if (leaving.length) select([], [edgeKey(leaving[(leaving.findIndex((edge) => edgeKey(edge) === chosen) + 1) % leaving.length])]);
  };

  return {
    add, addNote, align, at, change, closeLoop, connect, copied, group, jump, name, nodeOf, nudge, only, paste, removeSelected, select, selectedSteps, show, tidy, toggleOff, walk, walkEdges,
    duplicate: () => { const text = copied(); if (selectedSteps().length || desk.selected.nodes.size) paste(text, null); },
    // Shows our own layout where the document's hides something.
    showLayout: () => { if (needsLayout(desk.document, desk.kinds)) { desk.places = layout(desk.document, desk.kinds); desk.setPlaces(desk.places); } },
    // Alone, a first step stands at the top: what follows comes below it.
    showFirst: () => { const height = window.document.querySelector(".stage")?.clientHeight ?? 800; desk.flow.setCenter(120, height / 2 - 72, { zoom: 1 }); },
    fit: () => desk.flow.fitView(FIT), selectAll: () => select(desk.flow.getNodes().filter((node) => node.type !== "group-frame").map((node) => node.id)),
  };
}

const frameOf = (id) => window.document.querySelector(`.react-flow__node[data-id="${CSS.escape(id)}"]`);

// A step that was just added is in the page a moment later.
export function focusStep(id, tries = 8) {
  const found = frameOf(id);
  if (found) found.focus({ preventScroll: true });
  else if (tries) requestAnimationFrame(() => focusStep(id, tries - 1));
}

function isInSight(id) {
  const place = frameOf(id)?.getBoundingClientRect(), stage = window.document.querySelector(".stage")?.getBoundingClientRect();
  return Boolean(place && stage && place.left >= stage.left && place.right <= stage.right && place.top >= stage.top && place.bottom <= stage.bottom);
}
