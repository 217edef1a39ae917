// What an agent did, from the steps inside it: its turns, the calls of each, and how each call went, in words.
import { insideOf, progressOf, waitWord } from "../drawing/inside.js";
import { isReference } from "./bodies.js";

const MAKING = ["asked", "act", "read"];
const PART_WORDS = { offer: "tools offered", turn: "a turn", calls: "its calls", say: "a talk", call: "a call", ask: "a consent", asked: "a call", act: "a call", read: "a call" };
const PART_ICONS = { offer: "wrench", turn: "message-circle", calls: "wrench", say: "message-circle", call: "wrench", ask: "user-check", asked: "wrench", act: "wrench", read: "wrench" };

/** What a part is called where nothing else is known of it. */
export const partWord = (node) => PART_WORDS[node.split(".")[1]] ?? "a part of it";
export const partIcon = (node) => PART_ICONS[node.split(".")[1]] ?? "box";

const known = new WeakMap();

/** `{path of the agent: {path, node, offer, turns, steps}}`; made anew only when a step has come that was not there before. */
export function agentsOf(run) {
  const kept = known.get(run);
  if (kept && kept.shape === run.shape && kept.size === run.steps.size) return kept.agents;
  const agents = new Map();
  for (const step of run.steps.values()) {
    const inside = step.node.includes(".") ? insideOf(step.path) : null;
    if (inside) put(agents.get(inside.owner) ?? begun(agents, inside), inside, step);
  }
  known.set(run, { shape: run.shape, size: run.steps.size, agents });
  return agents;
}

function begun(agents, { owner, node }) {
  const agent = { path: owner, node, offer: null, turns: [], steps: [] };
  agents.set(owner, agent);
  return agent;
}

function put(agent, inside, step) {
  agent.steps.push(step);
  if (inside.part === "offer") agent.offer = step;
  if (!inside.turn) return;
  let turn = agent.turns[inside.turn - 1];
  if (!turn) turn = agent.turns[inside.turn - 1] = { number: inside.turn, path: inside.turnPath, step: null, box: null, say: null, calls: [] };
  if (inside.part === "turn") turn.step = step;
  else if (inside.part === "calls") turn.box = step;
  else if (inside.part === "say") turn.say = step;
  else if (inside.call >= 0) (turn.calls[inside.call] ??= { path: inside.callPath, index: inside.call, turn, parts: {}, steps: [] }, turn.calls[inside.call].parts[inside.part] = step, turn.calls[inside.call].steps.push(step));
}

export const turnsOf = (agent) => agent.turns.filter((turn) => turn?.step);
export const callsOf = (turn) => turn.calls.filter(Boolean);

/** The agent, turn and call that a step inside one belongs to. */
export function whereOf(run, path) {
  const inside = insideOf(path), agent = inside && agentsOf(run).get(inside.owner);
  if (!agent) return null;
  const turn = agent.turns[inside.turn - 1] ?? null;
  return { part: inside.part, agent, turn, call: inside.call >= 0 ? turn?.calls[inside.call] ?? null : null };
}

const read = (value) => (isReference(value) ? null : value);

/** The name of the tool that a call is of. */
export function toolOf(call) {
  const wanted = read(call.turn.step?.outputs)?.calls?.[call.index]?.tool;
  return read(call.parts.call?.outputs)?.tool ?? wanted ?? read(call.parts.ask?.inputs)?.tool ?? "a tool";
}

export const makingOf = (call) => MAKING.map((part) => call.parts[part]).find(Boolean) ?? null;

const DECIDED = { approved: "approved", rejected: "refused", expired: "no answer" };

/** `{tone, word, told}` of a call: its state, and how it came to that. `length` says a time in milliseconds. */
export function callTold(call, length) {
  const { call: judged, ask } = call.parts, making = makingOf(call), outputs = read(judged?.outputs) ?? {};
  const decision = ask?.note?.decision, by = ask?.note?.by_name;
  const allowed = decision ? `${DECIDED[decision] ?? decision}${by ? ` by ${by}` : ""}` : outputs.verdict === "allow" ? "allowed" : outputs.verdict === "ask" ? "a person decides" : outputs.verdict === "stop" ? "made although a rule stops it" : "";
  if (making) return madeTold(making, allowed, length);
  if (decision) return { tone: "skipped", word: decision === "expired" ? "No answer" : "Refused", told: [allowed, ask.note.reason].filter(Boolean).join(": "), isStopped: true };
  if (ask) return { tone: ask.status === "waiting" ? "waiting" : "skipped", word: ask.status === "waiting" ? "Waiting" : "Given up", told: `a person decides${outputs.reason ? `: ${outputs.reason}` : ""}` };
  if (outputs.verdict === "stop") return { tone: "limit", word: "Stopped", told: outputs.reason ?? "", isStopped: true };
  return judged?.status === "done" ? { tone: "next", word: "Next", told: allowed } : { tone: "running", word: "Running", told: "" };
}

function madeTold(making, allowed, length) {
  if (making.status === "in_doubt") return { tone: "doubt", word: "In doubt", told: "nobody knows whether it happened" };
  if (making.status === "waiting") return { tone: "waiting", word: "Waiting", told: making.pause ? allowed : "a person looks at it before it goes out" };
  if (making.status === "failed") return { tone: "failed", word: "Failed", told: [allowed, making.error?.message].filter(Boolean).join(" · "), isFailed: true };
  if (making.status === "running") return { tone: "running", word: "Running", told: allowed };
  if (making.status === "cancelled") return { tone: "skipped", word: "Given up", told: allowed };
  if (making.status !== "done") return { tone: "next", word: making.retryAt === null ? "Next" : "Tried again soon", told: allowed };
  const worked = making.spans.reduce((sum, span) => sum + (span.kind === "work" && span.to ? span.to - span.from : 0), 0);
  return { tone: "done", word: "Done", told: [allowed, making.simulated ? "simulated, not called" : length(worked)].filter(Boolean).join(" · ") };
}

const MOST_NAMES = 4;

/** How a turn ended: "wants find_order, refund", "answers", "gives up". */
export function turnTold(turn) {
  const { step } = turn, outputs = read(step.outputs);
  if (step.status === "failed") return step.error?.message ?? "";
  if (step.status !== "done") return "";
  const names = outputs?.calls?.length ? outputs.calls.map((call) => call.tool) : callsOf(turn).map(toolOf);
  if (step.port === "calls") return `wants ${names.slice(0, MOST_NAMES).join(", ")}${names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ""}`;
  if (step.port === "handover") return `hands over${outputs?.problem ? `: ${outputs.problem}` : ""}`;
  if (step.port === "again") return "its answer did not fit: asked again";
  return step.port === "say" ? "talks to a person" : "answers";
}

/** Turns, calls, and how many were stopped, refused, asked about or failed. */
export function sumOf(agent) {
  const sum = { turns: 0, calls: 0, stopped: 0, asked: 0, failed: 0, doubt: 0 };
  for (const turn of turnsOf(agent)) {
    sum.turns += 1;
    for (const call of callsOf(turn)) {
      const told = callTold(call, String);
      sum.calls += 1;
      sum.stopped += told.isStopped ? 1 : 0;
      sum.failed += told.isFailed ? 1 : 0;
      sum.doubt += told.tone === "doubt" ? 1 : 0;
      sum.asked += call.parts.ask ? 1 : 0;
    }
  }
  return sum;
}

const ODD = ["doubt", "failed", "waiting", "limit", "skipped"];
const MOST_ODD = 8;

/** The calls that did not simply go well, the worst first: `{calls, more}`, the newest of each sort. */
export function worthALook(agent, length) {
  const found = turnsOf(agent).flatMap(callsOf).map((call) => [ODD.indexOf(callTold(call, length).tone), call]).filter(([rank]) => rank >= 0).reverse();
  const calls = found.sort((a, b) => a[0] - b[0]).map(([, call]) => call);
  return { calls: calls.slice(0, MOST_ODD), more: Math.max(0, calls.length - MOST_ODD) };
}

const counted = (number, one) => `${number.toLocaleString("en-US")} ${number === 1 ? one : `${one}s`}`;

/** The same in one line, the worst first. */
export function agentTold(agent) {
  const { turns, calls, stopped, asked, failed, doubt } = sumOf(agent);
  return [doubt ? `${doubt} in doubt` : "", failed ? `${failed} failed` : "", stopped ? `${stopped} stopped` : "", asked ? `${asked} asked` : "", calls ? counted(calls, "call") : "no calls", counted(turns, "turn")].filter(Boolean).join(" · ");
}

const RANK = ["in_doubt", "waiting", "running", "ready"];

/** The step inside an agent that says how the agent stands while it is open. */
export function movingIn(agent) {
  for (const status of RANK) {
    const found = agent.steps.findLast((step) => step.status === status && !step.box);
    if (found) return found;
  }
  return null;
}

/** The step that says how an agent stands: while it is open the one that moves, after a failure inside it that one. */
export function standsFor(agent, step) {
  if (step.status === "running") return movingIn(agent) ?? step;
  return step.status === "cancelled" ? agent.steps.findLast((one) => one.status === "failed" && !one.goesOn) ?? step : step;
}

/** The word on the agent's node of the drawing; `most` turns it may take. */
export function nodeWord(agent, most) {
  const { word, waits } = progressOf(agent.steps, most);
  return waits && waits.status === "waiting" ? waitWord({ card: waits.card, part: insideOf(waits.path).part }) : word;
}

/** The answer, the agent's own words, or what was told it: what a turn knew that the turn before did not. `{title, value, isTask}` */
export function toldLast(run, agent, turn) {
  const before = agent.turns[turn.number - 2];
  if (!before) return { title: "Its task", body: run.steps.get(agent.path)?.inputs ?? null, isTask: true };
  if (before.say) return { title: "What the person said", body: before.say.outputs };
  if (before.box) return { title: "What its calls came to", body: before.box.outputs };
  return { title: "What it was told", body: before.step?.outputs ?? null, isProblem: true };
}
