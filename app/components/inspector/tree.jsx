// A JSON value as a tree that can be read, opened part by part, and copied.

import { useState } from "react";
import { ChevronDown, ChevronRight, Copy } from "lucide-react";
import { useDesk } from "./desk.jsx";
import { spelled } from "./reading.js";
import { DRAGGED } from "./value_text.jsx";
import { brief, plural, said } from "./words.js";

const MOST = 50;
const LONG = 160;

export async function copy(text) {
  // Without https there is no clipboard; then the text is there to be selected.
  await navigator.clipboard?.writeText(text);
}

export function Tree({ value, path = [], depth = 0 }) {
  if (value === null || typeof value !== "object") return <Leaf value={value} />;
  const entries = Array.isArray(value) ? value.map((item, i) => [i, item]) : Object.entries(value);
  if (!entries.length) return <span className="mut t12">{Array.isArray(value) ? "empty list" : "nothing in it"}</span>;
  return <ul className="ins-tree">{entries.slice(0, MOST).map(([key, inner]) => <Branch key={key} name={key} value={inner} path={[...path, key]} depth={depth} />)}
    {entries.length > MOST ? <li className="mut t12">{plural(entries.length - MOST, "more")}</li> : null}</ul>;
}

function Leaf({ value }) {
  const [isOpen, setOpen] = useState(false);
  if (typeof value !== "string") return <b className="num">{brief(value)}</b>;
  const isLong = value.length > LONG;
  return (
    <span className="ins-leaf">
      {isLong && !isOpen ? `${value.slice(0, LONG)}…` : value || <span className="mut">empty text</span>}
      {isLong ? <button type="button" className="ins-link" onClick={() => setOpen(!isOpen)}>{isOpen ? "Less" : "All of it"}</button> : null}
    </span>
  );
}

function Branch({ name, value, path, depth }) {
  const [isOpen, setOpen] = useState(depth < 1);
  const isParent = value !== null && typeof value === "object" && Object.keys(value).length > 0;
  const { node } = useDesk();
  const expression = spelled(["nodes", node.id, ...path]);
  const label = typeof name === "number" ? `No. ${name + 1}` : said(name);
  const drag = (event) => { event.stopPropagation(); event.dataTransfer.setData(DRAGGED, expression); event.dataTransfer.setData("text/plain", `{{ ${expression} }}`); };
  return (
    <li>
      <div className="ins-node" draggable onDragStart={drag}>
        {isParent
          ? <button type="button" className="ins-fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? <ChevronDown size={12} aria-hidden="true" /> : <ChevronRight size={12} aria-hidden="true" />}<span className="mut">{label}</span></button>
          : <span className="mut ins-key">{label}</span>}
        {isParent ? (isOpen ? null : <span className="el mut t12">{brief(value, 40)}</span>) : <Tree value={value} path={path} depth={depth + 1} />}
        <button type="button" className="ins-copy" aria-label={`Copy ${label}`} title={`Copy the value. In expressions it is ${expression}`} onClick={() => copy(typeof value === "string" ? value : JSON.stringify(value, null, 2))}><Copy size={12} aria-hidden="true" /></button>
      </div>
      {isParent && isOpen ? <Tree value={value} path={path} depth={depth + 1} /> : null}
    </li>
  );
}
