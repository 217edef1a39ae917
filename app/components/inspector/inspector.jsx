// The right side of the builder: one step, one connection, or the workflow itself.

import { useEffect, useMemo, useState } from "react";
import { Workflow } from "lucide-react";
import { Desk, useBodies } from "./desk.jsx";
import { nodeOf } from "./changes.js";
import { EdgeSettings } from "./edge_settings.jsx";
import { Step } from "./step.jsx";
import { WorkflowSettings } from "./workflow_settings.jsx";
import "./inspector.css";

const WAIT_MS = 900;
const NO_PINS = {};

export function Inspector({ workflow, document, selected, kinds, models = [], people = [], secrets = [], problems = [], lastRun = null, pins = NO_PINS, readOnly = false, change, select, pin, tryStep }) {
  const [bodies, need] = useBodies(lastRun);
  const worst = useWorstCase(document);
  const desk = useMemo(() => ({
    workflow, document, kinds, models, people, secrets, problems, lastRun, pins: pins ?? NO_PINS, readOnly, change, select, pin, tryStep, bodies, need,
    worstCase: worst?.worst_case ?? null, worstOf: (id) => worst?.steps?.[id] ?? null,
  }), [workflow, document, kinds, models, people, secrets, problems, lastRun, pins, readOnly, change, select, pin, tryStep, bodies, need, worst]);
  const isEdge = selected !== null && typeof selected === "object";
  const node = typeof selected === "string" ? nodeOf(document, selected) : null;
  return (
    <Desk.Provider value={desk}>
      <div className="ins-body" data-testid="inspector-body" data-step={node?.id ?? ""}>
        {isEdge ? <EdgeSettings selected={selected} /> : node ? <Step key={node.id} node={node} /> : <><Nothing /><WorkflowSettings /></>}
      </div>
    </Desk.Provider>
  );
}

function Nothing() {
  return (
    <div className="ins-head">
      <span className="tile l"><Workflow size={18} aria-hidden="true" /></span>
      <div className="sp"><h2 className="t14 b">The whole workflow</h2><div className="mut t12">Select a step to set what it does.</div></div>
    </div>
  );
}

/** What the document can use at most, in all and for each step; asked again some time after a change. */
function useWorstCase(document) {
  const [found, show] = useState(null);
  useEffect(() => {
    const asking = new AbortController();
    const timer = setTimeout(() => {
      fetch("/api/v1/workflows/validate", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(document), signal: asking.signal })
        .then((answer) => (answer.ok ? answer.json() : null)).then((checked) => checked && show(checked))
        // Nobody answers: the figures stay what they were, and the page says that the connection is lost.
        .catch(() => null);
    }, found ? WAIT_MS : 0);
    return () => { clearTimeout(timer); asking.abort(); };
  }, [document]);
  return found;
}
