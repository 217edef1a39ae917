// What must hold before an agent calls a tool: one line a rule, each unfolds to its condition, its consequence and its reason.

import { useMemo, useState } from "react";
import { ChevronDown, ChevronRight, CircleX, Plus } from "lucide-react";
import { callGroups } from "./available.js";
import { Desk, useDesk, useForm, useProblems } from "./desk.jsx";
import { Labelled, LongInput, Problems, RowButtons } from "./fields.jsx";
import { moved } from "./places.js";
import { Condition } from "./rule_builder.jsx";
import { plural } from "./words.js";

const OTHERWISE = [["stop", "Stop it", "The call is not made, and the agent is told why"], ["ask", "Ask a person", "A person decides"]];

export function ToolRules({ keys, rules, parameters, title, name, putAll }) {
  const desk = useDesk(), { readOnly } = desk;
  const [open, setOpen] = useState(() => new Set());
  const inside = useMemo(() => ({ ...desk, extra: callGroups(parameters), isAboutACall: true }), [desk, parameters]);
  const toggle = (j) => setOpen((old) => { const next = new Set(old); if (!next.delete(j)) next.add(j); return next; });
  const add = () => { putAll([...rules, { that: "", because: "" }], `Add a rule to ${title}`); setOpen(new Set([...open, rules.length])); };
  const change = (next, words) => { setOpen(new Set()); putAll(next, words); };
  return (
    <section className="ins-field" aria-label={`Only if, for ${title}`}>
      <div className="lab"><span>Only if</span><span className="mut">{rules.length ? plural(rules.length, "rule") : "no rules"}</span></div>
      {rules.length ? <p className="ins-help">Every rule is looked at before each call. What cannot be said of one, a person decides.</p> : null}
      <Desk.Provider value={inside}>
        <ol className="ins-toolrules">
          {rules.map((rule, j) => (
            <Rule key={j} j={j} rule={rule} keys={[...keys, j]} name={`${name}-${j}`} isOpen={open.has(j)} toggle={() => toggle(j)}>
              {readOnly ? null : <RowButtons i={j} count={rules.length} name={`rule ${j + 1}`} move={(to) => change(moved(rules, j, to), `Move a rule of ${title}`)} remove={() => change(rules.filter((_, at) => at !== j), `Remove a rule of ${title}`)} />}
            </Rule>
          ))}
        </ol>
      </Desk.Provider>
      {readOnly ? null : <button type="button" className="ins-link" data-testid={`add-${name}`} onClick={add}><Plus size={14} aria-hidden="true" />Rule</button>}
    </section>
  );
}

function Rule({ j, rule, keys, name, isOpen, toggle, children }) {
  const form = useForm(), problems = useProblems(keys, true), otherwise = rule.otherwise ?? "stop";
  const isWrong = problems.some((problem) => problem.severity !== "warning");
  const set = (key, value, words) => form.set([...keys, key], value, words);
  return (
    <li className={isOpen ? "is-open" : undefined} data-testid={name}>
      <div className="row g4">
        <button type="button" className="ins-tool-name sp" aria-expanded={isOpen} onClick={toggle}>
          {isOpen ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}
          {isWrong ? <CircleX size={14} className="wrong" aria-label="There is a problem" /> : null}
          <span className="el sp t12">{rule.because?.trim() || (rule.that?.trim() ? <code>{rule.that}</code> : `Rule ${j + 1}, not filled in yet`)}</span>
          <span className={`bd ${otherwise === "ask" ? "waiting" : "neutral"}`}>{otherwise === "ask" ? "else asks" : "else stops"}</span>
        </button>
        {isOpen ? children : null}
      </div>
      {isOpen ? (
        <div className="ins-rule-more">
          <Labelled keys={[...keys, "that"]} label="This holds">{({ isInvalid }) => <Condition value={rule.that ?? ""} commit={(text) => set("that", text, "a rule")} label={`Rule ${j + 1}`} isInvalid={isInvalid} name={name} />}</Labelled>
          <Labelled keys={[...keys, "otherwise"]} label="If it does not hold">{() => <Otherwise value={otherwise} set={(choice) => set("otherwise", choice === "stop" ? undefined : choice, "what happens if a rule does not hold")} />}</Labelled>
          <Labelled keys={[...keys, "because"]} label="Because" help="Said to the agent, and to whoever decides.">{(told) => <LongInput {...told} rows={2} value={rule.because ?? ""} commit={(text) => set("because", text, "the reason of a rule")} label={`Because, of rule ${j + 1}`} testId={`because-${name}`} placeholder="Only orders of the last 24 hours are refunded." />}</Labelled>
        </div>
      ) : isWrong ? <Problems problems={problems} /> : null}
    </li>
  );
}

function Otherwise({ value, set }) {
  const { readOnly } = useDesk();
  return (
    <span className="seg ins-seg" role="group" aria-label="If it does not hold">
      {OTHERWISE.map(([choice, word, about]) => <button type="button" key={choice} className={choice === value ? "on" : undefined} aria-pressed={choice === value} title={about} disabled={readOnly} onClick={() => set(choice)}>{word}</button>)}
    </span>
  );
}
