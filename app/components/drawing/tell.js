// How a run's steps look on the drawing: status, amounts, taken edges. Steps are items of GET /api/v1/runs/{id}/steps.
import { edgeKey } from "./shape.js";

const WORDS = {
  ready: ["next", "Next"], running: ["running", "Running"], waiting: ["waiting", "Waiting"], done: ["done", "Done"], failed: ["failed", "Failed"],
  skipped: ["skipped", "Not needed"], in_doubt: ["doubt", "In doubt"], cancelled: ["skipped", "Cancelled"], stopped: ["limit", "Limit reached"],
};
const PEOPLE = new Set(["approval", "form", "ask"]);
const RANK = ["running", "in_doubt", "failed", "waiting", "stopped", "ready", "done", "cancelled", "skipped"];

export const money = (usd) => (usd ? (usd >= 0.1 ? `$${usd.toFixed(2)}` : `$${usd.toFixed(4).replace(/0{1,2}$/, "")}`) : "");

export function length(seconds) {
  if (!(seconds > 0)) return "";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 360) / 10} h`;
}

export function amounts(step) {
  const spent = step.spent ?? {};
  const tokens = spent.tokens ? `${spent.tokens.toLocaleString("en-US")} tok` : "";
  return [tokens, money(spent.cost_usd), tokens || spent.cost_usd ? "" : length(spent.seconds)].filter(Boolean).join(" · ");
}

// One step: `{tone, word, amount}`.
export function statusOf(step) {
  const [tone, word] = WORDS[step.status] ?? ["skipped", String(step.status)];
  const who = step.status === "waiting" && PEOPLE.has(step.kind) ? "Waiting for a person" : word;
  return { tone, word: who, amount: amounts(step) };
}

// All steps of a run -> `{node id: {tone, word, amount, round?, cells?}}`; a step that ran several times tells its last round, or in a box its items.
export function statusesOf(steps) {
  const byNode = new Map();
  for (const step of steps) if (!step.kind || !["turn", "tool_call"].includes(step.kind)) (byNode.get(step.node) ?? byNode.set(step.node, []).get(step.node)).push(step);
  return Object.fromEntries([...byNode].map(([node, all]) => [node, together(all)]));
}

function together(all) {
  const items = all.filter((step) => /\[\d+\]/.test(step.path));
  if (items.length < 2) {
    const last = all[all.length - 1], told = statusOf(last);
    const round = Number(/#(\d+)$|#(\d+)\//.exec(last.path)?.slice(1).find(Boolean) ?? 1);
    return round > 1 ? { ...told, word: `${told.word}, round ${round}` } : told;
  }
  const worst = RANK.find((status) => items.some((step) => step.status === status)) ?? items[0].status;
  const told = statusOf({ ...items.find((step) => step.status === worst), spent: {} });
  const done = items.filter((step) => step.status === "done").length;
  return { ...told, word: worst === "done" ? `${done} done` : `${told.word} ${done} of ${items.length}` };
}

// Which edges were taken: `{edge key: "taken" | "live"}`.
export function takenEdges(document, steps) {
  const left = new Map(), running = new Set();
  for (const step of steps) {
    if (step.status === "done" && step.port !== null) (left.get(step.node) ?? left.set(step.node, new Set()).get(step.node)).add(step.port ?? "out");
    if (step.status === "running") running.add(step.node);
  }
  const taken = {};
  for (const edge of document.edges ?? []) {
    if (left.get(edge.source)?.has(edge.port ?? "out")) taken[edgeKey(edge)] = running.has(edge.target) ? "live" : "taken";
  }
  return taken;
}
