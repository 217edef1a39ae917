// One step in front of the inspector: its name, what it gets, what it does, what it made the last time.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Ellipsis, Play } from "lucide-react";
import { Desk, Form, useDesk, useDraft, useOutside } from "./desk.jsx";
import { configChange, nodeChange } from "./changes.js";
import { outputsOf, stepsBefore, titleOf } from "./available.js";
import { Fields } from "./form.jsx";
import { Gets } from "./gets.jsx";
import { KindIcon } from "../drawing/icons.jsx";
import { kindLine, kindWords } from "../drawing/words.js";
import { LastOutput } from "./last_output.jsx";
import { More } from "./more.jsx";
import { Problems } from "./fields.jsx";
import { keysOf } from "./places.js";
import { Section } from "./section.jsx";
import { duration, inWords, money, plural } from "./words.js";

export function Step({ node }) {
  const desk = useDesk();
  const { document, kinds, bodies, need, pins, change } = desk;
  const kind = kinds.find((known) => known.kind === node.kind) ?? null, title = titleOf(node, kinds);
  const before = useMemo(() => stepsBefore(document, node.id).map((step) => step.node.id), [document.edges, node.id]);
  const needAll = useCallback(() => need([...before, startOf(document)]), [need, before.join()]);
  const references = useMemo(() => [...JSON.stringify(node.config ?? {}).matchAll(/nodes\.([a-z][a-z0-9_]*)/g)].map((match) => match[1]), [node.config]);
  useEffect(() => { need([...references, startOf(document)]); }, [need, references.join()]);
  const examples = useMemo(() => examplesOf(document, bodies, pins), [document.nodes, bodies, pins]);
  const [fields] = useState(() => new Map());
  const last = useRef(null);
  const offer = useCallback((id, insert) => { fields.set(id, insert); return () => { if (fields.get(id) === insert) fields.delete(id); }; }, [fields]);
  const insert = useCallback((expression) => (fields.get(last.current) ?? fields.values().next().value)?.(expression), [fields]);
  const latest = useRef(node);
  latest.current = node;
  const handed = useCallback((ops, label) => {
    // Two fields may be left in one moment: the second change must not undo the first.
    for (const op of ops) if (op.target === "node" && op.id === latest.current.id && op.value?.config) latest.current = { ...latest.current, config: op.value.config };
    change(ops, label);
  }, [change]);
  const set = useCallback((keys, value, label) => {
    handed(configChange(latest.current, keys, value), label && !label.includes(title) ? `Change ${label.toLowerCase()} of ${title}` : label);
  }, [handed, title]);
  const setNode = useCallback((patch, label) => change(nodeChange(node.id, patch), label), [change, node.id]);
  const problems = useMemo(() => desk.problems.filter((problem) => problem.node === node.id), [desk.problems, node.id]);
  const here = { ...desk, change: handed, latest: () => latest.current, node, kind, title, roles: kind?.roles ?? {}, examples, needAll, offer, insert, focused: (id) => { last.current = id; }, worst: desk.worstOf(node.id) };
  return (
    <Desk.Provider value={here}>
      <Form.Provider value={{ value: node.config ?? {}, set, setNode, problems, prefix: "config" }}>
        <Head />
        {node.kind === "start" ? null : <Gets />}
        <Does problems={problems} />
        <LastOutput />
        <More />
      </Form.Provider>
    </Desk.Provider>
  );
}

const startOf = (document) => (document.nodes ?? []).find((node) => node.kind === "start")?.id;

function examplesOf(document, bodies, pins) {
  const nodes = {};
  for (const node of document.nodes ?? []) {
    const made = pins[node.id] ?? bodies[node.id]?.outputs;
    if (made && typeof made === "object") nodes[node.id] = made;
  }
  const start = (document.nodes ?? []).find((node) => node.kind === "start");
  const given = start && outputsOf(start, []);
  const defaults = Object.fromEntries(Object.entries(given ?? {}).map(([name, schema]) => [name, schema?.examples?.[0] ?? schema?.default]).filter(([, value]) => value !== undefined));
  return { nodes, inputs: nodes[start?.id] ?? defaults, vars: document.vars ?? {} };
}

function Head() {
  const { node, kind, title, readOnly, tryStep, change } = useDesk();
  const words = kindWords(node.kind, kind);
  const rename = (text) => change(nodeChange(node.id, { title: text.trim() || null }), `Rename ${title}`);
  const [draft, edit, flush] = useDraft(node.title ?? "", rename);
  return (
    <div className="ins-head">
      <span className={`tile l${words.isAi ? " ai" : ""}`}><KindIcon name={words.icon} size={18} /></span>
      <div className="sp">
        <input className="ins-title" value={draft} readOnly={readOnly} placeholder={words.name} aria-label="Name of the step" maxLength={200} data-testid="step-title"
          onChange={(event) => edit(event.target.value)} onBlur={flush} onKeyDown={(event) => { if (event.key === "Enter") flush(); }} />
        <div className="mut t12 el">{lineOf(kind, node)}</div>
      </div>
      {readOnly ? null : <button type="button" className="btn sm" onClick={() => tryStep(node.id, "step")}><Play size={14} aria-hidden="true" />Try this step</button>}
      {readOnly ? null : <Menu />}
    </div>
  );
}

function lineOf(kind, node) {
  return [kind ? kindLine(node, kind) : `“${node.kind}” is not known here`, node.agent ? `done by ${node.agent}` : "", node.disabled ? "switched off" : ""].filter(Boolean).join(" · ");
}

function Menu() {
  const { node, tryStep } = useDesk();
  const [isOpen, setOpen] = useState(false), ref = useRef(null);
  useOutside(ref, isOpen, () => setOpen(false));
  const entries = [["upto", "Try up to here"], ["from", "Try from here"], ["step", "Try only this step"]];
  const go = (what) => { setOpen(false); tryStep(node.id, what); };
  return (
    <div className="ins-at" ref={ref} onKeyDown={(event) => { if (event.key === "Escape" && isOpen) { event.stopPropagation(); setOpen(false); } }}>
      <button type="button" className="btn ghost sm ic" aria-label="More ways to try" aria-haspopup="menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}><Ellipsis size={16} aria-hidden="true" /></button>
      {isOpen ? <div className="ins-menu" role="menu">{entries.map(([what, words], i) => <button type="button" role="menuitem" key={what} autoFocus={i === 0} onClick={() => go(what)}>{words}</button>)}</div> : null}
    </div>
  );
}

// What stands at no field of the form, and what one try of the step can cost at most.
function Does({ problems }) {
  const { node, kind, worst } = useDesk();
  const known = Object.keys(kind?.schema?.properties ?? {}), common = ["retry", "timeout_s", "on_error", "default_output", "join", "note"];
  const others = problems.filter((problem) => {
    const keys = problem.field ? keysOf(problem.field, "config") : [];
    const isConfig = problem.field?.startsWith("config.");
    return !(isConfig && (known.includes(String(keys[0])) || keys[0] in (node.config ?? {}))) && !(keys.length && common.includes(String(keys[0])));
  });
  return (
    <Section title="What it does" testId="does" aside={worst ? <span className="mut t12 num" title="The most that this step can use in one run">{worstInWords(worst)}</span> : null}>
      {kind ? <p className="ins-help ins-field">{inWords(kind.summary.split("\n\n")[0])}</p> : null}
      <ShowsNothing />
      {others.length ? <div className="ins-told-all"><Problems problems={others} /></div> : null}
      {kind ? <Fields schema={kind.schema} root={kind.schema} /> : <p className="ins-none">This kind of step is not known here. Its settings are kept as they are.</p>}
    </Section>
  );
}

const isNone = (value) => !Object.keys(value ?? {}).length;

// A card of nothing but words of ours lets nobody see what they decide about.
function ShowsNothing() {
  const { node } = useDesk(), config = node.config ?? {};
  if (node.kind !== "approval" || !isNone(config.show) || !isNone(config.editable) || config.action || String(config.message ?? "").includes("{{")) return null;
  const seen = config.message?.trim() ? "the question and what you write below it" : "the title";
  return <p className="ins-note" role="status" data-testid="shows-nothing">Whoever decides will see only {seen}. Add a value to “What the person sees”, or choose the step that it allows.</p>;
}

function worstInWords({ steps, cost_usd, seconds }) {
  const told = [steps ? `at most ${plural(steps, "time")}` : "", cost_usd ? money(cost_usd) : "", seconds ? duration(seconds) : ""];
  return told.filter(Boolean).join(" · ");
}
