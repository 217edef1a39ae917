// Steps inside an agent, by their paths, and how far the agent is: `desk[0]/desk.turn#2/desk.calls[0]/desk.call` judges call 1 of turn 2 of `desk`.

const nodeIn = (segment) => segment.split("#")[0].split("[")[0];
const WAITS = new Set(["waiting", "in_doubt"]);

/** No step that somebody has drawn has a dot in its name. */
export const isInside = (node) => node.includes(".");

/** `{owner, node, part, turn, turnPath, call, callPath}`, the call counted from 0; null for a step that was drawn. */
export function insideOf(path) {
  const segments = path.split("/"), [node, part] = nodeIn(segments.at(-1)).split(".");
  if (part === undefined) return null;
  const at = segments.findLastIndex((segment) => segment.endsWith("]") && nodeIn(segment) === node);
  const within = segments.slice(at + 1), upTo = (index) => segments.slice(0, at + 2 + index).join("/");
  const turnAt = within.findIndex((segment) => nodeIn(segment) === `${node}.turn`), callAt = within.findIndex((segment) => segment.startsWith(`${node}.calls[`));
  return {
    owner: segments.slice(0, at + 1).join("/").replace(/\[\d+\]$/, ""), node, part,
    turn: turnAt < 0 ? 0 : Number(/#(\d+)/.exec(within[turnAt])?.[1] ?? 1), turnPath: turnAt < 0 ? "" : upTo(turnAt),
    call: callAt < 0 ? -1 : Number(/\[(\d+)\]/.exec(within[callAt])[1]), callPath: callAt < 0 ? "" : upTo(callAt),
  };
}

const counted = (number, one) => `${number} ${number === 1 ? one : `${one}s`}`;

/** What stands on the agent's node while it works, of the steps inside one agent: "turn 3 of 10 · 5 calls", and what waits. */
export function progressOf(steps, most) {
  let turn = 0, calls = 0, waits = null;
  for (const step of steps) {
    const inside = insideOf(step.path);
    turn = Math.max(turn, inside?.turn ?? 0);
    if (inside?.part === "call") calls += 1;
    if (WAITS.has(step.status)) waits = step;
  }
  const word = turn ? [`turn ${turn}${most ? ` of ${most}` : ""}`, calls ? counted(calls, "call") : ""].filter(Boolean).join(" · ") : "";
  return { turn, calls, word, waits };
}

/** For whom an agent waits, and what for: "waits for Ann: refund". */
export function waitWord({ card, part }) {
  const { users = [], roles = [] } = card?.approvers ?? {};
  const named = users[0]?.split("@")[0], who = named ? `${named[0].toUpperCase()}${named.slice(1)}${users.length > 1 ? ` or ${users.length - 1} more` : ""}` : roles.length === 1 ? `an ${roles[0]}`.replace(/^an (?![aeiou])/, "a ") : "a person";
  const what = part === "say" ? "an answer" : card?.action?.config?.tool ?? "";
  return `waits for ${who}${what ? `: ${what}` : ""}`;
}
