// The two things a person does to a run: let it go on, with higher limits if it needs them, and end it.
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { ToneIcon } from "../drawing/icons.jsx";
import { amount, counted, LIMITS } from "./words.js";

const MICRO = new Set(["cost_micro", "busy_us"]);

// A limit that lets the step that did not fit begin, half as high again and rounded to two figures.
export function raised({ used, needed, allowed }) {
  const least = Math.max(allowed * 1.5, used + needed * 1.25, 1);
  const size = 10 ** Math.max(0, Math.floor(Math.log10(least)) - 1);
  return Math.ceil(least / size) * size;
}

// Limits as the API takes them: dollars and seconds instead of millionths.
export const asAsked = (limits) => Object.fromEntries(Object.entries(limits).map(([name, value]) => [LIMITS[name].field, MICRO.has(name) ? value / 1e6 : value]));

// `[answer, null]`, or `[null, {message, hint}]` of a refusal.
async function asked(address, body) {
  try {
    const answer = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body) });
    const told = await answer.json();
    return answer.ok ? [told, null] : [null, { message: told.error.message, hint: told.error.hint ?? "" }];
  } catch {
    return [null, { message: "The server does not answer; nothing was changed.", hint: "Try again in a moment." }];
  }
}

// `{message, hint}` of a refusal; null when it was done.
export const order = async (address, body) => (await asked(address, body))[1];

export function Trouble({ trouble }) {
  return <p className="rn-trouble" role="alert"><ToneIcon tone="failed" />{trouble.message} {trouble.hint}</p>;
}

function Dialog({ title, children, onClose }) {
  const place = useRef(null);
  useEffect(() => { if (!place.current.open) place.current.showModal(); }, []);
  return (
    <dialog ref={place} className="rn-dialog" aria-label={title} onClose={onClose} onClick={(event) => { if (event.target === place.current) onClose(); }}>
      <h2 className="t16 b">{title}</h2>
      {children}
    </dialog>
  );
}

export function GoOnDialog({ run, busy, trouble, onSend, onClose }) {
  const shown = (name, value) => (MICRO.has(name) ? value / 1e6 : value);
  const [limits, setLimits] = useState(() => ({ ...run.limits, ...(run.limit && run.limit.name in LIMITS ? { [run.limit.name]: raised(run.limit) } : {}) }));
  const send = (event) => {
    event.preventDefault();
    onSend(Object.fromEntries(Object.keys(LIMITS).filter((name) => limits[name] !== run.limits[name]).map((name) => [name, limits[name]])));
  };
  return (
    <Dialog title="Go on from here" onClose={onClose}>
      <form onSubmit={send}>
        <p className="mut">What is done is kept. The limits are for the whole run, what it has used included.</p>
        <div className="rn-fields">
          {Object.keys(LIMITS).map((name) => (
            <label key={name}>
              <span className="lab">{LIMITS[name].name}{name === "cost_micro" ? ", in US dollars" : name === "busy_us" ? ", in seconds" : ""} <span className="mut num">{amount(name, run.used[name])} used</span></span>
              <input className="inp" type="number" min="0" step={name === "cost_micro" ? "any" : "1"} required value={shown(name, limits[name] ?? 0)}
                onChange={(event) => setLimits({ ...limits, [name]: MICRO.has(name) ? Math.round(Number(event.target.value) * 1e6) : Number(event.target.value) })} />
            </label>
          ))}
        </div>
        {trouble ? <Trouble trouble={trouble} /> : null}
        <div className="row rn-offers"><button type="submit" className="btn pri" disabled={busy}>Go on</button><button type="button" className="btn" onClick={onClose}>Not now</button></div>
        <p className="t12 mut">It is recorded under your name.</p>
      </form>
    </Dialog>
  );
}

// Another run that shares what came before the step. First what that would do again, then the choice.
export function ForkDialog({ id, path, name, isTest, onClose }) {
  const [bill, setBill] = useState(null), [trouble, setTrouble] = useState(null), [busy, setBusy] = useState(false), [isReal, setReal] = useState(false);
  const address = `/api/v1/runs/${encodeURIComponent(id)}/fork`, navigate = useNavigate();
  useEffect(() => { asked(`${address}?dry_run=1`, { from_path: path }).then(([found, refused]) => { setBill(found); setTrouble(refused); }); }, [address, path]);
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    const [started, refused] = await asked(address, { from_path: path, ...(isTest || isReal ? {} : { mode: "test" }) });
    setBusy(false);
    setTrouble(refused);
    if (started) navigate(`/runs/${started.run_id}`);
  };
  const cost = bill?.cost_usd ? `about ${amount("cost_micro", bill.cost_usd * 1e6)}` : "nothing";
  return (
    <Dialog title={`Run again from “${name}”`} onClose={onClose}>
      <form onSubmit={send} data-testid="fork-dialog">
        {bill ? <p>A new run takes over {counted(bill.reuses, "finished step")} and does {counted(bill.reruns, "step")} again. Last time that cost {cost}. This run stays as it is.</p> : trouble ? null : <p className="mut" role="status">Working out what that would do…</p>}
        {bill?.effects.length ? (
          <fieldset className="rn-real">
            <legend className="lab">{bill.effects.map((effect) => `“${effect.title}”`).join(", ")} reached somebody or something outside</legend>
            <label className="tick-row"><input type="radio" name="real" checked={!isReal} onChange={() => setReal(false)} />Only simulate what reaches outside</label>
            {isTest ? null : <label className="tick-row"><input type="radio" name="real" checked={isReal} onChange={() => setReal(true)} />Really do it again</label>}
          </fieldset>
        ) : isTest ? null : <label className="tick-row"><input type="checkbox" checked={isReal} onChange={(event) => setReal(event.target.checked)} />As a live run that counts, not as a try</label>}
        {trouble ? <Trouble trouble={trouble} /> : null}
        <div className="row rn-offers"><button type="submit" className="btn pri" disabled={busy || !bill}>Start the new run</button><button type="button" className="btn" onClick={onClose}>Not now</button></div>
      </form>
    </Dialog>
  );
}

export function CancelDialog({ busy, trouble, onSend, onClose }) {
  const [reason, setReason] = useState("");
  return (
    <Dialog title="End this run?" onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); onSend(reason); }}>
        <p>Nothing more starts, and what waits for a person is taken back. What was done stays on record; it is not undone.</p>
        <label><span className="lab">Reason <span className="mut">may be empty</span></span><textarea className="inp" rows={3} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} /></label>
        {trouble ? <Trouble trouble={trouble} /> : null}
        <div className="row rn-offers"><button type="submit" className="btn danger" disabled={busy}>End the run</button><button type="button" className="btn" onClick={onClose}>Keep it</button></div>
      </form>
    </Dialog>
  );
}
