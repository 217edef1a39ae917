// What happened, in sentences made from the record: what stopped a run and what to do next, and how it went.
import {
  amount, clock, counted, doubtfulSteps, failedStep, fact, isDoubtful, isSaid, length, LIMITS, lookOf, moment, nameOf, pausedSteps, pauseWord, portName, waitingSteps, whichOf, whoFor,
  whyWord,
} from "./words.js";
import { isInside } from "../drawing/inside.js";
import { agentsOf, sumOf } from "./agents.js";
import { placeOf } from "./rows.js";

const MOST = 8;

const cardOf = (item) => `/inbox/${encodeURIComponent(item)}`;

// What a run that does not move says: `{tone, title, text, kept, link?, linkWord?, offers}`; null for one that moves or is done.
export function bannerOf(run, book, now) {
  const made = { stopped: stoppedOf, paused: stoppedOf, failed: failedOf, waiting: waitingOf, cancelled: cancelledOf }[run.status];
  return made ? made(run, book, now) : null;
}

function keptOf(run) {
  const done = [...run.steps.values()].filter((step) => step.status === "done").length;
  return done ? `${counted(done, "finished step")} ${done === 1 ? "is" : "are"} kept and not repeated.` : "Nothing had been done yet.";
}

function stoppedOf(run, book) {
  const limit = run.limit;
  if (run.isPaused) return { tone: "waiting", title: "Paused", text: run.reason.replace(" Resume it to go on.", ""), kept: keptOf(run), offers: ["go_on", "cancel"] };
  // A budget over many runs is raised where it was set.
  if (limit && limit.name !== "max_visits" && !(limit.name in LIMITS)) return { tone: "limit", title: "A budget is used up", text: run.reason, kept: keptOf(run), offers: ["go_on", "budgets", "cancel"] };
  if (!limit) return { tone: "limit", title: "Stopped", text: run.reason, kept: keptOf(run), offers: ["go_on", "cancel"] };
  if (limit.name === "max_visits") {
    const name = nameOf(book, placeOf(limit.path).node);
    return {
      tone: "limit", title: `The rounds of ${name} are used up: ${limit.used} of ${limit.allowed}`, step: null, kept: keptOf(run), offers: ["go_on", "cancel"],
      text: "The workflow wants another round. Going on allows as many rounds again.",
    };
  }
  const at = limit.path ? nameOf(book, placeOf(limit.path).node) : "";
  const needs = limit.needed && limit.name !== "steps" ? `needs up to ${amount(limit.name, limit.needed)} more` : "comes next";
  return {
    tone: "limit", title: `Stopped at the ${LIMITS[limit.name]?.word ?? "limit"}: ${amount(limit.name, limit.used)} of ${amount(limit.name, limit.allowed)}`,
    step: limit.path || null, stepName: at, text: at ? ` ${needs} and did not start.` : "The next step needs more than is left.",
    kept: keptOf(run), offers: ["raise", "limits", "cancel"], cost: "Raising a limit is recorded under your name.",
  };
}

function failedOf(run, book) {
  const step = failedStep(run), [doubtful] = doubtfulSteps(run);
  // Whatever else has failed: as long as nobody has said what came of it, this comes first.
  if (doubtful) return doubtOf(run, book, doubtful);
  if (!step) return { tone: "failed", title: "Ended as failed", text: run.reason, kept: keptOf(run), offers: [] };
  const tries = step.tries.length > 1 ? `, after ${step.tries.length} tries` : "";
  const isDoubt = isDoubtful(step);
  return {
    tone: isDoubt ? "doubt" : "failed", title: isDoubt ? `In doubt at ${nameOf(book, step.node)}` : `Failed at ${nameOf(book, step.node)}${tries}`,
    // What to do about a doubt has been done.
    text: [step.error?.message?.replace(/\.\.$/, "."), isSaid(step) ? "" : step.error?.hint].filter(Boolean).join(" "), kept: keptOf(run), see: step.path,
    offers: ["again", "see"], again: isDoubt ? "It did not happen: do it again" : "Try again from this step",
  };
}

function doubtOf(run, book, step) {
  const others = doubtfulSteps(run).length - 1;
  const more = others ? ` ${others === 1 ? "Another step is" : `${counted(others, "more step")} are`} in doubt too.` : "";
  return {
    tone: "doubt", title: `Did “${nameOf(book, step.node)}” happen?`, link: cardOf(step.item), linkWord: "Say what happened", offers: [], kept: keptOf(run),
    text: `It ${whyWord(step.doubts.at(-1)?.why)}. Nobody knows whether it happened, and it is not repeated by itself. Somebody has to look and say so.${more}`,
  };
}

const WAYS_ON = { extend: "with more", cheaper: "with a cheaper model", finish: "with what there is", stop: "not at all" };

function askedOf(run, book) {
  const ways = (run.asked.card.choices ?? []).map((choice) => WAYS_ON[choice]).filter(Boolean);
  const waysOn = ways.length > 1 ? `: ${ways.slice(0, -1).join(", ")}${ways.length > 2 ? "," : ""} or ${ways.at(-1)}` : "";
  const told = run.limit ? stoppedOf(run, book) : { title: "A limit is reached", step: null };
  return {
    ...told, tone: "limit", title: told.title.replace(/^Stopped at/, "Reached"), link: cardOf(run.asked.item), linkWord: "Answer in the inbox", offers: [], cost: "", kept: keptOf(run),
    text: `${told.text ?? ""} Somebody has to say how it goes on${waysOn}.`.replace(" Going on allows as many rounds again.", ""),
  };
}

function pausedOf(run, book, paused, now) {
  const [step] = paused, { until, event } = step.pause;
  const isOne = paused.length === 1;
  const most = event && until !== null ? ` It waits until ${moment(until, now)} at most.` : "";
  const names = paused.slice(0, 3).map((one) => nameOf(book, one.node)).join(", ");
  return {
    tone: "waiting", title: isOne ? `${pauseWord(step.pause)}: ${nameOf(book, step.node)}` : `${counted(paused.length, "step")} wait for a time or an event`, kept: keptOf(run), offers: ["cancel"],
    text: `${isOne ? "" : `${names}${paused.length > 3 ? " and others" : ""}. `}Since ${moment(step.waitingSince, now)}.${isOne ? most : ""} It goes on by itself. Nothing is used while it waits.`,
  };
}

function waitingOf(run, book, now) {
  const waiting = waitingSteps(run), [doubtful] = doubtfulSteps(run), paused = pausedSteps(run);
  if (run.asked) return askedOf(run, book);
  if (doubtful) return doubtOf(run, book, doubtful);
  if (!waiting.length && paused.length) return pausedOf(run, book, paused, now);
  if (!waiting.length) {
    const next = [...run.steps.values()].find((step) => step.retryAt !== null);
    const text = next ? `${next.error?.message ?? "It did not work."} It is tried again at ${clock(next.retryAt)}.` : run.reason;
    return { tone: "waiting", title: next ? `${nameOf(book, next.node)} is tried again soon` : "Waiting", text, kept: keptOf(run), offers: ["cancel"] };
  }
  const [step] = waiting;
  const since = `Since ${moment(step.waitingSince, now)}`;
  const due = step.expiresAt ? `, until ${moment(step.expiresAt, now)}` : "";
  const votes = step.votes.length ? ` ${step.votes.map((vote) => vote.name).join(" and ")} agreed already.` : "";
  return {
    tone: "waiting", title: waiting.length === 1 ? `Waiting for ${whoFor(step)}: ${step.card?.title || nameOf(book, step.node)}` : `Waiting for ${waiting.length} decisions`,
    text: `${since}${due}. Nothing is used while it waits.${votes}`, kept: keptOf(run), link: cardOf(step.item), linkWord: step.card?.type === "form" ? "Fill it in" : "Decide in the inbox", offers: ["decide", "cancel"],
  };
}

function cancelledOf(run, book) {
  const text = run.reason || `Cancelled by ${run.cancelledBy || "somebody"}.`;
  if (!run.doubtful.length) return { tone: "skipped", title: "Cancelled", text, kept: keptOf(run), offers: [] };
  return { tone: "doubt", title: "Cancelled, with something in doubt", text: `${text} ${doubtfulText(run, book)}`, kept: keptOf(run), offers: ["see"], see: run.doubtful[0] };
}

function doubtfulText(run, book) {
  const names = [...new Set(run.doubtful.map((path) => `“${nameOf(book, placeOf(path).node)}”`))];
  return `${names.join(" and ")} ${names.length === 1 ? "was" : "were"} under way: nobody knows whether ${names.length === 1 ? "it" : "they"} happened. Look there.`;
}

// How it went: sentences of parts, where `{step, text}` is a link and a plain part is text.
export function storyOf(run, book) {
  const sentences = [];
  const starter = run.by ? `${run.by} started it` : "It was started";
  sentences.push([run.mode === "test" ? `${starter} as a test` : starter, run.startedAt ? ` at ${clock(run.startedAt)}.` : "."]);
  const groups = new Map(), agents = agentsOf(run);
  for (const step of run.steps.values()) if (step.tries.length && !isInside(step.node)) (groups.get(step.node) ?? groups.set(step.node, []).get(step.node)).push(step);
  for (const [node, steps] of groups) {
    const sentence = sentenceOf(book, node, steps);
    if (sentence) sentences.push(sentence);
    for (const step of steps) if (agents.has(step.path)) sentences.push(...agentSentences(book, agents.get(step.path)));
  }
  if (run.recovered) sentences.push([`The server was restarted ${run.recovered === 1 ? "once" : `${run.recovered} times`}; the run went on where it was.`]);
  for (const resumed of run.resumed) sentences.push([resumedText(resumed)]);
  if (run.isStopped && run.stoppedBy) sentences.push([`${run.stoppedBy} stopped it there.`]);
  if (run.doubtful.length) sentences.push([`It was cancelled. ${doubtfulText(run, book)}`]);
  return sentences.length <= MOST ? sentences : [...sentences.slice(0, MOST - 1), [`And ${counted(sentences.length - MOST + 1, "more thing")}: see the steps.`]];
}

const MOST_DECISIONS = 3;

// How much an agent did, and what people said to it.
function agentSentences(book, agent) {
  const { turns, calls, stopped, asked, failed } = sumOf(agent), name = { step: agent.path, text: nameOf(book, agent.node) };
  if (!turns) return [];
  const parts = [stopped ? `${stopped} ${stopped === 1 ? "was" : "were"} stopped` : "", failed ? `${failed} failed` : "", asked ? `${asked} needed a person` : ""].filter(Boolean);
  const told = [[name, ` took ${counted(turns, "turn")} and wanted ${calls ? counted(calls, "call") : "nothing called"}${parts.length ? `: ${parts.join(", ")}` : ""}.`]];
  const decided = agent.steps.filter((step) => step.node.endsWith(".ask") && step.note?.decision);
  for (const step of decided.slice(-MOST_DECISIONS)) told.push(decisionOf(step, { step: step.path, text: `a call of ${step.card?.action?.config?.tool ?? "a tool"}` }));
  return told;
}

function resumedText({ by, at, limits, model, finishes }) {
  const who = by || "Somebody";
  if (finishes) return `${who} let it go on at ${clock(at)} with what there was.`;
  if (model) return `${who} let it go on at ${clock(at)} with ${model === "cheap" ? "a cheaper model" : `the model ${model}`}.`;
  const raised = Object.entries(limits).filter(([name]) => name in LIMITS).map(([name, value]) => `the ${LIMITS[name].word} to ${amount(name, value)}`);
  return raised.length === 1 ? `${who} set ${raised[0]} and let it go on at ${clock(at)}.` : `${who} let it go on at ${clock(at)}.`;
}

// What was said of a step in doubt, unless it ended with that.
function doubtTold(steps, name) {
  const step = steps.findLast((one) => one.doubts.some(({ decided }) => decided));
  const said = step?.doubts.findLast(({ decided }) => decided)?.decided;
  if (!said) return null;
  const did = said.decision === "retry" ? " did not happen, and let it run" : " did not happen";
  return [`${said.by || "Somebody"} said that `, { ...name, step: step.path }, `${did}${said.reason ? `: “${short(said.reason)}”` : ""}.`];
}

function sentenceOf(book, node, steps) {
  const last = steps.at(-1);
  const name = { step: last.path, text: nameOf(book, node) };
  const kind = book.nodes.get(node)?.kind;
  if (last.status === "in_doubt") return [name, " is in doubt: nobody knows whether it happened."];
  const doubt = last.note?.decision === "done" ? null : doubtTold(steps, name);
  if (doubt) return last.status === "failed" && !last.goesOn ? [...doubt, " It failed with that."] : doubt;
  if (last.pause && last.status === "done") return [name, ` waited ${length(last.endedAt - last.waitingSince)}${last.port === "expired" ? ", and what it waited for did not come" : ""}.`];
  const decided = steps.findLast((step) => step.note?.by_name || step.note?.decision === "expired");
  if (decided) return decisionOf(decided, name);
  if (last.status === "failed" && !last.goesOn) return [name, ` failed: ${short(last.error?.message ?? "")}`];
  if (last.status === "failed") return [name, ` failed (${last.error?.message ?? ""}) and the run went on.`];
  if (kind === "classify" && last.port) return [name, " sorted it as ", { bold: portName(book, node, last.port) }, "."];
  if (kind === "branch" && last.port) return [name, " chose ", { bold: fact(book, last) }, steps.length > 1 ? ` after ${counted(steps.length, "round")}.` : "."];
  const failures = steps.flatMap((step) => step.tries).filter((tried) => tried.error && !(last.status === "failed" && tried.error === last.error));
  if (failures.length && last.status === "done") return [name, ` failed ${failures.length === 1 ? "once" : `${failures.length} times`} (“${short(failures[0].error.message)}”), then worked.`];
  if (steps.length > 1 && placeOf(last.path).rounds.length && lookOf(book, node).isAi) return [name, ` needed ${counted(steps.length, "round")}.`];
  return null;
}

function decisionOf(step, name) {
  const waited = step.waitingSince ? ` after ${length(step.endedAt - step.waitingSince)}` : "";
  const { decision, by_name: who, reason } = step.note;
  if (decision === "expired") return ["Nobody answered ", name, `${waited}.`];
  if (decision === "done") return [`${who || "Somebody"} said that `, name, ` happened${reason ? `: “${short(reason)}”` : ""}.`];
  const did = { approved: "approved", rejected: "rejected", submitted: "filled in" }[decision] ?? `answered (${decision})`;
  return [`${who || "Somebody"} ${did} `, name, `${waited}${reason ? `: “${short(reason)}”` : ""}.`];
}

const short = (text) => (text.length > 80 ? `${text.slice(0, 79)}…` : text);
export { whichOf };
