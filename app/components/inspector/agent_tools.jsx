// The tools of an agent: which ones, how freely each may be called, and only if what; each folds to two lines.

import { useState } from "react";
import { ChevronDown, ChevronRight, CircleX, Lock, Check, Plus, TriangleAlert, UserCheck } from "lucide-react";
import { useDesk, useForm, useProblems, useSetting } from "./desk.jsx";
import { Labelled, Problems } from "./fields.jsx";
import { effectWord, iconOf, policyInWords, policyOf, TWICE, useCatalog } from "./catalog.js";
import { ToolRules } from "./tool_rules.jsx";
import { ToolSearch } from "./tool_search.jsx";
import { money, plural, said } from "./words.js";

const POLICIES = [["auto", "Auto", Check, "It may call it without asking"], ["ask", "Ask", UserCheck, "A person decides each time"], ["never", "Never", Lock, "It may not call it"]];

/** A tool is written as its name alone where nothing else is set. */
const entryOf = (row) => (typeof row === "string" ? { tool: row } : row ?? {});

export function AgentTools({ keys, label, help }) {
  const { readOnly, title } = useDesk(), form = useForm();
  const [value, set] = useSetting(keys);
  const catalog = useCatalog(), [isAdding, setAdding] = useState(false), [open, setOpen] = useState(() => new Set());
  const rows = Array.isArray(value) ? value : [], entries = rows.map(entryOf), names = entries.map((entry) => entry.tool);
  const toggle = (name) => setOpen((old) => { const next = new Set(old); if (!next.delete(name)) next.add(name); return next; });
  const add = (name, tool) => set([...rows, name], `Give ${tool?.title ?? said(name)} to ${title}`);
  const remove = (i) => {
    const next = rows.filter((_, j) => j !== i);
    set(next.length ? next : undefined, `Take ${catalog.find(names[i])?.title ?? said(names[i])} from ${title}`);
  };
  return (
    <Labelled keys={keys} label={label} help={help} hint={rows.length ? plural(rows.length, "tool") : undefined}>
      {() => (
        <div className="ins-tools" data-testid="agent-tools">
          {rows.length ? null : <p className="ins-none">{form.value.agent ? "None is named, so it has all tools of the colleague." : "None: it can only think and answer."}</p>}
          {entries.map((entry, i) => (
            <AgentTool key={`${entry.tool} ${names.indexOf(entry.tool) === i ? "" : i}`} i={i} entry={entry} isName={typeof rows[i] === "string"} keys={[...keys, i]} catalog={catalog} isOpen={open.has(`${entry.tool} ${i}`)} toggle={() => toggle(`${entry.tool} ${i}`)} remove={() => remove(i)} />
          ))}
          {isAdding && !readOnly ? <ToolSearch chosen={names} pick={add} close={() => setAdding(false)} label="Find a tool for the agent" /> : null}
          {readOnly || isAdding ? null : <button type="button" className="ins-link" data-testid="add-tool" onClick={() => setAdding(true)}><Plus size={14} aria-hidden="true" />Tool</button>}
        </div>
      )}
    </Labelled>
  );
}

function AgentTool({ i, entry, isName, keys, catalog, isOpen, toggle, remove }) {
  const { readOnly, title: step } = useDesk(), form = useForm();
  const tool = catalog.find(entry.tool), title = tool?.title ?? said(entry.tool ?? "");
  const problems = useProblems(keys, true), errors = problems.filter((problem) => problem.severity !== "warning").length;
  const rules = entry.preconditions ?? [], Icon = iconOf(tool), isGone = catalog.state === "ready" && !tool;
  const put = (patch, words) => {
    const next = Object.fromEntries(Object.entries({ ...entry, ...patch }).filter(([, part]) => part !== undefined));
    form.set(keys, Object.keys(next).length === 1 && isName ? next.tool : next, words);
  };
  const setPolicy = (policy) => put({ policy }, `How freely ${step} calls ${title}`);
  const own = problems.filter((problem) => !problem.field.includes("preconditions"));
  return (
    <div className={`ins-tool${isOpen ? " is-open" : ""}`} data-testid={`tool-${entry.tool}`}>
      <div className="row g6">
        <button type="button" className="ins-tool-name" aria-expanded={isOpen} aria-label={`${title}, ${isOpen ? "fold" : "unfold"}`} onClick={toggle}>
          <span className="tile s"><Icon size={14} aria-hidden="true" /></span><span className="md el">{title}</span>{isOpen ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}
        </button>
        <span className="sp" />
        <Policy value={entry.policy} tool={tool} title={title} set={setPolicy} />
      </div>
      <p className="t12 mut ins-tool-told">
        {errors ? <span className="st failed"><CircleX size={14} aria-hidden="true" />{plural(errors, "problem")}</span> : isGone || tool?.whyNot ? <span className="st waiting"><TriangleAlert size={14} aria-hidden="true" />{isGone ? "Not in the catalog" : "Cannot be called now"}</span> : null}
        <span data-testid="policy-told">{policyInWords(entry.policy, tool, rules.length)}</span>
      </p>
      {isOpen ? (
        <div className="ins-tool-more">
          {isGone ? <p className="ins-note">No tool is called “{entry.tool}” here. The step cannot be run before it is made in Settings, or taken out.</p> : null}
          {tool?.whyNot ? <p className="ins-note">{tool.whyNot}</p> : null}
          {tool ? <p className="ins-help">{tool.description} {TWICE[tool.effect] ?? ""}{tool.costUsd ? ` A call costs ${money(tool.costUsd)}.` : ""}</p> : null}
          {tool ? <div className="ins-chips"><span className="bd neutral">{effectWord(tool)}</span>{tool.isOutward ? <span className="bd neutral">Reaches others</span> : null}{tool.isPrivate ? <span className="bd neutral">Brings private data</span> : null}<span className="mut t12">from {tool.owner}</span></div> : null}
          <ToolRules keys={[...keys, "preconditions"]} rules={rules} parameters={tool?.parameters ?? {}} title={title} name={`rule-${i}`} putAll={(next, words) => put({ preconditions: next.length ? next : undefined }, words)} />
          {readOnly ? null : (
            <div className="row g12">
              {entry.policy && entry.policy !== "default" ? <button type="button" className="ins-link" onClick={() => setPolicy(undefined)}>Back to what it does by default</button> : null}
              <span className="sp" /><button type="button" className="btn sm" onClick={remove}>Take it away</button>
            </div>
          )}
        </div>
      ) : null}
      <Problems problems={own} />
    </div>
  );
}

// Auto, Ask, Never; what nobody has set shows what it comes to.
function Policy({ value, tool, title, set }) {
  const { readOnly } = useDesk();
  const chosen = policyOf(value, tool), isDefault = !value || value === "default";
  return (
    <span className={`seg ins-seg${isDefault ? " is-default" : ""}`} role="group" aria-label={`How freely it calls ${title}`}>
      {POLICIES.map(([policy, word, Icon, about]) => (
        <button type="button" key={policy} className={policy === chosen ? "on" : undefined} aria-pressed={policy === chosen} title={policy === chosen && isDefault ? `${about}, because nothing else is set` : about} disabled={readOnly} onClick={() => set(policy)}>
          {policy === chosen ? <Icon size={12} aria-hidden="true" /> : null}{word}
        </button>
      ))}
    </span>
  );
}
