// A sheet of comma-separated values is taken into a table: first whole, and where lines do not fit, without them if that is wished.

import { useState } from "react";
import { CircleCheck } from "lucide-react";
import { Dialog } from "../dialog/dialog.jsx";
import { counted } from "../dialog/problems.jsx";
import { rest } from "../rest/rest.js";
import { Field, Wrong } from "../tools/parts.jsx";

const SHOWN = 50;

export function SheetForm({ table, onDone, onClose }) {
  const [text, setText] = useState(""), [told, setTold] = useState(null), [wrong, setWrong] = useState([]), [busy, setBusy] = useState(false);
  const take = async (skip) => {
    setBusy(true);
    const { body, error } = await rest("POST", `/tables/${table.slug}/import`, { csv: text, skip_mistakes: skip });
    setBusy(false);
    setTold(body ?? null);
    setWrong(error ? error.problems?.map((one) => one.message) ?? [`${error.message} ${error.hint}`] : []);
  };
  const pick = async (event) => { const [file] = event.target.files; if (file) { setText(await file.text()); setTold(null); setWrong([]); } };
  const fits = told && !told.is_kept ? told.added + told.changed : 0;
  const footer = told?.is_kept ? <button type="button" className="btn pri" onClick={() => onDone?.()}>Done</button> : (
    <>
      <button type="button" className="btn pri" disabled={busy || !text.trim()} onClick={() => take(false)}>Take it in</button>
      {fits ? <button type="button" className="btn" disabled={busy} onClick={() => take(true)}>Take in the {counted(fits, "line", "lines")} that fit</button> : null}
      <button type="button" className="btn" onClick={() => onClose?.()}>Cancel</button>
    </>
  );
  return (
    <Dialog title={`Take a sheet into ${table.name}`} size="wide" onClose={onClose} busy={busy} footer={footer}>
      <p className="mut">Comma-separated values, as every spreadsheet can save them. The first line names columns: <span className="mono">{table.columns.map((column) => column.name).join(", ")}</span>.{table.key ? ` A line whose ${table.key} is there already changes that row.` : ""}</p>
      {told?.is_kept ? null : (
        <>
          <Field label="A file">{(is) => <input {...is} type="file" accept=".csv,text/csv,text/plain" className="dt-file" onChange={pick} />}</Field>
          <Field label="Or paste it here" wrong={wrong}>{(is) => <textarea {...is} className="inp mono dt-paste" rows={8} spellCheck={false} value={text} onChange={(event) => { setText(event.target.value); setTold(null); }} />}</Field>
        </>
      )}
      {told?.is_kept ? <p className="st done" role="status"><CircleCheck size={16} aria-hidden="true" />{counted(told.added, "row", "rows")} added, {told.changed} changed{told.refused.length ? `, ${counted(told.refused.length, "mistake", "mistakes")} left out` : ""}.</p> : null}
      {told?.refused.length ? (
        <div className="col g6" data-testid="refused">
          <p role={told.is_kept ? undefined : "alert"}><b>{counted(told.refused.length, "mistake", "mistakes")}</b>{told.is_kept ? " left out." : "; nothing was kept."}</p>
          <ul className="tl-list">{told.refused.slice(0, SHOWN).map((one, i) => <li key={i} className="tl-item"><span className="num mut">Line {one.line}</span><span className="sp">{one.column ? <b className="md">{one.column}: </b> : null}{one.reason}</span></li>)}</ul>
          {told.refused.length > SHOWN ? <p className="mut t12">And {told.refused.length - SHOWN} more.</p> : null}
        </div>
      ) : null}
      <Wrong words={told?.is_kept ? wrong : []} />
    </Dialog>
  );
}
