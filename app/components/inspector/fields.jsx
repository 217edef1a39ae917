// One setting: its label, its help, the control that its schema asks for, and what is wrong with it.

import { useId, useState } from "react";
import { ChevronDown, ChevronUp, CircleX, Plus, TriangleAlert, X } from "lucide-react";
import { useDesk, useDraft, useProblems, useSetting } from "./desk.jsx";
import { ExpressionField } from "./expression.jsx";
import { moved } from "./places.js";
import { Preview } from "./preview.jsx";
import { Condition } from "./rule_builder.jsx";
import { ValueText } from "./value_text.jsx";
import { duration, inWords, number, said } from "./words.js";

export function Problems({ problems, id }) {
  const node = useDesk()?.node;
  if (!problems.length) return null;
  return (
    <div id={id}>
      {problems.map((problem, i) => {
        const isError = problem.severity !== "warning", Icon = isError ? CircleX : TriangleAlert;
        return (
          <p key={i} className={`ins-bad ${isError ? "failed" : "waiting"}`} role="status">
            <Icon size={14} aria-hidden="true" /><span>{inWords(problem.message, node)} {inWords(problem.hint, node)}</span>
          </p>
        );
      })}
    </div>
  );
}

/** A label above a control, with help and problems below. `children` is called with what the control needs. */
export function Labelled({ label, help, keys, isWhole, hint, aside, children }) {
  const id = useId(), problems = useProblems(keys ?? ["\0"], isWhole);
  const isInvalid = problems.some((problem) => problem.severity !== "warning");
  const describedBy = [help ? `${id}h` : "", problems.length ? `${id}p` : ""].filter(Boolean).join(" ") || undefined;
  return (
    <div className="ins-field">
      {label ? <div className="lab"><label htmlFor={id}>{label}</label>{hint ? <span className="mut">{hint}</span> : null}<span className="sp" />{aside}</div> : null}
      {children({ id, isInvalid, describedBy })}
      {help ? <p className="ins-help" id={`${id}h`}>{help}</p> : null}
      <Problems problems={problems} id={`${id}p`} />
    </div>
  );
}

export function TextInput({ id, value, commit, label, placeholder, isInvalid, describedBy, testId, className = "", list }) {
  const { readOnly } = useDesk();
  const [draft, change, flush] = useDraft(value ?? "", commit);
  return (
    <input id={id} className={`inp ${isInvalid ? "is-bad" : ""} ${className}`} value={draft} readOnly={readOnly} aria-label={label} placeholder={placeholder} aria-invalid={isInvalid || undefined} aria-describedby={describedBy}
      list={list} data-testid={testId} autoComplete="off" onChange={(event) => change(event.target.value)} onBlur={flush} onKeyDown={(event) => { if (event.key === "Enter") flush(); }} />
  );
}

export function LongInput({ id, value, commit, label, placeholder, rows = 3, isInvalid, describedBy, testId }) {
  const { readOnly } = useDesk();
  const [draft, change, flush] = useDraft(value ?? "", commit);
  return (
    <textarea id={id} className={`ins-ta ${isInvalid ? "is-bad" : ""}`} rows={rows} value={draft} readOnly={readOnly} aria-label={label} placeholder={placeholder} aria-invalid={isInvalid || undefined} aria-describedby={describedBy}
      data-testid={testId} onChange={(event) => change(event.target.value)} onBlur={flush} />
  );
}

/** A number with its unit; empty means the default, and what is no number says so and is not kept. */
export function NumberInput({ id, value, commit, label, unit, before, fallback, isInvalid, describedBy, testId, className = "", isWholeNumber, wanted }) {
  const { readOnly } = useDesk();
  const asText = value === undefined || value === null ? "" : String(value);
  const isGood = (text) => text.trim() === "" || (Number.isFinite(Number(text)) && (!isWholeNumber || Number.isInteger(Number(text))));
  const hand = (text) => { if (isGood(text)) commit(text.trim() === "" ? undefined : Number(text)); };
  const [draft, change, flush] = useDraft(asText, hand, isGood);
  const isBad = !isGood(draft);
  const [isHere, setHere] = useState(false), help = useId();
  const told = [describedBy, isBad ? help : ""].filter(Boolean).join(" ") || undefined;
  return (
    <span className={`ins-number ${className}`}>
      <span className={`inp num ${isInvalid || isBad ? "is-bad" : ""} ${className}`}>
        {before ? <span className="mut">{before}</span> : null}
        <input id={id} inputMode="decimal" value={isHere || isBad || !draft.trim() ? draft : number(draft)} readOnly={readOnly} aria-label={label} placeholder={fallback === undefined || fallback === null ? "" : number(fallback)} aria-invalid={isInvalid || isBad || undefined}
          aria-describedby={told} data-testid={testId} autoComplete="off"
          onChange={(event) => change(event.target.value.replace(",", "."))} onFocus={() => setHere(true)} onBlur={() => { setHere(false); flush(); }} onKeyDown={(event) => { if (event.key === "Enter") flush(); }} />
        {unit ? <span className="mut">{unit}</span> : null}
      </span>
      {isBad ? <span className="ins-bad failed" id={help} role="status">{wanted ?? (isWholeNumber ? "Write a whole number like 20" : "Write a number like 20")}</span> : null}
    </span>
  );
}

const UNITS = [[1, "seconds"], [60, "minutes"], [3600, "hours"], [86400, "days"]];

/** Seconds, written in whatever unit reads best. */
export function DurationInput({ id, value, commit, label, isInvalid, describedBy, testId, none = "No limit" }) {
  const { readOnly } = useDesk();
  const best = UNITS.findLast(([size]) => value && value % size === 0)?.[0] ?? 1;
  const [size, setSize] = useState(best);
  const shown = value ? (value % size === 0 ? size : best) : size;
  return (
    <span className="row g6">
      <NumberInput id={id} value={value ? value / shown : undefined} commit={(amount) => commit(amount === undefined ? undefined : amount * shown)} label={label} isInvalid={isInvalid} describedBy={describedBy} testId={testId} className="sp" />
      <select className="ins-sel" value={shown} disabled={readOnly} aria-label={`Unit of ${label}`} onChange={(event) => { const next = Number(event.target.value); setSize(next); if (value) commit((value / shown) * next); }}>
        {UNITS.map(([seconds, words]) => <option key={seconds} value={seconds}>{words}</option>)}
      </select>
      <span className="mut t12" style={{ minWidth: 56 }}>{value ? (shown === 1 && value >= 60 ? duration(value) : "") : none}</span>
    </span>
  );
}

export function Choice({ id, value, commit, label, choices, isInvalid, describedBy, testId }) {
  const { readOnly } = useDesk();
  const isKnown = choices.some(([choice]) => choice === value);
  return (
    <select id={id} className={`ins-sel wide ${isInvalid ? "is-bad" : ""}`} value={isKnown ? String(value) : "\0"} disabled={readOnly} aria-label={label} aria-invalid={isInvalid || undefined} aria-describedby={describedBy} data-testid={testId}
      onChange={(event) => commit(choices.find(([choice]) => String(choice) === event.target.value)[0])}>
      {isKnown ? null : <option value={"\0"} disabled>{value === undefined || value === null || value === "" ? "Choose one" : `${value} (not known here)`}</option>}
      {choices.map(([choice, words]) => <option key={String(choice)} value={String(choice)}>{words}</option>)}
    </select>
  );
}

export function Switch({ id, value, commit, label, help, testId }) {
  const { readOnly } = useDesk();
  return (
    <label className="ins-switch" htmlFor={id}>
      <input type="checkbox" role="switch" id={id} checked={Boolean(value)} disabled={readOnly} data-testid={testId} onChange={(event) => commit(event.target.checked)} />
      <span className="col"><span className="md">{label}</span>{help ? <span className="ins-help">{help}</span> : null}</span>
    </label>
  );
}

/** 0 to 1 as a slider with its number. */
export function Share({ id, value, commit, label, fallback, describedBy, testId }) {
  const { readOnly } = useDesk();
  const [draft, change, flush] = useDraft(value ?? fallback ?? 0, commit);
  return (
    <span className="row g12">
      <input type="range" className="sp" id={id} min="0" max="1" step="0.05" value={draft} disabled={readOnly} aria-label={label} aria-describedby={describedBy} data-testid={testId} onChange={(event) => change(Number(event.target.value))} onBlur={flush} onPointerUp={flush} />
      <b className="num t12" style={{ width: 32, textAlign: "right" }}>{Number(draft).toFixed(2)}</b>
    </span>
  );
}

/** A template with its preview; whoever wants can see it as it is written. */
export function TemplateField({ value, commit, label, isLine, rows, placeholder, isInvalid, describedBy, name }) {
  return (
    <>
      <ValueText value={value ?? ""} commit={commit} label={label} isLine={isLine} placeholder={placeholder} isInvalid={isInvalid} describedBy={describedBy} testId={`text-${name}`} rows={rows} />
      {String(value ?? "").includes("{{") ? <Preview template={value} name={name} /> : null}
    </>
  );
}

export function ExpressionWithPreview({ value, commit, label, isInvalid, describedBy, name, isCondition }) {
  if (isCondition) return <Condition value={value ?? ""} commit={commit} label={label} isInvalid={isInvalid} name={name} />;
  return (
    <>
      <ExpressionField value={value ?? ""} commit={commit} label={label} isInvalid={isInvalid} describedBy={describedBy} testId={`expression-${name}`} />
      {value?.trim() ? <Preview expression={value} name={name} /> : null}
    </>
  );
}

/** Several texts, one below the other. */
export function TextList({ keys, label, isTemplate, placeholder, one = "one more" }) {
  const { readOnly } = useDesk();
  const [value, set] = useSetting(keys);
  const items = Array.isArray(value) ? value : [];
  const put = (i, text) => set(items.map((old, at) => (at === i ? text : old)), label);
  return (
    <div className="ins-texts">
      {items.map((item, i) => (
        <div className="row g4" key={i}>
          <span className="sp">
            {isTemplate ? <ValueText isLine value={String(item)} commit={(text) => put(i, text)} label={`${label} ${i + 1}`} placeholder={placeholder} testId={`${keys.join(".")}.${i}`} />
              : <TextInput value={String(item)} commit={(text) => put(i, text)} label={`${label} ${i + 1}`} placeholder={placeholder} />}
          </span>
          {readOnly ? null : <RowButtons i={i} count={items.length} move={(to) => set(moved(items, i, to), label)} remove={() => set(items.filter((_, at) => at !== i), label)} name={`${said(label)} ${i + 1}`} hasOrder={false} />}
        </div>
      ))}
      {readOnly ? null : <button type="button" className="ins-link" onClick={() => set([...items, ""], label)}><Plus size={14} aria-hidden="true" />{one}</button>}
    </div>
  );
}

export function RowButtons({ i, count, move, remove, name, hasOrder = true }) {
  return (
    <span className="ins-rowbuttons">
      {hasOrder && count > 1 ? (
        <>
          <button type="button" aria-label={`Move ${name} up`} disabled={i === 0} onClick={() => move(i - 1)}><ChevronUp size={14} aria-hidden="true" /></button>
          <button type="button" aria-label={`Move ${name} down`} disabled={i === count - 1} onClick={() => move(i + 1)}><ChevronDown size={14} aria-hidden="true" /></button>
        </>
      ) : null}
      <button type="button" aria-label={`Remove ${name}`} onClick={remove}><X size={14} aria-hidden="true" /></button>
    </span>
  );
}
