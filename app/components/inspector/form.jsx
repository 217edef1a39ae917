// The form of a step, made from its kind's JSON Schema.

import { useState } from "react";
import { Check, ChevronDown, ChevronRight } from "lucide-react";
import { useDesk, useForm, useSetting } from "./desk.jsx";
import { Choice, DurationInput, ExpressionWithPreview, Labelled, LongInput, NumberInput, Problems, Share, Switch, TemplateField, TextInput, TextList } from "./fields.jsx";
import { CodeInput } from "./code.jsx";
import { ModelPicker, ModelsPicker } from "./model_picker.jsx";
import { AgentTools } from "./agent_tools.jsx";
import { ColleaguePicker } from "./colleague_picker.jsx";
import { ApproversPicker, ConsentersPicker, FillersPicker } from "./people_picker.jsx";
import { Cases, Kinds, NamedValues, ObjectsTable } from "./tables.jsx";
import { SchemaTable } from "./schema_table.jsx";
import { StepPicker } from "./step_picker.jsx";
import { ToolArguments, ToolPicker } from "./tool_step.jsx";
import { Body, Headers, SecretPicker } from "./web.jsx";
import { labelOf, plainSchema } from "./schemas.js";
import { at, keysOf } from "./places.js";
import { brief, inWords, said } from "./words.js";

/** The settings of one object: in the order their hints ask for, those that matter little folded. */
export function Fields({ schema, root, keys = [] }) {
  const { value } = useForm();
  const [isOpen, setOpen] = useState(false);
  const known = Object.entries(schema.properties ?? {}).map(([name, field], i) => ({ name, field: plainSchema(field, root), order: field["x-order"] ?? i, isRequired: (schema.required ?? []).includes(name) }));
  const here = at(value, keys) ?? {};
  const oneOf = Object.fromEntries(schema["x-one-of"] ?? []), [picked, setPicked] = useState(""), chosen = picked || Object.keys(oneOf).find((name) => isGiven(here[name])) || Object.keys(oneOf)[0];
  // What is set is always in sight, even where only one of them should be.
  const isHidden = ({ name }) => name in oneOf && name !== chosen && !isGiven(here[name]);
  const shown = known.filter(({ field }) => isAsked(field, here, schema, root)).filter((entry) => !isHidden(entry)).sort((a, b) => a.order - b.order);
  const first = shown.filter((entry) => !entry.field["x-folded"] && !entry.field["x-group"]);
  const render = ({ name, field, isRequired }) => <Field key={name} name={name} schema={field} root={root} keys={[...keys, name]} isRequired={isRequired} />;
  return (
    <>
      {chosen ? <OneOf choices={oneOf} chosen={chosen} choose={setPicked} known={known} keys={keys} here={here} hidden={known.filter(isHidden)} /> : null}
      {first.map(render)}
      {foldsOf(shown).map(({ name, entries }) => <Folded key={name} name={name} entries={entries} keys={keys} here={here} render={render} />)}
      <Unknown known={known.map((entry) => entry.name)} here={here} keys={keys} isClosed={schema.additionalProperties === false} />
    </>
  );
}

// Settings that matter little are folded: those that belong together under their name, all others under “More settings”.
function foldsOf(shown) {
  const named = new Map();
  for (const entry of shown) if (entry.field["x-group"]) named.set(entry.field["x-group"], [...(named.get(entry.field["x-group"]) ?? []), entry]);
  const folds = [...named].map(([name, entries]) => ({ name, entries }));
  const others = shown.filter((entry) => entry.field["x-folded"] && !entry.field["x-group"]);
  return others.length ? [...folds, { name: "", entries: others }] : folds;
}

function Folded({ name, entries, keys, here, render }) {
  const form = useForm();
  const changed = entries.filter((entry) => entry.name in here).length;
  const isWrong = form.problems.some((problem) => {
    const found = problem.field && problem.severity !== "warning" ? keysOf(problem.field, form.prefix) : [];
    return found.length > keys.length && keys.every((key, i) => String(key) === String(found[i])) && entries.some((entry) => entry.name === found[keys.length]);
  });
  const [isOpened, setOpen] = useState(false), isOpen = isOpened || isWrong;
  return (
    <div className="ins-folded">
      <div className="ins-field">
        <button type="button" className="ins-link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}
          {name || (isOpen ? "Fewer settings" : "More settings")}{!isOpen && changed ? `, ${changed} changed` : ""}
        </button>
      </div>
      {isOpen ? entries.map(render) : null}
    </div>
  );
}

const isGiven = (value) => value !== undefined && value !== null;

/** Settings of which exactly one is set: choosing another one takes the others away, with what belongs to them. */
function OneOf({ choices, chosen, choose, known, keys, here, hidden }) {
  const form = useForm(), { readOnly } = useDesk();
  const pick = (name) => {
    choose(name);
    const goes = known.filter((entry) => entry.name !== name && (entry.name in choices || Object.keys(entry.field["x-when"] ?? {}).some((other) => other in choices && other !== name)));
    for (const entry of goes) if (entry.name in here) form.set([...keys, entry.name], undefined, labelOf(entry.name, entry.field));
  };
  const hiddenKeys = hidden.map(({ name }) => [...keys, name].join());
  const problems = form.problems.filter((problem) => problem.field && hiddenKeys.includes(keysOf(problem.field, form.prefix).join()));
  return (
    <div className="ins-field">
      <div className="ins-chips" role="group" aria-label="One of these" data-testid="one-of">
        {Object.entries(choices).map(([name, words]) => (
          <button type="button" key={name} className="ins-pill" aria-pressed={name === chosen} disabled={readOnly} onClick={() => pick(name)}>
            {name === chosen ? <Check size={12} aria-hidden="true" /> : null}{words}
          </button>
        ))}
      </div>
      <Problems problems={problems} />
    </div>
  );
}

/** A setting that only counts together with another one: `x-when: {"method": "model"}`, or `"*"` for any value. */
function isAsked(field, here, schema, root) {
  return Object.entries(field["x-when"] ?? {}).every(([name, wanted]) => {
    const value = here[name] ?? plainSchema(schema.properties?.[name], root).default;
    if (Array.isArray(value)) return value.includes(wanted);
    return wanted === "*" ? value !== undefined && value !== null : value === wanted;
  });
}

// What this version of the step does not know is shown and kept: another one may.
function Unknown({ known, here, keys, isClosed }) {
  const form = useForm();
  const others = Object.keys(here).filter((name) => !known.includes(name));
  if (!isClosed || !others.length) return null;
  return others.map((name) => {
    const problems = form.problems.filter((problem) => problem.field && keysOf(problem.field, form.prefix).join() === [...keys, name].join());
    return (
      <div className="ins-field" key={name}>
        <div className="lab">{said(name)}<span className="mut">not a setting of this step</span></div>
        <div className="row g6"><code className="ins-code el sp">{brief(here[name])}</code><button type="button" className="btn sm" onClick={() => form.set([...keys, name], undefined, said(name))}>Remove</button></div>
        <Problems problems={problems} />
      </div>
    );
  });
}

const WIDGETS = { cases: Cases, labels: Kinds, names: NamedValues, schema: SchemaTable, approvers: ApproversPicker, people: FillersPicker, model: ModelPicker, models: ModelsPicker, step: StepPicker, headers: Headers, body: Body, secret: SecretPicker, ticks: Ticks, agent_tools: AgentTools, tool: ToolPicker, arguments: ToolArguments, colleague: ColleaguePicker, consenters: ConsentersPicker };

export function Field({ name, schema, root, keys, isRequired }) {
  const { roles } = useDesk();
  const label = labelOf(name, schema), widget = schema["x-widget"], help = schema["x-help"] ?? inWords(schema.description);
  const Widget = WIDGETS[widget];
  if (Widget) return <Widget keys={keys} label={label} help={help} schema={schema} root={root} isRequired={isRequired} />;
  if (schema.type === "boolean") return <BooleanField keys={keys} label={label} help={help} schema={schema} />;
  if (schema.type === "object" && schema.properties) return <fieldset className="ins-set"><legend>{label}</legend><Fields schema={schema} root={root} keys={keys} /></fieldset>;
  if (schema.type === "object" && roles[`${keys.join(".")}.*`]) return <NamedValues keys={keys} label={label} help={help} schema={schema} />;
  const isObjects = schema.type === "array" && plainSchema(schema.items, root).type === "object";
  return (
    <Labelled keys={keys} label={label} help={help} hint={schema["x-hint"]} isWhole={isObjects || schema.type === "array"}>
      {(told) => <Control {...told} name={name} keys={keys} schema={schema} root={root} label={label} isRequired={isRequired} />}
    </Labelled>
  );
}

/** Some of several choices, in the order in which the schema has them. */
function Ticks({ keys, label, help, schema, root }) {
  const { readOnly } = useDesk();
  const [value, set] = useSetting(keys);
  const chosen = value ?? [], all = plainSchema(schema.items, root).enum ?? [];
  const tick = (choice, isOn) => {
    const next = all.filter((one) => (one === choice ? isOn : chosen.includes(one)));
    set(next.length ? next : undefined, label);
  };
  return (
    <Labelled keys={keys} label={label} help={help} isWhole>
      {() => (
        <div className="col g6" role="group" aria-label={label}>
          {all.map((choice) => (
            <label key={choice} className="row g6">
              <input type="checkbox" checked={chosen.includes(choice)} disabled={readOnly} data-testid={`tick-${choice}`} onChange={(event) => tick(choice, event.target.checked)} />
              <span>{schema["x-choices"]?.[choice] ?? said(choice)}</span>
            </label>
          ))}
        </div>
      )}
    </Labelled>
  );
}

function BooleanField({ keys, label, help, schema }) {
  const [value, set] = useSetting(keys);
  return <div className="ins-field"><Switch value={value ?? schema.default} commit={(next) => set(next, label)} label={label} help={help} testId={`switch-${keys.join(".")}`} /></div>;
}

function Control({ id, isInvalid, describedBy, name, keys, schema, root, label, isRequired }) {
  const [value, set] = useSetting(keys);
  // A setting at its default is left out of the document.
  const commit = (next) => set(next === "" && !isRequired && (schema.default === "" || schema.nullable) ? undefined : next, label);
  const given = { id, isInvalid, describedBy, label, value, commit, testId: keys.join("."), name: keys.join("."), placeholder: schema["x-placeholder"] };
  const choices = choicesOf(schema), widget = schema["x-widget"], items = schema.type === "array" ? plainSchema(schema.items, root) : null;
  if (choices) return <Choice {...given} value={value ?? schema.default} choices={choices} />;
  if (widget === "share") return <Share {...given} fallback={schema.default} />;
  if (widget === "duration" || name.endsWith("_s")) return <DurationInput {...given} none={schema["x-none"] ?? "Never"} />;
  if (schema.type === "number" || schema.type === "integer") return <NumberInput {...given} fallback={schema.default} unit={schema["x-unit"]} isWholeNumber={schema.type === "integer"} />;
  if (schema["x-role"] === "expression") return <ExpressionWithPreview {...given} isCondition={widget === "rule"} />;
  if (schema["x-role"] === "template") return <TemplateField {...given} isLine={widget === "line"} />;
  if (items?.type === "string") return <TextList keys={keys} label={label} isTemplate={items["x-role"] === "template"} />;
  if (items?.type === "object") return <ObjectsTable keys={keys} label={label} schema={items} root={root} />;
  if (widget === "code") return <CodeInput {...given} />;
  if (schema.type === "string") return widget === "text" ? <LongInput {...given} /> : <TextInput {...given} />;
  return <JsonInput {...given} value={value ?? schema.default} />;
}

function choicesOf(schema) {
  const values = schema.enum ?? (schema.const !== undefined ? [schema.const] : null);
  return values && values.map((choice) => [choice, schema["x-choices"]?.[choice] ?? said(String(choice))]);
}

/** For what has no form: the value as JSON, which is only kept when it is whole. */
export function JsonInput({ id, value, commit, label, describedBy, isInvalid }) {
  const [isBad, setBad] = useState(false);
  const hand = (text) => {
    try { commit(text.trim() ? JSON.parse(text) : undefined); setBad(false); } catch { setBad(true); }
  };
  return (
    <>
      <LongInput id={id} value={value === undefined || value === null ? "" : JSON.stringify(value, null, 2)} commit={hand} label={label} rows={5} isInvalid={isInvalid || isBad} describedBy={describedBy} />
      {isBad ? <p className="ins-bad failed">This is not whole JSON yet; the workflow keeps what was there before.</p> : null}
    </>
  );
}
