// Asks our own API. Answers `{body}` or `{error: {code, message, hint, problems?}, status}`; it never throws.
const AWAY = { code: "away", message: "The server does not answer.", hint: "Nothing is lost. Try again in a moment." };
const ODD = { code: "odd", message: "The server answered something that this page does not understand.", hint: "Load the page again." };

export async function rest(method, path, body) {
  let answer;
  try {
    const headers = { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
    answer = await fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body) });
  } catch {
    return { error: AWAY, status: 0 };
  }
  if (answer.status === 401) window.location.assign("/login");
  // Some answers have nothing to tell: what was asked for is done.
  const told = answer.status === 204 ? {} : await answer.json().catch(() => null);
  if (answer.ok && told) return { body: told, status: answer.status };
  return { error: told?.error ?? ODD, status: answer.status };
}

// What several pages of a list hold together, at most `most` items.
export async function restAll(path, most = 500) {
  const items = [];
  for (let next = ""; next !== null && items.length < most; ) {
    const { body, error } = await rest("GET", `${path}${path.includes("?") ? "&" : "?"}limit=100${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
    if (error) return { error };
    items.push(...body.items);
    next = body.next;
  }
  return { body: items };
}
