// The two things a person does to a run: let it go on, with higher limits if it needs them, and end it.
import { useEffect, useRef, useState } from "react";
import { ToneIcon } from "../drawing/icons.jsx";
import { amount, LIMITS } from "./words.js";

const MICRO = new Set(["cost_micro", "busy_us"]);

// A limit that lets the step that did not fit begin, half as high again and rounded to two figures.
export function raised({ used, needed, allowed }) {
  const least = Math.max(allowed * 1.5, used + needed * 1.25, 1);
  const size = 10 ** Math.max(0, Math.floor(Math.log10(least)) - 1);
  return Math.ceil(least / size) * size;
}

// Limits as the API takes them: dollars and seconds instead of millionths.
export const asAsked = (limits) => Object.fromEntries(Object.entries(limits).map(([name, value]) => [LIMITS[name].field, MICRO.has(name) ? value / 1e6 : value]));

// `{message, hint}` of a refusal; null when it was done.
export async function order(address, body) {
  try {
    const answer = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body) });
    if (answer.ok) return null;
    const { error } = await answer.json();
    return { message: error.message, hint: error.hint ?? "" };
  } catch {
    return { message: "The server does not answer; nothing was changed.", hint: "Try again in a moment." };
  }
}

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
