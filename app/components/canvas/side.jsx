// The panel at the right: what is selected, handed to the inspector in its own words.
import { useMemo } from "react";
import { Inspector } from "../inspector/inspector.jsx";

export function SidePanel({ work }) {
  const { selected, state, pins, lastRun } = work;
  const chosen = useMemo(() => chosenOf(selected, state.document), [selected, state.document]);
  // Where steps stand is nothing to the inspector: after a drag it has nothing to do.
  const document = useMemo(() => state.document, [state.structure]);
  const back = (event) => { if (event.key === "Escape" && typeof chosen === "string" && !event.defaultPrevented) { event.stopPropagation(); work.jump(chosen); } };
  return (
    <aside className="side" aria-label="Settings" data-testid="inspector" onKeyDown={back}>
      <Inspector
        workflow={{ id: work.draft.id, name: state.name, revision: state.revision }} document={document} selected={chosen} kinds={work.kindList} models={work.models} people={work.people} secrets={work.secrets}
        problems={state.problems ?? []} lastRun={lastRun} pins={pins} readOnly={!work.canEdit}
        change={(ops, label) => work.change(ops, label, { joins: `${label} ${JSON.stringify(chosen)} ${ops.map((op) => Object.keys(op.value ?? {})).join()}` })}
        select={(id) => (id ? work.jump(id) : work.select([]))} pin={work.pin} tryStep={(id, what) => work.startTry({ [{ step: "only", upto: "until", from: "from" }[what]]: id })}
      />
    </aside>
  );
}

function chosenOf(selected, document) {
  const steps = [...selected.nodes].filter((id) => !id.includes(":"));
  if (steps.length === 1 && selected.nodes.size === 1) return steps[0];
  if (!selected.nodes.size && selected.edges.size === 1) {
    const key = [...selected.edges][0], edge = document.edges.find((one) => `${one.source}.${one.port ?? "out"}->${one.target}` === key);
    return edge ? { source: edge.source, port: edge.port ?? "out", target: edge.target } : null;
  }
  return null;
}
