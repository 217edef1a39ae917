// What the step made the last time: its state, what it cost, its outputs, and keeping them for the next try.

import { useEffect, useState } from "react";
import { CircleCheck, CircleMinus, CircleQuestionMark, CircleX, Copy, Hourglass, LoaderCircle, Pin, PinOff } from "lucide-react";
import { useDesk } from "./desk.jsx";
import { Section } from "./section.jsx";
import { copy, Tree } from "./tree.jsx";
import { JsonInput } from "./form.jsx";
import { brief, duration, inWords, money, number, said } from "./words.js";

const STATES = {
  done: ["done", CircleCheck, "Done"], failed: ["failed", CircleX, "Failed"], running: ["running", LoaderCircle, "Running"], waiting: ["waiting", Hourglass, "Waiting"],
  ready: ["running", LoaderCircle, "Next"], skipped: ["skipped", CircleMinus, "Not needed"], cancelled: ["skipped", CircleMinus, "Stopped"], in_doubt: ["doubt", CircleQuestionMark, "In doubt"],
};

export function State({ status }) {
  const [tone, Icon, word] = STATES[status] ?? ["skipped", CircleMinus, said(status)];
  return <span className={`st ${tone}`}><Icon size={14} className={tone === "running" ? "spin" : ""} aria-hidden="true" />{word}</span>;
}

/** `1,204 tok · $0.011 · 6.2 s`, without what was not used. */
export function used(spent) {
  if (!spent) return "";
  return [spent.tokens ? `${number(spent.tokens)} tok` : "", spent.cost_usd ? money(spent.cost_usd) : "", spent.seconds >= 0.05 ? duration(spent.seconds) : ""].filter(Boolean).join(" · ");
}

export function LastOutput() {
  const { node, lastRun, pins, pin, readOnly, bodies, need, title } = useDesk();
  const step = lastRun?.steps?.[node.id], pinned = pins[node.id], whole = bodies[node.id];
  const [isEditing, setEditing] = useState(false);
  useEffect(() => { if (step) need([node.id]); }, [step, node.id, need]);
  const outputs = pinned ?? whole?.outputs;
  const hasOutputs = outputs && typeof outputs === "object" && Object.keys(outputs).length > 0;
  return (
    <Section title="Last output" className="out" testId="last-output" count={step ? <State status={step.status} /> : null} aside={<span className="mono mut">{used(step?.spent)}</span>}>
      {pinned ? (
        <div className="ins-pinned">
          <Pin size={14} aria-hidden="true" /><span className="sp">Kept for tries: they use this instead of running the step. Live runs do not.</span>
          {readOnly ? null : <button type="button" className="btn sm" onClick={() => setEditing(!isEditing)}>{isEditing ? "Done" : "Edit"}</button>}
          {readOnly ? null : <button type="button" className="btn sm" onClick={() => { setEditing(false); pin(node.id, null); }}><PinOff size={14} aria-hidden="true" />Let go</button>}
        </div>
      ) : null}
      {whole?.error && !pinned ? <p className="ins-bad failed"><CircleX size={14} aria-hidden="true" /><span>{inWords(whole.error.message)} {inWords(whole.error.hint)}</span></p> : null}
      {isEditing && pinned
        ? <JsonInput value={pinned} commit={(value) => { if (value && typeof value === "object" && !Array.isArray(value)) pin(node.id, value); }} label={`Kept output of ${title}`} />
        : hasOutputs ? <Outputs outputs={outputs} /> : null}
      {!step && !pinned ? <p className="ins-none">This step has not run yet. Try it, and what it makes shows here.</p> : null}
      {step && !hasOutputs && !pinned && !whole?.error ? <p className="ins-none">{whole ? nothingBecause(step.status) : "Loading…"}</p> : null}
      {hasOutputs || (step && !readOnly) ? (
        <div className="row" style={{ marginTop: 10 }}>
          {hasOutputs && !pinned && !readOnly ? <button type="button" className="btn sm" onClick={() => pin(node.id, outputs)}><Pin size={14} aria-hidden="true" />Keep for tries</button> : null}
          {hasOutputs ? <button type="button" className="btn sm" onClick={() => copy(JSON.stringify(outputs, null, 2))}><Copy size={14} aria-hidden="true" />Copy</button> : null}
          {lastRun ? <a className="btn sm" href={`/runs/${lastRun.run_id}`}>Open the run</a> : null}
        </div>
      ) : null}
    </Section>
  );
}

const nothingBecause = (status) => ({
  skipped: "This step was not needed in the last run: its way was not taken.", running: "It is running now.", waiting: "It waits for a person.", ready: "It comes next.",
}[status] ?? "It made nothing that later steps could read.");

// Text first, as it is read; short facts beside it; everything else as a tree.
function Outputs({ outputs }) {
  const { text, json, usage, ...parts } = outputs;
  // What a call used stands in the heading already.
  const others = usage && !("cost_usd" in usage) ? { usage, ...parts } : parts;
  const isText = typeof text === "string" && text.trim() && !json;
  const facts = Object.entries(others).filter(([, value]) => value === null || ["number", "boolean"].includes(typeof value) || (typeof value === "string" && value.length <= 40));
  const rest = Object.fromEntries(Object.entries({ ...(isText || text === undefined ? {} : { text }), ...(json === undefined || json === null ? {} : { json }), ...others }).filter(([name]) => !facts.some(([fact]) => fact === name)));
  return (
    <>
      {facts.length ? <div className="ins-facts">{facts.map(([name, value]) => <span key={name} className="t12 mut">{said(name)} <b>{brief(value, 40)}</b></span>)}</div> : null}
      {isText ? <p className="ins-said">{text}</p> : null}
      {Object.keys(rest).length ? <Tree value={rest} /> : null}
    </>
  );
}
