// What is told at the bottom right, and what is asked when two people changed the same thing.
import { CircleCheck, CircleX, Info, X } from "lucide-react";
import { Dialog } from "./marks.jsx";

const ICONS = { done: CircleCheck, failed: CircleX, waiting: Info };

export function Toasts({ work }) {
  return (
    <div className="toasts" role="status" aria-live="polite" data-testid="toasts">
      {work.toasts.map((toast) => {
        const Icon = ICONS[toast.tone] ?? Info;
        return (
          <div key={toast.id} className={`toast ${toast.tone}`}>
            <Icon size={16} aria-hidden="true" /><span className="sp">{toast.title ? <b>{toast.title} </b> : null}{toast.text}</span>
            {toast.act ? <button type="button" className="btn sm" onClick={() => { work.dismiss(toast.id); toast.act.do(); }}>{toast.act.word}</button> : null}
            <button type="button" className="btn ghost ic sm" aria-label="Close" onClick={() => work.dismiss(toast.id)}><X size={14} /></button>
          </div>
        );
      })}
    </div>
  );
}

const KEYS = { config: "settings", title: "name", parent: "box", disabled: "switch", max_visits: "limit of the way back" };

export function Conflict({ work }) {
  const { conflicts } = work.state.conflict, settle = work.draft.settle;
  return (
    <Dialog title="Somebody else changed the same thing" onClose={() => settle(true)} testid="conflict">
      <div className="body">
        <p>While you were working, another person saved this workflow. Both of you changed:</p>
        <ul className="dots">{conflicts.slice(0, 6).map((one, index) => <li key={index}>{KEYS[one.key] ?? one.key.replaceAll("_", " ")} of <b>{one.what}</b></li>)}</ul>
        <p className="mut t12">Nothing was written over. Everything else that you changed is kept either way when you choose yours.</p>
      </div>
      <div className="foot"><button type="button" className="btn pri" onClick={() => settle(true)}>Keep mine</button><button type="button" className="btn" onClick={() => settle(false)}>Take theirs</button></div>
    </Dialog>
  );
}
