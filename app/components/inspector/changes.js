// Which operations a change of a step means, as POST …/ops takes them.

import { put } from "./places.js";

export const nodeOf = (document, id) => (document.nodes ?? []).find((node) => node.id === id) ?? null;

/** A setting of a step; undefined takes it away. */
export function configChange(node, keys, value) {
  return [{ op: "update", target: "node", id: node.id, value: { config: put(node.config ?? {}, keys, value) } }];
}

/** Common settings of a step, beside `config`; null takes one away. */
export function nodeChange(id, patch) {
  return [{ op: "update", target: "node", id, value: patch }];
}

export const documentChange = (patch) => [{ op: "update", target: "document", value: patch }];

export const edgeKey = (edge) => ({ source: edge.source, port: edge.port ?? "out", target: edge.target });

export function edgeOf(document, { source, port, target }) {
  return (document.edges ?? []).find((edge) => edge.source === source && edge.target === target && (edge.port ?? "out") === (port ?? "out")) ?? null;
}

/** The edges that leave a step by a port go on leaving it by that port under its new name. */
export function portRenamed(document, id, from, to) {
  const ops = [];
  for (const edge of document.edges ?? []) {
    if (edge.source !== id) continue;
    const patch = {};
    if ((edge.port ?? "out") === from) patch.port = to;
    if (edge.on_exhausted === from) patch.on_exhausted = to;
    if (Object.keys(patch).length) ops.push({ op: "update", target: "edge", id: edgeKey(edge), value: patch });
  }
  return ops;
}

/** The edges of a port that is gone. */
export function portRemoved(document, id, port) {
  return (document.edges ?? []).filter((edge) => edge.source === id && (edge.port ?? "out") === port).map((edge) => ({ op: "remove", target: "edge", id: edgeKey(edge) }));
}

/** A name that no other has yet: `Kind`, `Kind 2`, `Kind 3`. */
export function freeName(wanted, taken) {
  let name = wanted;
  for (let number = 2; taken.includes(name); number += 1) name = `${wanted}${/^[a-z_]/.test(wanted) ? "_" : " "}${number}`;
  return name;
}
