// What is set for the whole workflow, shown while no step is selected: name, limits, what starts it, fixed values.

import { useEffect, useState } from "react";
import { CalendarClock, Hand, MessageSquare, OctagonPause, Plus, Webhook } from "lucide-react";
import { Form, useDesk, useForm } from "./desk.jsx";
import { Choice, Labelled, LongInput, NumberInput, Problems, RowButtons, TextInput } from "./fields.jsx";
import { JsonInput } from "./form.jsx";
import { documentChange, freeName } from "./changes.js";
import { NameInput, noName, plainName, spelledAs } from "./names.jsx";
import { keysOf, put, renamed } from "./places.js";
import { renameOps } from "./refer.js";
import { Section } from "./section.jsx";
import { money, plural } from "./words.js";

const LIMITS = [
  ["cost_usd", "Money", "$", "", 1], ["tokens", "Tokens", "", "tok", 200000], ["seconds", "Working time", "", "s", 3600],
  ["steps", "Steps", "", "", 200], ["llm_calls", "AI calls", "", "", 50], ["tool_calls", "Tool calls", "", "", 100],
];
const WHOLE = new Set(["tokens", "steps", "llm_calls", "tool_calls"]);
const ON_LIMIT = [["stop", "stop, keep everything"], ["ask", "stop and ask a person"]];
const TRIGGERS = {
  manual: [Hand, "By hand", "Somebody presses Start."], schedule: [CalendarClock, "On a schedule", "At fixed times."], webhook: [Webhook, "By another system", "A signed call from outside."],
  form: [Hand, "By a form", "Somebody fills in a form."], chat: [MessageSquare, "By a message", "Somebody writes in a conversation."],
};

export function WorkflowSettings() {
  const desk = useDesk();
  const { document, change } = desk;
  const set = (keys, value, label) => change(documentChange({ [keys[0]]: put(document, keys, value)[keys[0]] ?? null }), `Change ${label}`);
  const problems = desk.problems.filter((problem) => !problem.node && problem.edge === undefined);
  const form = { value: document, set, problems, prefix: "", setNode: null };
  const others = problems.filter((problem) => !problem.field || !["name", "description", "limits", "on_limit", "triggers", "vars"].includes(keysOf(problem.field, "")[0]));
  return (
    <Form.Provider value={form}>
      <Section title="This workflow" testId="workflow-settings">
        <Labelled keys={["name"]} label="Name">{(told) => <TextInput {...told} value={document.name ?? ""} commit={(name) => name.trim() && set(["name"], name, "the name")} label="Name" testId="workflow-name" />}</Labelled>
        <Labelled keys={["description"]} label="What it is for">{(told) => <LongInput {...told} value={document.description ?? ""} commit={(text) => set(["description"], text || undefined, "the description")} label="What it is for" />}</Labelled>
        <Problems problems={others} />
      </Section>
      <Section title="Hard limits" count="of one run" testId="limits"><Limits /></Section>
      <Section title="What starts it" testId="triggers"><Triggers /></Section>
      <Section title="Fixed values" count="the same in every run" isFolded={!Object.keys(document.vars ?? {}).length} testId="vars"><Vars /></Section>
    </Form.Provider>
  );
}

function Limits() {
  const { document, lastRun, worstCase } = useDesk();
  const { set } = useForm();
  const limits = document.limits ?? {}, run = useRun(lastRun?.run_id);
  return (
    <>
      <div className="lim">
        {LIMITS.map(([name, label, before, unit, fallback]) => (
          <Labelled key={name} keys={["limits", name]} label={label}>
            {(told) => (
              <>
                <NumberInput {...told} value={limits[name]} fallback={fallback} before={before} unit={unit} commit={(value) => set(["limits", name], value, label)} label={`At most: ${label}`} className="sm" wanted={name === "cost_usd" ? "Write an amount like 0.50" : undefined} isWholeNumber={WHOLE.has(name)} testId={`limit-${name}`} />
                <p className="ins-help">{usedOf(name, run?.spent?.[name], limits[name] ?? fallback, worstCase?.[name])}</p>
              </>
            )}
          </Labelled>
        ))}
      </div>
      <div className="ins-limit row g6">
        <OctagonPause size={14} aria-hidden="true" /><span>If a limit is reached:</span>
        <Choice value={document.on_limit ?? "stop"} choices={ON_LIMIT} commit={(value) => set(["on_limit"], value === "stop" ? undefined : value, "what happens at a limit")} label="If a limit is reached" testId="on-limit" />
      </div>
    </>
  );
}

// An amount is always told together with its limit.
function usedOf(name, spent, limit, worst) {
  const told = (amount) => (name === "cost_usd" ? money(amount) : Math.round(amount).toLocaleString("en"));
  if (spent !== undefined) return `used ${told(spent)} of ${told(limit)}`;
  return worst === undefined || worst === null ? "" : `at most ${told(Math.min(worst, limit))} used`;
}

function useRun(id) {
  const [run, show] = useState(null);
  useEffect(() => {
    show(null);
    if (!id) return undefined;
    const asking = new AbortController();
    // Without an answer the limits are shown without what was used.
    fetch(`/api/v1/runs/${id}`, { signal: asking.signal }).then((answer) => (answer.ok ? answer.json() : null)).then(show).catch(() => null);
    return () => asking.abort();
  }, [id]);
  return run;
}

function Triggers() {
  const { document, readOnly } = useDesk();
  const { set } = useForm();
  const triggers = document.triggers ?? [];
  const store = (next) => set(["triggers"], next, "what starts it");
  const patch = (i, part) => store(triggers.map((trigger, j) => (j === i ? { ...trigger, ...part } : trigger)));
  const add = (kind) => store([...triggers, { kind, ...(kind === "schedule" ? { cron: "0 9 * * 1", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC" } : {}), ...(kind === "webhook" ? { path: freeName("calls", triggers.map((trigger) => trigger.path)) } : {}) }]);
  return (
    <div className="ins-cards">
      {triggers.length ? null : <p className="ins-none">By hand, or by a program with a key.</p>}
      {triggers.map((trigger, i) => {
        const [Icon, words, help] = TRIGGERS[trigger.kind] ?? [Hand, trigger.kind, ""];
        return (
          <div className="ins-card" key={i}>
            <div className="row g6"><Icon size={14} aria-hidden="true" /><span className="md">{words}</span><span className="mut t12 sp el">{help}</span>{readOnly ? null : <RowButtons i={i} count={1} hasOrder={false} remove={() => store(triggers.filter((_, j) => j !== i))} name={words} />}</div>
            {trigger.kind === "schedule" ? (
              <div className="row g6">
                <Labelled keys={["triggers", i, "cron"]} label="When" help={scheduleInWords(trigger.cron)}>{(told) => <TextInput {...told} value={trigger.cron} commit={(cron) => patch(i, { cron })} label="When, as five fields: minute hour day month weekday" className="sm" />}</Labelled>
                <Labelled keys={["triggers", i, "timezone"]} label="Time zone">{(told) => <TextInput {...told} value={trigger.timezone ?? "UTC"} commit={(timezone) => patch(i, { timezone })} label="Time zone" className="sm" />}</Labelled>
              </div>
            ) : null}
            {trigger.kind === "webhook" ? <Labelled keys={["triggers", i, "path"]} label="Address" help="Its secret is shown when the workflow is published.">{(told) => <span className="row g4"><span className="mut t12">/hooks/</span><TextInput {...told} value={trigger.path ?? ""} commit={(path) => patch(i, { path })} label="Last part of the address" className="sm sp" /></span>}</Labelled> : null}
          </div>
        );
      })}
      {readOnly ? null : (
        <span className="row g12">
          {["schedule", "webhook"].map((kind) => <button type="button" key={kind} className="ins-link" onClick={() => add(kind)}><Plus size={14} aria-hidden="true" />{TRIGGERS[kind][1]}</button>)}
        </span>
      )}
    </div>
  );
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** The usual schedules in words; all others stay as they are written. */
export function scheduleInWords(cron) {
  const [minute, hour, day, month, weekday, ...more] = String(cron ?? "").trim().split(/\s+/);
  if (more.length || !/^\d+$/.test(minute ?? "") || month !== "*") return "minute, hour, day, month, weekday";
  const at = /^\d+$/.test(hour) ? `at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")}` : null;
  if (hour === "*" && day === "*" && weekday === "*") return `Every hour, ${plural(Number(minute), "minute")} past`;
  if (at && day === "*" && weekday === "*") return `Every day ${at}`;
  if (at && day === "*" && weekday === "1-5") return `Monday to Friday ${at}`;
  if (at && day === "*" && /^[0-6]$/.test(weekday)) return `Every ${DAYS[Number(weekday)]} ${at}`;
  if (at && /^\d+$/.test(day) && weekday === "*") return `On day ${day} of every month ${at}`;
  return "minute, hour, day, month, weekday";
}

function Vars() {
  const desk = useDesk(), { document, readOnly } = desk;
  const { set } = useForm();
  const vars = document.vars ?? {};
  const store = (next) => set(["vars"], Object.keys(next).length ? next : undefined, "the fixed values");
  const rename = (from, text) => {
    const to = plainName(text);
    if (to !== from) desk.change([...documentChange({ vars: renamed(vars, from, to) }), ...renameOps(desk, null, null, [{ path: ["vars", from], to }])], `Rename “${from}”`);
  };
  return (
    <div className="ins-names">
      {Object.entries(vars).map(([name, value], i) => (
        <div className="ins-name" key={i}>
          <div className="ins-called"><NameInput value={name} commit={(text) => rename(name, text)} refuse={(text) => noName(text, Object.keys(vars).filter((other) => other !== name), "fixed value")} told={spelledAs} label={`Name of fixed value ${i + 1}`} className="md" /></div>
          <div className="sp">
            {value !== null && typeof value === "object" ? <JsonInput value={value} commit={(next) => store({ ...vars, [name]: next ?? null })} label={`Value of ${name}`} />
              : <TextInput value={typeof value === "string" ? value : JSON.stringify(value)} commit={(text) => store({ ...vars, [name]: typeof value === "string" ? text : plainOf(text) })} label={`Value of ${name}`} />}
          </div>
          {readOnly ? null : <RowButtons i={i} count={1} hasOrder={false} remove={() => store(Object.fromEntries(Object.entries(vars).filter(([key]) => key !== name)))} name={name} />}
        </div>
      ))}
      {readOnly ? null : (
        <span className="row g12">
          <button type="button" className="ins-link" onClick={() => store({ ...vars, [freeName("text", Object.keys(vars))]: "" })}><Plus size={14} aria-hidden="true" />Text</button>
          <button type="button" className="ins-link" onClick={() => store({ ...vars, [freeName("number", Object.keys(vars))]: 0 })}><Plus size={14} aria-hidden="true" />Number</button>
        </span>
      )}
    </div>
  );
}

const plainOf = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : ({ true: true, false: false, null: null })[text.trim()] ?? text);
