// Why a run does not move and what would move it, and how it went, both made from the record.
import { Fragment, memo } from "react";
import { Link } from "react-router";
import { ToneIcon } from "../drawing/icons.jsx";
import { bannerOf, storyOf } from "./story.js";
import { amount } from "./words.js";
import { raised, Trouble } from "./forms.jsx";

// The drawn step that a path stands for: what an agent did belongs to the agent.
const nodeIn = (path) => path.split("/").at(-1).split("#")[0].split(".")[0];

function StepLink({ path, children, onSelect, onHover, node }) {
  return <button type="button" className="step" onClick={() => onSelect(path)} onMouseEnter={() => onHover(node)} onMouseLeave={() => onHover("")}>{children}</button>;
}

export function Banner({ run, book, now, can, trouble, busy, onRaise, onGoOn, onLimits, onCancel, onSelect, onHover }) {
  const told = bannerOf(run, book, now);
  if (!told) return trouble ? <div className="rn-pad"><Trouble trouble={trouble} /></div> : null;
  const offers = new Set(told.offers);
  const next = run.limit ? raised(run.limit) : null;
  return (
    <div className="rn-pad">
      <section className={`banner ${told.tone}`} role={told.tone === "failed" ? "alert" : "status"} aria-label="Why it does not move" data-testid="banner">
        <ToneIcon tone={told.tone} size={20} />
        <div className="sp">
          <h2 className="t14 b">{told.title}</h2>
          <p>{told.step ? <><StepLink path={told.step} node={nodeIn(told.step)} onSelect={onSelect} onHover={onHover}>{told.stepName}</StepLink>{told.text}</> : told.text} {told.kept}</p>
          <div className="row rn-offers">
            {told.link ? <Link className="btn pri" to={told.link}>{told.linkWord}</Link> : null}
            {offers.has("raise") && can.goOn && next ? <button type="button" className="btn pri" disabled={busy} onClick={() => onRaise(next)}>Raise to {amount(run.limit.name, next)} and go on</button> : null}
            {offers.has("limits") && can.goOn ? <button type="button" className="btn" onClick={onLimits}>Set the limits…</button> : null}
            {(offers.has("go_on") || offers.has("again")) && can.goOn ? <button type="button" className="btn pri" disabled={busy} onClick={() => onGoOn({})}>{told.again ?? "Go on"}</button> : null}
            {offers.has("budgets") ? <Link className="btn" to="/settings#budgets">See the budgets</Link> : null}
            {offers.has("see") ? <button type="button" className="btn" onClick={() => onSelect(told.see)}>See what happened</button> : null}
            {offers.has("cancel") && can.cancel && (run.status === "stopped" || run.status === "paused") ? <button type="button" className="btn danger" onClick={onCancel}>End the run</button> : null}
          </div>
          {!can.goOn && (offers.has("raise") || offers.has("go_on") || offers.has("again")) ? <p className="t12">Somebody who may operate runs can let it go on.</p> : null}
          {told.cost && can.goOn ? <p className="t12">{told.cost}</p> : null}
          {trouble ? <Trouble trouble={trouble} /> : null}
        </div>
      </section>
    </div>
  );
}

export const Story = memo(function Story({ run, book, onSelect, onHover }) {
  if (!run.seq) return null;
  return (
    <section className="rn-what" aria-label="What happened">
      <div className="row"><h2 className="t13 b">What happened</h2><span className="mut t12">written from the record, not by AI</span></div>
      <p data-testid="story">{storyOf(run, book).map((sentence, index) => <Fragment key={index}>{sentence.map((part, place) => partOf(part, place, onSelect, onHover))} </Fragment>)}</p>
    </section>
  );
});

function partOf(part, key, onSelect, onHover) {
  if (typeof part === "string") return part;
  if (part.bold) return <b key={key}>{part.bold}</b>;
  return <StepLink key={key} path={part.step} node={nodeIn(part.step)} onSelect={onSelect} onHover={onHover}>{part.text}</StepLink>;
}
