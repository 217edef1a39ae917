// One step of the workflow, by its title.

import { useDesk, useSetting } from "./desk.jsx";
import { Labelled } from "./fields.jsx";
import { nodeOf } from "./changes.js";
import { titleOf } from "./available.js";

export function StepPicker({ keys, label, help }) {
  const { document, kinds, node, readOnly, select } = useDesk();
  const [value, set] = useSetting(keys);
  const after = stepsAfter(document, node);
  const chosen = value ? nodeOf(document, value) : null;
  const others = value && !after.some((step) => step.id === value);
  return (
    <Labelled keys={keys} label={label} help={help}>
      {({ id, isInvalid, describedBy }) => (
        <div className="row g6">
          <select id={id} className={`ins-sel wide sp ${isInvalid ? "is-bad" : ""}`} value={value ?? ""} disabled={readOnly} aria-describedby={describedBy} data-testid={keys.join(".")} onChange={(event) => set(event.target.value || undefined, label)}>
            <option value="">No step in particular</option>
            {others ? <option value={value}>{chosen ? `${titleOf(chosen, kinds)} (not behind this step)` : `${value} (gone)`}</option> : null}
            {after.map((step) => <option key={step.id} value={step.id}>{titleOf(step, kinds)}</option>)}
          </select>
          {chosen ? <button type="button" className="btn sm" onClick={() => select(chosen.id)}>Open</button> : null}
        </div>
      )}
    </Labelled>
  );
}

/** What the step can lead to, in the order of the document. */
export function stepsAfter(document, node) {
  const seen = new Set([node.id]), queue = [node.id];
  while (queue.length) {
    const here = queue.shift();
    for (const edge of document.edges ?? []) if (edge.source === here && !edge.max_visits && !seen.has(edge.target)) { seen.add(edge.target); queue.push(edge.target); }
  }
  return (document.nodes ?? []).filter((step) => step.id !== node.id && seen.has(step.id));
}
