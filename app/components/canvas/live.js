// Follows a run by its events and keeps its steps as they are now: `{path: step}` in the form of GET /api/v1/runs/{id}/steps.
const ENDED = new Set(["run_ended", "run_stopped"]);
const KINDS = [
  "run_started", "step_done", "step_failed", "step_waiting", "step_guarded", "guard_answered", "step_paused", "step_in_doubt", "doubt_resolved", "box_opened", "item_ended", "voted", "consent_void",
  "steps_started", "child_started", "child_returned", "limit_reached", "limit_asked", "run_paused", "run_stopped", "run_resumed", "run_recovered", "run_cancelled", "run_ended",
];

export const nodeOf = (path) => path.split("/").at(-1).replace(/#\d+|\[\d+\]/g, "");

export function follow(run, { changed, ended }) {
  const source = new EventSource(`/api/v1/runs/${run}/events`), steps = {};
  let spent = { cost_usd: 0, steps: 0, tokens: 0 }, isOver = false, isAsked = false;
  const put = (path, facts) => { steps[path] = { spent: {}, port: null, ...steps[path], path, node: nodeOf(path), ...facts }; };
  const count = (box, data) => {
    const note = steps[box]?.note;
    if (note) put(box, { note: { ...note, ended: note.ended + 1, failed: note.failed + (data?.error ? 1 : 0) } });
  };
  const take = (message) => {
    const { type, path, data } = JSON.parse(message.data);
    for (const begun of data?.starts ?? []) put(begun.path, { status: "running" });
    for (const gone of data?.cancelled ?? []) put(gone, { status: "cancelled" });
    for (const passed of data?.skipped ?? []) put(passed, { status: "skipped" });
    for (const lost of data?.doubtful ?? []) put(lost, { status: "in_doubt" });
    const fate = fateOf(type, data);
    if (fate && path) put(path, fate);
    if (type === "item_ended") count(path.slice(0, path.lastIndexOf("[")), data);
    if (type === "step_done" || type === "step_failed") spent = added(spent, data?.spent);
    const status = statusOf(type, data, steps, (isAsked = { limit_asked: true, run_resumed: false }[type] ?? isAsked));
    changed(steps, { ...(status ? { status } : {}), asks: isAsked || Object.values(steps).some(asksSomebody), spent, reason: data?.reason ?? "" });
    if (ENDED.has(type)) { isOver = true; source.close(); ended(); }
  };
  KINDS.forEach((kind) => source.addEventListener(kind, take));
  // The browser tries again by itself; a run that ended meanwhile is told by its steps.
  source.onerror = () => { if (source.readyState === EventSource.CLOSED && !isOver) { isOver = true; ended(); } };
  return () => { isOver = true; source.close(); };
}

function fateOf(type, data) {
  if (type === "step_done") return { status: "done", port: data.port ?? null, spent: asUsd(data.spent) };
  if (type === "step_failed") return { status: data.retry_at ? "running" : "failed", spent: asUsd(data.spent), error: data.error };
  if (type === "step_waiting") return { status: "waiting", kind: "approval", note: {}, card: data.card };
  if (type === "step_guarded") return { status: "waiting", kind: "approval", note: {}, card: data.card };
  if (type === "guard_answered") return { status: "ready" };
  if (type === "step_paused") return { status: "waiting", kind: "wait", note: { until: data.until ? new Date(data.until / 1000).toISOString() : null, event: data.event || null, key: data.key || null } };
  if (type === "child_started") return { status: "waiting", kind: "wait", note: { until: null, event: null, key: null, run: data.child?.run, name: data.child?.name } };
  if (type === "step_in_doubt") return { status: "in_doubt", spent: asUsd(data.spent) };
  if (type === "doubt_resolved") return { status: "ready" };
  if (type === "box_opened") return { note: { items: data.inputs?.items?.length ?? null, ended: 0, failed: 0 } };
  return null;
}

// Whether somebody has to say something before it goes on: a time or an event comes by itself.
const asksSomebody = (step) => step.status === "in_doubt" || (step.status === "waiting" && step.kind !== "wait");

const asUsd = (spent) => (spent ? { ...spent, cost_usd: spent.cost_usd ?? (spent.cost_micro ?? 0) / 1e6 } : {});

function added(sum, spent) {
  const more = asUsd(spent);
  return { cost_usd: sum.cost_usd + (more.cost_usd ?? 0), tokens: sum.tokens + (more.tokens ?? 0), steps: sum.steps + 1 };
}

function statusOf(type, data, steps, isAsked) {
  if (type === "run_ended") return data.status;
  if (type === "run_stopped") return "stopped";
  if (type === "run_cancelled") return "cancelled";
  const all = Object.values(steps);
  // A box stands open while its items run or wait; by itself it does neither.
  if (all.some((step) => step.status === "running" && step.note?.ended === undefined)) return "running";
  return isAsked || all.some((step) => step.status === "waiting" || step.status === "in_doubt") ? "waiting" : null;
}
