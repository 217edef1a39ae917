// One row in a form: a field for each column.

import { useState } from "react";
import { Dialog } from "../dialog/dialog.jsx";
import { rest } from "../rest/rest.js";
import { Field, Leaving, Wrong } from "../tools/parts.jsx";

const HINTS = { date: "2026-12-31", datetime: "2026-12-31T09:00:00Z", json: "JSON, such as [1, 2]", number: "A number", integer: "A whole number" };
const typed = (value, column) => (value === undefined || value === null ? "" : column.type === "boolean" ? String(value) : typeof value === "object" || column.type === "json" ? JSON.stringify(value) : String(value));

/** What the API takes; a text that is no value of its type goes as it is, and is refused there by name. */
export function valueOf(text, column) {
  const plain = text.trim();
  if (column.type === "text" ? text === "" : plain === "") return null;
  if (column.type === "boolean") return plain === "true";
  if (["number", "integer"].includes(column.type)) return Number.isFinite(Number(plain.replace(",", "."))) ? Number(plain.replace(",", ".")) : plain;
  if (column.type === "json") { try { return JSON.parse(plain); } catch { return undefined; } }
  return column.type === "text" ? text : plain;
}

export function RowForm({ table, row, onSaved, onClose }) {
  const [texts, setTexts] = useState(Object.fromEntries(table.columns.map((column) => [column.name, typed(row?.values[column.name], column)])));
  const [problems, setProblems] = useState([]), [busy, setBusy] = useState(false), [dirty, setDirty] = useState(false), [leaving, setLeaving] = useState(false);
  const put = (name, text) => { setDirty(true); setTexts({ ...texts, [name]: text }); };
  const save = async () => {
    const values = {}, wrong = [];
    for (const column of table.columns) {
      const value = valueOf(texts[column.name], column);
      if (value === undefined) wrong.push({ field: column.name, message: "This is not JSON yet." });
      else if (value !== null || row) values[column.name] = value;
    }
    if (wrong.length) return setProblems(wrong);
    setBusy(true);
    const { error } = await rest(row ? "PATCH" : "POST", `/tables/${table.slug}/rows${row ? `/${row.row}` : ""}`, row ? { values, revision: row.revision } : { values });
    setBusy(false);
    if (!error) onSaved?.();
    else setProblems(error.problems?.length ? error.problems : [{ field: "", message: `${error.message} ${error.hint}` }]);
    return undefined;
  };
  const close = () => (dirty ? setLeaving(true) : onClose?.());
  const wrong = (name) => problems.filter((one) => one.field === name || one.field === `values.${name}`).map((one) => one.message);
  const names = table.columns.flatMap(({ name }) => [name, `values.${name}`]);
  const footer = leaving ? <Leaving stay={() => setLeaving(false)} leave={() => onClose?.()} /> : <><button type="button" className="btn pri" disabled={busy} onClick={save}>{row ? "Save" : "Add"}</button><button type="button" className="btn" onClick={close}>Cancel</button></>;
  return (
    <Dialog title={row ? `Row ${row.row} of ${table.name}` : `New row of ${table.name}`} onClose={close} busy={busy} footer={footer}>
      {table.columns.map((column) => (
        <Field key={column.name} label={`${column.title || column.name}${column.required || column.name === table.key ? "" : " (may stay empty)"}`} help={column.description} wrong={wrong(column.name)}>
          {(is) => <Control {...{ is, column, text: texts[column.name], put: (text) => put(column.name, text) }} />}
        </Field>
      ))}
      <Wrong words={problems.filter((one) => !names.includes(one.field)).map((one) => one.message)} />
    </Dialog>
  );
}

function Control({ is, column, text, put }) {
  const set = (event) => put(event.target.value);
  if (column.type === "boolean") return <select {...is} className="inp" value={text} onChange={set}><option value="">—</option><option value="true">Yes</option><option value="false">No</option></select>;
  if (column.type === "choice") return <select {...is} className="inp" value={text} onChange={set}><option value="">—</option>{column.choices.map((choice) => <option key={choice} value={choice}>{choice}</option>)}</select>;
  if (column.type === "date") return <input {...is} type="date" className="inp" value={text} onChange={set} />;
  if (column.type === "text" && text.length > 60) return <textarea {...is} className="inp dt-long" rows={4} value={text} onChange={set} />;
  return <input {...is} className={column.type === "json" ? "inp mono" : "inp"} inputMode={["number", "integer"].includes(column.type) ? "decimal" : undefined} placeholder={HINTS[column.type] ?? ""} value={text} onChange={set} />;
}
