// Values of a step as people read them: names and values, long ones folded; text is shown as text and never as markup.
import { useState } from "react";
import { deciders, sentence } from "../drawing/words.js";
import { useBody } from "./use_run.js";

const LONG = 600;
const MOST_PARTS = 12;

export function Body({ value, title, empty }) {
  const body = useBody(value);
  return (
    <section className="rn-values" aria-label={title}>
      <h3 className="t12">{title}</h3>
      {body.isLoading ? <p className="mut t12">Loading…</p> : body.hasFailed ? <p className="t12">This could not be loaded just now. It is kept; open the step again.</p> : <Table value={body.value} empty={empty} />}
    </section>
  );
}

export function Table({ value, empty }) {
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  if (value === null || value === undefined || (isObject && !Object.keys(value).length)) return <p className="mut t12">{empty}</p>;
  if (!isObject) return <div className="one"><Value value={value} /></div>;
  return <dl>{Object.entries(value).map(([name, one]) => <Line key={name} name={name} value={one} />)}</dl>;
}

function Line({ name, value }) {
  const isDeciders = name === "approvers" && value !== null && typeof value === "object" && !Array.isArray(value);
  return <div><dt>{isDeciders ? "Who decides" : sentence(name)}</dt><dd>{isDeciders ? deciders(value) : <Value value={value} />}</dd></div>;
}

export function Value({ value, depth = 0 }) {
  if (value === null || value === undefined) return <span className="mut">nothing</span>;
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "number") return <span className="num">{value.toLocaleString("en-US", { maximumFractionDigits: 6 })}</span>;
  if (typeof value === "string") return value === "" ? <span className="mut">empty</span> : <Text text={value} />;
  if (Array.isArray(value) && !value.length) return <span className="mut">none</span>;
  if (Array.isArray(value) && value.every((one) => ["string", "number"].includes(typeof one)) && value.join(", ").length < 200) return value.join(", ");
  const parts = Object.entries(value);
  if (!parts.length) return <span className="mut">none</span>;
  if (depth < 2 && !Array.isArray(value) && parts.length <= MOST_PARTS) return <dl className="parts">{parts.map(([name, one]) => <div key={name}><dt>{sentence(name)}</dt><dd><Value value={one} depth={depth + 1} /></dd></div>)}</dl>;
  return <Text text={JSON.stringify(value, null, 1)} isCode />;
}

export function Text({ text, isCode = false }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > LONG;
  return (
    <>
      <span className={isCode ? "text mono" : "text"}>{isLong && !isWhole ? `${text.slice(0, LONG)}…` : text}</span>
      {isLong ? <button type="button" className="more" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>{isWhole ? "Show less" : `Show all ${text.length.toLocaleString("en-US")} letters`}</button> : null}
    </>
  );
}
