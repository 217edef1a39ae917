// One connection: where it comes from, where it leads, and of a way back how often it may be taken.

import { useId } from "react";
import { ArrowRight, RotateCcw, Trash2 } from "lucide-react";
import { Form, useDesk } from "./desk.jsx";
import { Choice, Labelled, NumberInput, Problems } from "./fields.jsx";
import { edgeKey, edgeOf, nodeOf } from "./changes.js";
import { stepsBefore, titleOf } from "./available.js";
import { Section } from "./section.jsx";
import { said } from "./words.js";

/** The ways on of a step, as its kind and settings tell. */
export function portsOf(node, kinds) {
  const kind = kinds.find((known) => known.kind === node?.kind), config = node?.config ?? {};
  const own = kind?.ports ?? [...(Array.isArray(config.cases) ? [...config.cases.map((row) => row.port), "else"] : []), ...(Array.isArray(config.labels) ? [...config.labels.map((row) => row.port), "unsure"] : [])];
  return [...new Set([...own, ...(node?.on_error === "port" ? ["error"] : [])])].filter((port) => typeof port === "string");
}

export function EdgeSettings({ selected }) {
  const { document, kinds, problems, readOnly, change, select } = useDesk();
  const id = useId();
  const edge = edgeOf(document, selected);
  if (!edge) return <p className="ins-none ins-alone">This connection is gone.</p>;
  const source = nodeOf(document, edge.source), target = nodeOf(document, edge.target);
  const port = edge.port ?? "out", index = document.edges.indexOf(edge);
  const mine = problems.filter((problem) => problem.edge === index);
  const isBack = Boolean(edge.max_visits) || stepsBefore(document, edge.source).some(({ node, isRound }) => node.id === edge.target && !isRound) || edge.source === edge.target;
  const names = [titleOf(source, kinds), titleOf(target, kinds)];
  const set = (patch, label) => change([{ op: "update", target: "edge", id: edgeKey(edge), value: patch }], label);
  const ports = portsOf(source, kinds), row = [...(source?.config?.cases ?? []), ...(source?.config?.labels ?? [])].find((one) => one.port === port);
  const others = ports.filter((name) => name !== port);
  const remove = () => { select(null); change([{ op: "remove", target: "edge", id: edgeKey(edge) }], `Remove the connection from ${names[0]} to ${names[1]}`); };
  return (
    <Form.Provider value={{ value: edge, set: () => null, problems: mine, prefix: "" }}>
      <Section title={isBack ? "Way back" : "Connection"} testId="edge-settings" aside={isBack ? <RotateCcw size={14} aria-hidden="true" /> : <ArrowRight size={14} aria-hidden="true" />}>
        <dl className="ins-ends">
          <dt>From</dt><dd><button type="button" className="ins-link" onClick={() => select(edge.source)}>{names[0]}</button></dd>
          <dt>By</dt><dd>{row?.label || said(port)}</dd>
          <dt>To</dt><dd><button type="button" className="ins-link" onClick={() => select(edge.target)}>{names[1]}</button></dd>
        </dl>
        {isBack ? (
          <>
            <Labelled keys={["max_visits"]} label="Rounds, at most" help={`${names[1]} and what follows run at most this often. Every loop has a bound.`}>
              {(told) => <NumberInput {...told} id={id} value={edge.max_visits} isWholeNumber unit="times" commit={(max_visits) => set({ max_visits: max_visits ?? null }, `Rounds of ${names[1]}`)} label="Rounds, at most" testId="max-visits" />}
            </Labelled>
            <Labelled keys={["on_exhausted"]} label="When the rounds are used up">
              {(told) => <Choice {...told} value={edge.on_exhausted ?? ""} choices={[["", "The run meets its limit"], ...others.map((name) => [name, `Go on by “${said(name)}”`])]} commit={(name) => set({ on_exhausted: name || null }, `What then, after the rounds of ${names[1]}`)} label="When the rounds are used up" testId="on-exhausted" />}
            </Labelled>
          </>
        ) : null}
        <Problems problems={mine.filter((problem) => !["max_visits", "on_exhausted"].includes(problem.field))} />
        {readOnly ? null : <button type="button" className="btn sm danger" onClick={remove}><Trash2 size={14} aria-hidden="true" />Remove this connection</button>}
      </Section>
    </Form.Provider>
  );
}
