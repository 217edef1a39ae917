// The arguments of one call, as somebody types them to try a tool.

import { fieldsOf } from "../inspector/schemas.js";

/** The arguments to ask for, of a tool's schema. */
export const askedOf = (schema) => fieldsOf(schema);

/** `{value}` or `{problem}` of what was typed for a field; neither where it is left out. */
export function valueOf(field, typed) {
  if (typed === undefined || typed === "") return {};
  switch (field.type) {
    case "number":
    case "whole": {
      const number = Number(typed);
      return Number.isFinite(number) ? { value: number } : { problem: "Write a number." };
    }
    case "yesno":
      return { value: typed === "yes" };
    case "choice":
      return { value: field.choices[Number(typed)] };
    case "list":
      if (field.schema.items?.type !== "string" && field.schema.items) return json(typed);
      return { value: typed.split("\n").map((line) => line.trim()).filter(Boolean) };
    case "text":
    case "long":
    case "date":
      return { value: typed };
    default:
      return json(typed);
  }
}

function json(typed) {
  try {
    return { value: JSON.parse(typed) };
  } catch (error) {
    return { problem: `This is not JSON yet: ${error.message}.` };
  }
}

/** `{given, problems: {name: words}}` of all that was typed. */
export function givenOf(fields, typed) {
  const given = {}, problems = {};
  for (const field of fields) {
    const { value, problem } = valueOf(field, typed[field.name]);
    if (problem) problems[field.name] = problem;
    else if (value !== undefined) given[field.name] = value;
  }
  return { given, problems };
}

/** What the server says about arguments, by their names. */
export function refusedIn(problems) {
  const found = {};
  for (const { field, message } of problems ?? []) {
    const name = /^arguments\.?([A-Za-z_][A-Za-z0-9_]*)?/.exec(field ?? "");
    if (name) found[name[1] ?? ""] = `${message[0]?.toUpperCase() ?? ""}${message.slice(1)}`;
  }
  return found;
}
