// What a run has become, folded from its events alone: no clock, no network, no page. Times are milliseconds, money micro-USD.

const AMOUNTS = ["cost_micro", "tokens", "llm_calls", "tool_calls"];
const UNDER_WAY = new Set(["running", "waiting", "ready"]);

// A run before its first event.
export function emptyRun() {
  return {
    seq: 0, at: 0, startedAt: null, endedAt: null, status: "queued", reason: "", workflow: "", version: null, mode: "live",
    by: "", inputs: null, output: null, limits: {}, limit: null, isStopped: false, isCancelled: false, cancelledBy: "", resumed: [],
    recovered: 0, steps: new Map(), shape: 0, spend: [], reserved: new Map(),
    used: { cost_micro: 0, tokens: 0, llm_calls: 0, tool_calls: 0, steps: 0, busy_us: 0 }, running: 0, busySince: 0,
  };
}

// Changes the run by these events, in the order of their seq; what it has seen already is passed over.
export function fold(run, events) {
  for (const event of events) if (event.seq > run.seq) apply(run, event);
  run.status = statusOf(run);
  return run;
}

function apply(run, event) {
  const data = event.data ?? {};
  // What happened between the last row and a crash is not known: the clock stops at that row.
  const at = event.type === "run_recovered" ? run.at : Date.parse(event.at);
  run.at = at;
  run.seq = event.seq;
  const step = run.steps.get(event.path);
  HANDLERS[event.type]?.(run, data, at, event, step);
  for (const path of data.skipped ?? []) passOver(run, path);
  for (const path of data.cancelled ?? []) giveUp(run, path, at);
  for (const start of data.starts ?? []) begin(run, start, at);
}

const HANDLERS = {
  run_started(run, data, at) {
    run.startedAt = at;
    Object.assign(run, { workflow: data.workflow ?? "", version: data.version ?? null, mode: data.mode ?? "live" });
    Object.assign(run, { by: data.by_name || data.by || "", inputs: data.inputs ?? {}, limits: { ...data.limits } });
  },
  step_done(run, data, at, event) {
    // What a try-out takes over from another run has not started in this one.
    const step = run.steps.get(event.path) ?? addStep(run, event.path);
    step.startedAt ??= at;
    Object.assign(step, { pinned: data.pinned ?? false, simulated: data.simulated ?? false, reused: data.reused ?? "" });
    leaveWork(run, step, at, data.spent);
    finish(step, "done", at, { outputs: data.outputs ?? {}, port: data.port ?? null, note: data.note ?? {}, seq: event.seq });
    step.inputs = data.inputs ?? step.inputs;
    step.consent = data.consent ?? null;
  },
  step_failed(run, data, at, event) {
    // An action may be refused before it started.
    const step = run.steps.get(event.path) ?? addStep(run, event.path);
    leaveWork(run, step, at, data.spent);
    const willRetry = data.retry_at != null;
    finish(step, willRetry ? "ready" : "failed", at, { error: data.error ?? {}, goesOn: data.goes_on ?? null, seq: event.seq });
    step.retryAt = willRetry ? data.retry_at / 1000 : null;
    step.inputs = data.inputs ?? step.inputs;
  },
  step_waiting(run, data, at, event, step) {
    if (!step) return;
    leaveWork(run, step, at, null);
    closeSpan(step, at);
    step.status = lastTry(step).status = "waiting";
    step.spans.push({ from: at, to: null, kind: "wait" });
    Object.assign(step, { item: data.item ?? "", card: data.card ?? {}, inputs: data.inputs ?? step.inputs, votes: [], waitingSince: at });
    step.expiresAt = data.expires_at != null ? data.expires_at / 1000 : null;
  },
  // A box that runs for every item of a list stands open without working itself.
  box_opened(run, data, at, event, step) {
    if (!step) return;
    leaveWork(run, step, at, null);
    closeSpan(step, at);
    step.spans.push({ from: at, to: null, kind: "open" });
    Object.assign(step, { inputs: data.inputs ?? step.inputs, box: { items: data.inputs?.items?.length ?? null, ended: 0, failed: 0 } });
  },
  item_ended(run, data, at, event) {
    const box = run.steps.get(event.path.slice(0, event.path.lastIndexOf("[")))?.box;
    if (box) Object.assign(box, { ended: box.ended + 1, failed: box.failed + (data.error ? 1 : 0) });
  },
  voted(run, data, at, event, step) {
    step?.votes.push({ name: data.name || data.by, reason: data.reason ?? "", at });
  },
  consent_void(run, data, at, event, step) {
    if (step) Object.assign(step, { status: "waiting", isVoid: true });
  },
  limit_reached(run, data, at, event) {
    run.limit = { name: data.limit, used: data.used ?? 0, needed: data.needed ?? 0, allowed: data.allowed ?? 0, path: event.path, at };
    for (const path of data.interrupted ?? []) cutOff(run, path, at);
    // The step that did not fit has not started: it stands in the list all the same, as what goes on first.
    if (event.path && data.limit !== "max_visits" && !run.steps.has(event.path)) addStep(run, event.path).status = "ready";
  },
  run_stopped(run, data) {
    Object.assign(run, { isStopped: true, reason: data.reason ?? "" });
  },
  run_resumed(run, data, at) {
    Object.assign(run, { isStopped: false, reason: "", endedAt: null, endedAs: null, output: null, limit: null });
    Object.assign(run.limits, data.limits);
    run.resumed.push({ at, by: data.by_name || data.by || "", limits: data.limits ?? {} });
  },
  run_recovered(run, data, at) {
    run.recovered += 1;
    for (const path of data.lost ?? []) cutOff(run, path, at);
  },
  run_cancelled(run, data) {
    Object.assign(run, { isCancelled: true, cancelledBy: data.by_name || data.by || "", reason: data.reason ?? "" });
  },
  run_ended(run, data, at) {
    for (const step of run.steps.values()) if (UNDER_WAY.has(step.status)) giveUp(run, step.path, at);
    Object.assign(run, { endedAt: at, endedAs: data.status, reason: data.reason ?? "", output: data.output ?? null });
  },
};

function statusOf(run) {
  if (run.endedAt !== null) return run.endedAs;
  if (run.isStopped) return "stopped";
  if (run.running > 0) return "running";
  let isWaiting = false;
  for (const step of run.steps.values()) {
    if (step.status === "ready" && step.retryAt === null) return "running";
    isWaiting ||= step.status === "waiting" || step.status === "ready";
  }
  return isWaiting ? "waiting" : "running";
}

function addStep(run, path) {
  const step = {
    path, node: nodeOf(path), status: "ready", attempt: 0, tries: [], spans: [], votes: [], startedAt: null, endedAt: null, retryAt: null,
    inputs: null, outputs: null, error: null, port: null, goesOn: null, box: null, note: {}, item: "", card: null, expiresAt: null, seq: 0,
    pinned: false, simulated: false, reused: "",
    spent: { cost_micro: 0, tokens: 0, llm_calls: 0, tool_calls: 0 },
  };
  run.steps.set(path, step);
  run.shape += 1;
  return step;
}

function begin(run, start, at) {
  // A step that stood in the list without having started takes its place among those that have.
  if (run.steps.get(start.path)?.tries.length === 0) run.steps.delete(start.path);
  const step = run.steps.get(start.path) ?? addStep(run, start.path);
  closeSpan(step, at);
  Object.assign(step, { status: "running", attempt: start.attempt ?? 1, endedAt: null, retryAt: null, outputs: null, error: null, port: null, item: "" });
  step.startedAt ??= at;
  step.tries.push({ number: step.attempt, from: at, to: null, status: "running", error: null, spent: null, most: start.reserved ?? {} });
  step.spans.push({ from: at, to: null, kind: "work" });
  run.reserved.set(start.path, start.reserved ?? {});
  run.used.steps += 1;
  if (run.running === 0) run.busySince = at;
  run.running += 1;
}

// A running step runs no longer: what it used is charged, the clock of `seconds` may stop.
function leaveWork(run, step, at, spent) {
  const isRunning = step.status === "running" && run.reserved.delete(step.path);
  if (isRunning) {
    run.running -= 1;
    if (run.running === 0) run.used.busy_us += (at - run.busySince) * 1000;
  }
  if (!isRunning || !spent) return;
  for (const name of AMOUNTS) {
    run.used[name] += spent[name] ?? 0;
    step.spent[name] += spent[name] ?? 0;
  }
  if (step.tries.length) lastTry(step).spent = spent;
  if (spent.cost_micro || spent.tokens) run.spend.push([at, run.used.cost_micro, run.used.tokens]);
}

function finish(step, status, at, more) {
  closeSpan(step, at);
  Object.assign(step, { status, endedAt: at, expiresAt: null }, more);
  const tried = step.tries.at(-1);
  if (tried) Object.assign(tried, { to: at, status: status === "done" ? "done" : "failed", error: more.error ?? null });
}

// Cut off by a crash or a limit: what a call in flight has cost is not known, so what was set aside for it stays charged.
function cutOff(run, path, at) {
  const step = run.steps.get(path);
  if (!step) return;
  leaveWork(run, step, at, run.reserved.get(path));
  closeSpan(step, at);
  Object.assign(step, { status: "ready", endedAt: at });
  if (step.tries.length) Object.assign(lastTry(step), { to: at, status: "lost" });
}

function giveUp(run, path, at) {
  const step = run.steps.get(path);
  if (!step || !UNDER_WAY.has(step.status)) return;
  leaveWork(run, step, at, run.reserved.get(path));
  closeSpan(step, at);
  Object.assign(step, { status: "cancelled", endedAt: at, retryAt: null, expiresAt: null });
  if (step.tries.length) Object.assign(lastTry(step), { to: at, status: "cancelled" });
}

function passOver(run, path) {
  const step = run.steps.get(path) ?? addStep(run, path);
  step.status = "skipped";
}

function closeSpan(step, at) {
  const span = step.spans.at(-1);
  if (span && span.to === null) span.to = at;
}

const lastTry = (step) => step.tries.at(-1) ?? {};

// The node that a path names: `draft#2/ok` is a step of `ok`.
export const nodeOf = (path) => path.slice(path.lastIndexOf("/") + 1).split("#")[0].split("[")[0];

// Wall time so far with at least one step running.
export const busyUs = (run, now) => run.used.busy_us + (run.running > 0 ? Math.max(0, now - run.busySince) * 1000 : 0);
