// Applies operations to a document exactly as engine/graph/ops.py does, and turns them round for undo.
const ARRAYS = { node: "nodes", edge: "edges", note: "notes", group: "groups" };

export class CannotApply extends Error {}

export const edgeId = (edge) => ({ source: edge.source, ...(edge.port && edge.port !== "out" ? { port: edge.port } : {}), target: edge.target });
const isEdge = (edge, id) => edge.source === id.source && (edge.port ?? "out") === (id.port ?? "out") && edge.target === id.target;

// The changed document (unchanged parts are the same objects) and the operations that take it back.
// `onMissing` is told of operations that no longer fit, and then they are left out; without it they are an error.
export function applyOps(document, ops, onMissing) {
  const next = { ...document }, back = [];
  const items = (target) => {
    const name = ARRAYS[target];
    if (next[name] === document[name]) next[name] = [...(document[name] ?? [])];
    return next[name];
  };
  for (const op of ops) {
    try {
      back.unshift(...applyOne(next, items, op));
    } catch (error) {
      if (!(error instanceof CannotApply) || !onMissing) throw error;
      onMissing(op, error);
    }
  }
  return { document: next, back };
}

function applyOne(next, items, op) {
  if (op.target === "document") return merged(next, op, next);
  const found = items(op.target);
  if (op.op === "add") return add(found, op);
  const at = found.findIndex((item) => (op.target === "edge" ? isEdge(item, op.id) : item.id === op.id));
  if (at < 0) throw new CannotApply(`There is no ${op.target} for this change any more.`);
  if (op.op === "remove") return remove(next, items, found, at, op);
  if (op.op === "move") {
    const old = found[at].position ?? { x: 0, y: 0 };
    found[at] = { ...found[at], position: { ...old, ...op.value } };
    return [{ op: "move", target: op.target, id: op.id, value: old }];
  }
  const item = { ...found[at] };
  found[at] = item;
  if (op.target === "node" && op.value.id && op.value.id !== op.id) lead(items, op.id, op.value.id);
  const [back] = merged(item, op, item);
  return [{ ...back, id: op.target === "edge" ? edgeId(item) : item.id }];
}

function add(found, op) {
  const value = { ...op.value, ...(op.target === "edge" ? {} : { id: op.id ?? op.value.id }) };
  if (op.target !== "edge" && found.some((item) => item.id === value.id)) throw new CannotApply(`There is a ${op.target} of this name already.`);
  found.push(value);
  return [{ op: "remove", target: op.target, id: op.target === "edge" ? edgeId(value) : value.id }];
}

function remove(next, items, found, at, op) {
  const [gone] = found.splice(at, 1);
  const back = [{ op: "add", target: op.target, ...(op.target === "edge" ? {} : { id: gone.id }), value: gone }];
  if (op.target !== "node") return back;
  const edges = items("edge");
  for (const edge of edges.filter((one) => one.source === gone.id || one.target === gone.id)) back.push({ op: "add", target: "edge", value: edge });
  next.edges = edges.filter((edge) => edge.source !== gone.id && edge.target !== gone.id);
  found.forEach((node, index) => {
    if (node.parent !== gone.id) return;
    back.push({ op: "update", target: "node", id: node.id, value: { parent: gone.id } });
    found[index] = without(node, "parent");
  });
  return back;
}

function merged(item, op, before) {
  const value = {};
  for (const [name, wanted] of Object.entries(op.value)) {
    value[name] = before[name] ?? null;
    if (wanted === null) delete item[name];
    else item[name] = wanted;
  }
  return [{ op: "update", target: op.target, ...(op.id === undefined ? {} : { id: op.id }), value }];
}

function lead(items, old, id) {
  const edges = items("edge"), nodes = items("node");
  edges.forEach((edge, index) => {
    if (edge.source === old || edge.target === old) edges[index] = { ...edge, source: edge.source === old ? id : edge.source, target: edge.target === old ? id : edge.target };
  });
  nodes.forEach((node, index) => { if (node.parent === old) nodes[index] = { ...node, parent: id }; });
}

function without(item, name) {
  const { [name]: _gone, ...rest } = item;
  return rest;
}
