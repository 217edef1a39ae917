// A JSON Schema as a table of fields: what a run is given, what an answer consists of, what a person fills in.

import { useState } from "react";
import { ChevronDown, ChevronRight, Plus, Trash2 } from "lucide-react";
import { useDesk, useSetting } from "./desk.jsx";
import { Labelled, LongInput, NumberInput, Switch, TextInput } from "./fields.jsx";
import { JsonInput } from "./form.jsx";
import { freeName } from "./changes.js";
import { NameInput, noName, plainName, spelledAs } from "./names.jsx";
import { at, put } from "./places.js";
import { fieldRenames, renameOps } from "./refer.js";
import { fieldAdded, fieldChanged, fieldRemoved, fieldRetyped, fieldsOf, isTable, TYPES } from "./schemas.js";
import { said } from "./words.js";

export function SchemaTable({ keys, label, help, schema: setting }) {
  const desk = useDesk(), { readOnly, title, node } = desk;
  const [value, set] = useSetting(keys);
  const [open, setOpen] = useState(null);
  const fields = fieldsOf(value);
  const store = (next, what) => set(setting.nullable && !fieldsOf(next).length ? undefined : next, what ?? label);
  // What speaks of the field follows it, in the same step of undo.
  const renameField = (i, name, more) => {
    const from = fields[i].name, config = desk.latest().config ?? {}, next = put(config, keys, fieldChanged(at(config, keys), i, { name, ...more }));
    desk.change(renameOps(desk, node, next, fieldRenames(node, keys, from, name)), `Rename “${fields[i].title || said(from)}” in ${title}`);
  };
  const add = () => { store(fieldAdded(value ?? {}, freeName("field", fields.map((field) => field.name))), `Add a field to ${title}`); setOpen(fields.length); };
  return (
    <Labelled keys={keys} label={label} help={help} isWhole aside={readOnly || !isTable(value) ? null : <button type="button" className="ins-link" onClick={add}><Plus size={14} aria-hidden="true" />Field</button>}>
      {(told) => (isTable(value) ? (
        <div className="of" data-testid={`fields-${keys.join(".")}`}>
          {fields.length ? (
            <table>
              <thead><tr><th style={{ width: 100 }}>Field</th><th style={{ width: 88 }}>Kind</th><th>Means</th><th style={{ width: 32 }}><span className="sr">More</span></th></tr></thead>
              <tbody>
                {fields.map((field, i) => (
                  <FieldRow key={i} field={field} i={i} fields={fields} value={value} store={store} renameField={renameField} isOpen={open === i} toggle={() => setOpen(open === i ? null : i)} close={() => setOpen(null)} />
                ))}
              </tbody>
            </table>
          ) : <p className="ins-none">{setting["x-none"] ?? "No fields yet."}</p>}
        </div>
      ) : (
        <>
          <p className="ins-note">This says more than a table can show. It is kept as it is written.</p>
          <JsonInput {...told} value={value} commit={(next) => set(next, label)} label={label} />
        </>
      ))}
    </Labelled>
  );
}

function FieldRow({ field, i, fields, value, store, renameField, isOpen, toggle, close }) {
  const { readOnly, title } = useDesk();
  const others = fields.map((other) => other.name).filter((name) => name !== field.name);
  const refuse = (text) => noName(text, others, "field");
  const change = (patch) => store(fieldChanged(value, i, patch), `Change “${field.title || said(field.name)}” in ${title}`);
  // What a plain name cannot hold is kept as the words that people see.
  const rename = (text) => {
    const name = plainName(text), words = text.trim();
    const more = field.title || words === name || words === said(name) ? {} : { title: words };
    if (name !== field.name) renameField(i, name, more); else if (more.title) change(more);
  };
  const setWords = (text) => change({ description: text || undefined });
  return [
    <tr key="row">
      <td>
        {field.title ? <TextInput value={field.title} commit={(text) => change({ title: text || undefined })} label={`Name of field ${i + 1}`} className="sm md" testId={`field-${i}`} />
          : <NameInput value={field.name} commit={rename} refuse={refuse} told={spelledAs} label={`Name of field ${i + 1}`} className="sm md" testId={`field-${i}`} />}
      </td>
      <td>
        <select className="ins-sel sm wide" value={field.type} disabled={readOnly} aria-label={`Kind of ${field.name}`} data-testid={`kind-${i}`} onChange={(event) => store(fieldRetyped(value, i, event.target.value))}>
          {Object.entries(TYPES).map(([type, { words }]) => <option key={type} value={type}>{words}</option>)}
          {field.type in TYPES ? null : <option value={field.type} disabled>Something else</option>}
        </select>
      </td>
      <td><TextInput value={field.description} commit={setWords} label={`What ${field.name} means`} placeholder={field.isRequired ? "needed" : "may be left out"} className="sm" /></td>
      <td>
        <button type="button" className="ins-open" aria-expanded={isOpen} aria-label={`More about ${field.name}`} onClick={toggle}>{isOpen ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}</button>
      </td>
    </tr>,
    isOpen ? <tr key="more"><td colSpan={4} className="ins-inner"><FieldMore field={field} change={change} rename={rename} refuse={refuse} remove={() => { close(); store(fieldRemoved(value, i), `Remove “${field.title || said(field.name)}” from ${title}`); }} /></td></tr> : null,
  ];
}

function FieldMore({ field, change, rename, refuse, remove }) {
  const { readOnly } = useDesk();
  const isNumber = field.type === "number" || field.type === "whole", isText = field.type === "text" || field.type === "long";
  return (
    <div className="col" style={{ gap: 8 }}>
      <Switch value={field.isRequired} commit={(isRequired) => change({ isRequired })} label="Needed" help={field.isRequired ? "Without it the run does not start, or the answer does not count." : "It may be left out."} testId="needed" />
      <div className="row g6" style={{ alignItems: "flex-start" }}>
        <label className="sp t12">Name in values<NameInput value={field.name} commit={rename} refuse={refuse} told={spelledAs} label={`Name of ${field.name} in values`} className="sm" testId="name-in-values" /></label>
        <label className="sp t12">Shown as<TextInput value={field.title} commit={(text) => change({ title: text || undefined })} label={`How ${field.name} is shown`} placeholder={said(field.name)} className="sm" /></label>
      </div>
      {field.choices ? (
        <label className="t12">The choices, one a line
          <LongInput value={field.choices.map(String).join("\n")} label={`Choices of ${field.name}`} rows={Math.min(8, field.choices.length + 1)} testId="choices"
            commit={(text) => { const choices = [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))]; if (choices.length) change({ enum: choices }); }} />
        </label>
      ) : null}
      {isNumber ? (
        <div className="row g6">
          <label className="sp t12">At least<NumberInput value={field.schema.minimum} commit={(minimum) => change({ minimum })} label={`Least of ${field.name}`} className="sm" /></label>
          <label className="sp t12">At most<NumberInput value={field.schema.maximum} commit={(maximum) => change({ maximum })} label={`Most of ${field.name}`} className="sm" /></label>
        </div>
      ) : null}
      {isText ? <label className="t12">At most this many characters<NumberInput value={field.schema.maxLength} commit={(maxLength) => change({ maxLength })} label={`Longest ${field.name}`} isWholeNumber className="sm" /></label> : null}
      {isText && !readOnly ? <label className="t12">If it is left out<TextInput value={field.schema.default ?? ""} commit={(text) => change({ default: text || undefined })} label={`What ${field.name} is when it is left out`} className="sm" /></label> : null}
      {readOnly ? null : <span><button type="button" className="btn sm danger" onClick={remove}><Trash2 size={14} aria-hidden="true" />Remove this field</button></span>}
    </div>
  );
}
