// The rows of one table: looked through, added, changed, removed, taken in from a sheet and written to one.

import { useCallback, useEffect, useRef, useState } from "react";
import { ArrowDown, ArrowUp, Download, FileUp, Pencil, Plus, Search, Trash2 } from "lucide-react";
import { Confirm, Dialog } from "../dialog/dialog.jsx";
import { counted } from "../dialog/problems.jsx";
import { rest } from "../rest/rest.js";
import { Wrong } from "../tools/parts.jsx";
import { RowForm } from "./row_form.jsx";
import { SheetForm } from "./sheet_form.jsx";

const AT_ONCE = 100;
const shown = (value) => (value === undefined || value === null ? "" : value === true ? "Yes" : value === false ? "No" : typeof value === "object" ? JSON.stringify(value) : String(value));

export function TableRows({ table, mayWrite, onClose }) {
  const [rows, setRows] = useState(null), [next, setNext] = useState(null), [words, setWords] = useState(""), [sort, setSort] = useState(""), [wrong, setWrong] = useState([]), [open, setOpen] = useState(null), [count, setCount] = useState(table.rows);
  const asked = useRef(0);
  const load = useCallback(async (cursor) => {
    const mine = ++asked.current, query = new URLSearchParams({ limit: AT_ONCE, ...(words ? { q: words } : {}), ...(sort ? { sort } : {}), ...(cursor ? { cursor } : {}) });
    const [{ body, error }, now] = await Promise.all([rest("GET", `/tables/${table.slug}/rows?${query}`), cursor ? null : rest("GET", `/tables/${table.slug}`)]);
    if (mine !== asked.current) return;
    setWrong(error ? [`${error.message} ${error.hint}`] : []);
    if (body) { setRows((old) => (cursor ? [...old, ...body.items] : body.items)); setNext(body.next); } else setRows((old) => old ?? []);
    if (now?.body) setCount(now.body.rows);
  }, [table.slug, words, sort]);
  useEffect(() => { const soon = setTimeout(() => load(), words ? 250 : 0); return () => clearTimeout(soon); }, [load, words]);
  const done = () => { setOpen(null); load(); };
  const remove = async (row) => { setOpen(null); const { error } = await rest("DELETE", `/tables/${table.slug}/rows/${row.row}`); await load(); if (error) setWrong([`${error.message} ${error.hint}`]); };
  const turn = (name) => setSort(sort === name ? `-${name}` : sort === `-${name}` ? "" : name);
  if (open?.view === "row") return <RowForm table={table} row={open.row} onSaved={done} onClose={() => setOpen(null)} />;
  if (open?.view === "sheet") return <SheetForm table={table} onDone={done} onClose={() => setOpen(null)} />;
  const footer = (
    <>
      {mayWrite ? <><button type="button" className="btn pri" onClick={() => setOpen({ view: "row" })}><Plus size={16} aria-hidden="true" />Add a row</button><button type="button" className="btn" onClick={() => setOpen({ view: "sheet" })}><FileUp size={16} aria-hidden="true" />Take in a sheet</button></> : null}
      <a className="btn" href={`/api/v1/tables/${table.slug}/export`} download={`${table.slug}.csv`}><Download size={16} aria-hidden="true" />As a sheet</a>
      <span className="mut t12 sp num" role="status">{counted(count, "row", "rows")}</span>
    </>
  );
  return (
    <Dialog title={table.name} size="wide" onClose={onClose} footer={footer}>
      <label className="inp search"><Search size={16} aria-hidden="true" /><span className="sr">Search rows</span><input type="search" className="bare" placeholder="Search" value={words} onChange={(event) => setWords(event.target.value)} /></label>
      <Wrong words={wrong} />
      {rows === null ? <p className="mut">Loading …</p> : rows.length ? (
        <div className="dt-grid" tabIndex={0} role="region" aria-label="Rows">
          <table>
            <thead><tr><th scope="col" className="num">Row</th>{table.columns.map((column) => (
              <th scope="col" key={column.name} className={["number", "integer"].includes(column.type) ? "r" : undefined} aria-sort={sort === column.name ? "ascending" : sort === `-${column.name}` ? "descending" : "none"}>
                <button type="button" className="dt-sort" onClick={() => turn(column.name)}>{column.title || column.name}{sort === column.name ? <ArrowUp size={12} aria-hidden="true" /> : sort === `-${column.name}` ? <ArrowDown size={12} aria-hidden="true" /> : null}</button>
              </th>
            ))}{mayWrite ? <th scope="col"><span className="sr">Change</span></th> : null}</tr></thead>
            <tbody>{rows.map((row) => (
              <tr key={row.row} data-row={row.row}>
                <td className="mut num">{row.row}</td>
                {table.columns.map((column) => <td key={column.name} className={["number", "integer"].includes(column.type) ? "num r" : undefined}><span className="dt-cell" title={shown(row.values[column.name])}>{shown(row.values[column.name])}</span></td>)}
                {mayWrite ? <td className="dt-acts"><button type="button" className="btn sm ghost ic" aria-label={`Change row ${row.row}`} onClick={() => setOpen({ view: "row", row })}><Pencil size={14} aria-hidden="true" /></button><button type="button" className="btn sm ghost ic" aria-label={`Remove row ${row.row}`} onClick={() => setOpen({ view: "remove", row })}><Trash2 size={14} aria-hidden="true" /></button></td> : null}
              </tr>
            ))}</tbody>
          </table>
        </div>
      ) : <p className="tl-none">{words ? "No row has these words." : "There is no row yet. Add one, take in a sheet, or let a step add them."}</p>}
      {next ? <span><button type="button" className="btn sm" onClick={() => load(next)}>More rows</button></span> : null}
      {open?.view === "remove" ? <Confirm title={`Remove row ${open.row.row}?`} confirm="Remove" danger onClose={() => setOpen(null)} onConfirm={() => remove(open.row)}><p>It cannot be brought back.</p></Confirm> : null}
    </Dialog>
  );
}
