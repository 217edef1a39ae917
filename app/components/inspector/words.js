// How names, amounts and values are said to people.

export { plainly as inWords } from "../drawing/plain.js";

const SAID = {
  json: "Answer in parts", text: "Text", label: "Kind", confidence: "Sure", scores: "How sure of each", decision: "Decision", by: "By", reason: "Reason",
  values: "Values", usage: "Used", model: "Model", cost_usd: "Cost", tokens_in: "Tokens in", tokens_out: "Tokens out", case: "Way taken", id: "Number", url: "Address",
  errors: "Errors", results: "Results", delivered: "Delivered", result: "Result", status: "Status", body: "Body", headers: "Headers",
};

/** `card_ending` as `Card ending`. */
export function said(name) {
  if (SAID[name]) return SAID[name];
  const spaced = String(name).replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ").trim();
  return spaced ? spaced[0].toUpperCase() + (/^[A-Z\s\d]+$/.test(spaced) ? spaced.slice(1) : spaced.slice(1).toLowerCase()) : String(name);
}

export const number = (value) => Number(value).toLocaleString("en", { maximumFractionDigits: 6 });

/** US dollars, with as many places as a small amount needs. */
export function money(usd) {
  if (!usd) return "$0";
  const places = usd >= 1 ? 2 : usd >= 0.01 ? 3 : 4;
  return `$${usd.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: places })}`;
}

export function duration(seconds) {
  if (seconds < 60) return `${number(Math.round(seconds * 10) / 10)} s`;
  if (seconds < 3600) return `${number(Math.round(seconds / 6) / 10)} min`;
  return seconds < 172800 ? `${number(Math.round(seconds / 360) / 10)} h` : `${number(Math.round(seconds / 8640) / 10)} days`;
}

/** A value on one line. */
export function brief(value, most = 80) {
  const cut = (text) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  if (value === null) return "nothing";
  if (value === true) return "Yes";
  if (value === false) return "No";
  if (typeof value === "string") return value.trim() ? cut(value.replace(/\s+/g, " ")) : "empty text";
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.length ? cut(`${value.length} ${value.length === 1 ? "item" : "items"}: ${value.slice(0, 3).map((item) => brief(item, 24)).join(", ")}`) : "empty list";
  const keys = Object.keys(value ?? {});
  return keys.length ? cut(keys.map((key) => `${said(key)}: ${brief(value[key], 20)}`).join(", ")) : "nothing in it";
}

/** The type of a value as the table of rules knows it. */
export function typeOf(value) {
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)/.test(value) ? "date" : "text";
  return { number: "number", boolean: "boolean" }[typeof value] ?? "any";
}

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
