// Finds a tool in the catalog: by what it is called or does, by mouse or keys.

import { useEffect, useId, useRef, useState } from "react";
import { Check, Search } from "lucide-react";
import { effectWord, iconOf, searched, useCatalog } from "./catalog.js";

const NOTHING = {
  loading: "The tools are loading.", away: "The tools could not be loaded. What is set here stays; look again in a moment.",
  refused: "Your role does not let you see the tools. Write the name of one.",
};

/** The panel with the field and what was found. `chosen` are names that are taken already; `pick` gets a name and the tool, if it is known. */
export function ToolSearch({ chosen, pick, close, label }) {
  const { tools, state } = useCatalog(), id = useId(), list = useRef(null);
  const [query, setQuery] = useState(""), [active, setActive] = useState(0);
  const found = searched(tools, query), name = query.trim();
  const isNew = /^[A-Za-z][\w-]{0,63}$/.test(name) && !tools.some((tool) => tool.name === name) && !chosen.includes(name) && (state === "refused" || (state === "ready" && !found.length));
  useEffect(() => { list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }); }, [active]);
  const can = (tool) => !chosen.includes(tool.name) && !tool.whyNot;
  const take = (tool) => { if (tool && can(tool)) pick(tool.name, tool); };
  const keyDown = (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (moves && found.length) setActive((Math.min(active, found.length - 1) + moves + found.length) % found.length);
    else if (event.key === "Enter") { if (isNew) pick(name, null); else take(found[active]); }
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="ins-tools-find" data-testid="tool-search">
      <div className="inp"><Search size={14} aria-hidden="true" /><input autoFocus value={query} aria-label={label} placeholder="Find a tool by name or by what it does" role="combobox" aria-expanded="true" aria-controls={id} aria-autocomplete="list" autoComplete="off" spellCheck={false}
        aria-activedescendant={found.length ? `${id}-${Math.min(active, found.length - 1)}` : undefined} onChange={(event) => { setQuery(event.target.value); setActive(0); }} onKeyDown={keyDown} /></div>
      <div className="ins-tools-list" role="listbox" id={id} ref={list} aria-label="Tools" tabIndex={-1}>
        {found.map((tool, i) => <Option key={tool.name} id={`${id}-${i}`} tool={tool} isActive={i === active} isChosen={chosen.includes(tool.name)} onPick={() => take(tool)} onOver={() => setActive(i)} />)}
      </div>
      {isNew ? <button type="button" className="ins-link" onClick={() => pick(name, null)}>Use the name “{name}”, which no tool has yet</button> : null}
      {found.length || isNew ? null : <p className="ins-none">{state !== "ready" ? NOTHING[state] : tools.length ? `No tool fits “${name}”.` : <>There are no tools yet. <a href="/settings#tools">Make one in Settings</a>, and it shows here.</>}</p>}
      <button type="button" className="btn sm" onClick={close}>Done</button>
    </div>
  );
}

function Option({ id, tool, isActive, isChosen, onPick, onOver }) {
  const Icon = iconOf(tool);
  return (
    <div id={id} role="option" aria-selected={isActive} aria-disabled={isChosen || Boolean(tool.whyNot)} className="ins-tool-option" data-tool={tool.name} onPointerDown={(event) => { event.preventDefault(); onPick(); }} onPointerMove={onOver}>
      <span className="tile s"><Icon size={14} aria-hidden="true" /></span>
      <span className="col sp"><span className="md el">{tool.title}</span><span className="t12 mut el">{tool.whyNot || tool.description || tool.name}</span></span>
      {isChosen ? <span className="st done t12"><Check size={14} aria-hidden="true" />Chosen</span> : <span className="t12 mut">{effectWord(tool)}</span>}
    </div>
  );
}
