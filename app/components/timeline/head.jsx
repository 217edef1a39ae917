// The head of a run: what ran, how it stands, what it has used of what it may use, and what can be done with it.
import { memo } from "react";
import { Link } from "react-router";
import { Pause, Play, Square } from "lucide-react";
import { ToneIcon } from "../drawing/icons.jsx";
import { busyUs } from "./fold.js";
import { clock, count, length, money, moment, practised, runStatus } from "./words.js";

export function Badge({ tone, word }) {
  return <span className={`bd ${tone === "next" ? "neutral" : tone}`}><ToneIcon tone={tone} />{word}</span>;
}

function Fact({ name, children, wide }) {
  return <div className={wide ? "wide" : undefined}><dt className="t12 mut">{name}</dt><dd className="num">{children}</dd></div>;
}

const Of = ({ used, most }) => <><b>{used}</b>{most ? <span className="mut"> of {most}</span> : null}</>;

const LINES = {
  live: ["live", "Live"], lost: ["lost", "Connection lost. Nothing is lost: the run goes on. This page comes back by itself."], loading: ["", "Loading the steps…"],
};

export function Line({ state }) {
  const [look, text] = LINES[state] ?? ["", ""];
  return <span className={`rn-line ${look}`} role="status" aria-live="polite" data-testid="line" data-state={state}>{text ? <><i aria-hidden="true" />{text}</> : null}</span>;
}

export const Head = memo(function Head({ run, book, now, state, isMore, canGoOn, canCancel, canPause, onGoOn, onPause, onCancel }) {
  // How it stands is known when its history is whole.
  const status = isMore ? { tone: "rest", word: "Loading" } : runStatus(run, book);
  const { limits, used } = run;
  const share = limits.cost_micro ? Math.min(100, Math.round((used.cost_micro / limits.cost_micro) * 100)) : 0;
  const deciders = [...new Set([...run.steps.values()].filter((step) => step.status === "done" && step.note?.by_name).map((step) => step.note.by_name))];
  const isPractice = [...run.steps.values()].some(practised);
  const finished = [...run.steps.values()].filter((step) => step.status === "done").length;
  return (
    <header className="rn-head">
      <div className="row rn-title">
        <Link to="/runs" className="mut wide">Runs</Link><span className="mut wide" aria-hidden="true">/</span>
        <h1 className="t20 b">{book.name || "Run"}</h1>
        <span data-testid="status"><Badge {...status} /></span>
        {run.mode === "test" ? <span className="bd neutral">Test run</span> : null}
        {run.parent ? <Link to={`/runs/${encodeURIComponent(run.parent)}`} className="bd neutral">Started by a run</Link> : null}
        {run.forkOf ? <Link to={`/runs/${encodeURIComponent(run.forkOf)}?step=${encodeURIComponent(run.forkedAt)}`} className="bd neutral">Fork of a run</Link> : null}
        {isPractice ? <span className="bd neutral" title="The practice model makes up its answers; they cost nothing.">Practice answers</span> : null}
        <span className="mut">
          {run.workflow ? <Link to={`/workflows/${run.workflow}`}>{run.version === null ? "Draft" : `Version ${run.version}`}</Link> : null}
          {run.startedAt ? ` · ${moment(run.startedAt)}${run.endedAt ? ` to ${run.endedAt - run.startedAt < 864e5 ? clock(run.endedAt) : moment(run.endedAt)}` : ""}` : ""}
        </span>
        <Line state={state} />
        <span className="sp" />
        {canGoOn ? <button type="button" className="btn wide" onClick={onGoOn}><Play size={16} aria-hidden="true" />Go on…</button> : null}
        {canPause ? <button type="button" className="btn wide" onClick={onPause}><Pause size={16} aria-hidden="true" />Pause</button> : null}
        {canCancel ? <button type="button" className="btn danger" onClick={onCancel}><Square size={16} aria-hidden="true" />Cancel run</button> : null}
      </div>
      <dl className="row rn-facts">
        <Fact name="Worked"><Of used={length(busyUs(run, now) / 1000)} most={limits.busy_us ? length(limits.busy_us / 1000) : ""} /></Fact>
        <Fact name="Cost"><Of used={money(used.cost_micro)} most={limits.cost_micro !== undefined ? money(limits.cost_micro) : ""} /></Fact>
        <Fact name="Steps" wide><Of used={count(used.steps)} most={limits.steps !== undefined ? count(limits.steps) : ""} /><span className="mut">, {count(finished)} kept</span></Fact>
        <Fact name="Tokens" wide><Of used={count(used.tokens)} most={limits.tokens !== undefined ? count(limits.tokens) : ""} /></Fact>
        {run.by ? <Fact name="Started by" wide><span className="md">{run.by}</span></Fact> : null}
        {deciders.length ? <Fact name="Decided by" wide><span className="md">{deciders.join(", ")}</span></Fact> : null}
        <div className="sp rn-money">
          <dt className="t12 mut">Money used</dt><dd className="t12 mut num">{share} %</dd>
          <dd className="burn" aria-hidden="true"><i style={{ width: `${share}%`, background: share >= 100 ? "var(--limit-solid)" : undefined }} /></dd>
        </div>
      </dl>
    </header>
  );
});
