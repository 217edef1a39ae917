// Which values a step can read: what the run was given, what earlier steps made, and what the run itself knows.

import { kindWords } from "../drawing/words.js";
import { nodeOf } from "./changes.js";
import { partsOf } from "./templates.js";
import { read, spelled } from "./reading.js";
import { fieldsOf } from "./schemas.js";
import { said, typeOf } from "./words.js";

// What the rules of an agent's tool can read beside everything else: what it wants to call, and what was called and said so far.
export const OF_A_CALL = new Set(["arguments", "results", "said"]);
const MOST_PARTS = 12;
const DEEPEST = 2;
const TYPE = { text: "text", long: "text", choice: "text", number: "number", whole: "number", yesno: "boolean", date: "date", list: "list" };

export const titleOf = (node, kinds) => (node ? node.title?.trim() || kindWords(node.kind, kinds.find((kind) => kind.kind === node.kind)).name : "");

/** The steps that have run when this one starts, the nearest first. */
export function stepsBefore(document, id) {
  const nodes = new Map((document.nodes ?? []).map((node) => [node.id, node]));
  const into = new Map();
  for (const edge of document.edges ?? []) into.set(edge.target, [...(into.get(edge.target) ?? []), edge]);
  const boxes = new Set(), found = new Map();
  for (let box = nodes.get(id)?.parent; box && !boxes.has(box); box = nodes.get(box)?.parent) boxes.add(box);
  // Twice: first without the ways back, so that what only an earlier round can have made comes last.
  for (const isRound of [false, true]) {
    const queue = [id, ...boxes], seen = new Set(queue);
    while (queue.length) {
      const here = queue.shift();
      for (const edge of into.get(here) ?? []) {
        if ((edge.max_visits && !isRound) || seen.has(edge.source) || !nodes.has(edge.source)) continue;
        seen.add(edge.source);
        queue.push(edge.source);
        if (!found.has(edge.source) && !boxes.has(edge.source) && edge.source !== id) found.set(edge.source, { node: nodes.get(edge.source), isRound });
      }
    }
  }
  return [...found.values()];
}

function partsFrom(path, schema, example, depth) {
  if (depth >= DEEPEST) return [];
  const fields = fieldsOf(schema);
  const names = new Map(fields.map((field) => [field.name, field]));
  const isObject = example && typeof example === "object" && !Array.isArray(example);
  for (const key of isObject ? Object.keys(example).slice(0, MOST_PARTS) : []) if (!names.has(key)) names.set(key, { name: key, schema: {} });
  return [...names.values()].map((field) => valueAt([...path, field.name], field.title || said(field.name), field.schema, example?.[field.name], depth + 1));
}

function valueAt(path, label, schema, example, depth) {
  const known = example ?? schema?.examples?.[0] ?? schema?.default;
  const type = TYPE[schema?.type ? typeNameIn(schema) : ""] ?? (known === undefined || known === null ? "any" : typeOf(known));
  return { path, expression: spelled(path), label, type, example: known, about: schema?.description ?? "", choices: schema?.enum, parts: partsFrom(path, schema, known, depth) };
}

function typeNameIn(schema) {
  if (schema.enum) return "choice";
  return { string: schema.format?.startsWith("date") ? "date" : "text", number: "number", integer: "number", boolean: "yesno", array: "list" }[schema.type] ?? "";
}

/** `{name: schema}` of what a step leaves behind, as far as its settings tell; null where only a run can tell. */
export function outputsOf(node, kinds) {
  const kind = kinds.find((known) => known.kind === node.kind), config = node.config ?? {};
  if (node.kind === "start") return propertiesOf(config.inputs);
  const told = Object.fromEntries(Object.entries(kind?.outputs ?? {}).map(([name, description]) => [name, { description }]));
  if (config.values && typeof config.values === "object") for (const name of Object.keys(config.values)) told[name] = {};
  if (config.fields?.properties) Object.assign(told, propertiesOf(config.fields));
  if ("json" in told) { if (config.output) told.json = { ...config.output, ...told.json }; else delete told.json; }
  if ("checks" in told && !config.checks?.length) delete told.checks;
  if (told.values && config.editable) told.values = { ...told.values, properties: Object.fromEntries(Object.keys(config.editable).map((name) => [name, {}])) };
  if (told.text) told.text = { ...told.text, type: "string" };
  if (told.confidence) told.confidence = { ...told.confidence, type: "number" };
  if (told.label && Array.isArray(config.labels)) told.label = { ...told.label, type: "string", enum: config.labels.map((label) => label.port) };
  if (told.case && Array.isArray(config.cases)) told.case = { ...told.case, type: "string", enum: config.cases.map((item) => item.port) };
  if (node.on_error === "port") told.error = { description: "Why the step failed.", properties: { code: { type: "string" }, message: { type: "string" } } };
  return Object.keys(told).length ? told : null;
}

const propertiesOf = (schema) => Object.fromEntries(fieldsOf(schema).map((field) => [field.name, field.schema]));

/** `[{title, node?, note?, values}]`: everything that an expression of the step may read. `examples` has inputs, item and nodes. */
export function available(document, kinds, id, examples = {}) {
  const groups = [];
  const start = (document.nodes ?? []).find((node) => node.kind === "start");
  const given = { properties: propertiesOf(start?.config?.inputs) };
  groups.push({ title: "What the run was given", node: start?.id, values: partsFrom(["inputs"], given, examples.inputs, 0) });
  const me = nodeOf(document, id);
  if (me?.parent) groups.unshift({ title: `Each item of ${titleOf(nodeOf(document, me.parent), kinds)}`, values: [valueAt(["item"], "This item", {}, examples.item, 0), valueAt(["index"], "Place in the list", { type: "integer" }, 0, 1)] });
  const inside = kinds.find((kind) => kind.kind === me?.kind)?.is_box ? (document.nodes ?? []).filter((node) => node.parent === id) : [];
  if (inside.length) groups.push({ title: "Each item", note: "inside the box", values: [valueAt(["item"], "This item", {}, examples.item, 0), valueAt(["index"], "Place in the list", { type: "integer" }, 0, 1)] });
  for (const { node, isRound } of [...inside.map((one) => ({ node: one, isRound: false })), ...stepsBefore(document, id)]) {
    if (node.kind === "start") continue;
    const outputs = outputsOf(node, kinds), example = examples.nodes?.[node.id];
    const values = partsFrom(["nodes", node.id], { properties: outputs ?? {} }, example, 0);
    if (values.length) groups.push({ title: titleOf(node, kinds), node: node.id, note: isRound ? "from the round before" : "", values });
  }
  const vars = Object.entries(document.vars ?? {});
  if (vars.length) groups.push({ title: "Fixed values of this workflow", values: vars.map(([name, value]) => valueAt(["vars", name], said(name), {}, value, 0)) });
  groups.push({
    title: "The run itself",
    values: [
      valueAt(["now"], "Now", { type: "string", format: "date", description: "When the step starts." }, undefined, DEEPEST),
      valueAt(["visit"], "Round", { type: "integer", description: "How often the loop has begun, from 1." }, 1, DEEPEST),
      valueAt(["run", "id"], "Number of the run", { type: "string" }, undefined, DEEPEST),
      valueAt(["run", "started_at"], "Start of the run", { type: "string", format: "date" }, undefined, DEEPEST),
    ],
  });
  return groups.filter((group) => group.values.length);
}

/** What the rules of an agent's tool can read of a call; `parameters` is the JSON Schema of its arguments. */
export function callGroups(parameters) {
  const given = partsFrom(["arguments"], parameters, undefined, 0);
  const list = (name, label, about) => valueAt([name], label, { type: "array", description: about }, undefined, DEEPEST);
  return [
    { title: "What it wants to call", values: given },
    { title: "So far in this task", values: [list("results", "Earlier results", "What earlier calls came to: tool, arguments, verdict, ok, result."), list("said", "What was said", "Who said what so far: who, text.")] },
  ].filter((group) => group.values.length);
}

/** All values of the groups in one list, each with its group and its label within it. */
export function flat(groups) {
  const list = [];
  const add = (value, group, label) => {
    list.push({ ...value, group, label });
    for (const part of value.parts) add(part, group, `${label} › ${part.label}`);
  };
  for (const group of groups) for (const value of group.values) add(value, group, value.label);
  return list;
}

/** What a value is called on a chip: `Message`, `Draft a reply › Text`; an expression that is no plain value is shown as it is. */
export function chipOf(expression, document, kinds) {
  const path = read(expression)?.path;
  if (!path) return { label: expression, isPlain: false };
  const rest = (keys) => keys.map((key) => (typeof key === "number" ? `no. ${key + 1}` : said(key))).join(" › ");
  const [root, first, ...more] = path;
  if (root === "inputs" && first !== undefined) {
    const start = (document.nodes ?? []).find((node) => node.kind === "start");
    const title = start?.config?.inputs?.properties?.[first]?.title;
    return { label: [title || rest([first]), ...(more.length ? [rest(more)] : [])].join(" › "), isPlain: true, node: start?.id };
  }
  if (root === "nodes" && first !== undefined) {
    const node = nodeOf(document, first);
    return { label: [node ? titleOf(node, kinds) : first, ...(more.length ? [rest(more)] : [])].join(" › "), isPlain: true, node: first, isGone: !node };
  }
  if (OF_A_CALL.has(root)) return { label: [{ arguments: "Call", results: "Earlier results", said: "What was said" }[root], ...(path.length > 1 ? [rest(path.slice(1))] : [])].join(" › "), isPlain: true };
  const names = { item: "This item", index: "Place in the list", now: "Now", visit: "Round", inputs: "Everything given", nodes: "All steps", run: "Run", vars: "Fixed values" };
  const tail = path.slice(1);
  return { label: root === "vars" && tail.length ? rest(tail) : [names[root], ...(tail.length ? [rest(tail)] : [])].join(" › "), isPlain: true };
}

/** The expressions that a step's settings hold, by the roles of its kind (`labels[].description`: template). */
export function expressionsOf(config, roles) {
  const found = [];
  const walk = (value, keys, role) => {
    if (!keys.length) {
      if (value && typeof value === "object") for (const inner of Object.values(value)) walk(inner, keys, role);
      if (typeof value !== "string") return;
      if (role === "expression") found.push(value);
      else for (const part of partsOf(value)) if (part.expression !== undefined) found.push(part.expression);
      return;
    }
    const [key, ...rest] = keys;
    if (key === "[]" || key === "*") { if (value && typeof value === "object") for (const inner of Object.values(value)) walk(inner, rest, role); } else walk(value?.[key], rest, role);
  };
  for (const [place, role] of Object.entries(roles ?? {})) walk(config ?? {}, place.replace(/\[\]/g, ".[]").split("."), role);
  return found;
}

const REFERENCE = /\b(?:inputs|nodes|item|vars|run|visit|index|now|arguments|results|said)\b(?:\.[A-Za-z_][A-Za-z0-9_]*|\["[^"\]]*"\]|\[-?\d+\])*/g;

/** The values that the expressions read, each once; what stands in quotes is text. */
export function readBy(expressions) {
  const found = new Set();
  for (const expression of expressions) {
    const path = read(expression)?.path;
    if (path) { if (!OF_A_CALL.has(path[0])) found.add(spelled(path)); continue; }
    const bare = expression.replace(/(\[)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/g, (whole, bracket) => (bracket ? whole : " "));
    for (const [reference] of bare.matchAll(REFERENCE)) if (!OF_A_CALL.has(/^\w+/.exec(reference)[0])) found.add(reference);
  }
  return [...found];
}

/** The example of a value by its path: `["nodes", "draft", "text"]`. */
export function exampleOf(path, examples) {
  const scope = { inputs: examples.inputs, nodes: examples.nodes, item: examples.item, vars: examples.vars };
  return path.reduce((inner, key) => (typeof key === "number" && key < 0 ? inner?.at?.(key) : inner?.[key]), scope);
}
