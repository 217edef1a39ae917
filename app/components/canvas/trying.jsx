// Trying the draft: the form for what it starts with, and the card that shows how the try goes.
import { useEffect, useRef, useState } from "react";
import { ExternalLink, Inbox, Play, Square, X } from "lucide-react";
import { length, money, ToneIcon } from "../drawing/drawing.jsx";
import { clean, InputForm, inputsOf, startOf } from "./inputs.jsx";
import { rest } from "../rest/rest.js";
import { Dialog } from "./marks.jsx";
import { isMoving } from "./moving.js";

// The engine names the step before its reason, as programs do.
const PATH = /^[a-z][a-z0-9_]*(?:[#/[][a-z0-9_#/[\].]*)?: (?=\S)/;
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
      {run.reason && !isMoving(run) ? <p className="t12">{run.reason.replace(PATH, "")}</p> : null}
      <div className="row g12 t12">{run.status === "waiting" && run.asks !== false ? <a className="row g4" href="/inbox"><Inbox size={14} aria-hidden="true" />Decide in the inbox</a> : null}<a className="row g4" href={`/runs/${run.id}`}><ExternalLink size={14} aria-hidden="true" />Open the run</a></div>
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
  const { what } = work.question, part = Object.keys(what)[0], node = part && work.nodeOf(what[part]), { live } = work.state;
  const mayRun = !part && live && work.me.permissions.includes("run.start"), mayTry = work.me.permissions.includes("run.test");
  const [isLive, setLive] = useState(Boolean(mayRun && work.question.isLive)), liveDocument = useVersion(work.draft.id, isLive ? live : null);
  const schema = startOf(isLive ? liveDocument ?? work.state.document : work.state.document), place = `signalbox inputs ${work.draft.id}`;
  const [values, setValues] = useState(() => JSON.parse(localStorage.getItem(place) ?? "null") ?? inputsOf(schema)), [isBusy, setBusy] = useState(false), form = useRef(null);
  const close = () => work.setQuestion(null);
  const begin = async (event) => {
    event.preventDefault();
    if (!form.current.reportValidity()) return;
    setBusy(true);
    localStorage.setItem(place, JSON.stringify(values));
    const isStarted = await work.beginTry(clean(values, schema), what, isLive ? live : null);
    setBusy(false);
    if (isStarted) close();
  };
  // What a part runs on was given when the base was tried.
  const isAsked = !part || part === "until" || !work.lastRun;
  return (
    <Dialog title={node ? WHAT[part](work.name(node)) : isLive ? `Run version ${live}` : "Try the draft"} onClose={close} testid="try-dialog">
      <form ref={form} onSubmit={begin}>
        <div className="body">
          {mayRun && mayTry ? (
            <div className="seg own" role="group" aria-label="What runs">
              <button type="button" aria-pressed={!isLive} onClick={() => setLive(false)}>Try the draft</button>
              <button type="button" aria-pressed={isLive} onClick={() => setLive(true)} data-testid="run-live">Run version {live}, live</button>
            </div>
          ) : null}
          <p className="mut">{isLive ? "The version that is live runs for real: what it sends is sent, what it pays is paid, and people are asked." : part ? "It uses the results of the last try for what stands before." : "The draft runs as it is drawn. What cannot be undone is only simulated; models are really asked."}</p>
          {isAsked ? <InputForm schema={schema} values={values} onChange={setValues} /> : null}
        </div>
        <div className="foot"><button type="submit" className="btn pri" disabled={isBusy} data-testid="begin-try"><Play size={16} aria-hidden="true" />{isBusy ? "Starting" : isLive ? "Run" : "Try"}</button><button type="button" className="btn" onClick={close}>Cancel</button></div>
      </form>
    </Dialog>
  );
}

// The document of a version; null until it is there, and while none is asked for.
function useVersion(workflow, version) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    if (version === null) return undefined;
    let isOver = false;
    rest("GET", `/workflows/${workflow}/versions/${version}`).then(({ body }) => { if (!isOver) setFound(body?.document ?? null); });
    return () => { isOver = true; };
  }, [workflow, version]);
  return version === null ? null : found;
}
