// A tool that is not made here, told whole: what a model reads of it, what a call does, whose it is.

import { useEffect, useState } from "react";
import { Dialog } from "../dialog/dialog.jsx";
import { rest } from "../rest/rest.js";
import { fieldsOf, TYPES } from "../inspector/schemas.js";
import { Wrong } from "./parts.jsx";
import { EFFECTS, ORIGINS } from "./words.js";
import "./tools.css";

export function ToolLook({ name, onClose }) {
  const [{ tool, wrong }, setFound] = useState({ tool: null, wrong: [] });
  useEffect(() => {
    let isOver = false;
    rest("GET", "/tools/catalog").then(({ body, error }) => {
      const found = body?.items.find((one) => one.name === name);
      if (!isOver) setFound({ tool: found ?? null, wrong: found ? [] : [error ? `${error.message} ${error.hint}` : `There is no tool ${name} any more.`] });
    });
    return () => { isOver = true; };
  }, [name]);
  return (
    <Dialog title={tool?.title || name} onClose={onClose} footer={<button type="button" className="btn" onClick={() => onClose?.()}>Close</button>}>
      <Wrong words={wrong} />
      {tool ? <Facts tool={tool} /> : wrong.length ? null : <p className="mut">Loading …</p>}
    </Dialog>
  );
}

function Facts({ tool }) {
  const facts = [
    ["Name", <span className="mono">{tool.name}</span>],
    ["What a call does", `${EFFECTS[tool.effect].word}. ${EFFECTS[tool.effect].told}`],
    ["Its results", tool.origins.map((origin) => ORIGINS[origin].word).join(". ") || "Nothing special is to be known of them."],
    ["Tells others", tool.is_outward ? "Yes: with private data a person is asked first." : "No"],
    ["Costs", tool.cost_usd ? `$${tool.cost_usd} a call` : "Nothing"],
    ["Owner", tool.owner || "Signalbox"],
  ];
  return (
    <>
      {tool.why ? <p className="banner waiting">{tool.why}</p> : null}
      <p className="tl-told">{tool.description}</p>
      <dl className="tl-facts">{facts.map(([name, told]) => [<dt key={`${name}t`}>{name}</dt>, <dd key={name}>{told}</dd>])}</dl>
      <Given schema={tool.parameters} />
    </>
  );
}

/** The arguments of a tool, to be read. */
export function Given({ schema }) {
  const fields = fieldsOf(schema);
  if (!fields.length) return <p className="mut">It is given nothing.</p>;
  return (
    <div className="col g6">
      <h3>What it is given</h3>
      <ul className="tl-list">
        {fields.map((field) => (
          <li className="tl-item" key={field.name}>
            <div className="col sp"><span><b className="md mono">{field.name}</b> <span className="mut t12">{TYPES[field.type]?.words ?? "Anything"}{field.isRequired ? "" : ", may be left out"}</span></span>{field.description ? <span className="t12">{field.description}</span> : null}</div>
          </li>
        ))}
      </ul>
    </div>
  );
}
