// The step list of a run: one row a step, rounds of a loop under their step, items and turns under the step that holds them.
import { insideOf, isInside } from "../drawing/inside.js";
import { kindWords, sentence, titleOf } from "../drawing/words.js";
import { agentsOf, callsOf, partIcon, partWord, turnsOf } from "./agents.js";

// What the document says of its steps, ready to be asked by id; `order` are the ids as a run comes to them.
export function bookOf(document, order = []) {
  const nodes = new Map((document?.nodes ?? []).map((node) => [node.id, node]));
  const rounds = new Map();
  for (const edge of document?.edges ?? []) if (edge.max_visits) rounds.set(edge.target, Math.max(rounds.get(edge.target) ?? 0, edge.max_visits));
  return { document, nodes, rounds, order: new Map(order.map((id, index) => [id, index])), name: document?.name ?? "" };
}

export function nameOf(book, node) {
  if (isInside(node)) return `${nameOf(book, node.split(".")[0])}: ${partWord(node)}`;
  return book.nodes.has(node) ? titleOf(book.nodes.get(node)) : sentence(node);
}

export function lookOf(book, node) {
  if (isInside(node)) return { name: "Step", icon: partIcon(node), isAi: node.endsWith(".turn") };
  const found = book.nodes.get(node);
  return found ? kindWords(found.kind) : { name: "Step", icon: "box", isAi: false };
}

// A path taken apart: `draft#2/each[3]/check` is the step `check` in item 3 of `each`, in round 2 of the loop at `draft`.
export function placeOf(path) {
  const parts = path.split("/");
  const rounds = [];
  let loop = "";
  let scope = "";
  parts.slice(0, -1).forEach((part, index) => {
    if (part.includes("#") && !part.includes("[")) {
      [loop] = part.split("#");
      rounds.push(Number(part.split("#")[1]));
      return;
    }
    scope = parts.slice(0, index + 1).join("/");
    rounds.length = 0;
    loop = "";
  });
  const own = parts.at(-1);
  const [node, round] = own.split("#");
  // The first step of a loop names its round itself.
  if (round !== undefined) [loop] = [node, rounds.push(Number.parseInt(round, 10))];
  return { scope, node: node.split("[")[0], loop, rounds };
}

const ITEM = /^(.*)\[(\d+)\]$/;

// Groups of steps by where they stand; made anew only when a step has come that was not there before.
export function treeOf(run) {
  const scopes = new Map();
  const under = new Map();
  for (const step of run.steps.values()) {
    // What an agent did stands under the agent, as turns and calls.
    if (isInside(step.node)) continue;
    const place = placeOf(step.path);
    if (!scopes.has(place.scope)) {
      scopes.set(place.scope, new Map());
      const base = ITEM.exec(place.scope)?.[1] ?? place.scope;
      if (place.scope) (under.get(base) ?? under.set(base, []).get(base)).push(place.scope);
    }
    const groups = scopes.get(place.scope);
    const group = groups.get(place.node);
    if (group) group.steps.push(step);
    else groups.set(place.node, { node: place.node, loop: place.loop, steps: [step] });
  }
  for (const base of under.keys()) if (!run.steps.has(base)) hold(scopes, base);
  const agents = agentsOf(run);
  for (const path of agents.keys()) if (!run.steps.has(path)) hold(scopes, path);
  return { scopes, under, agents };
}

// A box whose own step has not been told yet still holds its items.
function hold(scopes, base) {
  const place = placeOf(base);
  const groups = scopes.get(place.scope) ?? scopes.set(place.scope, new Map()).get(place.scope);
  if (!groups.has(place.node)) groups.set(place.node, { node: place.node, loop: place.loop, steps: [], base });
}

// The rows as they stand below each other; `open` holds the keys of rows that are unfolded.
export function rowsOf(tree, book, open, { isOver }) {
  const rows = [];
  const scope = (name, level) => {
    for (const group of tree.scopes.get(name)?.values() ?? []) ofGroup(group, level);
  };
  const ofGroup = (group, level) => {
    const { steps } = group;
    const path = steps.at(-1)?.path ?? group.base;
    const isMany = steps.length > 1;
    const key = isMany ? `${placeOf(path).scope}>${group.node}` : path;
    const canOpen = isMany || tree.under.has(path) || tree.agents.has(path);
    const isOpen = canOpen && open.has(key);
    rows.push({ key, kind: isMany ? "rounds" : "step", path, node: group.node, loop: group.loop, steps, level, canOpen, isOpen, agent: isMany ? undefined : tree.agents.get(path) });
    if (!isOpen) return;
    if (!isMany) return within(path, level + 1);
    for (const step of steps) {
      const holds = tree.under.has(step.path) || tree.agents.has(step.path);
      const isUnfolded = holds && open.has(step.path);
      rows.push({ key: step.path, kind: "round", path: step.path, node: group.node, loop: group.loop, steps: [step], level: level + 1, canOpen: holds, isOpen: isUnfolded, agent: tree.agents.get(step.path) });
      if (isUnfolded) within(step.path, level + 2);
    }
  };
  const within = (path, level) => {
    if (tree.agents.has(path)) rows.push(...agentRows(tree.agents.get(path), level));
    for (const name of tree.under.get(path) ?? []) {
      const item = ITEM.exec(name);
      if (!item) {
        scope(name, level);
        continue;
      }
      const steps = [...tree.scopes.get(name).values()].flatMap((group) => group.steps);
      const key = `[${name}`;
      rows.push({ key, kind: "item", path: steps.at(-1)?.path ?? name, node: "", index: Number(item[2]), steps, level, canOpen: true, isOpen: open.has(key) });
      if (open.has(key)) scope(name, level + 1);
    }
  };
  scope("", 0);
  if (book.document) rows.push(...notReached(tree, book, isOver));
  return rows;
}

// The turns of an agent, each with its calls and what a person said to it.
function agentRows(agent, level) {
  const rows = [];
  const plain = { node: agent.node, loop: "", canOpen: false, isOpen: false };
  for (const turn of turnsOf(agent)) {
    rows.push({ ...plain, key: turn.path, kind: "turn", path: turn.path, steps: [turn.step], also: turn.box ? [turn.box.path] : [], turn, level });
    for (const call of callsOf(turn)) rows.push({ ...plain, key: call.path, kind: "call", path: (call.parts.call ?? call.steps[0]).path, steps: call.steps, call, level: level + 1 });
    if (turn.say) rows.push({ ...plain, key: turn.say.path, kind: "say", path: turn.say.path, steps: [turn.say], level: level + 1 });
  }
  return rows;
}

// Steps of the document that the run has not come to: after its end they were not needed.
function notReached(tree, book, isOver) {
  const seen = tree.scopes.get("") ?? new Map();
  const rest = book.document.nodes.filter((node) => !node.parent && !seen.has(node.id));
  rest.sort((a, b) => (book.order.get(a.id) ?? 0) - (book.order.get(b.id) ?? 0));
  return rest.map((node) => ({ key: `-${node.id}`, kind: isOver ? "unneeded" : "ahead", path: "", node: node.id, steps: [], level: 0, canOpen: false, isOpen: false }));
}

// Every row that must be unfolded for this step to be in sight.
export function openFor(tree, path) {
  const inside = insideOf(path);
  if (inside) return [...openFor(tree, inside.owner), inside.owner];
  const keys = [];
  const parts = path.split("/");
  const place = placeOf(path);
  const group = tree.scopes.get(place.scope)?.get(place.node);
  if (group && group.steps.length > 1) keys.push(`${place.scope}>${place.node}`);
  for (let count = parts.length - 1; count > 0; count -= 1) {
    const prefix = parts.slice(0, count).join("/");
    if (!tree.scopes.has(prefix)) continue;
    const base = ITEM.exec(prefix)?.[1] ?? prefix;
    if (base !== prefix) keys.push(`[${prefix}`);
    const above = placeOf(base);
    const many = tree.scopes.get(above.scope)?.get(above.node);
    keys.push(base);
    if (many && many.steps.length > 1) keys.push(`${above.scope}>${above.node}`);
  }
  return keys;
}

// Which edges were taken, and where a step works now: `{edge key: "taken" | "live"}`.
export function takenOf(run, book, edgeKey) {
  const left = new Map();
  const running = new Set();
  for (const step of run.steps.values()) {
    const port = step.status === "done" ? step.port : step.status === "failed" && step.goesOn === "port" ? "error" : null;
    if (port !== null) (left.get(step.node) ?? left.set(step.node, new Set()).get(step.node)).add(port);
    if (step.status === "running") running.add(step.node);
  }
  const taken = {};
  for (const edge of book.document?.edges ?? []) {
    if (left.get(edge.source)?.has(edge.port ?? "out")) taken[edgeKey(edge)] = running.has(edge.target) ? "live" : "taken";
  }
  return taken;
}
