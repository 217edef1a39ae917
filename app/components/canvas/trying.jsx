// Trying the draft: the form for what it starts with, and the card that shows how the try goes.
import { useEffect, useRef, useState } from "react";
import { ExternalLink, Inbox, Play, Square, X } from "lucide-react";
import { length, money, ToneIcon } from "../drawing/drawing.jsx";
import { clean, InputForm, inputsOf, startOf } from "./inputs.jsx";
import { Dialog } from "./marks.jsx";
import { isMoving } from "./moving.js";

const TONES = {
  queued: ["running", "Queued"], running: ["running", "Live"], waiting: ["waiting", "Waiting for a person"], paused: ["waiting", "Paused"], stopped: ["limit", "Limit reached"],
  succeeded: ["done", "Done"], failed: ["failed", "Failed"], cancelled: ["skipped", "Cancelled"],
};

function Elapsed({ run }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (run.ended_at || !["queued", "running"].includes(run.status)) return undefined;
    const ticking = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(ticking);
  }, [run.status, run.ended_at]);
  return <span className="num">{length(run.spent?.seconds || (now - run.startedAt) / 1000)}</span>;
}

export function TryPanel({ work }) {
  const { run, worst, state } = work;
  if (!run) return null;
  const [tone, word] = TONES[run.status] ?? ["skipped", run.status], limits = state.document.limits ?? {}, bounds = worst?.bounds ?? {};
  const most = bounds.cost_usd ?? limits.cost_usd ?? 1, used = run.spent?.cost_usd ?? 0, steps = run.spent?.steps ?? 0, all = bounds.steps ?? limits.steps;
  const share = Math.min(1, Math.max(most ? used / most : 0, all ? steps / all : 0));
  return (
    <div className="react-flow__panel trying-card" data-testid="run" data-status={run.status} data-run={run.id}>
      <div className="row"><span className={`st ${tone}`}><ToneIcon tone={tone} />{word}</span><span className="md">{partName(work, run)}</span><span className="sp" /><Elapsed run={run} />
        <button type="button" className="btn ghost ic sm" aria-label={isMoving(run) ? "Stop this try" : "Put away"} title={isMoving(run) ? "Stop (Ctrl+Enter)" : "Put away"} onClick={isMoving(run) ? work.cancelTry : work.closeRun}>{isMoving(run) ? <Square size={14} /> : <X size={14} />}</button></div>
      <div className="burn"><i style={{ width: `${share * 100}%`, ...(share >= 1 ? { background: "var(--limit-solid)" } : {}) }} /></div>
      <div className="row num mut"><span>{money(used) || "$0"} of {money(most) || "$0"}</span><span className="sp" /><span>{steps}{all ? ` of ${all}` : ""} steps</span></div>
      {run.reason && !isMoving(run) ? <p className="t12">{run.reason}</p> : null}
      <div className="row g12 t12">{run.status === "waiting" ? <a className="row g4" href="/inbox"><Inbox size={14} aria-hidden="true" />Decide in the inbox</a> : null}<a className="row g4" href={`/runs/${run.id}`}><ExternalLink size={14} aria-hidden="true" />Open the run</a></div>
    </div>
  );
}

function partName(work, run) {
  const id = run.what?.only ?? run.what?.until ?? run.what?.from, node = id && work.nodeOf(id);
  if (!node) return run.isLive ? "Live run" : "Try";
  return run.what.only ? `Only “${work.name(node)}”` : run.what.until ? `Up to “${work.name(node)}”` : `From “${work.name(node)}”`;
}

const WHAT = { only: (name) => `Try only “${name}”`, until: (name) => `Try up to “${name}”`, from: (name) => `Try from “${name}”` };

export function TryDialog({ work }) {
  const { what } = work.question, part = Object.keys(what)[0], node = part && work.nodeOf(what[part]);
  const schema = startOf(work.state.document), place = `signalbox inputs ${work.draft.id}`;
  const [values, setValues] = useState(() => JSON.parse(localStorage.getItem(place) ?? "null") ?? inputsOf(schema)), [isBusy, setBusy] = useState(false), form = useRef(null);
  const close = () => work.setQuestion(null);
  const begin = async (event) => {
    event.preventDefault();
    if (!form.current.reportValidity()) return;
    setBusy(true);
    localStorage.setItem(place, JSON.stringify(values));
    const isStarted = await work.beginTry(clean(values, schema), what);
    setBusy(false);
    if (isStarted) close();
  };
  // What a part runs on was given when the base was tried.
  const isAsked = !part || part === "until" || !work.lastRun;
  return (
    <Dialog title={node ? WHAT[part](work.name(node)) : "Try the draft"} onClose={close} testid="try-dialog">
      <form ref={form} onSubmit={begin}>
        <div className="body">
          <p className="mut">{part ? "It uses the results of the last try for what stands before." : "The draft runs as it is drawn. What cannot be undone is only simulated; models are really asked."}</p>
          {isAsked ? <InputForm schema={schema} values={values} onChange={setValues} /> : null}
        </div>
        <div className="foot"><button type="submit" className="btn pri" disabled={isBusy} data-testid="begin-try"><Play size={16} aria-hidden="true" />{isBusy ? "Starting" : "Try"}</button><button type="button" className="btn" onClick={close}>Cancel</button></div>
      </form>
    </Dialog>
  );
}
