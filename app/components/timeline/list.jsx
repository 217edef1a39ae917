// The step list and the bars over time: one row a step, only those in sight are drawn.
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Check, ChevronDown, ChevronRight, RotateCcw } from "lucide-react";
import { Tile, ToneIcon } from "../drawing/icons.jsx";
import { agentTold, callTold, standsFor, toolOf, turnTold } from "./agents.js";
import { barsOf } from "./scale.js";
import { brisk, counted, fact, length, lookOf, mark, money, nameOf, stepStatus } from "./words.js";

const MOST_CELLS = 6;
const isPhone = () => window.matchMedia("(max-width: 640px)").matches;

// Where the list scrolls: in its own column, on a phone with the whole page.
function useScroller(list) {
  const [place, setPlace] = useState({ element: null, margin: 0, height: 40 });
  useEffect(() => {
    const measure = () => {
      const phone = isPhone();
      const element = list.current?.closest(phone ? ".main" : ".rn-mid");
      if (!element) return;
      const margin = list.current.getBoundingClientRect().top - element.getBoundingClientRect().top + element.scrollTop;
      setPlace((old) => (old.element === element && Math.abs(old.margin - margin) < 1 ? old : { element, margin, height: phone ? 44 : 40 }));
    };
    measure();
    const watching = new ResizeObserver(measure);
    for (const element of window.document.querySelectorAll(".main, .rn-mid, .rn-above")) watching.observe(element);
    return () => watching.disconnect();
  }, [list]);
  return place;
}

export function List({ run, version, book, rows, scale, now, selected, hot, onSelect, onOpen, onToggle, onHover }) {
  const list = useRef(null);
  const { element, margin, height } = useScroller(list);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => element, estimateSize: () => height, overscan: 8, scrollMargin: margin, getItemKey: (index) => rows[index].key });
  const at = useMemo(() => rows.findIndex((row) => row.key === selected), [rows, selected]);
  useEffect(() => virtual.measure(), [height, virtual]);
  useEffect(() => { if (at >= 0 && element && !isPhone()) virtual.scrollToIndex(at, { align: "auto" }); }, [at, element, virtual]);
  const keys = (event) => {
    const row = rows[at];
    const go = (index) => { if (rows[index]) onSelect(rows[index]); };
    const done = {
      ArrowDown: () => go(Math.min(rows.length - 1, at + 1)), ArrowUp: () => go(Math.max(0, at - 1)), Home: () => go(0), End: () => go(rows.length - 1),
      PageDown: () => go(Math.min(rows.length - 1, at + 10)), PageUp: () => go(Math.max(0, at - 10)),
      ArrowRight: () => row?.canOpen && !row.isOpen && onToggle(row), ArrowLeft: () => (row?.isOpen ? onToggle(row) : go(above(rows, at))),
      Enter: () => row && onOpen(row), " ": () => row?.canOpen && onToggle(row),
    }[event.key];
    if (!done || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    done();
  };
  return (
    <div ref={list} className="rn-list" role="treegrid" aria-label="Steps" aria-rowcount={rows.length} aria-colcount={2} tabIndex={0} data-testid="steps" data-rows={rows.length}
      aria-activedescendant={at >= 0 ? `row-${at}` : undefined} onKeyDown={keys} onMouseLeave={() => onHover("")} style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map((item) => (
        <Row key={item.key} index={item.index} row={rows[item.index]} top={item.start - margin} height={height} run={run} version={version} book={book} scale={scale} now={now}
          isSelected={rows[item.index].key === selected} isHot={hot !== "" && rows[item.index].node === hot} onSelect={onOpen} onToggle={onToggle} onHover={onHover} />
      ))}
    </div>
  );
}

function above(rows, at) {
  for (let index = at - 1; index >= 0; index -= 1) if (rows[index].level < rows[at].level) return index;
  return Math.max(0, at);
}

// Rows inside an agent, and the part that each is of.
const PARTS = { turn: "turn", call: "call", say: "say" };

const Row = memo(function Row({ index, row, top, height, run, book, scale, now, isSelected, isHot, onSelect, onToggle, onHover }) {
  const step = row.steps.at(-1);
  const look = lookOf(book, row.kind in PARTS ? `${row.node}.${PARTS[row.kind]}` : row.node), tells = factOf(row, book, step);
  const told = statusOf(run, row, step);
  const Chevron = row.isOpen ? ChevronDown : ChevronRight;
  const failures = row.kind === "item" ? 0 : row.steps.reduce((sum, one) => sum + one.tries.filter((tried) => tried.error).length - (one.status === "failed" ? 1 : 0), 0);
  const isLoose = row.kind === "unneeded" || row.kind === "ahead";
  return (
    <div id={`row-${index}`} role="row" aria-rowindex={index + 1} aria-level={row.level + 1} aria-selected={isSelected} aria-expanded={row.canOpen ? row.isOpen : undefined}
      className={`rn-row${row.kind in PARTS ? " in" : ""}${isSelected ? " sel" : ""}${isHot ? " hot" : ""}`} style={{ transform: `translateY(${top}px)`, height }} data-step={row.path} data-node={row.node} data-status={told.tone}
      onClick={() => onSelect(row)} onMouseEnter={() => onHover(row.node)}>
      <div role="gridcell" className="a" style={{ paddingLeft: 16 + row.level * (row.kind in PARTS ? 14 : 20) }}>
        {row.canOpen ? <button type="button" className="fold" tabIndex={-1} aria-label={row.isOpen ? "Fold" : "Unfold"} onClick={(event) => { event.stopPropagation(); onToggle(row); }}><Chevron size={14} aria-hidden="true" /></button> : null}
        {row.kind === "round" || row.kind === "item" ? null : <Tile icon={look.icon} isAi={look.isAi} small />}
        <span className={isLoose ? "el mut" : "el md"}>{titleOf(row, book)}</span>
        <span className="t12 mut num el fact" title={tells}>{tells}</span>
        {failures > 0 ? <span className="t12 row g4 again"><RotateCcw size={12} aria-hidden="true" />{counted(failures, "retry", "retries")}</span> : null}
        <span className="sp" />
        {row.kind === "rounds" ? <Rounds row={row} most={book.rounds.get(row.loop)} /> : null}
        <span className={`st ${told.tone} t12`}><ToneIcon tone={told.tone === "next" ? "next" : told.tone} /><span className={row.kind in PARTS && told.tone === "done" ? "sr" : "el"}>{told.word}</span></span>
      </div>
      <div role="gridcell" className="z"><Bars row={row} scale={scale} now={now} isStill={told.tone !== "running"} /></div>
    </div>
  );
});

function titleOf(row, book) {
  if (row.kind === "turn") return `Turn ${row.turn.number.toLocaleString("en-US")}`;
  if (row.kind === "call") return `Call ${toolOf(row.call)}`;
  if (row.kind === "say") return "Talk with a person";
  if (row.kind === "item") return `Item ${row.index + 1}`;
  if (row.kind === "round") return `Round ${/#(\d+)[^#]*$/.exec(row.path)?.[1] ?? ""}`;
  return nameOf(book, row.node);
}

function factOf(row, book, step) {
  if (row.kind === "turn") return turnTold(row.turn);
  if (row.kind === "call") return callTold(row.call, brisk).told;
  if (row.agent) return agentTold(row.agent);
  if (row.kind === "round") return [fact(book, step), step.spent.cost_micro ? money(step.spent.cost_micro) : ""].filter(Boolean).join(" · ");
  if (row.kind === "item") return counted(row.steps.length, "step");
  return row.kind === "step" ? fact(book, step) : "";
}

function statusOf(run, row, step) {
  if (row.kind === "call") return callTold(row.call, brisk);
  // An open agent stands as the step inside it that moves.
  if (row.agent && step) return statusOf(run, { ...row, agent: null }, standsFor(row.agent, step));
  if (row.kind === "unneeded") return { tone: "skipped", word: run.status === "succeeded" ? "Not needed" : "Not reached" };
  if (row.kind === "ahead") return { tone: "rest", word: "Not yet" };
  if (row.kind === "item") return stepStatus(run, row.steps.find((one) => one.status === "failed" || one.status === "in_doubt" || one.status === "waiting" || one.status === "running") ?? step);
  if (!step) return { tone: "rest", word: "Not yet" };
  const told = stepStatus(run, step);
  // Who or what is waited for stands in the step itself: a row has no room for it.
  return told.word.startsWith("Waiting ") ? { ...told, word: "Waiting" } : told;
}

// One cell a round: sent back, good, or not used.
function Rounds({ row, most }) {
  const number = row.steps.length;
  if (number > MOST_CELLS) return <span className="t12 mut num">{counted(number, "round")}</span>;
  const free = Math.max(0, Math.min(most ?? number, MOST_CELLS) - number);
  return (
    <span className="rn-cells" role="img" aria-label={`${counted(number, "round")}${most ? ` of at most ${most}` : ""}`}>
      {row.steps.map((step, index) => {
        const isBack = index < number - 1;
        return <i key={step.path} className={isBack ? "neutral" : step.status === "done" ? "done" : step.status === "failed" ? "failed" : step.tries.length ? "running" : "skipped"}>{isBack ? <RotateCcw size={11} aria-hidden="true" /> : step.status === "done" ? <Check size={11} aria-hidden="true" /> : null}</i>;
      })}
      {Array.from({ length: free }, (_, index) => <i key={`free ${index}`} className="skipped" />)}
    </span>
  );
}

const percent = (share) => `${(share * 100).toFixed(3)}%`;

function Bars({ row, scale, now, isStill }) {
  if (!row.steps.length) return null;
  const spans = row.steps.length === 1 ? row.steps[0].spans : row.steps.flatMap((step) => step.spans).sort((a, b) => a.from - b.from);
  if (!spans.length) return null;
  const bars = barsOf(spans, scale.at, now);
  const failed = row.kind === "item" ? [] : row.steps.flatMap((step) => step.tries.filter((tried) => tried.error && tried.to && step.tries.at(-1) !== tried).map((tried) => tried.to));
  const isBad = row.steps.at(-1).status === "failed";
  const first = bars[0];
  const last = bars.at(-1);
  const right = last.left + last.width;
  const waits = bars.filter((bar) => bar.kind === "wait");
  const label = labelOf(row, bars);
  return (
    <>
      {bars.map((bar, index) => (
        <i key={index} className={`bar ${bar.kind === "wait" ? "hatch" : bar.isLive && row.agent && isStill ? "o" : bar.isLive ? "running" : isBad && bar === last ? "failed" : row.kind === "round" ? "o" : ""}`} style={{ left: percent(bar.left), width: `max(3px, ${percent(bar.width)})` }} />
      ))}
      {failed.slice(0, 40).map((moment, index) => <i key={`tick ${index}`} className="tick" style={{ left: percent(scale.at(moment)) }} />)}
      {waits.length === 1 && waits[0].width > 0.2 ? <span className="bl in" style={{ left: percent(waits[0].left + waits[0].width / 2) }}>{length(waits[0].ms)}</span> : null}
      {waits.length === 1 && waits[0].width > 0.2 ? null : right < 0.84 ? <span className="bl" style={{ left: `calc(${percent(right)} + 6px)` }}>{label}</span> : <span className="bl" style={{ right: `calc(${percent(1 - first.left)} + 6px)` }}>{label}</span>}
    </>
  );
}

function labelOf(row, bars) {
  if (row.kind === "rounds") return counted(row.steps.length, "round");
  const isWait = bars.some((bar) => bar.kind === "wait");
  return length(bars.filter((bar) => (bar.kind === "wait") === isWait).reduce((sum, bar) => sum + bar.ms, 0));
}

// The lines behind the bars, and the combs where time is shortened.
export const Grid = memo(function Grid({ scale }) {
  return (
    <div className="rn-lines" aria-hidden="true">
      {scale.ticks.slice(1).map((tick) => <i key={tick.x} className="gl" style={{ left: percent(tick.x) }} />)}
      {scale.cuts.map(([from, to]) => <i key={from} className="brk" style={{ left: percent((from + to) / 2) }} />)}
    </div>
  );
});

export function Axis({ scale }) {
  return (
    <div className="rn-axis t12 mut num" aria-hidden="true">
      <div className="a"><span>Step</span><span className="sp" /><span>Status</span></div>
      <div className="z">{scale.ticks.map((tick) => <span key={tick.x} style={{ left: percent(tick.x) }}>{mark(tick.ms)}</span>)}</div>
    </div>
  );
}

const POINTS = 240;

// What was spent when, up to the limit.
export const Spend = memo(function Spend({ run, scale, now }) {
  const { limits, used } = run;
  const isMoney = used.cost_micro > 0;
  const total = isMoney ? used.cost_micro : used.tokens;
  const line = useMemo(() => {
    const every = Math.max(1, Math.ceil(run.spend.length / POINTS));
    const points = run.spend.filter((_, index) => index % every === 0 || index === run.spend.length - 1).map(([at, cost, tokens]) => [scale.at(at), (isMoney ? cost : tokens) / (total || 1)]);
    return [[0, 0], ...points, [scale.at(now), total ? 1 : 0]].map(([x, y]) => `${(x * 1000).toFixed(1)},${(64 - y * 40).toFixed(1)}`).join(" ");
  }, [run.spend.length, scale, now, isMoney, total]);
  return (
    <div className="rn-spend">
      <div className="a">
        <span className="t12 mut">Spend over time</span>
        <span className="num"><b>{money(used.cost_micro)}</b><span className="mut"> of {money(limits.cost_micro)} limit</span></span>
        <span className="t12 mut num">{counted(used.tokens, "token")} of {(limits.tokens ?? 0).toLocaleString("en-US")}</span>
      </div>
      <div className="z" aria-hidden="true">
        {isMoney ? <><i className="lim" /><span className="t12">Limit, not to scale</span></> : <span className="t12 mut">Tokens over time: nothing was charged</span>}
        <svg viewBox="0 0 1000 72" preserveAspectRatio="none"><polygon points={`0,72 ${line} ${(scale.at(now) * 1000).toFixed(1)},72`} /><polyline points={line} /></svg>
      </div>
    </div>
  );
});

export function Legend() {
  return (
    <div className="row mut t12 rn-legend" aria-hidden="true">
      <span className="row g6"><i className="done" />Working</span><span className="row g6"><i className="hatch" />Waiting</span>
      <span className="row g6"><i className="re" />Retry</span><span className="row g6 wide"><i className="comb" />Time shortened</span>
    </div>
  );
}
