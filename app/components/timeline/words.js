// How a run is told: amounts, lengths of time, statuses, and the sentences about what happened.
import { clock, moment, pauseWord } from "../drawing/moments.js";
import { insideOf } from "../drawing/inside.js";
import { portWord, sentence } from "../drawing/words.js";
import { lookOf, nameOf, placeOf } from "./rows.js";

export const LIMITS = {
  cost_micro: { field: "cost_usd", name: "Money", short: "Money limit", word: "money limit" },
  tokens: { field: "tokens", name: "Tokens", short: "Token limit", word: "token limit" },
  busy_us: { field: "seconds", name: "Working time", short: "Time limit", word: "time limit" },
  steps: { field: "steps", name: "Steps", short: "Step limit", word: "step limit" },
  llm_calls: { field: "llm_calls", name: "Questions to models", short: "Question limit", word: "limit of questions to models" },
  tool_calls: { field: "tool_calls", name: "Tool calls", short: "Tool limit", word: "limit of tool calls" },
};

export function money(micro) {
  if (!micro) return "$0";
  const usd = micro / 1e6;
  const digits = usd >= 0.1 ? 2 : usd >= 0.001 ? 4 : 6;
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

export const count = (number) => Math.round(number).toLocaleString("en-US");
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function length(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return `${s < 0.05 ? "0.0" : s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return joined(Math.floor(s / 60), "min", Math.floor(s % 60), "s");
  if (s < 86_400) return joined(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return joined(Math.floor(s / 86_400), Math.floor(s / 86_400) === 1 ? "day" : "days", Math.floor((s % 86_400) / 3600), "h");
}
/** Short times to the millisecond: how long a call took. */
export const brisk = (ms) => (ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : length(ms));
const joined = (a, unit, b, small) => `${a} ${unit}${b ? ` ${b} ${small}` : ""}`;

// On the axis: `5 s`, `4:23`, `2:05:00`.
export function mark(ms) {
  const s = ms / 1000;
  if (s < 60) return `${Number.isInteger(s) ? s : s.toFixed(s < 1 ? 2 : 1)} s`;
  const [h, m, rest] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60), Math.floor(s % 60)];
  const two = (number) => String(number).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(rest)}` : `${m}:${two(rest)}`;
}

export { clock, moment, pauseWord };

export function amount(limit, value) {
  if (limit === "cost_micro") return money(value);
  return limit === "busy_us" ? length(value / 1000) : count(value);
}

const STEP = {
  ready: ["next", "Next"], running: ["running", "Running"], waiting: ["waiting", "Waiting"], done: ["done", "Done"], failed: ["failed", "Failed"],
  skipped: ["skipped", "Passed over"], cancelled: ["skipped", "Given up"], in_doubt: ["doubt", "In doubt"],
};
const DECIDED = {
  approved: ["done", "Approved"], rejected: ["done", "Rejected"], expired: ["skipped", "No answer"], submitted: ["done", "Filled in"],
  done: ["done", "Happened"],
};

// `{tone, word}` of one step.
export function stepStatus(run, step) {
  if (run.limit?.path === step.path && step.status === "ready" && (run.isStopped || run.asked)) return told(["limit", limitName(run.limit.name)]);
  if (isDoubtful(step)) return told(["doubt", "In doubt"]);
  if (step.status === "failed" && step.goesOn) return told(["failed", "Failed, went on"]);
  if (step.status === "ready" && step.retryAt !== null) return told(["waiting", "Tried again soon"]);
  if (step.status === "waiting" && step.pause) return told(["waiting", pauseWord(step.pause)]);
  if (step.status === "waiting") return told(["waiting", step.isVoid && !step.item ? "Asked again" : `Waiting for ${whoFor(step)}`]);
  if (step.status === "done" && step.item) return told(DECIDED[step.note?.decision ?? step.outputs?.decision] ?? STEP.done);
  return told(STEP[step.status] ?? ["skipped", step.status]);
}
const told = ([tone, word]) => ({ tone, word });
const isBudget = (name) => name === "workflow_day" || name === "agent_day" || name === "workspace_month";
export const limitName = (name) => (name === "max_visits" ? "Rounds used up" : isBudget(name) ? "Budget used up" : LIMITS[name]?.short ?? "Limit");
const limitReached = (name) => (name === "max_visits" || isBudget(name) ? limitName(name) : `${limitName(name)} reached`);

export function whoFor(step) {
  const asked = step.card?.approvers ?? {};
  const users = asked.users ?? [];
  if (users.length) return users.length === 1 ? users[0].split("@")[0] : `${users[0].split("@")[0]} or ${users.length - 1} more`;
  const roles = asked.roles ?? [];
  return roles.length === 1 ? `an ${roles[0]}`.replace(/^an (?![aeiou])/, "a ") : "a person";
}

const RUN = {
  queued: ["skipped", "Queued"], running: ["running", "Running"], waiting: ["waiting", "Waiting"], paused: ["waiting", "Paused"],
  stopped: ["limit", "Stopped"], succeeded: ["done", "Done"], failed: ["failed", "Failed"], cancelled: ["skipped", "Cancelled"],
};

export function runStatus(run, book) {
  if (run.status === "stopped" && run.limit) return told(["limit", limitReached(run.limit.name)]);
  if (run.status === "waiting") return waitingStatus(run);
  const failed = run.status === "failed" ? failedStep(run) : null;
  if (failed) return told([isDoubtful(failed) ? "doubt" : "failed", `Failed at ${nameOf(book, failed.node)}`]);
  return told(RUN[run.status] ?? ["skipped", run.status]);
}

function waitingStatus(run) {
  const waiting = waitingSteps(run), paused = pausedSteps(run);
  if (run.asked) return told(["limit", limitReached(run.limit?.name)]);
  if (doubtfulSteps(run).length) return told(["doubt", "In doubt"]);
  if (waiting.length === 1) return told(["waiting", `Waiting for ${whoFor(waiting[0])}`]);
  if (!waiting.length && paused.length === 1) return told(["waiting", pauseWord(paused[0].pause)]);
  return told(RUN.waiting);
}

// It failed because nobody knows whether it happened, and nobody has said so since.
export const isDoubtful = (step) => step.status === "failed" && step.error?.code === "in_doubt" && !isSaid(step);
// It failed because somebody said that it did not happen.
export const isSaid = (step) => step.error?.code === "in_doubt" && step.doubts.at(-1)?.decided?.decision === "fail";

// Why a call is in doubt, as half a sentence: "got no answer", "was running when the server stopped".
export const whyWord = (why) => (why || "got no answer").replace("the process died", "the server stopped").replace(/\.$/, "");

// What waits for a person, for a time or an event, and what somebody has to say of a step in doubt.
export const pausedSteps = (run) => [...run.steps.values()].filter((step) => step.status === "waiting" && step.pause);
export const doubtfulSteps = (run) => [...run.steps.values()].filter((step) => step.status === "in_doubt" && step.item);
export const waitingSteps = (run) => [...run.steps.values()].filter((step) => step.status === "waiting" && step.item);
export const failedStep = (run) => [...run.steps.values()].findLast((step) => step.status === "failed" && !step.goesOn) ?? null;
export const practised = (step) => step.outputs?.usage?.practice === true || (step.note?.calls ?? []).some((call) => call.practice);

// What a step asked of models, beside its answer: taken again, asked anew, waited in line.
const callsOf = (step) => step.note?.calls ?? [];
export const isCached = (step) => callsOf(step).some((call) => call.cached);
export const repairsOf = (step) => callsOf(step).filter((call) => call.refused).length;
export const lineOf = (step) => callsOf(step).reduce((sum, call) => sum + (call.waited_s ?? 0), 0);
export const CHECKS = { grounded: "Grounded in its sources", polite: "Polite", no_personal_data: "No personal data" };
export const checksOf = (step) => (Array.isArray(step.outputs?.checks) ? step.outputs.checks.filter((one) => typeof one?.passed === "boolean") : []);

// "round 2 of at most 4", "item 3"; nothing for a step that stands alone.
export function whichOf(book, path) {
  const inside = insideOf(path);
  if (inside) return [whichOf(book, inside.owner), inside.turn ? `turn ${inside.turn} of at most ${book.nodes.get(inside.node)?.config?.max_turns ?? 10}` : ""].filter(Boolean).join(", ");
  const place = placeOf(path);
  const parts = [];
  const item = /\[(\d+)\]$/.exec(place.scope);
  if (item) parts.push(`item ${Number(item[1]) + 1}`);
  if (place.rounds.length && book.rounds.has(place.loop)) parts.push(`round ${place.rounds.at(-1)} of at most ${book.rounds.get(place.loop)}`);
  return parts.join(", ");
}

// What is in a step's second column of the list: by which way it went on, how often it was tried.
function boxFact({ items, ended, failed }) {
  const done = items === null ? `${counted(ended, "item")} done` : `${count(ended)} of ${count(items)}`;
  return failed ? `${done}, ${count(failed)} failed` : done;
}

export function fact(book, step) {
  if (!step) return "";
  const kind = book.nodes.get(step.node)?.kind;
  if (step.box) return boxFact(step.box);
  if (step.pause && step.port === "expired") return portName(book, step.node, step.port);
  if ((kind === "classify" || kind === "branch") && step.port) return portName(book, step.node, step.port);
  if (kind === "llm" && step.status === "done") return modelFact(book, step);
  return "";
}

function modelFact(book, step) {
  const repairs = repairsOf(step);
  return [
    step.port === "not_good" ? portName(book, step.node, step.port) : "",
    isCached(step) ? "same answer again" : "",
    repairs ? `asked again ${counted(repairs, "time")}` : "",
  ].filter(Boolean).join(", ");
}

export function portName(book, node, port) {
  const found = book.nodes.get(node);
  const written = found?.config?.cases?.find?.((one) => one.port === port)?.label;
  return written ? sentence(written) : portWord(port, found?.kind);
}

export { lookOf, nameOf };
