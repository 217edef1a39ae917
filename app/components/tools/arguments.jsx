// What a tool is given, as a table: a name, what it may be, what it means, and whether it must be there.

import { Plus, X } from "lucide-react";
import { TYPES, typeNameOf, withType } from "../inspector/schemas.js";
import { Field, Wrong } from "./parts.jsx";
import { wrongWith } from "./draft.js";

const KINDS = ["text", "number", "whole", "yesno", "choice", "date", "list", "object"];

export function Arguments({ draft, change, problems }) {
  const { fields } = draft;
  if (fields === null) {
    return (
      <Field label="What it is given, as JSON Schema" help="This says more than a table can show, so it is kept as it is written." wrong={wrongWith(problems, "parameters")}>
        {(told) => <textarea {...told} className="inp mono" rows={8} spellCheck={false} value={draft.schemaText} onChange={(event) => change({ schemaText: event.target.value })} />}
      </Field>
    );
  }
  const set = (next) => change({ fields: next });
  const put = (i, patch) => set(fields.map((field, at) => (at === i ? { ...field, ...patch } : field)));
  const add = () => set([...fields, { name: "", type: "text", isRequired: true, description: "", choices: null, schema: { type: "string" } }]);
  const whole = problems.filter((problem) => problem.field === "parameters").map((problem) => problem.message);
  return (
    <section className="col g6" aria-label="What it is given" data-testid="arguments">
      <h3>What it is given</h3>
      <p className="mut t12">The model, or the step that calls it, fills these in.</p>
      {fields.length ? (
        <div className="tl-args">
          <div className="tl-arg tl-head" aria-hidden="true"><span>Name</span><span>Kind</span><span>What it means</span><span>Needed</span><span /></div>
          {fields.map((field, i) => <Row key={i} i={i} field={field} put={(patch) => put(i, patch)} remove={() => set(fields.filter((_, at) => at !== i))} wrong={wrongWith(problems, `parameters.${i}`)} />)}
        </div>
      ) : <p className="tl-none">Nothing: every call is the same.</p>}
      <Wrong words={whole} />
      <span><button type="button" className="btn sm" onClick={add}><Plus size={14} aria-hidden="true" />Add an argument</button></span>
    </section>
  );
}

function Row({ i, field, put, remove, wrong }) {
  const which = field.name || `argument ${i + 1}`;
  const retype = (type) => { const schema = withType(field.schema, type); put({ type, schema, choices: schema.enum ?? null, text: undefined, isWrong: false }); };
  const mean = (description) => { const { description: _, ...rest } = field.schema; put({ description, schema: description ? { ...rest, description } : rest }); };
  return (
    <div className="tl-arg" role="group" aria-label={which} data-testid={`argument-${i}`}>
      <input className="inp mono" value={field.name} aria-label={`Name of argument ${i + 1}`} aria-invalid={wrong.length ? true : undefined} placeholder="order_id" spellCheck={false} autoComplete="off" onChange={(event) => put({ name: event.target.value.trim() })} />
      <select className="inp" value={field.type} aria-label={`Kind of ${which}`} onChange={(event) => retype(event.target.value)}>
        {KINDS.map((type) => <option key={type} value={type}>{TYPES[type].words}</option>)}
        {KINDS.includes(field.type) ? null : <option value={field.type} disabled>{TYPES[field.type]?.words ?? "Something else"}</option>}
      </select>
      <input className="inp" value={field.description} aria-label={`What ${which} means`} placeholder="Such as: the number on the invoice" onChange={(event) => mean(event.target.value)} />
      <label className="tl-need"><input type="checkbox" checked={field.isRequired} aria-label={`${which} is needed`} onChange={(event) => put({ isRequired: event.target.checked })} /><span aria-hidden="true">Needed</span></label>
      <button type="button" className="btn sm ghost ic" aria-label={`Remove ${which}`} onClick={remove}><X size={14} aria-hidden="true" /></button>
      <More field={field} which={which} put={put} />
      {wrong.length ? <div className="tl-more"><Wrong words={wrong} /></div> : null}
    </div>
  );
}

function More({ field, which, put }) {
  if (field.type === "choice" && field.choices?.every((choice) => typeof choice === "string")) {
    const set = (text) => { const choices = text.split(","), kept = [...new Set(choices.map((one) => one.trim()).filter(Boolean))]; put({ text, schema: { ...field.schema, enum: kept.length ? kept : [""] } }); };
    return <label className="tl-more t12"><span>The choices, with commas</span><input className="inp" value={field.text ?? field.choices.join(", ")} aria-label={`Choices of ${which}`} onChange={(event) => set(event.target.value)} /></label>;
  }
  if (["list", "object", "other", "choice"].includes(field.type)) {
    const set = (text) => {
      let schema = null;
      try { schema = JSON.parse(text); } catch { /* Told below while it is being written. */ }
      const isSchema = schema !== null && typeof schema === "object" && !Array.isArray(schema);
      put(isSchema ? { text, isWrong: false, schema, type: typeNameOf(schema), choices: schema.enum ?? null, description: schema.description ?? "" } : { text, isWrong: true });
    };
    return (
      <details className="tl-more t12">
        <summary>What it may be, as JSON Schema</summary>
        <textarea className="inp mono" rows={4} spellCheck={false} aria-label={`What ${which} may be`} value={field.text ?? JSON.stringify(field.schema, null, 2)} onChange={(event) => set(event.target.value)} />
      </details>
    );
  }
  return null;
}
