// What may be connected with what, and why not, in words a person can act on. The engine checks all of it again.
import { backEdges } from "../drawing/layout.js";
import { edgeKey } from "../drawing/shape.js";
import { portWord, titleOf } from "../drawing/words.js";

const ENDS = new Set(["end", "fail"]);

// `{reason}` when it cannot be, else `{isBack}`. `without`: an edge that this one takes the place of.
export function checkConnection(document, kinds, { source, port = "out", target }, without = null) {
  const nodes = new Map(document.nodes.map((node) => [node.id, node])), from = nodes.get(source), to = nodes.get(target);
  if (!from || !to) return { reason: "One of the two steps is gone." };
  const name = (node) => `“${titleOf(node, kinds.get(node.kind))}”`;
  const edges = document.edges.filter((edge) => edge !== without), wanted = { source, port, target };
  if (to.kind === "start") return { reason: `Nothing can lead to ${name(to)}: it is where a run begins.` };
  if (ENDS.has(from.kind)) return { reason: `Nothing can follow ${name(from)}: it is where a run ends.` };
  if (source === target) return { reason: `${name(from)} cannot lead to itself. To repeat it, lead a later step back to it.` };
  if (edges.some((edge) => edgeKey(edge) === edgeKey(wanted))) return { reason: `“${portWord(port, from.kind)}” of ${name(from)} leads to ${name(to)} already.` };
  const walls = wallsBetween(from, to, port, nodes, name);
  if (walls) return { reason: walls };
  const graph = { nodes: document.nodes, edges }, isBack = leadsTo(graph, target, source);
  if (isBack && canAvoid(graph, target, source)) {
    return { reason: `This would close a circle that can be entered behind ${name(to)}. Lead back to a step that every way to ${name(from)} passes.` };
  }
  const broken = isBack ? null : brokenLoop(graph, wanted);
  if (broken) return { reason: `This would lead into the middle of the loop that repeats ${name(nodes.get(broken.target))}. Lead to ${name(nodes.get(broken.target))} instead.` };
  return { isBack };
}

// A box is entered by its port `item` only, and left by the end of its items only.
function wallsBetween(from, to, port, nodes, name) {
  const isBoxPort = port === "item" && nodes.get(to.parent) === from;
  if (isBoxPort) return null;
  if (port === "item") return `“Each item” leads to the steps that stand inside ${name(from)}.`;
  if (to.parent === from.id) return `${name(to)} stands inside ${name(from)}: it is reached by “Each item”, at the top inside the box.`;
  if ((from.parent ?? "") === (to.parent ?? "")) return null;
  const inner = from.parent ? from : to, box = nodes.get(inner.parent);
  return box ? `${name(inner)} runs once for every item inside ${name(box)}. Connect the box itself, or put both steps into it.` : null;
}

const leaving = (edges) => {
  const found = new Map();
  for (const edge of edges) (found.get(edge.source) ?? found.set(edge.source, []).get(edge.source)).push(edge.target);
  return found;
};

function reach(edges, starts, wall = null) {
  const onward = leaving(edges), seen = new Set(starts.filter((id) => id !== wall)), todo = [...seen];
  while (todo.length) for (const next of onward.get(todo.pop()) ?? []) if (next !== wall && !seen.has(next)) { seen.add(next); todo.push(next); }
  return seen;
}

const leadsTo = (graph, from, to) => reach(graph.edges, [from]).has(to);

// Whether `to` can be reached from where runs begin without passing `through`. While a workflow is drawn, loose ends count as beginnings.
function canAvoid(graph, through, to) {
  const entered = new Set(graph.edges.map((edge) => edge.target));
  const before = reach(graph.edges.map((edge) => ({ source: edge.target, target: edge.source })), [to]);
  const starts = graph.nodes.filter((node) => node.kind === "start" || (!entered.has(node.id) && before.has(node.id))).map((node) => node.id);
  return reach(graph.edges, starts, through).has(to);
}

// A back edge whose loop could be entered in the middle once `wanted` is there.
function brokenLoop(graph, wanted) {
  const back = backEdges(graph), edges = [...graph.edges, wanted];
  const starts = graph.nodes.filter((node) => node.kind === "start").map((node) => node.id);
  if (!starts.length) return null;
  return graph.edges.find((edge) => back.has(edgeKey(edge)) && !reach(graph.edges, starts, edge.target).has(edge.source) && reach(edges, starts, edge.target).has(edge.source));
}

// Kinds that can stand at a place: behind a port, before a step, or between both.
export function kindsThatFit(kinds, document, { from, to, inside } = {}) {
  const hasStart = document.nodes.some((node) => node.kind === "start");
  return kinds.filter((kind) => {
    if (kind.kind === "start") return !hasStart && !from && !inside;
    const isEnd = ENDS.has(kind.kind);
    if (to && isEnd) return false;
    return !(inside && isEnd && kind.kind === "end");
  });
}
