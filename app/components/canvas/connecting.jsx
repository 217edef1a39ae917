// Connecting without a mouse: which way out, and to which step; a step that cannot be reached says why.
import { useEffect, useMemo, useRef, useState } from "react";
import { Link2, X } from "lucide-react";
import { portsOf, runOrder } from "../drawing/drawing.jsx";
import { checkConnection } from "./rules.js";

export function ConnectPanel({ work }) {
  const { source } = work.panel, node = work.nodeOf(source), ports = useMemo(() => (node ? portsOf(node, work.kinds.get(node.kind)) : []), [node]);
  const [port, setPort] = useState(() => (ports.find((one) => !work.state.document.edges.some((edge) => edge.source === source && (edge.port ?? "out") === one.id)) ?? ports[0])?.id), [query, setQuery] = useState(""), [chosen, setChosen] = useState(0), list = useRef(null);
  const targets = useMemo(() => runOrder(work.state.document).map(work.nodeOf).filter((one) => one && one.id !== source && work.name(one).toLowerCase().includes(query.trim().toLowerCase()))
    .map((one) => ({ node: one, ...checkConnection(work.state.document, work.kinds, { source, port, target: one.id }) })), [work.state.document, source, port, query]);
  const close = () => { work.setPanel(null); work.jump(source); };
  useEffect(() => { list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }); }, [chosen]);
  const take = (target) => { if (!target) return; if (target.reason) { work.tell({ tone: "failed", title: "Not connected.", text: target.reason }); return; } work.setPanel(null); work.connect({ source, port, target: target.node.id }); };
  const onKeyDown = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key === "Enter" && event.target.tagName === "INPUT") { event.preventDefault(); take(targets[chosen]); }
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (side && !query && ports.length > 1) { event.preventDefault(); setPort(ports[(ports.findIndex((one) => one.id === port) + side + ports.length) % ports.length].id); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && event.target.tagName === "INPUT") { event.preventDefault(); setChosen((chosen + step + targets.length) % Math.max(1, targets.length)); }
  };
  if (!node) return null;
  return (
    <div className="picker connect" role="dialog" aria-label={`Connect “${work.name(node)}”`} onKeyDown={onKeyDown} data-testid="connect">
      <div className="row"><Link2 size={16} aria-hidden="true" /><b className="sp el">From “{work.name(node)}”</b><button type="button" className="btn ghost ic sm" aria-label="Close" onClick={close}><X size={14} /></button></div>
      {ports.length > 1 ? <div className="row wrap" role="radiogroup" aria-label="Way out">{ports.map((one) => <button key={one.id} type="button" role="radio" aria-checked={one.id === port} className={`btn sm${one.id === port ? " on" : ""}`} onClick={() => setPort(one.id)}>{one.name}</button>)}</div> : null}
      <label className="inp find"><input autoFocus value={query} placeholder="To which step?" aria-label="To which step?" onChange={(event) => { setQuery(event.target.value); setChosen(0); }} /></label>
      <div role="listbox" aria-label="Steps" ref={list}>
        {targets.map((target, index) => (
          <button key={target.node.id} type="button" role="option" tabIndex={-1} className="pi two-lines" aria-selected={index === chosen} aria-disabled={Boolean(target.reason)} onClick={() => take(target)} onPointerMove={() => setChosen(index)}>
            <span className="sp"><span className="el md">{work.name(target.node)}</span>{target.reason ? <span className="mut t12">{target.reason}</span> : target.isBack ? <span className="mut t12">Leads back: asks how many times at most</span> : null}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
