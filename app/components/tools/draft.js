// A web tool as somebody types it, and as the API takes it.

import { fieldsOf, isTable } from "../inspector/schemas.js";

const BARE = { type: "object", properties: {}, additionalProperties: false };
export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
export const sendsBody = (method) => !["GET", "HEAD"].includes(method);
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const EMPTY = {
  name: "", description: "", parameters: BARE, effect: "idempotent", method: "GET", url: "", query: {}, headers: {}, body: "", secret: "", cost_usd: 0,
  origins: ["external"], carries: null,
};

/** What is typed, of a tool as the API tells it; without one, of a new tool. */
export function draftOf(tool) {
  const all = { ...EMPTY, ...tool }, isPlain = isTable(all.parameters);
  return {
    name: all.name, description: all.description, effect: all.effect, method: all.method, url: all.url, body: all.body, secret: all.secret,
    origins: all.origins ?? ["external"], carries: all.carries ?? null, cost: all.cost_usd ? String(all.cost_usd) : "",
    query: Object.entries(all.query), headers: Object.entries(all.headers),
    schema: all.parameters, fields: isPlain ? fieldsOf(all.parameters) : null, schemaText: isPlain ? "" : JSON.stringify(all.parameters, null, 2),
  };
}

/** The schema of the arguments that a table holds. */
export function schemaOf(base, fields) {
  const required = fields.filter((field) => field.isRequired).map((field) => field.name), { required: _, ...rest } = base ?? BARE;
  const made = { ...rest, type: "object", properties: Object.fromEntries(fields.map((field) => [field.name, field.schema])) };
  return required.length ? { ...made, required } : made;
}

/** `{definition, problems: [{field, message}]}`: what the API takes, and what it need not be asked about. */
export function read(draft, { taken = [] } = {}) {
  const problems = [], tell = (field, message) => problems.push({ field, message });
  if (!draft.name.trim()) tell("name", "A tool needs a name.");
  if (taken.includes(draft.name.trim())) tell("name", "There is a tool of this name already. Choose another name, or change that tool.");
  if (!draft.description.trim()) tell("description", "Say what it does: a model knows nothing else of it.");
  if (!draft.url.trim()) tell("url", "A request goes somewhere: enter its address.");
  const parameters = schemaIn(draft, tell), cost = Number(draft.cost.trim().replace(/^\$/, "") || 0);
  if (!Number.isFinite(cost) || cost < 0) tell("cost_usd", "Write the cost as a number of US dollars, such as 0.02.");
  const { description, effect, method, secret, origins, carries } = draft;
  const definition = {
    description: description.trim(), parameters, effect, method, url: draft.url.trim(), query: named(draft.query, "query", tell), headers: named(draft.headers, "headers", tell),
    body: sendsBody(method) ? draft.body : "", secret, cost_usd: Number.isFinite(cost) ? cost : 0, origins, carries,
  };
  return { name: draft.name.trim(), definition, problems };
}

function schemaIn(draft, tell) {
  if (draft.fields === null) {
    try {
      return JSON.parse(draft.schemaText);
    } catch (error) {
      tell("parameters", `This is not JSON yet: ${error.message}.`);
      return BARE;
    }
  }
  const names = draft.fields.map((field) => field.name);
  draft.fields.forEach(({ name, isWrong }, i) => {
    if (!PLAIN_NAME.test(name)) tell(`parameters.${i}`, name ? `“${name}” is no name for an argument: letters, digits and _ only, and no digit first.` : "An argument needs a name.");
    else if (names.indexOf(name) !== i) tell(`parameters.${i}`, `There is another argument called ${name}.`);
    if (isWrong) tell(`parameters.${i}`, "What it may be is not JSON yet.");
  });
  return schemaOf(draft.schema, draft.fields);
}

function named(pairs, place, tell) {
  const kept = pairs.filter(([name, value]) => name.trim() || value.trim());
  kept.forEach(([name], i) => {
    if (!name.trim()) tell(place, "Each value needs a name.");
    else if (kept.findIndex(([other]) => other.trim() === name.trim()) !== i) tell(place, `${name.trim()} stands here twice.`);
  });
  return Object.fromEntries(kept.map(([name, value]) => [name.trim(), value]));
}

/** The words of what is wrong with a field and its parts. */
export const wrongWith = (problems, field) => problems.filter((problem) => problem.field === field || problem.field?.startsWith(`${field}.`)).map((problem) => problem.message);

const SHOWN = ["name", "description", "parameters", "url", "method", "query", "headers", "body", "secret", "cost_usd", "effect", "origins", "carries"];
/** What is wrong with nothing that the form shows. */
export const elsewhere = (problems) => problems.filter((problem) => !SHOWN.includes(String(problem.field).split(".")[0])).map((problem) => problem.message);

/** The host that an address names, in the spelling of the hosts of a secret; "" where it names none yet. */
export function hostIn(url) {
  const found = /^https?:\/\/([^/?#{\s]+)/i.exec(url.trim());
  return found ? found[1].toLowerCase() : "";
}

/** Whether a secret of these hosts may go to the address; yes while the address names no host. */
export function mayGo(hosts, url) {
  const host = hostIn(url).replace(/:(80|443)$/, "");
  if (!host) return true;
  return hosts.some((pattern) => {
    const plain = pattern.toLowerCase().replace(/:(80|443)$/, "");
    return plain === host || (plain.startsWith("*.") && host.endsWith(plain.slice(1)) && host.length > plain.length - 1);
  });
}
