// What a run has become, folded from its events alone: no clock, no network, no page. Times are milliseconds, money micro-USD.

const AMOUNTS = ["cost_micro", "tokens", "llm_calls", "tool_calls"];
const UNDER_WAY = new Set(["running", "waiting", "ready"]);

// A run before its first event.
export function emptyRun() {
  return {
    seq: 0, at: 0, startedAt: null, endedAt: null, status: "queued", reason: "", workflow: "", version: null, mode: "live",
    by: "", parent: "", forkOf: "", forkedAt: "", inputs: null, output: null, limits: {}, limit: null, asked: null, isStopped: false, isPaused: false, stoppedBy: "", isCancelled: false,
    cancelledBy: "", doubtful: [], resumed: [],
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
    Object.assign(run, { by: data.by_name || data.by || "", inputs: data.inputs ?? {}, limits: { ...data.limits }, parent: data.parent ?? "" });
  },
  // From here on it is another run: what had ended stays and cost it nothing, what was under way starts anew.
  run_forked(run, data, at) {
    for (const [path, step] of [...run.steps]) {
      if (step.status === "done") Object.assign(step, { attempt: 0, reused: step.reused || data.origin, spent: { cost_micro: 0, tokens: 0, llm_calls: 0, tool_calls: 0 } });
      else if (step.status !== "skipped") run.steps.delete(path);
    }
    run.shape += 1;
    run.reserved.clear();
    Object.assign(run, { startedAt: at, endedAt: null, endedAs: null, output: null, reason: "", limit: null, asked: null, isStopped: false, isPaused: false, isCancelled: false });
    Object.assign(run, { mode: data.mode ?? "live", by: data.by_name || data.by || "", limits: { ...data.limits }, parent: "", forkOf: data.origin ?? "", forkedAt: data.at_step ?? "" });
    Object.assign(run, { inputs: { ...run.inputs, ...data.inputs }, running: 0, busySince: at, spend: [], resumed: [], recovered: 0, doubtful: [] });
    run.used = { cost_micro: 0, tokens: 0, llm_calls: 0, tool_calls: 0, steps: 0, busy_us: 0 };
  },
  step_done(run, data, at, event) {
    // A step that a try-out takes over, or whose output is kept for tries, never started here.
    const step = run.steps.get(event.path) ?? addStep(run, event.path);
    step.startedAt ??= at;
    leaveWork(run, step, at, data.spent);
    finish(step, "done", at, { outputs: data.outputs ?? {}, port: data.port ?? null, note: data.note ?? {}, seq: event.seq });
    step.inputs = data.inputs ?? step.inputs;
    step.consent = data.consent ?? null;
    Object.assign(step, { pinned: data.pinned ?? false, simulated: data.simulated ?? false, reused: data.reused ?? "", labels: data.labels ?? [] });
  },
  step_failed(run, data, at, event) {
    // An action may be refused before it started.
    const step = run.steps.get(event.path) ?? addStep(run, event.path);
    leaveWork(run, step, at, data.spent);
    const willRetry = data.retry_at != null;
    finish(step, willRetry ? "ready" : "failed", at, { error: data.error ?? {}, goesOn: data.goes_on ?? null, seq: event.seq });
    step.retryAt = willRetry ? data.retry_at / 1000 : null;
    step.inputs = data.inputs ?? step.inputs;
    step.note = data.note ?? step.note;
  },
  step_waiting(run, data, at, event, step) {
    if (!step) return;
    lieDown(run, step, at, "waiting", null);
    Object.assign(step, { item: data.item ?? "", card: data.card ?? {}, inputs: data.inputs ?? step.inputs, votes: [] });
    step.expiresAt = data.expires_at != null ? data.expires_at / 1000 : null;
  },
  // It has not started: a person looks first at what would go out.
  step_guarded(run, data, at, event) {
    const step = run.steps.get(event.path) ?? addStep(run, event.path);
    Object.assign(step, { status: "waiting", item: data.item ?? "", card: data.card ?? {}, inputs: data.inputs ?? step.inputs, votes: [] });
    step.expiresAt = null;
  },
  guard_answered(run, data, at, event, step) {
    if (step) Object.assign(step, { status: "ready", item: "" });
  },
  // It waits for a time or for an event, not for a person.
  step_paused(run, data, at, event, step) {
    if (!step) return;
    lieDown(run, step, at, "waiting", null);
    const until = data.until != null ? data.until / 1000 : null;
    Object.assign(step, { pause: { until, event: data.event ?? "", key: data.key ?? "" }, inputs: data.inputs ?? step.inputs });
  },
  // It waits for a run that it has started; its part of the limits is set aside.
  child_started(run, data, at, event, step) {
    if (!step) return;
    lieDown(run, step, at, "waiting", null);
    const { run: id, name, workflow } = data.child ?? {};
    Object.assign(step, { pause: { until: null, event: "", key: "", run: id, name: name || workflow }, inputs: data.inputs ?? step.inputs });
  },
  child_postponed(run, data, at, event, step) {
    if (!step) return;
    leaveWork(run, step, at, null);
    closeSpan(step, at);
    run.used.steps -= 1;
    step.status = "ready";
  },
  child_returned(run, data, at, event, step) {
    run.used.steps += data.steps ?? 0;
    run.used.busy_us += data.busy_us ?? 0;
    if (step) charge(run, step, at, data.spent ?? {});
  },
  step_in_doubt(run, data, at, event, step) {
    if (!step) return;
    lieDown(run, step, at, "in_doubt", data.spent);
    Object.assign(step, { endedAt: at, item: data.item ?? "", card: data.card ?? {} });
    step.doubts.push({ why: data.why ?? "", item: step.item, at, decided: null });
  },
  // What else a person may say, that it happened, ends the step.
  doubt_resolved(run, data, at, event, step) {
    if (!step) return;
    closeSpan(step, at);
    Object.assign(step, { status: "ready", endedAt: null, item: "" });
    if (step.doubts.length) step.doubts.at(-1).decided = { decision: data.decision ?? "", by: data.by_name || data.by || "", reason: data.reason ?? "", at };
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
    if (event.path && data.limit !== "max_visits" && !run.steps.has(event.path)) addStep(run, event.path).isAhead = true;
  },
  limit_asked(run, data, at) {
    run.asked = { item: data.item ?? "", card: data.card ?? {}, at };
  },
  run_paused(run) {
    run.isPaused = true;
  },
  run_stopped(run, data) {
    Object.assign(run, { isStopped: true, reason: data.reason ?? "", stoppedBy: data.by_name || data.by || "", asked: null });
  },
  run_resumed(run, data, at) {
    Object.assign(run, { isPaused: false, isStopped: false, stoppedBy: "", reason: "", endedAt: null, endedAs: null, output: null, limit: null, asked: null });
    Object.assign(run.limits, data.limits);
    run.resumed.push({ at, by: data.by_name || data.by || "", limits: data.limits ?? {}, model: data.model ?? "", finishes: Boolean(data.finishes) });
  },
  run_recovered(run, data, at) {
    run.recovered += 1;
    for (const path of data.lost ?? []) cutOff(run, path, at);
  },
  run_cancelled(run, data, at) {
    Object.assign(run, { isCancelled: true, cancelledBy: data.by_name || data.by || "", reason: data.reason ?? "", asked: null });
    run.doubtful = data.doubtful ?? [];
    for (const path of run.doubtful) loseSight(run, path, at);
  },
  run_ended(run, data, at) {
    for (const step of run.steps.values()) if (UNDER_WAY.has(step.status)) giveUp(run, step.path, at);
    Object.assign(run, { endedAt: at, endedAs: data.status, reason: data.reason ?? "", output: data.output ?? null, asked: null });
  },
};

function statusOf(run) {
  if (run.endedAt !== null) return run.endedAs;
  if (run.isStopped) return run.isPaused ? "paused" : "stopped";
  if (run.asked) return "waiting";
  if (run.running > 0) return "running";
  let isWaiting = false;
  for (const step of run.steps.values()) {
    if (step.status === "ready" && step.retryAt === null) return "running";
    isWaiting ||= step.status === "waiting" || step.status === "in_doubt" || step.status === "ready";
  }
  return isWaiting ? "waiting" : "running";
}

function addStep(run, path) {
  const step = {
    path, node: nodeOf(path), status: "ready", attempt: 0, tries: [], spans: [], votes: [], startedAt: null, endedAt: null, retryAt: null,
    inputs: null, outputs: null, error: null, port: null, goesOn: null, note: {}, item: "", card: null, expiresAt: null, seq: 0,
    pause: null, doubts: [], box: null, isAhead: false, pinned: false, simulated: false, reused: "", labels: [],
    spent: { cost_micro: 0, tokens: 0, llm_calls: 0, tool_calls: 0 },
  };
  run.steps.set(path, step);
  run.shape += 1;
  return step;
}

function begin(run, start, at) {
  const step = run.steps.get(start.path) ?? addStep(run, start.path);
  // Steps stand in the order in which they start; this one was only shown as what goes on first.
  if (step.isAhead && run.steps.delete(step.path)) run.steps.set(step.path, step);
  step.isAhead = false;
  closeSpan(step, at);
  Object.assign(step, { status: "running", attempt: start.attempt ?? 1, endedAt: null, retryAt: null, outputs: null, error: null, port: null, item: "", pause: null });
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
  if (isRunning && spent) charge(run, step, at, spent);
}

function charge(run, step, at, spent) {
  for (const name of AMOUNTS) {
    run.used[name] += spent[name] ?? 0;
    step.spent[name] += spent[name] ?? 0;
  }
  if (step.tries.length) lastTry(step).spent = spent;
  if (spent.cost_micro || spent.tokens) run.spend.push([at, run.used.cost_micro, run.used.tokens]);
}

// A running step waits from now on, and holds nothing meanwhile.
function lieDown(run, step, at, status, spent) {
  leaveWork(run, step, at, spent);
  closeSpan(step, at);
  step.status = lastTry(step).status = status;
  step.spans.push({ from: at, to: null, kind: "wait" });
  Object.assign(step, { waitingSince: at, pause: null });
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

// It was under way when the run was cancelled, and may have happened.
function loseSight(run, path, at) {
  const step = run.steps.get(path);
  if (!step) return;
  leaveWork(run, step, at, run.reserved.get(path));
  closeSpan(step, at);
  Object.assign(step, { status: "in_doubt", endedAt: at });
  if (step.tries.length) Object.assign(lastTry(step), { to: at, status: "in_doubt" });
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
