// What a new approval shows of the steps before it: whoever decides sees what was made, not only a title.
import { outputsOf, stepsBefore, titleOf } from "../inspector/available.js";
import { spelled } from "../inspector/reading.js";
import { fieldsOf } from "../inspector/schemas.js";
import { said } from "../inspector/words.js";

const MOST = 6;
// What tells how a step went and not what it made.
const ASIDE = new Set(["model", "usage", "turns", "calls", "scores", "confidence", "checks", "headers", "status", "errors", "error", "by", "case", "delivered"]);

/** `{name: expression}` for an approval behind `from` (`{source, port}`); empty where nothing before it makes anything to look at. */
export function shownBehind(document, kinds, { source, port }) {
  const first = document.nodes.find((node) => node.id === source);
  if (!first) return {};
  if (port === "item") return { "This item": "item" };
  for (const node of [first, ...stepsBefore(document, source).map((step) => step.node)]) {
    const made = madeBy(node, kinds);
    if (made.length) return Object.fromEntries(made.slice(0, MOST));
  }
  return {};
}

function madeBy(node, kinds) {
  const outputs = outputsOf(node, kinds) ?? {}, start = node.kind === "start" ? ["inputs"] : ["nodes", node.id];
  if (outputs.json) return listed(outputs.json, [...start, "json"], "Answer in parts");
  const names = Object.keys(outputs).filter((name) => !ASIDE.has(name));
  // What a model wrote is called as the step that wrote it.
  return names.map((name) => [name === "text" ? titleOf(node, kinds) : outputs[name]?.title || said(name), spelled([...start, name])]);
}

function listed(schema, path, whole) {
  const fields = fieldsOf(schema);
  return fields.length ? fields.map((field) => [field.title || said(field.name), spelled([...path, field.name])]) : [[whole, spelled(path)]];
}
