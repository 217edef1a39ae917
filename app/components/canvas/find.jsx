// Finds steps and texts in their settings; Enter jumps to the next one.
import { useMemo, useState } from "react";
import { Replace, Search, X } from "lucide-react";
import { kindWords } from "../drawing/drawing.jsx";

const textsOf = (value) => (typeof value === "string" ? [value] : value && typeof value === "object" ? Object.values(value).flatMap(textsOf) : []);

function swapped(value, from, to) {
  if (typeof value === "string") return value.replaceAll(from, to);
  if (Array.isArray(value)) return value.map((item) => swapped(item, from, to));
  return value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, swapped(item, from, to)])) : value;
}

export function FindPanel({ work }) {
  const [query, setQuery] = useState(""), [other, setOther] = useState(""), [at, setAt] = useState(-1);
  const found = useMemo(() => {
    const wanted = query.trim().toLowerCase();
    if (!wanted) return [];
    return work.state.document.nodes.flatMap((node) => {
      const own = [work.name(node), kindWords(node.kind, work.kinds.get(node.kind)).name, node.note ?? ""].find((text) => text.toLowerCase().includes(wanted));
      const inside = textsOf(node.config ?? {}).find((text) => text.toLowerCase().includes(wanted));
      return own || inside ? [{ node, told: inside && !own ? around(inside, wanted) : "" }] : [];
    });
  }, [query, work.state.document]);
  const go = (index) => { if (!found.length) return; const next = (index + found.length) % found.length; setAt(next); work.select([found[next].node.id]); work.show(found[next].node.id); };
  const close = () => work.setPanel(null);
  const replace = () => {
    const ops = found.flatMap(({ node }) => {
      const config = swapped(node.config ?? {}, query, other), title = node.title?.replaceAll(query, other);
      const value = { ...(JSON.stringify(config) !== JSON.stringify(node.config ?? {}) ? { config } : {}), ...(title !== node.title ? { title } : {}) };
      return Object.keys(value).length ? [{ op: "update", target: "node", id: node.id, value }] : [];
    });
    work.change(ops, "Replace");
    work.tell({ tone: "done", text: `Replaced in ${ops.length} ${ops.length === 1 ? "step" : "steps"}.`, act: { word: "Undo", do: work.draft.undo } });
  };
  return (
    <section className="float find-panel" aria-label="Find" onKeyDown={(event) => { event.stopPropagation(); if (event.key === "Escape") close(); }}>
      <div className="row"><label className="inp sp"><Search size={14} aria-hidden="true" /><input autoFocus value={query} placeholder="Find a step or a text" aria-label="Find a step or a text" onChange={(event) => { setQuery(event.target.value); setAt(-1); }} onKeyDown={(event) => { if (event.key === "Enter") go(at + (event.shiftKey ? -1 : 1)); }} /><span className="mut t12 num">{query ? `${found.length ? Math.max(0, at) + 1 : 0} of ${found.length}` : ""}</span></label><button type="button" className="btn ghost ic sm" aria-label="Close" onClick={close}><X size={14} /></button></div>
      {work.canEdit && query ? <div className="row"><label className="inp sp"><Replace size={14} aria-hidden="true" /><input value={other} placeholder="Replace by" aria-label="Replace by" onChange={(event) => setOther(event.target.value)} /></label><button type="button" className="btn sm" disabled={!found.length} onClick={replace}>Replace all</button></div> : null}
      <ul>{found.slice(0, 50).map(({ node, told }, index) => <li key={node.id}><button type="button" className={`pi two-lines${index === at ? " on" : ""}`} onClick={() => go(index)}><span className="sp"><span className="el md">{work.name(node)}</span>{told ? <span className="mut t12 el">{told}</span> : null}</span></button></li>)}</ul>
    </section>
  );
}

function around(text, wanted) {
  const at = text.toLowerCase().indexOf(wanted), from = Math.max(0, at - 20);
  return `${from ? "…" : ""}${text.slice(from, at + wanted.length + 30).replace(/\s+/g, " ")}`;
}
