// What a new name means for the expressions that speak of the old one: values that are read by it, and names that are compared with.

import { configChange, portRenamed } from "./changes.js";
import { put } from "./places.js";
import { partsOf } from "./templates.js";

const TOKEN = /\s+|[A-Za-z_]\w*|\d[\w.]*|"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|==|!=|<=|>=|[\s\S]/g;
const PLAIN = /^[A-Za-z_]\w*$/, SHORT_TEXT = /^(["'])(?!\1\1)([^\\]*)\1$/, FUNCTION = /^\s*[A-Za-z_]\w*\s*->/;

const textOf = (token) => SHORT_TEXT.exec(token ?? "")?.[2];
const quoted = (text, like) => (like?.[0] === "'" && !/['\\\n]/.test(text) ? `'${text}'` : JSON.stringify(text));

/** The value that begins here: `{keys: [{key, at, dot}], end}`, places among the tokens that count; null where none does. */
function pathAt(tokens, start) {
  if (!PLAIN.test(tokens[start]?.text ?? "") || tokens[start - 1]?.text === ".") return null;
  const keys = [{ key: tokens[start].text, at: start }];
  let end = start + 1;
  for (;;) {
    const [sign, key, close] = [tokens[end]?.text, tokens[end + 1]?.text, tokens[end + 2]?.text];
    if (sign === "." && PLAIN.test(key ?? "")) { keys.push({ key, at: end + 1, dot: end }); end += 2; } else if (sign === "[" && close === "]" && textOf(key) !== undefined) { keys.push({ key: textOf(key), at: end + 1 }); end += 3; } else return { keys, end };
  }
}

const leads = (keys, path) => path.every((key, i) => keys[i]?.key === key);

function reread(tokens, { keys }, { path, to }) {
  const { at, dot } = keys[path.length - 1];
  if (dot === undefined) tokens[at].text = quoted(to, tokens[at].text);
  else if (PLAIN.test(to)) tokens[at].text = to;
  else { tokens[dot].text = ""; tokens[at].text = `[${JSON.stringify(to)}]`; }
}

// `nodes.topic.label == "lost"`, the same the other way round, `in ["lost", …]`, and around `default(nodes.topic.label, "lost")`.
function recompare(tokens, start, end, { from, to }) {
  const swap = (at) => { if (textOf(tokens[at]?.text) === from) tokens[at].text = quoted(to, tokens[at].text); };
  if (tokens[start - 2]?.text === "default" && tokens[start - 1]?.text === "(" && tokens[end]?.text === "," && tokens[end + 2]?.text === ")") {
    swap(end + 1);
    recompare(tokens, start - 2, end + 3, { from, to });
    return;
  }
  const is = (at) => ["==", "!="].includes(tokens[at]?.text);
  if (is(end)) swap(end + 1);
  if (is(start - 1)) swap(start - 2);
  const list = tokens[end]?.text === "not" ? end + 2 : end + 1;
  if (tokens[list - 1]?.text !== "in" || !["[", "("].includes(tokens[list]?.text)) return;
  for (let at = list + 1; tokens[at] && !["]", ")"].includes(tokens[at].text); at += 1) swap(at);
}

/** The expression under the new names. A rename is `{path, to}`, or `{read, from, to}` for a name that this value is compared with. */
export function reworded(expression, renames) {
  const all = [...expression.matchAll(TOKEN)].map(([text]) => ({ text })), tokens = all.filter(({ text }) => text.trim());
  for (const token of tokens) {
    const inner = textOf(token.text);
    if (inner !== undefined && FUNCTION.test(inner)) token.text = quoted(reworded(inner, renames), token.text);
  }
  // From the end, so that what is put in place of a key is not read again.
  for (let start = tokens.length - 1; start >= 0; start -= 1) {
    const found = pathAt(tokens, start);
    if (!found) continue;
    for (const rename of renames) {
      if (rename.read) { if (found.keys.length === rename.read.length && leads(found.keys, rename.read)) recompare(tokens, start, found.end, rename); } else if (leads(found.keys, rename.path)) reread(tokens, found, rename);
    }
  }
  return all.map(({ text }) => text).join("");
}

function rewordedTemplate(template, renames) {
  const parts = partsOf(template).map((part) => ("text" in part ? part : { was: part.expression, now: reworded(part.expression, renames) }));
  if (!parts.some((part) => part.was !== part.now)) return template;
  return parts.map((part) => ("text" in part ? part.text : `{{ ${part.now} }}`)).join("");
}

function changedAt(value, [key, ...rest], change) {
  if (typeof value === "string") return key === undefined ? change(value) : value;
  if (!value || typeof value !== "object") return value;
  const keys = key === undefined ? (Array.isArray(value) ? [...value.keys()] : Object.keys(value)) : key === "[]" ? [...value.keys?.() ?? []] : key === "*" ? Object.keys(value) : key in value ? [key] : [];
  return keys.reduce((made, each) => { const now = changedAt(value[each], rest, change); return now === value[each] ? made : put(made, [each], now); }, value);
}

/** A step's settings under the new names; `roles` as its kind tells them. The same object when nothing changed. */
export function rewordedConfig(config, roles, renames) {
  return Object.entries(roles ?? {}).reduce((made, [place, role]) => changedAt(made, place.replace(/\[\]/g, ".[]").split("."), (text) => (role === "expression" ? reworded(text, renames) : rewordedTemplate(text, renames))), config);
}

/** The operations of a rename: the step's own new settings, and every step that spoke of the old name. */
export function renameOps({ document, kinds }, node, config, renames) {
  const rolesOf = new Map(kinds.map((kind) => [kind.kind, kind.roles]));
  const ops = (document.nodes ?? []).flatMap((other) => {
    const was = other.config ?? {}, base = other.id === node?.id ? config : was, now = rewordedConfig(base, rolesOf.get(other.kind), renames);
    return now === was ? [] : configChange(other, [], now);
  });
  const given = renames.find((rename) => rename.path?.length === 2 && rename.path[0] === "inputs");
  const triggers = given && (document.triggers ?? []).map((trigger) => (trigger.inputs && given.path[1] in trigger.inputs ? { ...trigger, inputs: keyRenamed(trigger.inputs, given.path[1], given.to) } : trigger));
  if (triggers?.some((trigger, i) => trigger !== document.triggers[i])) ops.push({ op: "update", target: "document", value: { triggers } });
  return ops;
}

const keyRenamed = (object, from, to) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key === from ? to : key, value]));

// Where later steps find what a table of settings names: by the kind's setting.
const READ_AS = {
  "start.inputs": (node) => [["inputs"], ["nodes", node.id]], "form.fields": (node) => [["nodes", node.id]], "set.values": (node) => [["nodes", node.id]],
  "llm.output": (node) => [["nodes", node.id, "json"]], "agent.output": (node) => [["nodes", node.id, "json"]], "approval.editable": (node) => [["nodes", node.id, "values"]],
};

/** The renames of a field or a named value of a step. */
export function fieldRenames(node, keys, from, to) {
  return (READ_AS[`${node.kind}.${keys.join(".")}`]?.(node) ?? []).map((start) => ({ path: [...start, from], to }));
}

const CHOSEN = { classify: "label", branch: "case" };

/** The operations of a kind or way that is called otherwise: its edges follow, and whoever compares with it or reads its score. */
export function portOps(desk, node, config, from, to) {
  const read = CHOSEN[node.kind] ? [{ read: ["nodes", node.id, CHOSEN[node.kind]], from, to }] : [];
  const scores = node.kind === "classify" ? [{ path: ["nodes", node.id, "scores", from], to }] : [];
  return [...renameOps(desk, node, config, [...read, ...scores]), ...portRenamed(desk.document, node.id, from, to)];
}
