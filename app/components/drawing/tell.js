// How a run's steps look on the drawing: status, amounts, taken edges. Steps are items of GET /api/v1/runs/{id}/steps.
import { insideOf, isInside, progressOf, waitWord } from "./inside.js";
import { pauseWord } from "./moments.js";
import { edgeKey } from "./shape.js";

const WORDS = {
  ready: ["next", "Next"], running: ["running", "Running"], waiting: ["waiting", "Waiting"], done: ["done", "Done"], failed: ["failed", "Failed"],
  skipped: ["skipped", "Not needed"], in_doubt: ["doubt", "In doubt"], cancelled: ["skipped", "Cancelled"], stopped: ["limit", "Limit reached"],
};
const PEOPLE = new Set(["approval", "form", "ask"]);
const RANK = ["running", "in_doubt", "failed", "waiting", "stopped", "ready", "done", "cancelled", "skipped"];

export const money = (usd) => (usd ? (usd >= 0.1 ? `$${usd.toFixed(2)}` : `$${usd.toFixed(4).replace(/0{1,2}$/, "")}`) : "");

export function length(seconds) {
  if (!(seconds >= 0.05)) return "";
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
  return { tone, word: step.status === "waiting" ? waitingWord(step, word) : word, amount: amounts(step) };
}

function waitingWord(step, word) {
  if (PEOPLE.has(step.kind)) return "Waiting for a person";
  return step.note?.event || step.note?.until ? pauseWord(step.note) : word;
}

// How often the steps of a loop may run: `{first step of the loop: times}`.
function roundsOf(document) {
  const rounds = {};
  for (const edge of document?.edges ?? []) if (edge.max_visits) rounds[edge.target] = Math.max(rounds[edge.target] ?? 0, edge.max_visits);
  return rounds;
}

// The round that a path stands in, of how many: "2 / 3"; nothing for the first one.
function roundWord(path, rounds) {
  const [, loop, round] = [...path.matchAll(/([a-z][a-z0-9_]*)#(\d+)/g)].at(-1) ?? [];
  if (!(Number(round) > 1)) return "";
  return rounds[loop] ? `${round} / ${rounds[loop]}` : `round ${round}`;
}

// How far a box is: "7 / 10".
function boxWord({ items, ended, failed }, isRunning, word) {
  const bad = failed ? `, ${failed} failed` : "";
  return isRunning ? `${ended}${items === null ? "" : ` / ${items}`}${bad}` : `${word}${bad}`;
}

// All steps of a run -> `{node id: {tone, word, amount, round?, cells?}}`; a step that ran several times tells its last round, or in a box its items.
export function statusesOf(steps, document) {
  const byNode = new Map(), within = new Map();
  const add = (all, key, step) => (all.get(key) ?? all.set(key, []).get(key)).push(step);
  // What an agent does inside is told on its own node.
  for (const step of steps) if (isInside(step.node)) add(within, insideOf(step.path).owner, step); else add(byNode, step.node, step);
  const rounds = roundsOf(document);
  return Object.fromEntries([...byNode].map(([node, all]) => [node, agentStatus(all, within, document, node) ?? together(all, rounds)]));
}

const MOST_TURNS = 10; // unless the step says otherwise

// An agent that works or waits: "Turn 3 of 10 · 5 calls", "Waits for Ann: refund".
function agentStatus(all, within, document, node) {
  const last = all.at(-1), inside = within.get(last.path);
  if (!inside || last.status !== "running" || all.filter((step) => within.has(step.path)).length > 1 && /\[\d+\]/.test(last.path)) return null;
  const most = (document?.nodes ?? []).find((one) => one.id === node)?.config?.max_turns ?? MOST_TURNS;
  const { word, waits } = progressOf(inside, most);
  const told = waits ? statusOf(waits) : { tone: "running", word: WORDS.running[1] };
  const text = waits?.status === "waiting" ? waitWord({ card: waits.card, part: insideOf(waits.path).part }) : waits ? told.word : word || told.word;
  return { tone: told.tone, word: text.charAt(0).toUpperCase() + text.slice(1), amount: amounts(sumOf(inside)) };
}

const sumOf = (steps) => ({ spent: { cost_usd: steps.reduce((sum, step) => sum + (step.spent?.cost_usd ?? 0), 0) } });

function together(all, rounds) {
  const items = all.filter((step) => /\[\d+\]/.test(step.path));
  if (items.length < 2) {
    const last = all[all.length - 1], told = statusOf(last);
    if (last.note?.ended !== undefined) return { ...told, word: boxWord(last.note, last.status === "running", told.word) };
    const round = roundWord(last.path, rounds);
    return round ? { ...told, word: `${told.word}, ${round}` } : told;
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
