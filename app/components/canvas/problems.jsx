// Everything that is wrong with the draft, in words; a click leads there.
import { ArrowRight, CircleCheck, CircleX, TriangleAlert, X } from "lucide-react";
import { edgeKey, plainly } from "../drawing/drawing.jsx";

export function ProblemsPanel({ work }) {
  const { problems = [], document } = work.state, sorted = [...problems].sort((a, b) => (a.severity === b.severity ? 0 : a.severity === "error" ? -1 : 1));
  const close = () => work.setPanel(null);
  const go = (problem) => {
    if (problem.node && work.nodeOf(problem.node)) work.jump(problem.node);
    else if (problem.edge !== undefined && document.edges[problem.edge]) { const edge = document.edges[problem.edge]; work.select([], [edgeKey(edge)]); work.show(edge.source); } else work.select([]);
  };
  return (
    <section className="float problems-list" aria-label="Problems" data-testid="problems-list" onKeyDown={(event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } }}>
      <div className="ch"><h2 className="t13 b">{problems.some((one) => one.severity === "error") ? "To solve before publishing" : problems.length ? "Hints" : "Problems"}</h2><span className="sp" /><button type="button" className="btn ghost ic sm" aria-label="Close" onClick={close} autoFocus><X size={16} /></button></div>
      {sorted.length ? null : <p className="none"><CircleCheck size={16} aria-hidden="true" />Nothing is wrong. The draft can be published.</p>}
      <ul>{sorted.slice(0, 200).map((problem, index) => <Problem key={index} problem={problem} work={work} go={() => go(problem)} />)}</ul>
      {sorted.length > 200 ? <p className="mut t12 nothing">and {sorted.length - 200} more</p> : null}
    </section>
  );
}

function Problem({ problem, work, go }) {
  const node = problem.node && work.nodeOf(problem.node), isError = problem.severity === "error";
  return (
    <li>
      <button type="button" className={`problem ${isError ? "failed" : "limit"}`} onClick={go}>
        {isError ? <CircleX size={16} aria-label="Problem" /> : <TriangleAlert size={16} aria-label="Hint" />}
        <span className="sp"><span className="md">{node ? work.name(node) : "The workflow"}</span><span>{plainly(problem.message, node)}</span>{problem.hint ? <span className="mut t12">{plainly(problem.hint, node)}</span> : null}</span>
        <ArrowRight size={14} aria-hidden="true" />
      </button>
    </li>
  );
}
