// Tries of the draft: starts them, follows them live, and knows which results the draft has outgrown.
import { useCallback, useEffect, useRef, useState } from "react";
import { markEdges, plainly, statusesOf, takenEdges } from "../drawing/drawing.jsx";
import { all, ask, Away, inWords, Refused } from "./api.js";
import { follow } from "./live.js";
import { staleSteps } from "./stale.js";

export function useTries(desk) {
  const { draft, marks, tell, state, kinds } = desk;
  const [run, setRun] = useState(null), [last, setLast] = useState(null), [question, setQuestion] = useState(null);
  const stop = useRef(null), tried = useRef(null), now = useRef({});
  now.current = { run, last };

  // Since a try of this page the page itself can tell; what ran before it was told with the results.
  const staleOf = (steps, document, ids) => ({
    ...Object.fromEntries(steps.filter((step) => step.is_stale).map((step) => [step.node, step.stale_reason ?? "Changed since this run"])),
    ...(tried.current ? staleSteps(tried.current, document, ids, kinds) : {}),
  });

  const shown = useCallback((steps) => {
    const document = draft.state.document;
    const list = ofOneRun(Object.values(steps).flat(), document);
    const statuses = statusesOf(list, document), stale = staleOf(list, document, Object.keys(statuses));
    for (const id in stale) statuses[id] = { ...statuses[id], stale: stale[id] };
    marks.statuses.replace(statuses);
    markEdges(marks, takenEdges(document, list));
  }, [draft, marks, kinds]);

  useEffect(() => { if (last) shown(last.all); }, [last, state.structure, shown]);
  useEffect(() => () => stop.current?.(), []);
  useEffect(() => {
    lastSteps(draft.id).then((found) => { if (found && !now.current.run) { tried.current = draft.state.document; setLast(found); } });
  }, [draft]);

  const finish = useCallback(async (id) => {
    const [view, steps] = await Promise.all([ask("GET", `/api/v1/runs/${id}`), all(`/api/v1/runs/${id}/steps`)]);
    setRun((before) => (before?.id === id ? { ...before, ...view } : before));
    // What ran before and was not run this time keeps its last result.
    for (const step of steps) step.run_id = id;
    const fresh = new Set(steps.map((step) => step.node)), kept = (now.current.last?.all ?? []).filter((step) => !fresh.has(step.node));
    setLast(asLast(id, view.mode, [...kept, ...steps]));
  }, []);

  const watch = useCallback((id) => {
    stop.current?.();
    stop.current = follow(id, {
      changed: (steps, progress) => { shown(steps); setRun((before) => (before?.id === id ? { ...before, ...progress } : before)); },
      ended: () => finish(id).catch((error) => { if (!(error instanceof Refused || error instanceof Away)) throw error; }),
    });
  }, [shown, finish]);

  // `what` is `{}` for the whole, or one of `{only}`, `{until}`, `{from}` with a step.
  // With a version it is no try: that version runs live.
  const start = useCallback(async (inputs, what = {}, version = null) => {
    const isLive = version !== null;
    if (!isLive && !(await draft.save())) { tell({ tone: "failed", title: "Not started.", text: "Your last changes are not saved yet, so a try would not be what you see.", stays: true }); return false; }
    try {
      const part = Object.keys(what).length ? { try: what } : {};
      const started = await ask("POST", `/api/v1/workflows/${draft.id}/runs`, isLive ? { mode: "live", version, inputs } : { mode: "test", inputs, ...part });
      if (!isLive) tried.current = draft.state.document;
      marks.statuses.replace({});
      marks.edges.replace({});
      setRun({ id: started.run_id, status: started.status, startedAt: Date.now(), what, spent: {}, isLive });
      watch(started.run_id);
      return true;
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Away)) throw error;
      tell({ tone: "failed", title: "Not started.", text: [inWords(error), ...error.problems?.slice(0, 3).map((one) => plainly(one.message)) ?? []].join(" "), stays: true });
      return false;
    }
  }, [draft, marks, tell, watch]);

  const cancel = useCallback(async () => {
    try { await ask("POST", `/api/v1/runs/${now.current.run.id}/cancel`, {}); } catch (error) {
      if (!(error instanceof Refused || error instanceof Away)) throw error;
      tell({ tone: "failed", text: `Not stopped. ${inWords(error)}`, stays: true });
    }
  }, [tell]);

  const startTry = useCallback((what) => setQuestion({ what }), []);
  const startLive = useCallback(() => setQuestion({ what: {}, isLive: true }), []);
  const closeRun = useCallback(() => { stop.current?.(); setRun(null); }, []);
  return { run, lastRun: last, question, setQuestion, startTry, startLive, beginTry: start, cancelTry: cancel, closeRun };
}

const asLast = (id, mode, steps) => ({ run_id: id, mode, all: steps, steps: Object.fromEntries(steps.map((step) => [step.node, step])) });

// The values of steps that the newest run did not reach are kept for the inspector. But a run that began at the start is drawn alone:
// with an older one's way beside it, it would look as if both had been taken.
function ofOneRun(steps, document) {
  const newest = steps.reduce((last, step) => (step.run_id > last ? step.run_id : last), "");
  const start = document.nodes?.find((node) => node.kind === "start")?.id;
  return steps.some((step) => step.run_id === newest && step.node === start && !step.reused) ? steps.filter((step) => step.run_id === newest) : steps;
}

// What every step did last, whoever tried it; nothing where nobody may look or nothing has run.
async function lastSteps(workflow) {
  try {
    const { items: steps } = await ask("GET", `/api/v1/workflows/${workflow}/last-steps`);
    return steps.length ? asLast(steps.map((step) => step.run_id).sort().at(-1), "test", steps) : null;
  } catch (error) {
    if (error instanceof Refused || error instanceof Away) return null;
    throw error;
  }
}
