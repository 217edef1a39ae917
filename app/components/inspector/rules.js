// What a condition says as rows of a table, and the way back: field, operator, value, joined by all, any or none.

import { literal, read, spelled } from "./reading.js";

const EMPTY = ["", [], {}];

/** How each operator is called; `of` tells for which types of values it is offered, `takes` what stands at its right. */
export const OPERATORS = {
  is: { words: "is", of: "text number boolean date list any", takes: "value" },
  is_not: { words: "is not", of: "text number boolean date list any", takes: "value" },
  contains: { words: "contains", of: "text list any", takes: "value" },
  lacks: { words: "does not contain", of: "text list any", takes: "value" },
  starts: { words: "starts with", of: "text any", takes: "text" },
  ends: { words: "ends with", of: "text any", takes: "text" },
  matches: { words: "matches the pattern", of: "text any", takes: "text" },
  more: { words: "is more than", of: "number any", takes: "number" },
  least: { words: "is at least", of: "number any", takes: "number" },
  less: { words: "is less than", of: "number any", takes: "number" },
  most: { words: "is at most", of: "number any", takes: "number" },
  longer: { words: "is longer than", of: "text list any", takes: "number" },
  shorter: { words: "is shorter than", of: "text list any", takes: "number" },
  among: { words: "is one of", of: "text number any", takes: "list" },
  not_among: { words: "is none of", of: "text number any", takes: "list" },
  before: { words: "is before", of: "date text any", takes: "date" },
  after: { words: "is after", of: "date text any", takes: "date" },
  older: { words: "is more days ago than", of: "date text any", takes: "number" },
  newer: { words: "is fewer days ago than", of: "date text any", takes: "number" },
  yes: { words: "is yes", of: "boolean any", takes: null },
  no: { words: "is no", of: "boolean any", takes: null },
  empty: { words: "is empty", of: "text number boolean date list any", takes: null },
  filled: { words: "is not empty", of: "text number boolean date list any", takes: null },
};

const SIGNS = { "==": "is", "!=": "is_not", ">": "more", ">=": "least", "<": "less", "<=": "most", in: "among", "not in": "not_among" };
const CALLS = { contains: "contains", startswith: "starts", endswith: "ends", matches: "matches" };
const SPELLED = { is: "==", is_not: "!=", more: ">", least: ">=", less: "<", most: "<=", among: "in", not_among: "not in", longer: ">", shorter: "<" };

/** The rules of an expression, always a group at the top; null where no table can say the same. */
export function rulesOf(source) {
  const node = read(source);
  const rule = node && ruleOf(node);
  if (!rule) return null;
  return rule.join ? rule : { join: "all", rules: [rule] };
}

function ruleOf(node) {
  if (node.all || node.any) return groupOf(node.all ? "all" : "any", node.all ?? node.any);
  if (node.no) return denied(node.no);
  if (node.path) return { field: node.path, operator: "yes" };
  if (node.call) return called(node);
  return node.sign ? compared(node) : null;
}

function groupOf(join, nodes) {
  const rules = nodes.map(ruleOf);
  if (rules.includes(null)) return null;
  // `(a and b) and c` says the same as `a and b and c`.
  return { join, rules: rules.flatMap((rule) => (rule.join === join ? rule.rules : [rule])) };
}

function denied(node) {
  if (node.path) return { field: node.path, operator: "no" };
  const rule = ruleOf(node);
  if (!rule) return null;
  if (rule.operator === "contains") return { ...rule, operator: "lacks" };
  if (rule.join === "any") return { join: "none", rules: rule.rules };
  return { join: "none", rules: [rule] };
}

function called({ call, given }) {
  const operator = CALLS[call];
  if (!operator || given.length !== 2 || !given[0].path) return null;
  const value = valueOf(given[1]);
  return value && fits(operator, value) ? { field: given[0].path, operator, value } : null;
}

// A value to compare with: fixed, or another value of the workflow.
const valueOf = (node) => (node.path ? { path: node.path } : "value" in node ? { fixed: node.value } : null);

// What an input of the table cannot hold is better shown as text.
function fits(operator, value) {
  if (value.path) return true;
  const fixed = value.fixed, { takes } = OPERATORS[operator];
  const isPlain = fixed === null || ["string", "number", "boolean"].includes(typeof fixed);
  if (takes === "number") return typeof fixed === "number";
  if (takes === "text" || takes === "date") return typeof fixed === "string";
  if (takes === "list") return Array.isArray(fixed) && fixed.every((item) => typeof item === "string" || typeof item === "number");
  return isPlain;
}

function compared({ sign, left, right }) {
  return emptied(sign, left, right) ?? found(sign, left, right) ?? dated(sign, left, right) ?? aged(sign, left, right)
    ?? measured(sign, left, right) ?? plainly(sign, left, right);
}

function plainly(sign, left, right) {
  const value = left.path && valueOf(right), operator = SIGNS[sign];
  // A text that is greater than a text compares letters; a row of numbers would not say so.
  return value && fits(operator, value) ? { field: left.path, operator, value } : null;
}

function emptied(sign, left, right) {
  const isDefault = left.call === "default" && left.given.length === 2 && left.given[0].path && left.given[1].value === "";
  if (!isDefault || (sign !== "in" && sign !== "not in") || JSON.stringify(right.value) !== JSON.stringify(EMPTY)) return null;
  return { field: left.given[0].path, operator: sign === "in" ? "empty" : "filled" };
}

// `"x" in inputs.text` is what contains() says.
function found(sign, left, right) {
  const value = right.path && (sign === "in" || sign === "not in") && valueOf(left);
  if (!value || !fits("contains", value)) return null;
  return { field: right.path, operator: sign === "in" ? "contains" : "lacks", value };
}

const only = (node, name) => (node.call === name && node.given.length === 1 ? node.given[0] : null);

function dated(sign, left, right) {
  const field = only(left, "date")?.path, other = only(right, "date");
  const value = field && other && (sign === "<" || sign === ">") && valueOf(other), operator = sign === "<" ? "before" : "after";
  return value && fits(operator, value) ? { field, operator, value } : null;
}

function aged(sign, left, right) {
  const isAge = left.call === "days_between" && left.given.length === 2 && left.given[1].path?.join() === "now";
  const value = isAge && left.given[0].path && (sign === "<" || sign === ">") && valueOf(right), operator = sign === ">" ? "older" : "newer";
  return value && fits(operator, value) ? { field: left.given[0].path, operator, value } : null;
}

function measured(sign, left, right) {
  const field = only(left, "len")?.path;
  const value = field && (sign === "<" || sign === ">") && valueOf(right), operator = sign === ">" ? "longer" : "shorter";
  return value && fits(operator, value) ? { field, operator, value } : null;
}

/** What a row still needs, in words; null when it is whole. */
export function missingIn(rule) {
  if (conditionOf(rule) !== null) return null;
  if (!rule.field?.length) return rule.typed ? `“${rule.typed}” is no value that can be looked at here. Pick one from the list.` : "Pick the value to look at.";
  return OPERATORS[rule.operator].takes === "number" ? "Write the number that it is compared with." : "Write what it is compared with.";
}

/** The expression of a rule or a group; null while something is missing. */
export function expressionOf(rule) {
  if (!rule.join) return conditionOf(rule);
  const parts = rule.rules.map((inner) => {
    const told = expressionOf(inner);
    return told && inner.join && inner.join !== "none" && inner.rules.length > 1 ? `(${told})` : told;
  });
  if (!parts.length || parts.includes(null)) return null;
  if (rule.join === "none") return `not (${parts.join(" or ")})`;
  return parts.join(rule.join === "all" ? " and " : " or ");
}

function conditionOf({ field, operator, value }) {
  if (!field?.length) return null;
  const left = spelled(field);
  switch (operator) {
    case "yes": return left;
    case "no": return `not ${left}`;
    case "empty": case "filled": return `default(${left}, "") ${operator === "empty" ? "in" : "not in"} ["", [], {}]`;
    default:
  }
  if (!value || (!value.path && (value.fixed === undefined || !fits(operator, value)))) return null;
  const right = value.path ? spelled(value.path) : literal(value.fixed);
  switch (operator) {
    case "contains": return `contains(${left}, ${right})`;
    case "lacks": return `not contains(${left}, ${right})`;
    case "starts": return `startswith(${left}, ${right})`;
    case "ends": return `endswith(${left}, ${right})`;
    case "matches": return `matches(${left}, ${right})`;
    case "before": return `date(${left}) < date(${right})`;
    case "after": return `date(${left}) > date(${right})`;
    case "older": return `days_between(${left}, now) > ${right}`;
    case "newer": return `days_between(${left}, now) < ${right}`;
    case "longer": case "shorter": return `len(${left}) ${SPELLED[operator]} ${right}`;
    default: return `${left} ${SPELLED[operator]} ${right}`;
  }
}
