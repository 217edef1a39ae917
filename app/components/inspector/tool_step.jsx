// Settings of a step that uses one tool: which tool, and what each of its arguments is.

import { useMemo, useState } from "react";
import { TriangleAlert } from "lucide-react";
import { Desk, useDesk, useForm, useProblems, useSetting } from "./desk.jsx";
import { ExpressionWithPreview, Labelled, Problems } from "./fields.jsx";
import { effectWord, iconOf, TWICE, useCatalog } from "./catalog.js";
import { literal } from "./reading.js";
import { fieldsOf, TYPES } from "./schemas.js";
import { NamedValues } from "./tables.jsx";
import { ToolSearch } from "./tool_search.jsx";
import { money, said } from "./words.js";

const DEFAULT_EFFECT = "unsafe";

export function ToolPicker({ keys, label, help }) {
  const { readOnly, title } = useDesk(), form = useForm(), catalog = useCatalog();
  const [value] = useSetting(keys), [isLooking, setLooking] = useState(false);
  const tool = catalog.find(value), Icon = iconOf(tool), effect = form.value.effect ?? DEFAULT_EFFECT;
  const withEffect = (config, wanted) => { const { effect: _, ...rest } = config; return wanted === DEFAULT_EFFECT ? rest : { ...rest, effect: wanted }; };
  const pick = (name, found) => {
    setLooking(false);
    form.set([], { ...(found ? withEffect(form.value, found.effect) : form.value), tool: name }, `Choose a tool for ${title}`);
  };
  return (
    <Labelled keys={keys} label={label} help={help}>
      {({ isInvalid }) => (
        <div className="ins-tools" data-testid="tool">
          {value ? (
            <div className={`ins-tool${isInvalid ? " is-bad" : ""}`}>
              <div className="row g6">
                <span className="tile s"><Icon size={14} aria-hidden="true" /></span><span className="md el sp" data-testid="tool-name">{tool?.title ?? said(value)}</span>
                {readOnly ? null : <button type="button" className="btn sm" aria-expanded={isLooking} onClick={() => setLooking(!isLooking)}>Change</button>}
              </div>
              {tool ? <p className="ins-help">{tool.description} {TWICE[tool.effect] ?? ""}{tool.costUsd ? ` A call costs ${money(tool.costUsd)}.` : ""}</p> : null}
              {tool ? <div className="ins-chips"><span className="bd neutral">{effectWord(tool)}</span>{tool.isOutward ? <span className="bd neutral">Reaches others</span> : null}</div> : null}
              {tool?.whyNot ? <p className="ins-bad waiting"><TriangleAlert size={14} aria-hidden="true" /><span>{tool.whyNot}</span></p> : null}
              {!tool && catalog.state === "ready" ? <p className="ins-bad waiting"><TriangleAlert size={14} aria-hidden="true" /><span>No tool is called “{value}” here. Make it in Settings, or choose another one.</span></p> : null}
              {tool && effect !== tool.effect ? (
                <p className="ins-bad waiting" role="status"><TriangleAlert size={14} aria-hidden="true" /><span>This step treats a second call as if “{(TWICE[effect] ?? effect).replace(/\.$/, "")}”; the catalog says otherwise. {readOnly ? null : <button type="button" className="ins-link" onClick={() => form.set([], withEffect(form.value, tool.effect), `What calling ${tool.title} twice does`)}>Take what the catalog says</button>}</span></p>
              ) : null}
            </div>
          ) : null}
          {!readOnly && (isLooking || !value) ? <ToolSearch chosen={value ? [value] : []} pick={pick} close={() => setLooking(false)} label="Find the tool" /> : null}
        </div>
      )}
    </Labelled>
  );
}

/** The arguments as a form made from the tool's schema; of a tool that is not known, names with values. */
export function ToolArguments({ keys, label, help, schema, root }) {
  const form = useForm(), catalog = useCatalog(), tool = catalog.find(form.value.tool);
  const [value] = useSetting(keys), given = value ?? {}, fields = fieldsOf(tool?.parameters);
  if (!tool) return <NamedValues keys={keys} label={label} help={help} schema={schema} root={root} />;
  const others = Object.keys(given).filter((name) => !fields.some((field) => field.name === name));
  return (
    <fieldset className="ins-set" data-testid="arguments">
      <legend>{label}</legend>
      {fields.length ? null : <p className="ins-none">It takes nothing.</p>}
      {[...fields].sort((a, b) => b.isRequired - a.isRequired).map((field) => <Argument key={field.name} field={field} keys={[...keys, field.name]} value={given[field.name]} />)}
      {others.map((name) => <Unknown key={name} name={name} keys={[...keys, name]} value={given[name]} isRefused={tool.parameters.additionalProperties === false} />)}
    </fieldset>
  );
}

const typeWord = (field) => TYPES[field.type]?.words ?? "Any value";

function Argument({ field, keys, value }) {
  const desk = useDesk(), form = useForm();
  const choices = field.choices ?? (field.type === "yesno" ? [true, false] : null);
  const inside = useMemo(() => (choices ? { ...desk, extra: [{ title: "What it may be", values: choices.map((choice) => ({ path: [], expression: literal(choice), label: String(choice), type: "any", parts: [] })) }] } : desk), [desk, JSON.stringify(choices)]);
  const label = field.title || said(field.name), isMissing = field.isRequired && !String(value ?? "").trim();
  const set = (text) => form.set(keys, text.trim() ? text : undefined, label);
  return (
    <Labelled keys={keys} label={label} hint={`${typeWord(field)}${field.isRequired ? "" : ", may be left out"}`} help={field.description}>
      {({ isInvalid }) => (
        <Desk.Provider value={inside}>
          <ExpressionWithPreview value={String(value ?? "")} commit={set} label={label} name={keys.join(".")} isInvalid={isInvalid} />
          {isMissing ? <p className="ins-bad waiting" data-testid={`missing-${field.name}`}><TriangleAlert size={14} aria-hidden="true" /><span>The tool needs this.</span></p> : null}
        </Desk.Provider>
      )}
    </Labelled>
  );
}

// Kept and told: another version of the tool may know it.
function Unknown({ name, keys, value, isRefused }) {
  const { readOnly } = useDesk(), form = useForm(), problems = useProblems(keys);
  return (
    <div className="ins-field" data-testid={`unknown-${name}`}>
      <div className="lab">{said(name)}<span className="mut">{isRefused ? "the tool refuses it" : "not an argument of this tool"}</span></div>
      <div className="row g6"><code className="ins-code el sp">{String(value)}</code>{readOnly ? null : <button type="button" className="btn sm" onClick={() => form.set(keys, undefined, said(name))}>Remove</button>}</div>
      <Problems problems={problems} />
    </div>
  );
}
