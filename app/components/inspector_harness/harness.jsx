import { useCallback, useEffect, useRef, useState } from "react";
import { Inspector } from "../inspector/inspector.jsx";

const get = async (address) => { const answer = await fetch(address); return answer.ok ? answer.json() : { items: [] }; };

export function Harness() {
  const [state, set] = useState(null), [selected, select] = useState(null), [pins, setPins] = useState({}), [tried, setTried] = useState("");
  const kept = useRef({ queue: Promise.resolve(), undo: [] });
  const query = new URLSearchParams(window.location.search);
  const id = query.get("workflow"), run = query.get("run");
  useEffect(() => {
    (async () => {
      const [workflow, kinds, models, people] = await Promise.all([get(`/api/v1/workflows/${id}`), get("/api/v1/kinds"), get("/api/v1/models"), get("/api/v1/users")]);
      let lastRun = null;
      if (run) {
        const steps = await get(`/api/v1/runs/${run}/steps?limit=1000`);
        lastRun = { run_id: run, mode: "test", steps: Object.fromEntries(steps.items.map(({ outputs, ...step }) => [step.node, step])) };
      }
      kept.current.revision = workflow.revision;
      set({ workflow, document: workflow.document, problems: workflow.problems, kinds: kinds.items, models: models.items, people: people.items, lastRun });
    })();
  }, []);
  const send = useCallback((body, path, method) => {
    kept.current.queue = kept.current.queue.then(async () => {
      const answer = await fetch(`/api/v1/workflows/${id}${path}`, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify({ revision: kept.current.revision, ...body }) });
      const told = await answer.json();
      if (!answer.ok) { console.error(told.error.message); return; }
      const fresh = await get(`/api/v1/workflows/${id}`);
      kept.current.revision = fresh.revision;
      set((old) => ({ ...old, document: fresh.document, problems: fresh.problems }));
    });
  }, []);
  const change = useCallback((ops, label) => { set((old) => { kept.current.undo.push([old.document, label]); return old; }); setTried(label); send({ ops }, "/ops", "POST"); }, [send]);
  const undo = () => { const last = kept.current.undo.pop(); if (last) send({ document: last[0] }, "", "PUT"); };
  const pin = useCallback((node, outputs) => setPins((old) => { const { [node]: _, ...rest } = old; return outputs ? { ...rest, [node]: outputs } : rest; }), []);
  if (!state) return null;
  return (
    <div style={{ display: "grid", gridTemplateColumns: "280px 1fr 400px", height: "100vh" }} data-testid="harness">
      <nav style={{ padding: 16, overflow: "auto" }}>
        <button className="btn sm" onClick={() => select(null)}>Workflow</button> <button className="btn sm" onClick={undo}>Undo</button>
        <p data-testid="last-label">{tried}</p>
        {state.document.nodes.map((node) => <p key={node.id}><button className="ins-link" data-testid={`step-${node.id}`} onClick={() => select(node.id)}>{node.title || node.id}</button></p>)}
        {state.document.edges.map((edge, i) => <p key={i}><button className="ins-link" data-testid={`edge-${edge.source}-${edge.port ?? "out"}-${edge.target}`} onClick={() => select({ source: edge.source, port: edge.port ?? "out", target: edge.target })}>{edge.source} {edge.port ?? ""} → {edge.target}</button></p>)}
      </nav>
      <main />
      <Inspector {...state} workflow={{ id: state.workflow.id, name: state.workflow.name, revision: state.workflow.revision }} selected={selected} select={select} pins={pins} pin={pin} readOnly={query.has("readonly")} change={change} tryStep={(node, what) => setTried(`${what} ${node}`)} />
    </div>
  );
}
