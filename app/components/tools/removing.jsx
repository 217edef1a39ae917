// The question before a tool goes: which workflows name it, and what becomes of them.

import { useEffect, useState } from "react";
import { Dialog } from "../dialog/dialog.jsx";
import { counted } from "../dialog/problems.jsx";
import { rest } from "../rest/rest.js";
import { Wrong } from "./parts.jsx";
import "./tools.css";

const SHOWN = 8;

export function ToolRemoving({ name, onSaved, onClose }) {
  const [uses, setUses] = useState(null), [wrong, setWrong] = useState([]), [busy, setBusy] = useState(false);
  useEffect(() => {
    let isOver = false;
    rest("GET", `/tools/${encodeURIComponent(name)}/uses`).then(({ body, error }) => {
      if (isOver) return;
      setUses(body?.items ?? []);
      if (error) setWrong([`Which workflows name it is not known. ${error.message}`]);
    });
    return () => { isOver = true; };
  }, [name]);
  const remove = async () => {
    setBusy(true);
    const { error, status } = await rest("DELETE", `/tools/${encodeURIComponent(name)}`);
    setBusy(false);
    // Somebody else may have removed it in the meantime.
    if (!error || status === 404) onSaved?.();
    else setWrong([`${error.message} ${error.hint}`]);
  };
  const footer = (
    <>
      <button type="button" className="btn danger" disabled={busy || uses === null} onClick={remove}>Remove</button>
      <button type="button" className="btn" ref={(button) => button?.setAttribute("autofocus", "")} onClick={() => onClose?.()}>Cancel</button>
    </>
  );
  return (
    <Dialog title={`Remove ${name}?`} size="small" onClose={onClose} busy={busy} footer={footer}>
      {uses === null ? <p className="mut">Looking for workflows that name it …</p> : <Uses uses={uses} isKnown={!wrong.length} />}
      <p>It cannot be brought back; it would have to be made again. That it was removed is kept in the audit log.</p>
      <Wrong words={wrong} />
    </Dialog>
  );
}

function Uses({ uses, isKnown }) {
  if (!uses.length) return isKnown ? <p>No workflow names it.</p> : null;
  const live = uses.filter((use) => use.in_live).length;
  return (
    <div className="col g6" data-testid="uses">
      <p><b>{counted(uses.length, "workflow names", "workflows name")} it.</b> {live ? "Runs of what is live fail when they come to it." : "No live version does."}</p>
      <ul className="tl-list">
        {uses.slice(0, SHOWN).map((use) => <li className="tl-item" key={use.id}><a className="sp" href={`/workflows/${use.id}`}>{use.name}</a><span className="mut t12">{use.in_live ? (use.in_draft ? "Live" : "Live, no longer in the draft") : "Draft"}</span></li>)}
      </ul>
      {uses.length > SHOWN ? <p className="mut t12">And {uses.length - SHOWN} more.</p> : null}
    </div>
  );
}
