// Settings that are tables: ways of a branch, kinds to sort into, names with values, lists of objects.

import { useState } from "react";
import { ChevronDown, ChevronRight, Plus } from "lucide-react";
import { useDesk, useProblems, useSetting } from "./desk.jsx";
import { ExpressionWithPreview, Labelled, Problems, RowButtons, TextInput, TextList } from "./fields.jsx";
import { Fields } from "./form.jsx";
import { configChange, freeName, portRemoved } from "./changes.js";
import { NameInput, noWords } from "./names.jsx";
import { at, moved, put as placed, renamed } from "./places.js";
import { fieldRenames, portOps, renameOps } from "./refer.js";
import { plainSchema } from "./schemas.js";
import { ValueText } from "./value_text.jsx";
import { plural, said } from "./words.js";
import { portWord, sentence } from "../drawing/words.js";

/** Rows that each have a port: renaming one keeps its edges and what speaks of it, removing one removes them, all in one step of undo. */
function usePorts(keys, label) {
  const desk = useDesk(), { document, node, change, title } = desk;
  const [value, set] = useSetting(keys);
  const rows = Array.isArray(value) ? value : [];
  const put = (i, patch) => set(rows.map((row, j) => (j === i ? { ...row, ...patch } : row)), label);
  const rename = (i, port) => {
    const from = rows[i].port, config = desk.latest().config ?? {};
    const next = (at(config, keys) ?? rows).map((row, j) => (j === i ? { ...row, port } : row));
    const others = rows.some((row, j) => j !== i && row.port === from);
    change(others ? configChange(node, keys, next) : portOps(desk, node, placed(config, keys, next), from, port), `Rename “${sentence(from)}” in ${title}`);
  };
  const remove = (i) => {
    const { port } = rows[i], isShared = rows.some((row, j) => j !== i && row.port === port);
    change([...configChange(node, keys, rows.filter((_, j) => j !== i)), ...(isShared ? [] : portRemoved(document, node.id, port))], `Remove “${sentence(port)}” from ${title}`);
  };
  const edges = (port) => (document.edges ?? []).filter((edge) => edge.source === node.id && (edge.port ?? "out") === port).length;
  const taken = rows.map((row) => row.port);
  return { rows, set, put, rename, remove, taken, edges };
}

function PortName({ row, i, ports, label, keys, what }) {
  const problems = useProblems([...keys, i, "port"]);
  const shown = sentence(row.port ?? "");
  const commit = (text) => { const name = text.trim(); if (name !== shown && name !== row.port) ports.rename(i, name); };
  // Two ports of one name would join their edges: such a name waits until it is another.
  const others = ports.taken.filter((name, j) => j !== i && name !== row.port);
  return (
    <div className="sp">
      <NameInput value={shown} commit={commit} refuse={(text) => noWords(text, others, what)} label={label} className="sm md" isInvalid={problems.length > 0} testId={`port-${i}`} />
      <Problems problems={problems} />
    </div>
  );
}

export function Cases({ keys, label, help }) {
  const { readOnly, title } = useDesk();
  const ports = usePorts(keys, label);
  const add = () => ports.set([...ports.rows, { port: freeName("Way", ports.taken), when: "" }], `Add a way to ${title}`);
  return (
    <Labelled keys={keys} label={label} help={help} hint="the first that holds is taken">
      {() => (
        <ol className="ins-cards" data-testid="cases">
          {ports.rows.map((row, i) => <Case key={i} row={row} i={i} ports={ports} keys={keys} label={label} />)}
          <li className="ins-card mut t12">If none of these holds, the run goes on by “{portWord("else")}”.</li>
          {readOnly ? null : <li><button type="button" className="ins-link" onClick={add}><Plus size={14} aria-hidden="true" />Way</button></li>}
        </ol>
      )}
    </Labelled>
  );
}

function Case({ row, i, ports, keys, label }) {
  const { readOnly } = useDesk();
  const problems = useProblems([...keys, i, "when"]);
  return (
    <li className="ins-card">
      <div className="row g6">
        <PortName row={row} i={i} ports={ports} label={`Name of way ${i + 1}`} keys={keys} what="way" />
        <span className="sp"><TextInput value={row.label ?? ""} commit={(text) => ports.put(i, { label: text || undefined })} label={`Words on the canvas for way ${i + 1}`} placeholder="Words on the canvas" className="sm" /></span>
        {readOnly ? null : <RowButtons i={i} count={ports.rows.length} move={(to) => ports.set(moved(ports.rows, i, to), label)} remove={() => ports.remove(i)} name={`way ${sentence(row.port ?? "")}`} />}
      </div>
      <ExpressionWithPreview value={row.when} commit={(text) => ports.put(i, { when: text })} label={`When way ${i + 1} is taken`} isCondition name={`when-${i}`} isInvalid={problems.length > 0} />
      <Problems problems={problems} />
    </li>
  );
}

export function Kinds({ keys, label, help }) {
  const { readOnly, title } = useDesk();
  const ports = usePorts(keys, label);
  const [open, setOpen] = useState(null);
  const add = () => { ports.set([...ports.rows, { port: freeName("Kind", ports.taken), description: "", examples: [] }], `Add a kind to ${title}`); setOpen(ports.rows.length); };
  return (
    <Labelled keys={keys} label={label} help={help}>
      {() => (
        <div className="of" data-testid="kinds">
          <table>
            <thead><tr><th style={{ width: 112 }}>Kind</th><th>What belongs here</th><th style={{ width: 76 }}>Examples</th></tr></thead>
            <tbody>
              {ports.rows.map((row, i) => {
                const isOpen = open === i, count = (row.examples ?? []).length;
                return [
                  <tr key={i}>
                    <td><PortName row={row} i={i} ports={ports} label={`Name of kind ${i + 1}`} keys={keys} what="kind" /></td>
                    <td><ValueText isLine value={row.description ?? ""} commit={(text) => ports.put(i, { description: text })} label={`What belongs to ${sentence(row.port ?? "")}`} placeholder="In a few words" testId={`description-${i}`} /></td>
                    <td>
                      <button type="button" className="ins-open" aria-expanded={isOpen} title={plural(count, "example")} aria-label={`More about ${sentence(row.port ?? "")}, ${plural(count, "example")}`} onClick={() => setOpen(isOpen ? null : i)}>
                        {count}{isOpen ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}
                      </button>
                    </td>
                  </tr>,
                  isOpen ? (
                    <tr key={`${i}e`}><td colSpan={3} className="ins-inner">
                      {readOnly ? null : (
                        <div className="row g4">
                          <span className="ins-help sp">{ports.edges(row.port) ? "Examples, as people write them." : "Nothing is connected to this kind yet."}</span>
                          <RowButtons i={i} count={ports.rows.length} move={(to) => { setOpen(to); ports.set(moved(ports.rows, i, to), `Move “${sentence(row.port ?? "")}” in ${title}`); }} remove={() => { setOpen(null); ports.remove(i); }} name={sentence(row.port ?? "")} />
                        </div>
                      )}
                      <TextList keys={[...keys, i, "examples"]} label={`Example of ${sentence(row.port ?? "")}`} isTemplate one="Example" />
                    </td></tr>
                  ) : null,
                ];
              })}
            </tbody>
          </table>
          {readOnly ? null : <button type="button" className="ins-link inset" onClick={add}><Plus size={14} aria-hidden="true" />Kind</button>}
        </div>
      )}
    </Labelled>
  );
}

/** Names with an expression each: what comes out, what a person sees, what a tool is given. */
export function NamedValues({ keys, label, help, schema }) {
  const desk = useDesk(), { readOnly, title, node } = desk;
  const [value, set] = useSetting(keys);
  const entries = Object.entries(value ?? {});
  const rename = (from, text) => {
    const to = text.trim(), config = desk.latest().config ?? {}, next = placed(config, keys, renamed(at(config, keys), from, to));
    if (to !== from) desk.change(renameOps(desk, node, next, fieldRenames(node, keys, from, to)), `Rename “${from}” in ${title}`);
  };
  const refuse = (name) => (text) => noWords(text, Object.keys(value ?? {}).filter((other) => other !== name), "value");
  const hasRows = entries.length > 0;
  return (
    <Labelled keys={keys} label={label} help={help}>
      {() => (
        <div className="ins-names" data-testid={`names-${keys.join(".")}`}>
          {entries.map(([name, expression], i) => (
            <NamedRow key={i} i={i} name={name} keys={[...keys, name]} expression={expression} rename={rename} refuse={refuse(name)}
              set={(text) => set({ ...value, [name]: text }, `${said(name)} in ${label}`)} remove={() => set(without(value, name), `Remove ${said(name)} from ${label}`)} />
          ))}
          {readOnly ? (hasRows ? null : <p className="ins-none">None.</p>) : (
            <button type="button" className="ins-link" onClick={() => set({ ...value, [freeName("value", Object.keys(value ?? {}))]: "" }, `Add a value to ${label}`)}><Plus size={14} aria-hidden="true" />{schema["x-add"] ?? "Value"}</button>
          )}
        </div>
      )}
    </Labelled>
  );
}

function NamedRow({ i, name, keys, expression, set, rename, refuse, remove }) {
  const { readOnly } = useDesk();
  const problems = useProblems(keys);
  return (
    <div className="ins-name">
      <div className="ins-called"><NameInput value={name} commit={(text) => rename(name, text)} refuse={refuse} label={`Name of value ${i + 1}`} className="md" testId={`name-${i}`} /></div>
      <div className="sp"><ExpressionWithPreview value={String(expression ?? "")} commit={set} label={`Value of ${name}`} name={`${keys.join(".")}`} isInvalid={problems.length > 0} /><Problems problems={problems} /></div>
      {readOnly ? null : <RowButtons i={i} count={1} remove={remove} name={name} hasOrder={false} />}
    </div>
  );
}

const without = (object, key) => Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

/** A list of objects whose parts a schema tells. */
export function ObjectsTable({ keys, label, schema, root }) {
  const { readOnly } = useDesk();
  const [value, set] = useSetting(keys);
  const rows = Array.isArray(value) ? value : [];
  const fresh = () => Object.fromEntries((schema.required ?? []).map((name) => [name, plainSchema(schema.properties[name], root).type === "array" ? [] : ""]));
  return (
    <div className="ins-cards">
      {rows.map((_, i) => (
        <fieldset className="ins-set" key={i}>
          <legend className="row g4">{label} {i + 1}{readOnly ? null : <RowButtons i={i} count={rows.length} move={(to) => set(moved(rows, i, to), label)} remove={() => set(rows.filter((_row, j) => j !== i), label)} name={`${label} ${i + 1}`} />}</legend>
          <Fields schema={schema} root={root} keys={[...keys, i]} />
        </fieldset>
      ))}
      {readOnly ? null : <button type="button" className="ins-link" onClick={() => set([...rows, fresh()], label)}><Plus size={14} aria-hidden="true" />Add</button>}
    </div>
  );
}

