// The kinds of steps at the left: searched, dragged onto the canvas, or clicked to follow the selected step.
import { useRef, useState } from "react";
import { Search } from "lucide-react";
import { GROUPS, kindWords, Tile } from "../drawing/drawing.jsx";
import { startDrag } from "./stage.jsx";

// Kinds in the order of the palette, grouped; `query` looks into names and descriptions.
export function grouped(kinds, query) {
  const wanted = query.trim().toLowerCase(), groups = new Map();
  for (const kind of kinds) {
    const words = kindWords(kind.kind, kind);
    if (wanted && !`${words.name} ${kind.title} ${kind.summary} ${words.group}`.toLowerCase().includes(wanted)) continue;
    (groups.get(words.group) ?? groups.set(words.group, []).get(words.group)).push({ kind, words });
  }
  const place = (group) => (GROUPS.indexOf(group) + 1 || GROUPS.length + 1);
  return [...groups].sort((a, b) => place(a[0]) - place(b[0]));
}

export function Palette({ work }) {
  const [query, setQuery] = useState(""), field = useRef(null), place = useRef(null);
  const hasStart = work.state.document.nodes.some((node) => node.kind === "start");
  const groups = grouped(work.kindList.filter((kind) => !(kind.kind === "start" && hasStart)), query);
  const onKeyDown = (event) => {
    const all = [...place.current.querySelectorAll(".pi")], at = all.indexOf(window.document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (to === undefined) { if (event.key === "Escape") field.current.blur(); return; }
    event.preventDefault();
    if (to < 0) field.current.focus(); else all[Math.min(to, all.length - 1)]?.focus();
  };
  return (
    <aside className="pal" aria-label="Steps to add" ref={place} onKeyDown={onKeyDown}>
      <label className="inp find"><Search size={14} aria-hidden="true" /><input ref={field} type="search" value={query} placeholder="Find a step" aria-label="Find a step" data-palette onChange={(event) => setQuery(event.target.value)} disabled={!work.canEdit} /><kbd>/</kbd></label>
      {groups.map(([group, entries]) => (
        <section key={group} aria-label={group}>
          <h2 className="pg">{group}</h2>
          {entries.map(({ kind, words }) => (
            <button key={kind.kind} type="button" className="pi" draggable={work.canEdit} disabled={!work.canEdit} title={kind.summary} data-kind-name={kind.kind} onDragStart={startDrag(kind.kind)} onClick={() => work.add(kind)}>
              <Tile icon={words.icon} isAi={words.isAi} small /><span className="el">{words.name}</span>
            </button>
          ))}
        </section>
      ))}
      {groups.length ? null : <p className="mut t12 nothing">No step is called that.</p>}
    </aside>
  );
}
