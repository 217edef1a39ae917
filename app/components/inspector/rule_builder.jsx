// A condition as rows: field, operator, value, joined by all, any or none; the expression stands below for whoever reads it.

import { useEffect, useRef, useState } from "react";
import { Plus, Trash2 } from "lucide-react";
import { available, flat } from "./available.js";
import { useDesk } from "./desk.jsx";
import { ExpressionField } from "./expression.jsx";
import { Preview } from "./preview.jsx";
import { literal, pathOf, read, spelled } from "./reading.js";
import { sentence } from "../drawing/words.js";
import { expressionOf, missingIn, OPERATORS, rulesOf } from "./rules.js";

const JOINS = { all: "All of these", any: "Any of these", none: "None of these" };
const ONE_LINE = 44; // characters that its field shows at once
const NEW = { field: null, operator: "is", value: null };
const FRESH = { join: "all", rules: [NEW] };

// Rows that are not finished, by where they stand: whoever looks at another step finds them again.
const unfinished = new Map();

export function Condition({ value, commit, label, isInvalid, name }) {
  const desk = useDesk(), place = `${desk.workflow.id} ${desk.node.id} ${name}`;
  const [rules, setRules] = useState(() => (unfinished.get(place)?.value === value ? unfinished.get(place).rules : value.trim() ? rulesOf(value) : FRESH));
  const printed = useRef(value);
  const [isText, setText] = useState(() => Boolean(value.trim()) && !rulesOf(value));
  useEffect(() => {
    if (value === printed.current) return;
    printed.current = value;
    unfinished.delete(place);
    const found = value.trim() ? rulesOf(value) : FRESH;
    setRules(found);
    if (!found) setText(true);
  }, [value]);
  const change = (next) => {
    setRules(next);
    const text = expressionOf(next);
    // A row that is not filled in yet is kept here; the workflow keeps the last whole condition.
    if (text === null) unfinished.set(place, { rules: next, value: printed.current }); else unfinished.delete(place);
    if (text !== null && text !== printed.current) { printed.current = text; commit(text); }
  };
  const write = (text) => {
    printed.current = text;
    unfinished.delete(place);
    setRules(text.trim() ? rulesOf(text) : FRESH);
    commit(text);
  };
  const isPossible = rules !== null;
  return (
    <div className="ins-cond" data-testid={`condition-${name}`}>
      {isPossible && !isText ? <Group group={rules} change={change} label={label} depth={0} name={name} /> : null}
      {!isPossible ? <p className="ins-note" data-testid={`as-text-${name}`}>This condition says more than the table can show. It is kept as it is written.</p> : null}
      {isPossible && !isText && value.trim() && expressionOf(rules) === null ? <p className="ins-note" role="status" data-testid={`unfinished-${name}`}>Not finished yet. What you filled in stays here; until it is whole, this holds:</p> : null}
      <div className="row g6">
        <span className="sp">
          {isText || !isPossible
            ? <ExpressionField value={value} commit={write} label={`${label}, as an expression`} isInvalid={isInvalid} isCode testId={`expression-${name}`} />
            : <code className="ins-code el" title={value} data-testid={`written-${name}`}>{value || "not filled in yet"}</code>}
        </span>
        {isPossible ? <button type="button" className="btn sm ghost" aria-pressed={isText} onClick={() => setText(!isText)}>{isText ? "As rows" : "Write"}</button> : null}
      </div>
      {(isText || !isPossible) && value.length > ONE_LINE ? <code className="ins-code is-whole" data-testid={`whole-${name}`}>{value}</code> : null}
      <Preview expression={value} isCondition name={name} />
    </div>
  );
}

function Group({ group, change, label, depth, name, remove }) {
  const { readOnly } = useDesk();
  const put = (i, rule) => change({ ...group, rules: group.rules.map((old, at) => (at === i ? rule : old)) });
  const drop = (i) => change({ ...group, rules: group.rules.filter((_, at) => at !== i) });
  return (
    <div className={`ins-rules d${depth}`} role="group" aria-label={label}>
      {group.rules.length > 1 || depth > 0 || group.join === "none" ? (
        <div className="row g6">
          <select className="ins-sel sm" value={group.join} disabled={readOnly} aria-label="How the rows are joined" onChange={(event) => change({ ...group, join: event.target.value })}>
            {Object.entries(JOINS).map(([join, words]) => <option key={join} value={join}>{words}</option>)}
          </select>
          {remove && !readOnly ? <button type="button" className="btn sm ghost ic" aria-label="Remove this group" onClick={remove}><Trash2 size={14} aria-hidden="true" /></button> : null}
        </div>
      ) : null}
      {group.rules.map((rule, i) => (rule.join
        ? <Group key={i} group={rule} depth={depth + 1} label={`Group ${i + 1}`} name={name} change={(next) => put(i, next)} remove={() => drop(i)} />
        : <Rule key={i} rule={rule} name={`${name}-${depth}-${i}`} change={(next) => put(i, next)} remove={group.rules.length > 1 ? () => drop(i) : null} />))}
      {readOnly ? null : (
        <div className="row g6">
          <button type="button" className="ins-link" onClick={() => change({ ...group, rules: [...group.rules, NEW] })}><Plus size={14} aria-hidden="true" />Condition</button>
          {depth < 2 ? <button type="button" className="ins-link" onClick={() => change({ ...group, rules: [...group.rules, { join: group.join === "any" ? "all" : "any", rules: [NEW] }] })}><Plus size={14} aria-hidden="true" />Group</button> : null}
        </div>
      )}
    </div>
  );
}

const emptyValue = (operator) => ({ number: { fixed: 0 }, text: { fixed: "" }, date: { path: ["now"] }, list: { fixed: [] } })[OPERATORS[operator].takes] ?? { fixed: "" };

function Rule({ rule, change, remove, name }) {
  const desk = useDesk();
  const values = flat([...(desk.extra ?? []), ...available(desk.document, desk.kinds, desk.node.id, desk.examples)]);
  const known = rule.field && values.find((value) => value.expression === spelled(rule.field));
  const type = known?.type ?? "any";
  const offered = Object.entries(OPERATORS).filter(([operator, { of }]) => operator === rule.operator || of.split(" ").includes(type));
  const setOperator = (operator) => {
    const { takes } = OPERATORS[operator], was = OPERATORS[rule.operator].takes;
    change({ ...rule, operator, value: takes === null ? undefined : takes === was && rule.value ? rule.value : emptyValue(operator) });
  };
  const setField = (text) => {
    const path = pathOf(text);
    if (path) change({ ...rule, typed: undefined, field: path, ...(rule.field ? {} : { value: rule.value ?? startValue(values, text) }) });
    else change({ ...rule, field: null, typed: text.trim() });
  };
  const missing = desk.readOnly ? null : missingIn(rule);
  return (
    <div className="ins-rule">
      <ExpressionField value={rule.field ? spelled(rule.field) : rule.typed ?? ""} commit={setField} isInvalid={Boolean(rule.typed)} label="Value to look at" placeholder="Pick a value" testId={`field-${name}`} />
      <select className="ins-sel" value={rule.operator} disabled={desk.readOnly} aria-label="How it is compared" data-testid={`operator-${name}`} onChange={(event) => setOperator(event.target.value)}>
        {offered.map(([operator, { words }]) => <option key={operator} value={operator}>{words}</option>)}
      </select>
      {OPERATORS[rule.operator].takes || remove ? (
        <div className="ins-wanted">
          <span className="sp">{OPERATORS[rule.operator].takes ? <Wanted rule={rule} known={known} type={type} change={change} name={name} /> : null}</span>
          {remove && !desk.readOnly ? <button type="button" className="btn sm ghost ic" aria-label="Remove this condition" onClick={remove}><Trash2 size={14} aria-hidden="true" /></button> : null}
        </div>
      ) : null}
      {missing ? <p className={rule.typed || rule.field ? "ins-bad failed" : "ins-help"} role="status" data-testid={`missing-${name}`}>{missing}</p> : null}
    </div>
  );
}

function startValue(values, expression) {
  const known = values.find((value) => value.expression === expression);
  if (known?.choices?.length) return { fixed: known.choices[0] };
  return { fixed: { number: 0, boolean: true }[known?.type] ?? "" };
}

// What stands at the right: one of the choices, words, a number, a list, or another value.
function Wanted({ rule, known, type, change, name }) {
  const { readOnly } = useDesk();
  const value = rule.value ?? emptyValue(rule.operator), { takes } = OPERATORS[rule.operator];
  const set = (next) => change({ ...rule, value: next });
  if (known?.choices && takes === "value" && !value.path) {
    const choices = known.choices.includes(value.fixed) ? known.choices : [value.fixed, ...known.choices];
    return (
      <select className="ins-sel" value={JSON.stringify(value.fixed)} disabled={readOnly} aria-label="Compared with" data-testid={`value-${name}`} onChange={(event) => set({ fixed: JSON.parse(event.target.value) })}>
        {choices.map((choice) => <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>{typeof choice === "string" ? sentence(choice) || "empty text" : String(choice)}</option>)}
      </select>
    );
  }
  const shown = value.typed !== undefined ? value.typed : value.path ? spelled(value.path) : takes === "list" ? value.fixed.map(String).join(", ") : typeof value.fixed === "string" ? value.fixed : literal(value.fixed);
  const asFixed = (text) => fixedOf(text, takes, type, known);
  const commit = (text) => {
    const path = value.path || takes !== "list" ? pathOf(text) : null;
    set(path ? { path } : asFixed(text));
  };
  return <ExpressionField value={shown} commit={commit} mayBeEmpty label="Compared with" placeholder={takes === "list" ? "one, two, three" : "Words, a number, or a value"} isCode={!value.path} testId={`value-${name}`} isInvalid={takes === "number" && !value.path && typeof value.fixed !== "number"} />;
}

function fixedOf(text, takes, type, known) {
  const trimmed = text.trim(), asNumber = trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : null;
  if (takes === "number") return asNumber === null ? { typed: trimmed } : { fixed: asNumber };
  if (takes === "text" || takes === "date") return { fixed: unquoted(trimmed) };
  const single = (part) => (type === "number" || (type === "any" && /^-?\d+(\.\d+)?$/.test(part)) ? Number(part) : unquoted(part));
  if (takes === "list") return { fixed: trimmed.split(",").map((part) => part.trim()).filter(Boolean).map(single).filter((part) => !Number.isNaN(part)) };
  if (type === "text" || type === "date" || known?.choices) return { fixed: unquoted(trimmed) };
  const found = read(trimmed);
  if (found && "value" in found && (found.value === null || typeof found.value !== "object")) return { fixed: found.value };
  return { fixed: asNumber ?? trimmed };
}

const unquoted = (text) => { const found = /^["']/.test(text) ? read(text) : null; return typeof found?.value === "string" ? found.value : text; };
