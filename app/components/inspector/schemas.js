// JSON Schemas as people read them: what a kind's settings are, and tables of fields made from a schema and back.

import { said } from "./words.js";

/** The schema with `$ref` and `X or nothing` worked out: `{…schema, nullable}`. */
export function plainSchema(schema, root) {
  let found = schema ?? {}, nullable = false;
  for (let guard = 0; guard < 10; guard += 1) {
    if (found.$ref) {
      const { $ref, ...rest } = found;
      found = { ...$ref.replace(/^#\//, "").split("/").reduce((inner, key) => inner?.[key], root), ...rest };
    } else if (found.anyOf?.some((part) => part.type === "null")) {
      const { anyOf, ...rest } = found, parts = anyOf.filter((part) => part.type !== "null");
      nullable = true;
      found = parts.length === 1 ? { ...parts[0], ...rest } : { ...rest, anyOf: parts };
      if (parts.length !== 1) break;
    } else if (found.allOf?.length === 1) {
      const { allOf, ...rest } = found;
      found = { ...allOf[0], ...rest };
    } else break;
  }
  return { ...found, nullable };
}

/** pydantic makes `Max Tokens` of `max_tokens`; a title that somebody wrote stays as it is. */
export function labelOf(name, schema) {
  const made = name.split("_").map((word) => word && word[0].toUpperCase() + word.slice(1)).join(" ");
  return schema.title && schema.title.toLowerCase() !== made.toLowerCase() ? schema.title : said(name);
}

/** What people call the types of a field, and the schema that each stands for. */
export const TYPES = {
  text: { words: "Text", schema: { type: "string" } },
  long: { words: "Long text", schema: { type: "string", "x-rows": 4 } },
  choice: { words: "One of a list", schema: { type: "string", enum: [] } },
  number: { words: "Number", schema: { type: "number" } },
  whole: { words: "Whole number", schema: { type: "integer" } },
  yesno: { words: "Yes or no", schema: { type: "boolean" } },
  date: { words: "Date", schema: { type: "string", format: "date" } },
  list: { words: "List", schema: { type: "array", items: { type: "string" } } },
  object: { words: "Named parts", schema: { type: "object" } },
};

export function typeNameOf(schema) {
  if (Array.isArray(schema.enum)) return "choice";
  switch (schema.type) {
    case "string": return schema.format?.startsWith("date") ? "date" : (schema["x-rows"] ? "long" : "text");
    case "number": return "number";
    case "integer": return "whole";
    case "boolean": return "yesno";
    case "array": return "list";
    case "object": return "object";
    default: return "other";
  }
}

/** `[{name, title, type, isRequired, description, choices, schema}]` of an object's schema. */
export function fieldsOf(schema) {
  const required = Array.isArray(schema?.required) ? schema.required : [];
  return Object.entries(schema?.properties ?? {}).map(([name, field]) => ({
    name, schema: field, type: typeNameOf(field ?? {}), isRequired: required.includes(name), title: field?.title ?? "", description: field?.description ?? "",
    choices: Array.isArray(field?.enum) ? field.enum : null,
  }));
}

/** Whether a table can show the schema without hiding anything that matters. */
export function isTable(schema) {
  return !schema || ((schema.type ?? "object") === "object" && !schema.$ref && !["anyOf", "allOf", "oneOf", "patternProperties", "if"].some((key) => key in schema));
}

const KEPT = ["title", "description"];

/** The field's schema with another type; what says something about any type stays. */
export function withType(schema, type) {
  const kept = Object.fromEntries(KEPT.filter((key) => key in schema).map((key) => [key, schema[key]]));
  return { ...TYPES[type].schema, ...(type === "choice" ? { enum: ["first choice"] } : {}), ...kept };
}

function build(schema, fields) {
  const required = fields.filter((field) => field.isRequired).map((field) => field.name);
  const { required: _, ...rest } = schema ?? {};
  const made = { ...rest, type: "object", properties: Object.fromEntries(fields.map((field) => [field.name, field.schema])) };
  return required.length ? { ...made, required } : made;
}

/** The schema with the field at the place changed; `patch` has name, isRequired and schema keys (undefined takes one away). */
export function fieldChanged(schema, index, { name, isRequired, ...keys }) {
  const fields = fieldsOf(schema), field = fields[index];
  const merged = Object.fromEntries(Object.entries({ ...field.schema, ...keys }).filter(([, value]) => value !== undefined));
  fields[index] = { name: name ?? field.name, isRequired: isRequired ?? field.isRequired, schema: merged };
  return build(schema, fields);
}

export const fieldRetyped = (schema, index, type) => build(schema, fieldsOf(schema).map((field, i) => (i === index ? { ...field, schema: withType(field.schema, type) } : field)));

export const fieldAdded = (schema, name) => build(schema, [...fieldsOf(schema), { name, isRequired: true, schema: { type: "string" } }]);

export const fieldRemoved = (schema, index) => build(schema, fieldsOf(schema).filter((_, i) => i !== index));
