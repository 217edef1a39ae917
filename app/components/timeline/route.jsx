// The way that a run took, drawn on the workflow as it was: frozen, with taken edges and the state of each step.
import { memo, useEffect, useMemo, useState } from "react";
import { useReactFlow } from "@xyflow/react";
import { Lock, Maximize2, Minimize2 } from "lucide-react";
import { Drawing, edgeKey } from "../drawing/drawing.jsx";
import { agentsOf, nodeWord, standsFor, turnsOf } from "./agents.js";
import { isInside } from "../drawing/inside.js";
import { placeOf, takenOf } from "./rows.js";
import { amount, counted, length, stepStatus } from "./words.js";

const MOST_TURNS = 10; // unless the step says otherwise
const CLOSE = 0.7;
const SETTLED_MS = 250;

// Keeps the step that somebody looks at in the middle, large enough to be read.
function Follow({ node, isWide }) {
  const flow = useReactFlow();
  useEffect(() => {
    // The drawing first shows all of itself; a little later it comes closer.
    const later = setTimeout(() => {
      if (isWide) return void flow.fitView({ padding: 0.08, maxZoom: 1 });
      const found = flow.getInternalNode(node);
      const at = found?.internals.positionAbsolute;
      if (at) flow.setCenter(at.x + (found.width ?? 240) / 2, at.y + (found.height ?? 80) / 2, { zoom: CLOSE });
    }, SETTLED_MS);
    return () => clearTimeout(later);
  }, [flow, node, isWide]);
  return null;
}

function statusesOf(run, book) {
  const told = {};
  const seen = new Map();
  for (const step of run.steps.values()) if (!isInside(step.node)) (seen.get(step.node) ?? seen.set(step.node, []).get(step.node)).push(step);
  const isOver = run.endedAt !== null;
  for (const id of book.nodes.keys()) if (isOver && !seen.has(id)) told[id] = { tone: "skipped", word: run.status === "succeeded" ? "Not needed" : "Not reached" };
  for (const [node, steps] of seen) {
    const items = steps.filter((step) => /\[\d+\]/.test(step.path));
    const worst = items.find((step) => step.status === "failed") ?? items.find((step) => step.status === "in_doubt") ?? items.find((step) => step.status === "running") ?? steps.at(-1);
    const status = stepStatus(run, worst);
    const spent = steps.reduce((sum, step) => sum + step.spent.cost_micro, 0);
    const worked = steps.flatMap((step) => step.spans).reduce((sum, span) => sum + (span.kind === "work" && span.to ? span.to - span.from : 0), 0);
    const last = steps.at(-1), place = placeOf(last.path), most = book.rounds.get(place.loop), round = place.rounds.at(-1);
    const isRunning = last.status === "running" || last.status === "waiting";
    const word = last.box && last.box.items !== null && isRunning ? `${last.box.ended} / ${last.box.items}` : isRunning && most && round > 1 ? `${status.word}, ${round} / ${most}` : items.length > 1 ? `${items.filter((step) => step.status === "done").length} of ${items.length} done` : steps.length > 1 ? `${status.word}, ${steps.length} rounds` : status.word;
    const agent = agentsOf(run).get(last.path);
    if (agent && items.length < 2) { told[node] = agentStatus(run, book, agent, last); continue; }
    told[node] = { tone: status.tone, word, amount: spent ? amount("cost_micro", spent) : worked >= 100 ? length(worked) : "" };
  }
  return told;
}

function agentStatus(run, book, agent, step) {
  const status = stepStatus(run, standsFor(agent, step)), most = book.nodes.get(agent.node)?.config?.max_turns;
  const spent = agent.steps.reduce((sum, one) => sum + one.spent.cost_micro, 0), turns = turnsOf(agent).length;
  const word = step.status === "running" ? nodeWord(agent, most ?? MOST_TURNS) || status.word : `${status.word}${turns ? `, ${counted(turns, "turn")}` : ""}`;
  return { tone: status.tone, word: word.charAt(0).toUpperCase() + word.slice(1), amount: spent ? amount("cost_micro", spent) : "" };
}

export const Route = memo(function Route({ run, book, version, dark, node, hot, isWide, onWide, onSelect, onHover }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    // Where the column is hidden nothing is drawn: there is no room to measure.
    const width = window.matchMedia("(min-width: 1101px)");
    const look = () => setShown(width.matches);
    look();
    width.addEventListener("change", look);
    return () => width.removeEventListener("change", look);
  }, []);
  const statuses = useMemo(() => statusesOf(run, book), [run, book, version]);
  const taken = useMemo(() => takenOf(run, book, edgeKey), [run, book, version]);
  return (
    <section className="rn-route" aria-label="Route taken">
      <div className="row rn-vh">
        <h2 className="t13 b">Route taken</h2><span className="sp" />
        <span className="mut row g4 t12"><Lock size={12} aria-hidden="true" />{run.version === null ? "draft" : `v${run.version}`}</span>
        <button type="button" className="btn sm ic ghost" onClick={onWide} aria-pressed={isWide} aria-label={isWide ? "Narrow drawing" : "Wide drawing"}>{isWide ? <Minimize2 size={14} aria-hidden="true" /> : <Maximize2 size={14} aria-hidden="true" />}</button>
      </div>
      <div className="rn-canvas" onMouseOver={(event) => onHover(event.target.closest?.("[data-step]")?.dataset.step ?? "")} onMouseLeave={() => onHover("")}>
        {hot ? <style>{`.rn-canvas [data-step="${CSS.escape(hot)}"]{outline:2px solid var(--accent-line);outline-offset:2px}`}</style> : null}
        {isShown && book.document ? (
          <Drawing document={book.document} kinds={[]} statuses={statuses} taken={taken} selected={node} onSelect={(id) => id && onSelect(id)} dark={dark} mini={isWide} label="Route taken">
            <Follow node={node} isWide={isWide} />
          </Drawing>
        ) : null}
      </div>
      <div className="rn-key t12 mut" aria-hidden="true"><span><i className="tk" />Taken</span><span><i className="bk" />Sent back</span><span><i />Not taken</span></div>
    </section>
  );
});
