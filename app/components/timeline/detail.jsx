// One step in full: what it got, what came out, what was asked and answered, what it used, its tries, and who decided.
import { useEffect, useId, useState } from "react";
import { Link } from "react-router";
import { ArrowLeft, ArrowRight, Copy, GitFork, Lock, X } from "lucide-react";
import { Tile, ToneIcon } from "../drawing/icons.jsx";
import { AgentSum, Crumbs, Inside, mainOf, titleIn } from "./agent_detail.jsx";
import { agentsOf, standsFor, whereOf } from "./agents.js";
import { Body, Text } from "./values.jsx";
import { isReference, useBody } from "./use_run.js";
import { CHECKS, amount, checksOf, clock, count, counted, isCached, isSaid, lineOf, repairsOf, length, lookOf, money, moment, nameOf, portName, practised, stepStatus, whichOf, whyWord } from "./words.js";

export function Detail({ run, book, step, texts, now, place, onSelect, onPrevious, onNext, onClose, onFork }) {
  const [tab, setTab] = useState("overview");
  const where = whereOf(run, step.path);
  const name = useId();
  const isModel = Boolean(step.note?.calls?.length || texts.has(step.path) || (step.inputs && !isReference(step.inputs) && typeof step.inputs.prompt === "string"));
  const tabs = [["overview", "Overview"], ...(where || agentsOf(run).has(step.path) ? [] : [["input", "Input"]]), ...(isModel && !where ? [["prompt", "Prompt & answer"]] : []), ["tries", step.tries.length > 1 ? `Tries (${step.tries.length})` : "Tries"]];
  const shown = tabs.some(([id]) => id === tab) ? tab : "overview";
  const look = lookOf(book, step.node);
  const which = whichOf(book, step.path);
  const keys = (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const index = (tabs.findIndex(([id]) => id === shown) + move + tabs.length) % tabs.length;
    setTab(tabs[index][0]);
    event.currentTarget.children[index].focus();
  };
  return (
    <>
      <div className="row rn-dhead">
        <button type="button" className="btn sm ic ghost narrow" onClick={onClose} aria-label="Back to the steps"><ArrowLeft size={16} aria-hidden="true" /></button>
        <Tile icon={look.icon} isAi={look.isAi} />
        <div className="sp"><h2 className="t14 b el" data-testid="detail-title">{where ? titleIn(where) : nameOf(book, step.node)}</h2>{where ? <Crumbs book={book} where={where} onSelect={onSelect} /> : <div className="mut t12 el">{[place, which].filter(Boolean).join(" · ")}</div>}</div>
        <button type="button" className="btn sm ic ghost wide" disabled={!onPrevious} onClick={onPrevious} aria-label="Step before"><ArrowLeft size={16} aria-hidden="true" /></button>
        <button type="button" className="btn sm ic ghost wide" disabled={!onNext} onClick={onNext} aria-label="Next step"><ArrowRight size={16} aria-hidden="true" /></button>
        <button type="button" className="btn sm ic ghost over" onClick={onClose} aria-label="Close"><X size={16} aria-hidden="true" /></button>
      </div>
      <div className="tabs rn-tabs" role="tablist" aria-label="About this step" onKeyDown={keys}>
        {tabs.map(([id, word]) => <button key={id} type="button" role="tab" id={`${name}${id}`} aria-controls={`${name}panel`} aria-selected={shown === id} tabIndex={shown === id ? 0 : -1} className={shown === id ? "on" : undefined} onClick={() => setTab(id)}>{word}</button>)}
      </div>
      <div className="rn-dbody" role="tabpanel" id={`${name}panel`} aria-labelledby={`${name}${shown}`} tabIndex={0}>
        {shown === "overview" ? <Overview run={run} book={book} step={mainOf(where, step)} where={where} texts={texts} now={now} onSelect={onSelect} /> : null}
        {shown === "input" ? <Body value={inputsOf(step)} title="What it got, worked out" empty={notYet(step)} /> : null}
        {shown === "prompt" ? <Prompt step={step} texts={texts} /> : null}
        {shown === "tries" ? <Tries step={mainOf(where, step)} now={now} /> : null}
      </div>
      <div className="row rn-dfoot"><CopyLink path={step.path} />{onFork && (!where || where.part === "turn") ? <button type="button" className="btn sm" onClick={onFork}><GitFork size={14} aria-hidden="true" />Run again from here…</button> : null}<span className="sp" />{run.endedAt === null ? null : <span className="mut t12 row g4"><Lock size={12} aria-hidden="true" />Kept as it was</span>}</div>
    </>
  );
}

// Start and end hand on what they get: the record holds it once.
const inputsOf = (step) => step.inputs ?? (step.status === "done" ? step.outputs : null);
const notYet = (step) => (step.status === "running" ? "It is written here when the step ends." : step.tries.length ? "Nothing." : "It has not started.");

function Overview({ run, book, step, where, texts, now, onSelect }) {
  const agent = where ? null : agentsOf(run).get(step.path);
  const told = stepStatus(run, agent ? standsFor(agent, step) : step);
  const live = texts.get(step.path);
  return (
    <>
      {practised(step) ? <p className="rn-note"><span className="bd neutral">Practice answer</span> Made up by the practice model: it costs nothing and says nothing true.</p> : null}
      {isCached(step) ? <p className="rn-note"><span className="bd neutral">Same answer again</span> The very same question was answered before, so nobody was asked and it cost nothing.</p> : null}
      <Origins step={step} />
      <StandIn step={step} />
      <Doubts step={step} />
      {step.error && !isSaid(step) ? <div className={`banner ${told.tone === "doubt" ? "doubt" : "failed"}`} role="note"><ToneIcon tone={told.tone === "doubt" ? "doubt" : "failed"} size={16} /><div><p className="b">{step.error.message}</p>{step.error.hint ? <p>{step.error.hint}</p> : null}</div></div> : null}
      <Checks step={step} />
      {where ? <Inside run={run} where={where} onSelect={onSelect} /> : null}
      {agent ? <AgentSum run={run} agent={agent} step={step} onSelect={onSelect} /> : null}
      {!where && !agent && (step.inputs !== null || step.status !== "done") ? <Body value={step.inputs} title="What it got" empty={notYet(step)} /> : null}
      {live ? <section className="rn-values" aria-label="It is writing"><h3 className="t12">It is writing</h3><div className="one" data-testid="writing"><span className="text">{live}</span></div></section> : null}
      {where || agent ? null : <Body value={step.outputs} title="What came out" empty={step.status === "running" ? "It is still working." : step.status === "in_doubt" ? "Nobody knows." : step.status === "waiting" ? (step.pause ? "Nothing yet: it waits." : "Nothing yet: it waits for an answer.") : notYet(step)} />}
      {printedBy(step) ? <Body value={printedBy(step)} title="What it printed" empty="" /> : null}
      <Facts run={run} book={book} step={step} told={told} now={now} />
    </>
  );
}

// Where its values come from: what must not leave the house unseen, and what may want to mislead.
const ORIGINS = { private: "Holds private data", external: "Holds words from outside" };

function Origins({ step }) {
  const told = step.labels.filter((label) => ORIGINS[label]);
  if (!told.length) return null;
  const why = "In a run that has both, whatever reaches outside waits until somebody has looked at it.";
  return <p className="rn-note row g4" data-testid="origins">{told.map((label) => <span key={label} className="bd neutral" title={why}>{ORIGINS[label]}</span>)}</p>;
}

// What a little program has printed: beside what came out, or with its mistake.
const printedBy = (step) => step.note?.code?.printed ?? step.error?.printed ?? "";

// What was checked of an answer, with what was found.
function Checks({ step }) {
  const checks = checksOf(step);
  if (!checks.length) return null;
  return (
    <section className="rn-values" aria-label="Checks of the answer" data-testid="checks"><h3 className="t12">Checks of the answer</h3>
      <ul className="rn-tries">
        {checks.map(({ check, passed, problems }) => (
          <li key={check}>
            <div className="row"><span className="md">{CHECKS[check] ?? check}</span><span className={`st ${passed ? "done" : "failed"}`}><ToneIcon tone={passed ? "done" : "failed"} />{passed ? "Passed" : "Not good enough"}</span></div>
            {(problems ?? []).map(({ text, why }, index) => <p key={index} className="t12">“{text}” <span className="mut">{why}</span></p>)}
          </li>
        ))}
      </ul>
    </section>
  );
}

const SAID = { retry: "it did not happen, and let it run", fail: "it did not happen" };

// Whether a call happened that got no answer: why nobody knows, where to say so, and who has said what.
function Doubts({ step }) {
  if (step.status === "in_doubt" && !step.doubts.some(({ decided }) => !decided)) return <Doubt text="It was under way when the run was cancelled. Nobody knows whether it happened: look there." />;
  return step.doubts.map(({ why, item, at, decided }) => (
    <Doubt key={at} text={`It ${whyWord(why)}. ${decided || step.status !== "in_doubt" ? "Nobody knew" : "Nobody knows"} whether it happened.`}>
      {decided ? <p>{decided.by || "Somebody"} said at {clock(decided.at)}: {SAID[decided.decision] ?? decided.decision}{decided.reason ? `. “${decided.reason}”` : "."}</p> : null}
      {step.status === "in_doubt" && !decided ? <p><Link className="step" to={`/inbox/${encodeURIComponent(item)}`}>Say what happened</Link></p> : null}
    </Doubt>
  ));
}

const Doubt = ({ text, children }) => <div className="banner doubt" role="note"><ToneIcon tone="doubt" size={16} /><div><p className="b">{text}</p>{children}</div></div>;

// The run that the step has started.
const calledRun = (step) => step.pause?.run ?? (step.note?.run || "");

function Facts({ run, book, step, told, now }) {
  const work = step.spans.filter((span) => span.kind === "work").reduce((sum, span) => sum + (span.to ?? now) - span.from, 0);
  const waits = step.spans.filter((span) => span.kind === "wait").reduce((sum, span) => sum + (span.to ?? now) - span.from, 0);
  const most = step.tries.at(-1)?.most ?? {};
  const models = [...new Set((step.note?.calls ?? []).map((call) => (call.practice ? "Practice model" : call.model)).filter(Boolean))];
  const { note } = step;
  const facts = [
    ["Status", <span className={`st ${told.tone}`} key="s"><ToneIcon tone={told.tone} />{told.word}{step.tries.length > 1 ? `, after ${step.tries.length} tries` : ""}</span>],
    ["Started", step.startedAt ? moment(step.startedAt) : ""],
    ["Worked", step.tries.length ? length(work) : ""],
    ["Waited", waits ? length(waits) : ""],
    [step.pause?.event ? "Waits for" : "", step.pause?.event ? [step.pause.event, step.pause.key].filter(Boolean).join(" ") : ""],
    [step.pause?.event ? "Until at most" : "Waits until", step.pause?.until ? moment(step.pause.until) : ""],
    [calledRun(step) ? "Runs" : "", calledRun(step) ? <Link key="r" to={`/runs/${encodeURIComponent(calledRun(step))}`}>{step.pause?.name || "Another workflow"}</Link> : ""],
    ["Answer by", step.expiresAt ? moment(step.expiresAt) : ""],
    ["After a crash", note?.code?.resumed_at ? `went on from its checkpoint ${count(note.code.resumed_at)}` : note?.code?.anew ? `began anew: ${note.code.anew}` : ""],
    ["Cost", isCharged(step) ? <Used key="c" used={money(step.spent.cost_micro)} most={most.cost_micro ? money(most.cost_micro) : ""} /> : ""],
    ["Tokens", isCharged(step) ? <Used key="t" used={count(step.spent.tokens)} most={most.tokens ? count(most.tokens) : ""} /> : ""],
    ["Model", models.join(", ")],
    ["Asked a model", step.spent.llm_calls ? counted(step.spent.llm_calls, "time") : ""],
    ["Asked again", repairsOf(step) ? `${counted(repairsOf(step), "answer")} could not be used` : ""],
    ["Waited in line", lineOf(step) ? length(lineOf(step) * 1000) : ""],
    ["Went on by", step.port && step.status === "done" ? portName(book, step.node, step.port) : step.goesOn === "default" ? "its set answer for failures" : ""],
    ["Decision", note?.decision ? told.word : ""],
    ["Decided by", note?.by_name || (note?.decision === "expired" ? "nobody in time" : "")],
    ["Agreed", step.votes.map((vote) => `${vote.name} at ${clock(vote.at)}`).join(", ")],
    ["Reason", note?.decision ? note.reason || "none given" : ""],
  ];
  return <dl className="rn-dl" data-testid="facts">{facts.filter(([word, value]) => word && value !== "" && value !== undefined).map(([word, value]) => <div key={word}><dt>{word}</dt><dd className="num">{value}</dd></div>)}</dl>;
}

const isCharged = (step) => step.spent.tokens > 0 || step.spent.cost_micro > 0 || step.spent.llm_calls > 0 || Boolean(step.tries.at(-1)?.most?.llm_calls);
const Used = ({ used, most }) => <>{used}{most ? <span className="mut"> of at most {most}</span> : null}</>;

function Prompt({ step, texts }) {
  const asked = useBody(step.inputs);
  const answered = useBody(step.outputs);
  const live = texts.get(step.path);
  const { system, prompt, text: question } = asked.value ?? {};
  const answer = answered.value?.text ?? "";
  return (
    <>
      {practised(step) ? <p className="rn-note"><span className="bd neutral">Practice answer</span> Made up by the practice model.</p> : null}
      <Said title="Who the model was told to be" text={system} />
      <Said title="What it was asked" text={prompt ?? question} empty={asked.isLoading ? "Loading…" : notYet(step)} />
      <Said title={live ? "What it is writing" : "What it answered"} text={live ?? (typeof answer === "string" ? answer : "")} empty={answered.isLoading ? "Loading…" : "No answer."} />
      {answered.value?.json != null ? <Body value={answered.value.json} title="The answer's parts" empty="" /> : null}
      {(step.note?.calls ?? []).map((call, index) => (
        <div key={index}>
          <p className="t12 mut num">{call.practice ? "Practice model" : call.model}: {calledTold(call)}</p>
          {call.masked && Object.keys(call.masked).length ? <p className="t12 mut">Kept from the model: {keptTold(call.masked)}</p> : null}
          {call.refused ? <div className="one"><Text text={call.answer} /><p className="t12">Could not be used: {call.refused.join("; ")}</p></div> : null}
        </div>
      ))}
    </>
  );
}

const KEPT = { email: ["e-mail address", "e-mail addresses"], phone: ["phone number", "phone numbers"], iban: ["bank account", "bank accounts"], card: ["payment card", "payment cards"], id: ["identity number", "identity numbers"], birth: ["date of birth", "dates of birth"], ip: ["internet address", "internet addresses"], address: ["street address", "street addresses"], word: ["listed word", "listed words"] };

const keptTold = (masked) => Object.entries(masked).map(([kind, found]) => `${count(found)} ${(KEPT[kind] ?? [kind, kind])[found === 1 ? 0 : 1]}`).join(", ");

function calledTold(call) {
  const waited = call.waited_s ? `, after ${length(call.waited_s * 1000)} in line` : "";
  if (call.cached) return "answered before, so it cost nothing";
  if (call.error) return `failed (${call.error})${waited}`;
  return `${count(call.tokens_in ?? 0)} tokens in, ${count(call.tokens_out ?? 0)} out, ${money((call.cost_usd ?? 0) * 1e6)}${waited}`;
}

function Said({ title, text, empty = "" }) {
  if (!text && !empty) return null;
  return <section className="rn-values" aria-label={title}><h3 className="t12">{title}</h3>{text ? <div className="one"><Text text={String(text)} /></div> : <p className="mut t12">{empty}</p>}</section>;
}

const TRIED = { done: ["done", "Worked"], failed: ["failed", "Failed"], lost: ["failed", "Cut off"], cancelled: ["skipped", "Given up"], running: ["running", "Running"], waiting: ["waiting", "Waiting"], in_doubt: ["doubt", "In doubt"] };

function Tries({ step, now }) {
  if (!step.tries.length) return <p className="mut t12">It was not started.</p>;
  return (
    <ol className="rn-tries">
      {step.tries.map((tried) => {
        const [tone, word] = TRIED[tried.status] ?? ["skipped", tried.status];
        return (
          <li key={`${tried.number} ${tried.from}`}>
            <div className="row"><span className="md">Try {tried.number}</span><span className={`st ${tone}`}><ToneIcon tone={tone} />{word}</span><span className="sp" /><span className="mut t12 num">{clock(tried.from)} · {length((tried.to ?? now) - tried.from)}</span></div>
            {tried.error ? <p>{tried.error.message} <span className="mut">{tried.error.hint}</span></p> : null}
            {tried.spent?.cost_micro || tried.spent?.tokens ? <p className="t12 mut num">{amount("cost_micro", tried.spent.cost_micro ?? 0)}, {counted(tried.spent.tokens ?? 0, "token")}</p> : null}
          </li>
        );
      })}
    </ol>
  );
}

function CopyLink({ path }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const over = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(over);
  }, [isCopied]);
  const copy = () => navigator.clipboard?.writeText(`${window.location.origin}${window.location.pathname}?step=${encodeURIComponent(path)}`).then(() => setCopied(true), () => setCopied(false));
  return <button type="button" className="btn sm" onClick={copy}><Copy size={14} aria-hidden="true" /><span aria-live="polite">{isCopied ? "Copied" : "Copy link"}</span></button>;
}

// What a try-out took in place of running the step: said wherever its output is shown.
const STAND_INS = {
  simulated: ["Simulated", "A try reaches nobody outside: this is the step's example output, nothing was sent."],
  pinned: ["Kept output", "The output that was kept for tries stands here; the step was not run."],
  reused: ["From an earlier run", "The step was not run again: its output comes from the run that was tried from."],
};

function StandIn({ step }) {
  const told = STAND_INS[step.simulated ? "simulated" : step.pinned ? "pinned" : step.reused ? "reused" : ""];
  if (!told) return null;
  return (
    <p className="rn-note">
      <span className="bd neutral">{told[0]}</span> {told[1]}
      {step.reused ? <> <a href={`/runs/${encodeURIComponent(step.reused)}?step=${encodeURIComponent(step.path)}`}>Open that run</a></> : null}
    </p>
  );
}
