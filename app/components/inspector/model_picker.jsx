// Which model answers: by what it is good for, with its price, and what one call can cost at most.

import { useId } from "react";
import { Plus } from "lucide-react";
import { useDesk, useSetting } from "./desk.jsx";
import { Labelled, RowButtons } from "./fields.jsx";
import { moved } from "./places.js";
import { ValueText } from "./value_text.jsx";
import { money } from "./words.js";

const ALIASES = { default: "Default model", cheap: "Cheap model", careful: "Careful model" };

const perMillion = (usd) => `$${Number(usd).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 4 })}`;

/** `$0.15 / $0.60 per million`, or what stands in place of a price. */
export function priceOf(model) {
  if (!model) return "";
  if (model.is_practice) return "practice, free";
  if (model.price_in === null || model.price_out === null) return "price unknown";
  if (!model.price_in && !model.price_out) return "free";
  return `${perMillion(model.price_in)} / ${perMillion(model.price_out)} per million`;
}

const nameOf = (model) => ALIASES[model.name] ?? model.name;

function ModelSelect({ id, value, commit, label, describedBy, isInvalid }) {
  const { models, readOnly } = useDesk();
  const known = models.find((model) => model.name === value);
  return (
    <select id={id} className={`ins-sel wide ${isInvalid ? "is-bad" : ""}`} value={value} disabled={readOnly} aria-label={label} aria-describedby={describedBy} data-testid="model" onChange={(event) => commit(event.target.value)}>
      {known ? null : <option value={value}>{ALIASES[value] ?? value}</option>}
      {models.map((model) => <option key={model.name} value={model.name}>{nameOf(model)}, {priceOf(model)}</option>)}
    </select>
  );
}

export function ModelPicker({ keys, label, help, schema }) {
  const { models, worst, lastRun, node } = useDesk();
  const [value, set] = useSetting(keys);
  const name = value ?? schema.default ?? "default", model = models.find((known) => known.name === name);
  const hint = useId(), cost = costOf(lastRun?.steps?.[node.id]?.spent, worst);
  return (
    <Labelled keys={keys} label={label} help={help}>
      {(told) => (name.includes("{{")
        ? <ValueText isLine value={name} commit={(text) => set(text, label)} label={label} isInvalid={told.isInvalid} />
        : (
          <>
            <div className="row g12 ins-model">
              <span className="sp"><ModelSelect {...told} describedBy={told.describedBy ?? hint} value={name} label={label} commit={(next) => set(next, label)} /></span>
              {cost ? <span className="inp num ins-told" title={cost.title}>{cost.text}</span> : null}
            </div>
            <p className="ins-help" id={hint}>{about(model)}</p>
          </>
        ))}
    </Labelled>
  );
}

// What it cost the last time; before that, the most it can cost, where that is known without a run.
function costOf(spent, worst) {
  if (spent?.llm_calls) return { text: `about ${money(spent.cost_usd / spent.llm_calls)}`, title: "What one answer cost in the last run" };
  return worst?.cost_usd ? { text: `at most ${money(worst.cost_usd)}`, title: "The most that this step can cost in one run" } : null;
}

// What somebody should know of the model before it answers.
function about(model) {
  if (!model) return "This model is not in the list. A run can only use it when its price is known.";
  if (model.is_practice) return "The practice model makes up its text, calls nobody and costs nothing.";
  return model.ready ? `${model.label}: ${priceOf(model)} tokens, in and out.` : `It could not be called now: ${model.why_not}`;
}

export function ModelsPicker({ keys, label, help }) {
  const { readOnly, models } = useDesk();
  const [value, set] = useSetting(keys);
  const names = value ?? [];
  return (
    <Labelled keys={keys} label={label} help={help} isWhole>
      {() => (
        <div className="ins-texts">
          {names.map((name, i) => (
            <div className="row g4" key={i}>
              <span className="sp"><ModelSelect value={name} label={`${label} ${i + 1}`} commit={(next) => set(names.map((old, j) => (j === i ? next : old)), label)} /></span>
              {readOnly ? null : <RowButtons i={i} count={names.length} move={(to) => set(moved(names, i, to), label)} remove={() => set(names.filter((_, j) => j !== i), label)} name={nameOf({ name })} />}
            </div>
          ))}
          {readOnly || names.length >= 5 ? null : <button type="button" className="ins-link" onClick={() => set([...names, models[0]?.name ?? "default"], label)}><Plus size={14} aria-hidden="true" />Model</button>}
        </div>
      )}
    </Labelled>
  );
}
