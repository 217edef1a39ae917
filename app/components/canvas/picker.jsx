// The picker beside the pointer: only what fits at the place where it was opened.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Search } from "lucide-react";
import { Tile } from "../drawing/drawing.jsx";
import { grouped } from "./palette.jsx";
import { kindsThatFit } from "./rules.js";

const WIDTH = 264, MARGIN = 8;

export function Picker({ work }) {
  const { where = {}, at } = work.panel, [query, setQuery] = useState(""), [chosen, setChosen] = useState(0), place = useRef(null), back = useRef(window.document.activeElement);
  const { document } = work.state, edge = where.edge, source = where.from?.source ?? edge?.source, inside = where.from?.port === "item" || document.nodes.find((node) => node.id === source)?.parent;
  const fitting = kindsThatFit(work.kindList, document, { from: source, to: edge?.target ?? where.to, inside });
  const groups = grouped(fitting, query), flat = groups.flatMap(([, entries]) => entries);
  const close = (isDone) => { work.setPanel(null); if (!isDone) back.current?.focus?.(); };
  const take = (entry) => { if (!entry) return; close(true); work.add(entry.kind, where); };
  useEffect(() => {
    const away = (event) => { if (!place.current?.contains(event.target)) work.setPanel(null); };
    window.document.addEventListener("pointerdown", away);
    return () => window.document.removeEventListener("pointerdown", away);
  }, []);
  useLayoutEffect(() => { place.current.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }); }, [chosen]);
  const onKeyDown = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key === "Enter") { event.preventDefault(); take(flat[chosen]); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); setChosen((chosen + step + flat.length) % Math.max(1, flat.length)); }
  };
  const left = Math.max(MARGIN, Math.min((at?.x ?? window.innerWidth / 2 - WIDTH / 2) + 4, window.innerWidth - WIDTH - MARGIN));
  const height = Math.min(420, window.innerHeight - 2 * MARGIN), top = Math.max(MARGIN, Math.min(at?.y ?? 120, window.innerHeight - height - MARGIN));
  return (
    <div className="picker" ref={place} role="dialog" aria-label="Add a step" style={{ left, top, width: WIDTH, maxHeight: height }} onKeyDown={onKeyDown} data-testid="picker">
      <label className="inp find"><Search size={14} aria-hidden="true" /><input autoFocus value={query} placeholder="Which step?" aria-label="Which step?" role="combobox" aria-expanded="true" aria-controls="picker-list" aria-activedescendant={flat[chosen] ? `pick-${flat[chosen].kind.kind}` : undefined} onChange={(event) => { setQuery(event.target.value); setChosen(0); }} /></label>
      <div id="picker-list" role="listbox" aria-label="Steps that fit">
        {groups.map(([group, entries]) => (
          <div key={group} role="group" aria-label={group}>
            <div className="pg">{group}</div>
            {entries.map((entry) => (
              <button key={entry.kind.kind} id={`pick-${entry.kind.kind}`} type="button" role="option" tabIndex={-1} className="pi" aria-selected={flat[chosen] === entry} title={entry.kind.summary} onPointerMove={() => setChosen(flat.indexOf(entry))} onClick={() => take(entry)}>
                <Tile icon={entry.words.icon} isAi={entry.words.isAi} small /><span className="el">{entry.words.name}</span>
              </button>
            ))}
          </div>
        ))}
        {flat.length ? null : <p className="mut t12 nothing">No step that fits here is called that.</p>}
      </div>
    </div>
  );
}
