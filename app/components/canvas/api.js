// Asks the API as the page's own user: answers are JSON, an error says in words what happened and what to do next.
export class Refused extends Error {
  constructor(status, told) {
    super(told.message ?? "The server refused this.");
    Object.assign(this, { status, code: told.code ?? "", hint: told.hint ?? "", problems: told.problems ?? [] });
  }
}

// Nobody answered: the request may or may not have arrived.
export class Away extends Error {}

const ANSWER_WITHIN_MS = 30_000;
// Browsers carry at most 64 KB to its end after the page is gone; a character may be three bytes.
const MOST_OUTLIVING = 20_000;

export async function ask(method, path, body, { key, signal, outlivesPage = false } = {}) {
  const headers = { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...(key ? { "Idempotency-Key": key } : {}) };
  const text = body === undefined ? undefined : JSON.stringify(body);
  let answer, told;
  try {
    answer = await fetch(path, { method, headers, body: text, keepalive: outlivesPage && text.length < MOST_OUTLIVING, signal: signal ?? AbortSignal.timeout(ANSWER_WITHIN_MS) });
    told = await answer.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Away("The server did not answer.");
  }
  if (answer.ok) return told;
  // A proxy's "try later" is the same as no answer.
  if ([502, 503, 504].includes(answer.status)) throw new Away("The server did not answer.");
  throw new Refused(answer.status, told.error ?? {});
}

export async function all(path) {
  const items = [];
  let cursor = null;
  do {
    const page = await ask("GET", `${path}${path.includes("?") ? "&" : "?"}limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

export const inWords = (error) => [error.message, error.hint].filter(Boolean).join(" ");
