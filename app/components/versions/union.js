// One document that holds two states of a workflow, so that a drawing can show what is new and what is gone.
import { edgeKey } from "../drawing/shape.js";

const WORDS = { added: ["done", "New"], removed: ["failed", "Gone"], changed: ["accent", "Changed"] };

// `difference` as GET …/diff tells it. Answers `{document, diffs, taken}` for the drawing.
export function union(before, after, difference) {
  const nodes = [...list(after?.nodes)], ids = new Set(nodes.map((node) => node.id));
  nodes.push(...list(before?.nodes).filter((node) => !ids.has(node.id)));
  const edges = [...list(after?.edges)], keys = new Set(edges.map(edgeKey));
  edges.push(...list(before?.edges).filter((edge) => !keys.has(edgeKey(edge))));
  const diffs = {}, taken = {};
  for (const [id, mark] of Object.entries(difference.nodes)) diffs[id] = { tone: WORDS[mark][0], word: WORDS[mark][1] };
  for (const edge of difference.edges) if (edge.mark !== "changed") taken[edgeKey(edge)] = edge.mark;
  return { document: { ...(after ?? before), nodes, edges }, diffs, taken };
}

const list = (value) => (Array.isArray(value) ? value.filter((one) => one && typeof one === "object") : []);
