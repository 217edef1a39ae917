// Which results of a try no longer belong to the draft, and why.
import { titleOf } from "../drawing/words.js";

const told = (node) => JSON.stringify([node.kind, node.config ?? {}, node.agent, node.join, node.timeout_s, node.retry, node.on_error, node.default_output, node.disabled, node.parent]);

// `{step id: reason}`; `before` is the document that was tried.
export function staleSteps(before, now, ids, kinds) {
  if (before === now) return {};
  const old = new Map(before.nodes.map((node) => [node.id, node])), entering = new Map(), wasEntered = entries(before), isEntered = entries(now), changed = new Map();
  for (const node of now.nodes) {
    const past = old.get(node.id), name = titleOf(node, kinds.get(node.kind));
    if (!past || (past !== node && told(past) !== told(node))) changed.set(node.id, ["Changed since this try", `“${name}” before it has changed since`]);
    else if (wasEntered.get(node.id) !== isEntered.get(node.id)) changed.set(node.id, ["Reached by other ways since this try", `“${name}” before it is reached by other ways since`]);
  }
  if (!changed.size) return {};
  for (const edge of now.edges) (entering.get(edge.target) ?? entering.set(edge.target, []).get(edge.target)).push(edge.source);
  return Object.fromEntries(ids.flatMap((id) => { const reason = why(id, entering, changed); return reason ? [[id, reason]] : []; }));
}

function entries(document) {
  const found = new Map();
  for (const edge of document.edges) found.set(edge.target, [...(found.get(edge.target) ?? []), `${edge.source}.${edge.port ?? "out"}`].sort());
  return new Map([...found].map(([id, all]) => [id, all.join()]));
}

function why(id, entering, changed) {
  if (changed.has(id)) return changed.get(id)[0];
  const seen = new Set([id]), todo = [id];
  while (todo.length) for (const before of entering.get(todo.shift()) ?? []) {
    if (seen.has(before)) continue;
    if (changed.has(before)) return changed.get(before)[1];
    seen.add(before);
    todo.push(before);
  }
  return null;
}
