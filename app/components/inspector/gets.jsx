// What a step gets: the values it reads, with their latest examples, and all others to drag in or pick.

import { useState } from "react";
import { Plus } from "lucide-react";
import { available, chipOf, exampleOf, expressionsOf, flat, readBy } from "./available.js";
import { useDesk } from "./desk.jsx";
import { typeIcon } from "./icons.js";
import { pathOf } from "./reading.js";
import { Section } from "./section.jsx";
import { DRAGGED } from "./value_text.jsx";
import { brief, plural, typeOf } from "./words.js";

const drag = (expression) => (event) => {
  event.dataTransfer.setData(DRAGGED, expression);
  event.dataTransfer.setData("text/plain", `{{ ${expression} }}`);
  event.dataTransfer.effectAllowed = "copy";
};

function Row({ expression, label, type, example, isGone, about }) {
  const { readOnly, insert } = useDesk();
  const Icon = typeIcon(type);
  return (
    <div className="iv" draggable={!readOnly} onDragStart={drag(expression)} data-testid={`gets-${expression}`} title={about || expression}>
      <button type="button" className={`val${isGone ? " is-gone" : ""}`} disabled={readOnly} aria-label={`Insert ${label}`} onClick={() => insert(expression)}><Icon size={12} aria-hidden="true" /><span className="el">{label}</span></button>
      <span className="ex el">{isGone ? "this step is gone" : example === undefined ? <span className="mut">no example yet</span> : brief(example, 70)}</span>
    </div>
  );
}

export function Gets() {
  const { document, kinds, node, roles, examples, needAll, readOnly } = useDesk();
  const [isAll, setAll] = useState(false);
  const used = readBy(expressionsOf(node.config, roles));
  const groups = available(document, kinds, node.id, examples);
  const known = new Map(flat(groups).map((value) => [value.expression, value]));
  const open = () => { setAll(!isAll); needAll(); };
  const toggle = readOnly ? null : <button type="button" className="ins-link" aria-expanded={isAll} onClick={open}><Plus size={14} aria-hidden="true" />Add a value</button>;
  return (
    <Section title="What it gets" count={used.length ? plural(used.length, "value") : "nothing yet"} aside={toggle} testId="gets">
      {used.map((expression) => {
        const told = chipOf(expression, document, kinds), value = known.get(expression);
        const example = exampleOf(pathOf(expression) ?? [], examples) ?? value?.example;
        return <Row key={expression} expression={expression} label={told.label} isGone={told.isGone} type={value?.type ?? (example === undefined ? "any" : typeOf(example))} example={example} />;
      })}
      {!used.length && !isAll ? <p className="ins-none">Nothing from earlier steps is used here. Type <kbd>/</kbd> in a field to pick a value.</p> : null}
      {isAll ? (
        <div className="ins-all" data-testid="all-values">
          <p className="ins-help">Drag one into a field, or press it to put it where you wrote last.</p>
          {groups.map((group) => (
            <div key={`${group.title} ${group.node ?? ""}`}>
              <div className="ins-group">{group.title}{group.note ? `, ${group.note}` : ""}</div>
              {group.values.flatMap((value) => [value, ...value.parts.map((part) => ({ ...part, label: `${value.label} › ${part.label}` }))]).map((value) => <Row key={value.expression} {...value} />)}
            </div>
          ))}
        </div>
      ) : null}
    </Section>
  );
}
