// What an agent was told, said and wanted in one turn; what one call of it was, how it was judged, who consented and what came back.
import { Link } from "react-router";
import { CircleCheck, CircleQuestionMark, CircleX } from "lucide-react";
import { ToneIcon } from "../drawing/icons.jsx";
import { agentTold, callsOf, callTold, makingOf, toldLast, toolOf, turnsOf, worthALook } from "./agents.js";
import { useBody } from "./use_run.js";
import { Body, Table, Text } from "./values.jsx";
import { brisk, clock, counted, nameOf, whoFor } from "./words.js";

/** The step that a call stands for: the call itself if it was made, else the question or the verdict. */
export const mainOf = (where, step) => (where?.call ? makingOf(where.call) ?? where.call.parts.ask ?? where.call.parts.call ?? step : step);

export function titleIn(where) {
  if (where.call) return `Call ${toolOf(where.call)}`;
  if (where.part === "say") return "Talk with a person";
  return where.turn ? `Turn ${where.turn.number}` : "The tools that it is offered";
}

/** From the agent down to what is shown: each a way back up. */
export function Crumbs({ book, where, onSelect }) {
  const { agent, turn, call, part } = where;
  const isBelow = turn && (call || part === "say");
  return (
    <nav className="rn-crumbs t12" aria-label="Where this is">
      <button type="button" className="step" onClick={() => onSelect(agent.path)}>{nameOf(book, agent.node)}</button>
      {isBelow && turn.step ? <><span aria-hidden="true">›</span><button type="button" className="step" onClick={() => onSelect(turn.path)}>Turn {turn.number}</button></> : null}
      <span aria-hidden="true">›</span><span className="mut" aria-current="page">{titleIn(where)}</span>
    </nav>
  );
}

export function Inside({ run, where, onSelect }) {
  if (where.call) return <Call call={where.call} />;
  if (where.part === "say") return <Said title="What the agent said" value={where.turn?.step?.outputs} name="text" next={<Said title="What the person answered" value={where.turn?.say?.outputs} name="text" empty="Nobody has answered yet." />} />;
  return where.turn?.step ? <Turn run={run} agent={where.agent} turn={where.turn} onSelect={onSelect} /> : <Offer agent={where.agent} />;
}

function Section({ title, children, testId }) {
  return <section className="rn-values" aria-label={title} data-testid={testId}><h3 className="t12">{title}</h3>{children}</section>;
}

function Said({ title, value, name, empty = "Nothing.", next }) {
  const body = useBody(value), text = body.value?.[name];
  return (
    <>
      <Section title={title}>{text ? <div className="one"><Text text={String(text)} /></div> : <p className="mut t12">{body.isLoading ? "Loading…" : empty}</p>}</Section>
      {next}
    </>
  );
}

function Turn({ run, agent, turn, onSelect }) {
  const out = useBody(turn.step.outputs), calls = callsOf(turn);
  const wanted = out.value?.calls ?? [], made = useBody(turn.box?.inputs ?? null).value?.items, left = made ? wanted.slice(made.length) : [];
  const empty = out.isLoading ? "Loading…" : turn.step.status === "running" ? "It is thinking." : wanted.length ? "Nothing, it only wanted tools called." : "Nothing.";
  return (
    <>
      <ToldLast told={toldLast(run, agent, turn)} />
      <Section title="What it said" testId="turn-said">{out.value?.text ? <div className="one"><Text text={out.value.text} /></div> : <p className="mut t12">{empty}</p>}</Section>
      {out.value?.problem ? <Section title={turn.step.port === "handover" ? "Why it hands over" : "What was wrong with it"}><div className="one"><Text text={out.value.problem} /></div></Section> : null}
      {out.value?.json != null ? <Body value={out.value.json} title="The answer's parts" empty="" /> : null}
      {calls.length || wanted.length ? (
        <Section title="What it wanted called" testId="turn-calls">
          <ul className="rn-tries">
            {calls.map((call) => <CallLine key={call.path} call={call} onSelect={onSelect} />)}
            {left.map((call, index) => <li key={index}><div className="row"><span className="md">{call.tool}</span><span className="mut t12">left out: one turn may not call so many</span></div></li>)}
          </ul>
        </Section>
      ) : null}
      <Offer agent={agent} />
    </>
  );
}

function CallLine({ call, onSelect }) {
  const told = callTold(call, brisk);
  return (
    <li>
      <div className="row"><button type="button" className="step" onClick={() => onSelect((call.parts.call ?? call.steps[0]).path)}>{toolOf(call)}</button><span className="sp" /><span className={`st ${told.tone}`}><ToneIcon tone={told.tone} />{told.word}</span></div>
      {told.told ? <p className="t12 mut">{told.told}</p> : null}
    </li>
  );
}

function ToldLast({ told }) {
  const body = useBody(told.body), value = body.value;
  const said = told.isTask ? value?.items?.[0]?.task : told.isProblem ? value?.problem : value?.text;
  return (
    <Section title={told.title} testId="told-last">
      {body.isLoading ? <p className="mut t12">Loading…</p>
        : value?.results ? value.results.map((result) => <div className="one" key={result.id}><span className="mut t12">{result.tool}</span> <Text text={String(result.content)} /></div>)
          : said ? <div className="one"><Text text={String(said)} /></div> : <p className="mut t12">Nothing new.</p>}
    </Section>
  );
}

function Offer({ agent }) {
  const out = useBody(agent.offer?.outputs ?? null), tools = out.value?.tools ?? [];
  return <Section title="Tools it was offered" testId="offered"><p className="t12">{tools.length ? tools.map((tool) => tool.name).join(", ") : out.isLoading ? "Loading…" : "None."}</p></Section>;
}

function Call({ call }) {
  const { call: judged, ask } = call.parts, making = makingOf(call), told = callTold(call, brisk);
  const verdict = useBody(judged?.outputs ?? null).value ?? {};
  const made = useBody(making?.outputs ?? null), given = useBody(making?.inputs ?? null).value?.arguments;
  const isEdited = ask?.note?.decision === "approved" && given && JSON.stringify(given) !== JSON.stringify(verdict.arguments);
  const result = made.value?.result;
  return (
    <>
      <Body value={verdict.arguments ?? null} title={isEdited ? "What the agent wanted" : "What it is called with"} empty="Nothing." />
      {isEdited ? <Body value={given} title={`What ${ask.note.by_name || "a person"} made of it`} empty="Nothing." /> : null}
      <Section title="Verdict" testId="verdict">
        <p className={`st ${told.tone}`}><ToneIcon tone={told.tone} /><span>{[told.word, told.told].filter(Boolean).join(": ")}</span></p>
        {verdict.rules?.length ? <Rules rules={verdict.rules} /> : <p className="t12 mut">{judged?.status === "done" ? "No rules stand before this tool." : ""}</p>}
      </Section>
      {ask ? <Consent ask={ask} /> : null}
      {making?.status === "waiting" && making.item ? <Consent ask={making} /> : null}
      {making?.error ? null : making ? (
        <Section title="What came back" testId="came-back">
          {made.isLoading ? <p className="mut t12">Loading…</p> : result === undefined || result === null ? <p className="mut t12">{making.status === "done" ? "Nothing." : "Nothing yet."}</p>
            : typeof result === "object" && !Array.isArray(result) ? <Table value={result} empty="Nothing." /> : <div className="one"><Text text={typeof result === "string" ? result : JSON.stringify(result, null, 1)} isCode={typeof result !== "string"} /></div>}
        </Section>
      ) : null}
    </>
  );
}

const HOLDS = { true: ["done", CircleCheck, "Holds"], false: ["failed", CircleX, "Does not hold"], null: ["waiting", CircleQuestionMark, "Cannot be said"] };
const WORST = { false: 0, null: 1, true: 2 };

function Rules({ rules }) {
  const sorted = [...rules].sort((a, b) => WORST[a.holds] - WORST[b.holds]);
  return (
    <ul className="rn-rules" aria-label="Rules">
      {sorted.map((rule, index) => {
        const [tone, Icon, word] = HOLDS[rule.holds];
        return (
          <li key={index}>
            <span className={`st ${tone}`}><Icon size={14} aria-hidden="true" />{word}</span>
            <span className="t12">{rule.because === `This does not hold: ${rule.that}.` ? <code>{rule.that}</code> : rule.because}{rule.holds === false ? <span className="mut"> {rule.otherwise === "ask" ? "So a person decides." : "So it is stopped."}</span> : null}{rule.holds === null ? <span className="mut"> A person decides what cannot be said.</span> : null}</span>
            <details className="t12"><summary className="mut">As it is written</summary><code>{rule.that}</code>{rule.unknown ? <p className="mut">{rule.unknown}</p> : null}</details>
          </li>
        );
      })}
    </ul>
  );
}

function Consent({ ask }) {
  const { note } = ask;
  const word = { approved: "Approved", rejected: "Refused", expired: "Nobody answered in time" }[note?.decision];
  return (
    <Section title="Consent" testId="consent">
      {word ? <p>{word}{note.by_name ? ` by ${note.by_name}` : ""}{ask.endedAt ? ` at ${clock(ask.endedAt)}` : ""}{note.reason ? `: “${note.reason}”` : "."}</p>
        : <p>{`Waiting for ${whoFor(ask)}. `}{ask.item ? <Link className="step" to={`/inbox/${encodeURIComponent(ask.item)}`}>Decide in the inbox</Link> : null}</p>}
    </Section>
  );
}

const LAST_TURNS = 5;

/** Of the agent's own step: its task and its answer, what is worth a look among its calls, and the way to its turns. */
export function AgentSum({ run, agent, step, onSelect }) {
  const turns = turnsOf(agent), last = turns.slice(-LAST_TURNS), odd = worthALook(agent, brisk);
  const given = useBody(run.steps.get(agent.path)?.inputs ?? null), task = given.value?.items?.[0] ?? {};
  const made = useBody(step.outputs), { text, json } = made.value ?? {};
  return (
    <>
      <Section title="Its task"><div className="one">{task.task ? <Text text={String(task.task)} /> : <span className="mut">{given.isLoading ? "Loading…" : "Not said."}</span>}</div></Section>
      <Section title="What it did" testId="agent-sum">
        <p>{agentTold(agent)}</p>
        <p className="t12">{turns.length > last.length ? `The last ${last.length} of ${counted(turns.length, "turn")}: ` : ""}{last.map((turn, index) => <span key={turn.path}>{index ? " · " : ""}<button type="button" className="step" onClick={() => onSelect(turn.path)}>Turn {turn.number}</button></span>)}</p>
      </Section>
      {odd.calls.length ? (
        <Section title="Worth a look" testId="worth-a-look">
          <ul className="rn-tries">{odd.calls.map((call) => <CallLine key={call.path} call={call} onSelect={onSelect} />)}</ul>
          {odd.more ? <p className="t12 mut">And {counted(odd.more, "more call")}: see the list.</p> : null}
        </Section>
      ) : null}
      <Section title={step.port === "handover" ? "Why it hands over" : "Its answer"} testId="agent-answer">{text ? <div className="one"><Text text={String(text)} /></div> : <p className="mut t12">{made.isLoading ? "Loading…" : step.status === "done" ? "It said nothing." : "It has not finished."}</p>}</Section>
      {json != null ? <Body value={json} title="The answer's parts" empty="" /> : null}
      {task.system ? <Section title="Its role and rules"><div className="one"><Text text={String(task.system)} /></div></Section> : null}
    </>
  );
}
