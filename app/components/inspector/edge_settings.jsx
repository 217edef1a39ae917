// One connection: where it comes from, where it leads, and of a way back how often it may be taken.

import { useId } from "react";
import { ArrowRight, RotateCcw, Trash2 } from "lucide-react";
import { Form, useDesk } from "./desk.jsx";
import { Choice, Labelled, NumberInput, Problems } from "./fields.jsx";
import { edgeKey, edgeOf, nodeOf } from "./changes.js";
import { backEdges } from "../drawing/layout.js";
import { edgeKey as drawnKey, portsOf } from "../drawing/shape.js";
import { titleOf } from "./available.js";
import { Section } from "./section.jsx";

export function EdgeSettings({ selected }) {
  const { document, kinds, problems, readOnly, change, select } = useDesk();
  const id = useId();
  const edge = edgeOf(document, selected);
  if (!edge) return <p className="ins-none ins-alone">This connection is gone.</p>;
  const source = nodeOf(document, edge.source), target = nodeOf(document, edge.target);
  const port = edge.port ?? "out", index = document.edges.indexOf(edge);
  const mine = problems.filter((problem) => problem.edge === index);
  const isBack = Boolean(edge.max_visits) || backEdges(document).has(drawnKey(edge));
  const names = [titleOf(source, kinds), titleOf(target, kinds)];
  const set = (patch, label) => change([{ op: "update", target: "edge", id: edgeKey(edge), value: patch }], label);
  const ports = source ? portsOf(source, kinds.find((kind) => kind.kind === source.kind), kinds.find((kind) => kind.kind === source.kind)?.ports ?? []) : [];
  const others = ports.filter(({ id: other }) => other !== port), by = ports.find(({ id: own }) => own === port)?.name ?? port;
  const remove = () => { select(null); change([{ op: "remove", target: "edge", id: edgeKey(edge) }], `Remove the connection from ${names[0]} to ${names[1]}`); };
  return (
    <Form.Provider value={{ value: edge, set: () => null, problems: mine, prefix: "" }}>
      <Section title={isBack ? "Way back" : "Connection"} testId="edge-settings" aside={isBack ? <RotateCcw size={14} aria-hidden="true" /> : <ArrowRight size={14} aria-hidden="true" />}>
        <dl className="ins-ends">
          <dt>From</dt><dd><button type="button" className="ins-link" onClick={() => select(edge.source)}>{names[0]}</button></dd>
          <dt>By</dt><dd>{by}</dd>
          <dt>To</dt><dd><button type="button" className="ins-link" onClick={() => select(edge.target)}>{names[1]}</button></dd>
        </dl>
        {isBack ? (
          <>
            <Labelled keys={["max_visits"]} label="Rounds, at most" help={`${names[1]} and what follows run at most this often. Every loop has a bound.`}>
              {(told) => <NumberInput {...told} id={id} value={edge.max_visits} isWholeNumber unit="times" commit={(max_visits) => set({ max_visits: max_visits ?? null }, `Rounds of ${names[1]}`)} label="Rounds, at most" testId="max-visits" />}
            </Labelled>
            <Labelled keys={["on_exhausted"]} label="When the rounds are used up">
              {(told) => <Choice {...told} value={edge.on_exhausted ?? ""} choices={[["", "The run meets its limit"], ...others.map(({ id: other, name }) => [other, `Go on by “${name}”`])]} commit={(name) => set({ on_exhausted: name || null }, `What then, after the rounds of ${names[1]}`)} label="When the rounds are used up" testId="on-exhausted" />}
            </Labelled>
          </>
        ) : null}
        <Problems problems={mine.filter((problem) => !["max_visits", "on_exhausted"].includes(problem.field))} />
        {readOnly ? null : <button type="button" className="btn sm danger" onClick={remove}><Trash2 size={14} aria-hidden="true" />Remove this connection</button>}
      </Section>
    </Form.Provider>
  );
}
