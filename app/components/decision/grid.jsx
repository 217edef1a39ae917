// The approvals of one map box: a line for each item, decided one by one or many at once. What is sent is what stands on the lines.
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import { ArrowLeft, ArrowRight, Check, CircleX, Lock, X } from "lucide-react";
import { ToneIcon } from "../drawing/icons.jsx";
import { Draft } from "./decision.jsx";

const YES_OR_NO = [{ value: "true", word: "yes" }, { value: "false", word: "no" }];
const LONG = 60;
const VERY_LONG = 240;
// An answer that does not come, because the connection is gone, gives the buttons back.
const ANSWERED_WITHIN_MS = 30000;
const CONTROL = "a,button,input,textarea,select,summary";

const isLong = (text) => text.length > LONG || text.includes("\n");
const textsOf = (body) => Object.fromEntries([...body.querySelectorAll("[data-draft]")].map((field) => [field.dataset.draft, field.value]));
const bodyOf = (table, id) => table?.querySelector(`[data-line="${CSS.escape(id)}"]`);
const items = (count) => (count === 1 ? "1 item" : `${count} items`);

function Value({ text }) {
  return <span className={isLong(text) ? "gd-val long" : "gd-val"} tabIndex={text.length > VERY_LONG ? 0 : undefined}>{text}</span>;
}

function Edit({ line, field, onType }) {
  if (!field) return <span className="mut">–</span>;
  if (!line.may_decide) return <Value text={field.text} />;
  return (
    <span data-at={`edit-${field.name}`} className="gd-edit">
      <Draft
        of={line.id} keep={field.keep} name={field.name} label={`${field.label} of item ${line.number}`} original={field.original}
        kind={field.kind} options={field.kind === "choice" ? YES_OR_NO : undefined} isLong={field.kind === "text" && isLong(field.original)} onDraft={() => onType(line.id, field.name)}
      />
    </span>
  );
}

function Facts({ facts }) {
  return <dl className="kv">{facts.map(({ label, text, is_long }) => [<dt key={`t${label}`}>{label}</dt>, <dd key={`d${label}`} className={is_long ? "long" : undefined} tabIndex={is_long ? 0 : undefined}>{text}</dd>])}</dl>;
}

// Below its line: what was refused, what a person must know, and what the action does, whole.
function Below({ line, problem, preview, span, blocked, hasMore }) {
  const isWaiting = line.may_decide || line.may_not !== "";
  const acts = preview ?? line.acts;
  return (
    <tr role="row" className="gd-below">
      <td role="cell" colSpan={span}><div className="gd-under">
        {problem ? <p className="st failed gd-bad" role="alert"><CircleX size={14} aria-hidden="true" />{problem}</p> : null}
        {line.note ? <p className="mut">{line.note}</p> : null}
        {blocked ? <p className="mut">{blocked}</p> : null}
        {hasMore ? (
          <details>
            <summary>
              {line.acts_word}<span className="sr"> for item {line.number}</span>
              {preview ? <span className="bd accent">with your edits</span> : null}
              {isWaiting && line.is_final ? <span className="bd limit"><Lock size={14} aria-hidden="true" />Cannot be undone</span> : null}
            </summary>
            {acts.length > 0 ? <Facts facts={acts} /> : null}
            {line.more.length > 0 ? <Facts facts={line.more} /> : null}
            {line.message ? <><p className="mut gd-said">Message, may be written by a model</p><div className="quo">{line.message}</div></> : null}
          </details>
        ) : null}
      </div></td>
    </tr>
  );
}

const Line = memo(function Line({ line, shows, edits, problem, preview, isPicked, isSent, canDecide, onPick, onDecide, onType }) {
  const fields = new Map(line.fields.map((field) => [field.name, field]));
  const number = `item ${line.number}`;
  const span = 1 + shows.length + edits.length + (canDecide ? 1 : 0);
  const blocked = canDecide ? line.may_not : "";
  const hasMore = (preview ?? line.acts).length > 0 || line.more.length > 0 || line.message !== "";
  const hasBelow = Boolean(problem || line.note || blocked || hasMore);
  return (
    <tbody role="rowgroup" data-line={line.id} data-tone={line.tone} className={isPicked ? "on" : undefined}>
      <tr role="row">
        {canDecide ? (
          <td role="cell" className="gd-pick">
            {line.may_decide ? <label><input type="checkbox" data-at="pick" aria-label={`Select ${number}`} checked={isPicked} onChange={(event) => onPick(line.id, event.target.checked)} /></label> : null}
          </td>
        ) : null}
        <th scope="row" role="rowheader" className="gd-no">
          <Link to={`/inbox/${line.id}`} data-at="open" title="Open its card"><span className="gd-word">Item </span>{line.number}</Link>{line.title ? <span className="gd-title">{line.title}</span> : null}
        </th>
        {shows.map(({ name, label, is_number }) => <td role="cell" key={name} data-label={label} className={is_number ? "r" : undefined}><Value text={line.cells[name] ?? "–"} /></td>)}
        {edits.map(({ name, label }) => <td role="cell" key={`edit-${name}`} data-label={label} className="gd-edits"><Edit line={line} field={fields.get(name)} onType={onType} /></td>)}
        <td role="cell" data-label="State" className="gd-state" rowSpan={hasBelow ? 2 : 1}>
          <div>
            <span><span className={`bd ${line.tone}`}><ToneIcon tone={line.tone} />{line.word}</span>{line.by ? <span className="mut t12">{line.by}</span> : null}</span>
            {canDecide && line.may_decide ? (
              <span className="row">
                <button type="button" className="btn sm" data-at="approve" disabled={isSent} aria-label={`Approve ${number}`} onClick={() => onDecide("approve", [line.id])}>{isSent ? "Sending…" : "Approve"}</button>
                <button type="button" className="btn sm danger" data-at="reject" disabled={isSent} aria-label={`Reject ${number}`} onClick={() => onDecide("reject", [line.id])}>Reject…</button>
              </span>
            ) : null}
          </div>
        </td>
      </tr>
      {hasBelow ? <Below line={line} problem={problem} preview={preview} span={span} blocked={blocked} hasMore={hasMore} /> : null}
    </tbody>
  );
});

// Up and down go to the same control of the next line, left and right along the line; in a text they move through the text.
function onArrow(event) {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("textarea,select")) return;
  const here = event.target.closest("[data-at]");
  const isText = event.target.matches("input:not([type=checkbox])");
  if (!here || (isText && step[1])) return;
  const all = [...event.currentTarget.querySelectorAll(step[1] ? "[data-at]" : `[data-at="${CSS.escape(here.dataset.at)}"]`)];
  const along = step[1] ? all.filter((one) => one.closest("tbody,thead") === here.closest("tbody,thead")) : all;
  const next = along[along.indexOf(here) + step[0] + step[1]];
  if (!next) return;
  event.preventDefault();
  (next.matches(CONTROL) ? next : next.querySelector(CONTROL))?.focus();
}

function Sure({ box, action, count, onYes }) {
  return (
    <div ref={box} popover="auto" className="sheet" role="dialog" aria-label="This cannot be undone">
      <h2 className="t16">This cannot be undone</h2>
      <p>“{action}” runs for {items(count)} as soon as you say yes, exactly as {count === 1 ? "its line says" : "their lines say"}.</p>
      <div className="row">
        <button type="button" className="btn pri" data-key="a" data-first="" data-enter="" onClick={onYes}><Check size={16} aria-hidden="true" />Yes, approve<kbd className="wide" aria-hidden="true">A</kbd></button>
        <button type="button" className="btn" onClick={() => box.current.hidePopover()}>Not yet</button>
      </div>
    </div>
  );
}

function Refuse({ box, reason, count, onSend }) {
  const send = (event) => {
    event.preventDefault();
    if (reason.current.value.trim()) onSend(reason.current.value);
  };
  // Spaces are no reason: the browser says so beside the field.
  const check = (event) => event.target.setCustomValidity(event.target.value && !event.target.value.trim() ? "Write what is wrong." : "");
  return (
    <div ref={box} popover="auto" className="sheet" role="dialog" aria-label="Why do you reject it?">
      <h2 className="t16">Why do you reject {count === 1 ? "it" : `these ${count}`}?</h2>
      <p className="mut">Nothing will be done for {items(count)}. {count === 1 ? "It goes" : "They go"} on by the way for rejections, and your reason goes along.</p>
      <form className="col g12" onSubmit={send}>
        <textarea ref={reason} className="inp long" aria-label="Reason" required rows={3} maxLength={5000} data-first="" placeholder="What is wrong, and what should be different?" onInput={check} />
        <div className="row">
          <button type="submit" className="btn danger" data-enter=""><X size={16} aria-hidden="true" />Reject{count === 1 ? "" : ` ${count}`}<kbd className="wide" aria-hidden="true">Ctrl Enter</kbd></button>
          <button type="button" className="btn" onClick={() => box.current.hidePopover()}>Cancel</button>
        </div>
      </form>
    </div>
  );
}

// Which lines are picked, and which are on their way; both only as long as they may be decided.
function usePicked(lines, answered) {
  const [picked, setPicked] = useState(() => new Set());
  const [sent, setSent] = useState(() => new Set());
  const open = useMemo(() => lines.filter((line) => line.may_decide), [lines]);
  useEffect(() => setSent(new Set()), [answered]);
  useEffect(() => {
    if (sent.size === 0) return undefined;
    const late = setTimeout(() => setSent(new Set()), ANSWERED_WITHIN_MS);
    return () => clearTimeout(late);
  }, [sent]);
  const pick = useCallback((id, isOn) => setPicked((before) => {
    const after = new Set(before);
    if (isOn) after.add(id);
    else after.delete(id);
    return after;
  }), []);
  const chosen = open.filter((line) => picked.has(line.id) && !sent.has(line.id));
  return { open, picked, chosen, sent, pick, setPicked, setSent };
}

function Heads({ shows, edits, canDecide, open, chosen, onAll }) {
  const all = useRef(null);
  const isAll = open.length > 0 && chosen.length === open.length;
  useEffect(() => { if (all.current) all.current.indeterminate = chosen.length > 0 && !isAll; });
  return (
    <thead role="rowgroup">
      <tr role="row">
        {canDecide ? (
          <th scope="col" role="columnheader" className="gd-pick">
            <label><input ref={all} type="checkbox" data-at="pick" aria-label="Select all that wait on this page" checked={isAll} disabled={open.length === 0} onChange={(event) => onAll(event.target.checked)} /><span className="gd-all" aria-hidden="true">Select all</span></label>
          </th>
        ) : null}
        <th scope="col" role="columnheader">Item</th>
        {shows.map(({ name, label, is_number }) => <th scope="col" role="columnheader" key={name} className={is_number ? "r" : undefined}>{label}</th>)}
        {edits.map(({ name, label }) => <th scope="col" role="columnheader" key={`edit-${name}`}>{label}</th>)}
        <th scope="col" role="columnheader">State</th>
      </tr>
    </thead>
  );
}

function Foot({ open, chosen, waiting, mayNot, canDecide, nextTo, nextTitle, onDecide }) {
  const ids = chosen.map((line) => line.id);
  const number = ids.length === 0 ? "" : ` ${ids.length}`;
  if (waiting === 0) {
    return (
      <footer className="foot" data-testid="grid-foot">
        {nextTo ? <Link to={nextTo} className="btn pri" data-key="j" data-testid="next"><ArrowRight size={16} aria-hidden="true" />Next: <span className="el">{nextTitle}</span><kbd className="wide" aria-hidden="true">J</kbd></Link> : <span className="mut t13">Nothing else waits here.</span>}
      </footer>
    );
  }
  if (!canDecide || open.length === 0) return <footer className="foot" data-testid="grid-foot"><span className="mut t13 not-you" data-testid="may-not">{mayNot || "Nothing on this page waits for you."}</span></footer>;
  return (
    <footer className="foot" data-testid="grid-foot">
      <button type="button" className="btn pri" data-key="a" aria-keyshortcuts="a" disabled={ids.length === 0} onClick={() => onDecide("approve", ids)}><Check size={16} aria-hidden="true" />Approve{number}<kbd className="wide" aria-hidden="true">A</kbd></button>
      <button type="button" className="btn danger" data-key="r" aria-keyshortcuts="r" disabled={ids.length === 0} onClick={() => onDecide("reject", ids)}><X size={16} aria-hidden="true" />Reject{number}…<kbd className="wide" aria-hidden="true">R</kbd></button>
      <span className="mut t12 gd-count" data-testid="picked">{ids.length} of {open.length} selected</span>
    </footer>
  );
}

function Pages({ place, at, page, total, onTurn }) {
  if (!place) return null;
  return (
    <div className="gd-pages">
      <span className="mut num sp" data-testid="lines">{place}</span>
      <button type="button" className="btn sm" disabled={at === 0} onClick={() => onTurn(-1)}><ArrowLeft size={16} aria-hidden="true" />Before</button>
      <button type="button" className="btn sm" disabled={at + page >= total} onClick={() => onTurn(1)}>Next<ArrowRight size={16} aria-hidden="true" /></button>
    </div>
  );
}

export function Grid({ children, head, lines, shows, edits, problems, previews, answered, said, at, page, total, waiting, canDecide, nextTo, nextTitle, onDecide, onType, onTurn }) {
  const table = useRef(null), sure = useRef(null), refuse = useRef(null), reason = useRef(null), last = useRef(null);
  const { open, picked, chosen, sent, pick, setPicked, setSent } = usePicked(lines, answered);
  const [asked, setAsked] = useState([]);
  const latest = useRef({});
  latest.current = { lines, onDecide, onType };

  const send = useCallback((decision, ids, why = "") => {
    const wanted = latest.current.lines.filter((line) => ids.includes(line.id) && line.may_decide);
    const told = wanted.map((line) => ({ id: line.id, digest: line.digest, texts: textsOf(bodyOf(table.current, line.id)) }));
    last.current = ids[ids.length - 1];
    setSent(new Set(ids));
    latest.current.onDecide?.({ decision, reason: why, lines: told });
  }, [setSent]);
  const decide = useCallback((decision, ids) => {
    const wanted = latest.current.lines.filter((line) => ids.includes(line.id));
    if (wanted.length === 0) return;
    setAsked(ids);
    if (decision === "reject") refuse.current.showPopover();
    else if (wanted.some((line) => line.is_final)) sure.current.showPopover();
    else send("approve", ids);
  }, [send]);
  const type = useCallback((id, name) => {
    const body = bodyOf(table.current, id);
    if (body) latest.current.onType?.(id, name, textsOf(body));
  }, []);
  // The button that was pressed is gone with the decision: the next line that waits is where a person goes on.
  useEffect(() => {
    if (reason.current) reason.current.value = "";
    if (document.activeElement !== document.body || last.current === null) return;
    const from = lines.findIndex((line) => line.id === last.current);
    const next = lines.find((line, place) => place >= from && line.may_decide) ?? open[0];
    last.current = null;
    if (next) bodyOf(table.current, next.id)?.querySelector("[data-at=approve]")?.focus();
  }, [answered]);

  const shared = { shows, edits, canDecide, onPick: pick, onDecide: decide, onType: type };
  return (
    <>
      <div className="cb gd-box">
        {children}
        <div className="card gd-card">
          <table ref={table} className="gd" role="table" aria-label={head.title} onKeyDown={onArrow} data-testid="grid">
            <Heads shows={shows} edits={edits} canDecide={canDecide} open={open} chosen={chosen} onAll={(isOn) => setPicked(isOn ? new Set(open.map((line) => line.id)) : new Set())} />
            {lines.map((line) => (
              <Line key={line.id} line={line} problem={problems[line.id]} preview={previews[line.id]} isPicked={line.may_decide && picked.has(line.id)} isSent={sent.has(line.id)} {...shared} />
            ))}
          </table>
          <Pages place={head.place} at={at} page={page} total={total} onTurn={(by) => { setPicked(new Set()); onTurn(by); }} />
        </div>
        <p className="sr" role="status" aria-live="polite" data-testid="said">{said}</p>
      </div>
      <Foot open={open} chosen={chosen} waiting={waiting} mayNot={lines.find((line) => line.may_not)?.may_not} canDecide={canDecide} nextTo={nextTo} nextTitle={nextTitle} onDecide={decide} />
      <Sure box={sure} action={head.action} count={asked.length} onYes={() => { sure.current.hidePopover(); send("approve", asked); }} />
      <Refuse box={refuse} reason={reason} count={asked.length} onSend={(why) => send("reject", asked, why)} />
    </>
  );
}
