// A table's name, its columns and its key, in a form.

import { useState } from "react";
import { Plus, X } from "lucide-react";
import { Dialog } from "../dialog/dialog.jsx";
import { rest } from "../rest/rest.js";
import { Field, Leaving, Wrong } from "../tools/parts.jsx";

const TYPES = [["text", "Text"], ["number", "Number"], ["integer", "Whole number"], ["boolean", "Yes or no"], ["date", "Date"], ["datetime", "Date and time"], ["choice", "One of a few"], ["json", "JSON"]];
const BARE = { name: "", title: "", type: "text", required: false, choices: "", description: "" };
const typed = (column) => ({ ...BARE, ...column, choices: (column.choices ?? []).join(", "), isOld: true });
const slugOf = (name) => name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 32);
const listOf = (text) => text.split(",").map((word) => word.trim()).filter(Boolean);

export function TableForm({ table, onSaved, onClose }) {
  const [name, setName] = useState(table?.name ?? ""), [slug, setSlug] = useState(table?.slug ?? ""), [told, setTold] = useState(table?.description ?? "");
  const [key, setKey] = useState(table?.key ?? ""), [columns, setColumns] = useState(table ? table.columns.map(typed) : [{ ...BARE }]);
  const [dropped, setDropped] = useState([]), [problems, setProblems] = useState([]), [busy, setBusy] = useState(false), [dirty, setDirty] = useState(false), [leaving, setLeaving] = useState(false);
  const touch = (set) => (value) => { setDirty(true); set(value); };
  const put = (at, part) => touch(setColumns)(columns.map((column, i) => (i === at ? { ...column, ...part } : column)));
  const remove = (at) => { const gone = columns[at]; if (gone.isOld) setDropped([...dropped, gone.name]); if (key === gone.name) setKey(""); touch(setColumns)(columns.filter((_, i) => i !== at)); };
  const wrong = (field) => problems.filter((one) => one.field === field || one.field?.startsWith(`${field}.`)).map((one) => one.message);
  const shortName = table ? table.slug : slug || slugOf(name);
  const save = async () => {
    const given = columns.map(({ isOld: _, choices, ...column }) => ({ ...column, name: column.name.trim(), choices: column.type === "choice" ? listOf(choices) : [] }));
    const body = { name, description: told, key, columns: given, ...(table ? { revision: table.revision, drop: dropped } : { slug: shortName }) };
    setBusy(true);
    const { error } = await rest(table ? "PUT" : "POST", table ? `/tables/${table.slug}` : "/tables", body);
    setBusy(false);
    if (!error) onSaved?.();
    else setProblems(error.problems?.length ? error.problems : [{ field: "", message: `${error.message} ${error.hint}` }]);
  };
  const close = () => (dirty ? setLeaving(true) : onClose?.());
  const footer = leaving ? <Leaving stay={() => setLeaving(false)} leave={() => onClose?.()} /> : (
    <><button type="button" className="btn pri" disabled={busy} onClick={save}>{table ? "Save" : "Make the table"}</button><button type="button" className="btn" onClick={close}>Cancel</button>
      {dropped.length ? <span className="st limit sp" role="status">The values of {dropped.join(", ")} will be lost.</span> : null}</>
  );
  return (
    <Dialog title={table ? `Columns of ${table.name}` : "New table"} size="wide" onClose={close} busy={busy} footer={footer}>
      <div className="tl-line is-even">
        <Field label="Name" wrong={wrong("name")}>{(is) => <input {...is} className="inp" value={name} onChange={(event) => touch(setName)(event.target.value)} />}</Field>
        <Field label="Short name" help={table ? "It stays as it is." : `Its tools are called find_${shortName || "…"}, add_${shortName || "…"} and so on.`} wrong={wrong("slug")}>{(is) => <input {...is} className="inp mono" value={shortName} readOnly={Boolean(table)} spellCheck={false} onChange={(event) => touch(setSlug)(event.target.value)} />}</Field>
      </div>
      <Field label="What is in it" help="In words for people and models." wrong={wrong("description")}>{(is) => <input {...is} className="inp" value={told} onChange={(event) => touch(setTold)(event.target.value)} />}</Field>
      <div className="col g6" role="group" aria-label="Columns">
        <div className="lab">Columns</div>
        <div className="tl-args">
          {columns.map((column, i) => <ColumnLine key={i} column={column} place={i} put={(part) => put(i, part)} remove={() => remove(i)} wrong={wrong(`columns.${i}`)} isOnly={columns.length === 1} />)}
        </div>
        <Wrong words={problems.filter((one) => one.field === "columns" || !one.field).map((one) => one.message)} />
        <span><button type="button" className="btn sm" onClick={() => touch(setColumns)([...columns, { ...BARE }])}><Plus size={14} aria-hidden="true" />Add a column</button></span>
      </div>
      <Field label="One row for each" help="No two rows have the same value there; a sheet that is taken in changes the row of that value." wrong={wrong("key")}>
        {(is) => <select {...is} className="inp" value={key} onChange={(event) => touch(setKey)(event.target.value)}><option value="">Nothing in particular</option>{columns.filter((column) => column.name.trim() && !["json", "boolean"].includes(column.type)).map((column) => <option key={column.name} value={column.name.trim()}>{column.title || column.name}</option>)}</select>}
      </Field>
    </Dialog>
  );
}

function ColumnLine({ column, place, put, remove, wrong, isOnly }) {
  const n = place + 1;
  return (
    <div className="dt-col">
      <input className="inp mono" aria-label={`Name of column ${n}`} placeholder="name" value={column.name} readOnly={column.isOld} spellCheck={false} onChange={(event) => put({ name: event.target.value })} />
      <select className="inp" aria-label={`Type of column ${n}`} value={column.type} onChange={(event) => put({ type: event.target.value })}>{TYPES.map(([value, word]) => <option key={value} value={value}>{word}</option>)}</select>
      <input className="inp" aria-label={`Title of column ${n}`} placeholder="Title" value={column.title} onChange={(event) => put({ title: event.target.value })} />
      <label className="row g6 dt-need"><input type="checkbox" checked={column.required} onChange={(event) => put({ required: event.target.checked })} />Needed</label>
      <button type="button" className="btn sm ghost ic" disabled={isOnly} aria-label={`Remove column ${n}`} onClick={remove}><X size={14} aria-hidden="true" /></button>
      {column.type === "choice" ? <input className="inp dt-wide" aria-label={`What column ${n} may be`} placeholder="open, closed" value={column.choices} onChange={(event) => put({ choices: event.target.value })} /> : null}
      {wrong.length ? <div className="dt-wide"><Wrong words={wrong} /></div> : null}
    </div>
  );
}
