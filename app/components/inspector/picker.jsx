// The list of values that a step can read, with live examples, to pick from by mouse or keys.

import { useEffect, useMemo, useRef } from "react";
import { available, flat } from "./available.js";
import { useDesk } from "./desk.jsx";
import { typeIcon } from "./icons.js";
import { brief } from "./words.js";

const MOST = 60;

/** The values that fit what was typed, those whose name begins with it first. */
export function useChoices(query, isOpen) {
  const desk = useDesk();
  const { document, kinds, node, examples, needAll, extra } = desk;
  useEffect(() => { if (isOpen) needAll(); }, [isOpen, needAll]);
  return useMemo(() => {
    if (!isOpen || !node) return [];
    const wanted = query.trim().toLowerCase();
    const all = flat([...(extra ?? []), ...available(document, kinds, node.id, examples)]);
    if (!wanted) return all.slice(0, MOST);
    const rank = (value) => {
      if (value.expression.toLowerCase() === wanted) return -1;
      const label = value.label.toLowerCase(), title = value.group.title.toLowerCase();
      if (label.startsWith(wanted) || value.expression.startsWith(wanted)) return 0;
      return [label, title, value.expression, `${title} ${label}`].some((text) => text.includes(wanted)) ? 1 : 2;
    };
    return all.map((value, i) => [rank(value), i, value]).filter(([found]) => found < 2).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , value]) => value).slice(0, MOST);
  }, [document, kinds, node?.id, examples, extra, query, isOpen]);
}

/** Moves through the list by keys; true when the key was meant for the list. */
export function listKey(event, { choices, active, setActive, pick, close, isSettled = true }) {
  if (!choices.length && event.key !== "Escape") return false;
  switch (event.key) {
    case "ArrowDown": setActive((active + 1) % choices.length); break;
    case "ArrowUp": setActive((Math.max(active, 0) - 1 + choices.length) % choices.length); break;
    // What stands in the field already is kept by Enter, as long as nobody has moved in the list.
    case "Enter": case "Tab": if (active < 0 && (isSettled || event.key === "Tab")) return false; pick(choices[Math.max(0, Math.min(active, choices.length - 1))]); break;
    case "Escape": close(); break;
    default: return false;
  }
  event.preventDefault();
  event.stopPropagation();
  return true;
}

export function ValueList({ id, choices, active, pick, query, children }) {
  const here = useRef(null);
  useEffect(() => { here.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }); }, [active, choices]);
  let group = null;
  return (
    <div className="ins-list" role="listbox" id={id} aria-label="Values that can be used here" ref={here} data-testid="value-list">
      {choices.length === 0 && !children ? <p className="ins-none">{query ? `No value is called “${query}”.` : "No step before this one makes a value."}</p> : null}
      {choices.map((value, i) => {
        const Icon = typeIcon(value.type), head = value.group !== group ? value.group : null;
        group = value.group;
        return [
          head ? <div className="ins-group" role="presentation" key={`${value.expression}^`}>{head.title}{head.note ? `, ${head.note}` : ""}</div> : null,
          <div key={value.expression} id={`${id}-${i}`} role="option" aria-selected={i === active} className="ins-option" title={value.about || value.expression}
            onPointerDown={(event) => { event.preventDefault(); pick(value); }}>
            <span className="val"><Icon size={12} aria-hidden="true" />{value.label}</span>
            <span className="ex el">{value.example === undefined ? "" : brief(value.example, 60)}</span>
          </div>,
        ];
      })}
      {children}
    </div>
  );
}
