// The tables of the workspace in a list, and the dialog that is open: a table's rows, its columns, or the question before it goes.

import { useCallback, useEffect, useState } from "react";
import { Plus, Table2 } from "lucide-react";
import { Confirm } from "../dialog/dialog.jsx";
import { counted } from "../dialog/problems.jsx";
import { rest } from "../rest/rest.js";
import { Wrong } from "../tools/parts.jsx";
import { TableForm } from "./table_form.jsx";
import { TableRows } from "./table_rows.jsx";
import "../tools/tools.css";
import "./tables.css";

export function DataTables({ mayWrite, mayManage }) {
  const [tables, setTables] = useState(null), [wrong, setWrong] = useState([]), [open, setOpen] = useState(null);
  const load = useCallback(async () => {
    const { body, error } = await rest("GET", "/tables");
    setTables(body?.items ?? []);
    setWrong(error ? [`${error.message} ${error.hint}`] : []);
  }, []);
  useEffect(() => { load(); }, [load]);
  const close = () => { setOpen(null); load(); };
  const remove = async (table) => {
    setOpen(null);
    const { error } = await rest("DELETE", `/tables/${table.slug}`);
    await load();
    if (error) setWrong([`${error.message} ${error.hint}`]);
  };
  return (
    <div className="card" data-testid="tables">
      <div className="ch"><Table2 size={16} aria-hidden="true" /><h3 className="sp">Tables</h3>{mayManage ? <button type="button" className="btn sm" onClick={() => setOpen({ view: "form" })}><Plus size={14} aria-hidden="true" />New table</button> : null}</div>
      <div className="dt-wrong"><Wrong words={wrong} /></div>
      {tables === null ? <p className="mut pad">Loading …</p> : tables.length ? (
        <ul>{tables.map((table) => <One key={table.id} table={table} mayManage={mayManage} open={(view) => setOpen({ view, table })} />)}</ul>
      ) : wrong.length ? null : <p className="mut pad">There is no table yet. A table holds what several runs need: orders, price lists, who is on duty.</p>}
      {open?.view === "form" ? <TableForm table={open.table} onSaved={close} onClose={() => setOpen(null)} /> : null}
      {open?.view === "rows" ? <TableRows table={open.table} mayWrite={mayWrite} onClose={close} /> : null}
      {open?.view === "remove" ? (
        <Confirm title={`Remove ${open.table.name}?`} confirm="Remove" danger onClose={() => setOpen(null)} onConfirm={() => remove(open.table)}>
          <p>{open.table.rows ? `Its ${counted(open.table.rows, "row", "rows")} and its tools go with it` : "Its tools go with it"}, and cannot be brought back. Steps that use them fail.</p>
        </Confirm>
      ) : null}
    </div>
  );
}

function One({ table, mayManage, open }) {
  const act = (word, view, look = "btn sm") => <button type="button" className={look} aria-label={`${word} ${table.name}`} onClick={() => open(view)}>{word}</button>;
  return (
    <li className="li set tool dt-one" data-table={table.slug}>
      <div className="tell">
        <div><b className="md">{table.name}</b> <span className="mono mut">{table.slug}</span></div>
        {table.description ? <div className="t12 el">{table.description}</div> : null}
        <div className="mut t12">{counted(table.rows, "row", "rows")} · {counted(table.columns.length, "column", "columns")}{table.key ? ` · one row for each ${table.key}` : ""}</div>
        <div className="mut t12 dt-tools">Tools: {table.tools.map((name, i) => <span key={name}>{i ? ", " : ""}<span className="mono">{name}</span></span>)}</div>
      </div>
      <div className="row tool-acts">{act("Open", "rows")}{mayManage ? <>{act("Columns", "form")}{act("Remove", "remove", "btn sm danger")}</> : null}</div>
    </li>
  );
}
