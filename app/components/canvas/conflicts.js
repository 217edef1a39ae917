// Whether two people changed the same thing: then nobody's work is written over without asking.
import { edgeKey } from "../drawing/shape.js";
import { titleOf } from "../drawing/words.js";

const isSame = (a, b) => a === b || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

const find = (document, target, id) => {
  if (target === "document") return document;
  const items = document[`${target}s`] ?? [];
  return items.find((item) => (target === "edge" ? edgeKey(item) === edgeKey(id) : item.id === id));
};

// `[{what, key}]` for every value that both sides changed, each to something else.
export function conflictsOf(base, theirs, mine) {
  const found = new Map();
  for (const op of mine) {
    if (op.op !== "update" && op.op !== "move" && op.op !== "remove") continue;
    const before = find(base, op.target, op.id), now = find(theirs, op.target, op.id);
    if (!before || !now) continue;
    const keys = op.op === "move" ? ["position"] : op.op === "remove" ? Object.keys({ ...before, ...now }) : Object.keys(op.value);
    for (const key of keys) {
      const wanted = op.op === "update" ? op.value[key] : undefined;
      if (isSame(before[key], now[key]) || (op.op === "update" && isSame(wanted, now[key]))) continue;
      // Where a step stands is no reason to ask anybody.
      if (key === "position") continue;
      found.set(`${op.target} ${JSON.stringify(op.id)} ${key}`, { what: op.target === "node" ? titleOf(before) : "the workflow", key });
    }
  }
  return [...found.values()];
}
