// The page of one run: head, what happened, the route taken, the steps over time and one step in full, linked with each other.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useParams } from "react-router";
import { Banner, Story } from "./banner.jsx";
import { Detail } from "./detail.jsx";
import { asAsked, CancelDialog, ForkDialog, GoOnDialog, order } from "./forms.jsx";
import { Head } from "./head.jsx";
import { Axis, Grid, Legend, List, Spend } from "./list.jsx";
import { Route } from "./route.jsx";
import { openFor, rowsOf, treeOf } from "./rows.js";
import { scaleOf, worked } from "./scale.js";
import { useBook, useNow, useRun } from "./use_run.js";
import { doubtfulSteps, failedStep, nameOf, pausedSteps, runStatus, waitingSteps } from "./words.js";
import "./timeline.css";

const SHORTEST_MS = 100; // a run that took less is drawn as if it had taken that long

export function RunPage({ allowed, theme }) {
  const { run } = useParams();
  return run ? <OneRun key={run} id={run} allowed={allowed} dark={theme === "dark"} /> : null;
}

function OneRun({ id, allowed, dark }) {
  const { run, texts, isMore, state, version, again } = useRun(id);
  const book = useBook(id, run);
  const now = useNow(run, isMore);
  const tree = useMemo(() => treeOf(run), [run, run.shape]);
  const [open, setOpen] = useState(() => new Set());
  const isOver = run.endedAt !== null;
  const rows = useMemo(() => rowsOf(tree, book, open, { isOver }), [tree, book, open, isOver]);
  const scale = useMemo(() => scaleOf(worked(run.steps.values(), now), run.startedAt ?? now, Math.max(now, (run.startedAt ?? now) + SHORTEST_MS)), [run, version, now]);
  const [hot, setHot] = useState("");
  const [isWide, setWide] = useState(false);
  const choice = useChoice({ run, tree, rows, setOpen, isReady: !isMore && run.seq > 0 });
  const orders = useOrders(id, again);
  const detail = useRef(null);
  const step = run.steps.get(choice.path);

  useEffect(() => { if (book.name && !isMore) window.document.title = `${book.name}: ${runStatus(run, book).word} · Signalbox`; }, [book, run, version, isMore]);

  const toggle = useStable((row) => setOpen((old) => { const next = new Set(old); if (!next.delete(row.key)) next.add(row.key); return next; }));
  const openRow = useStable((row) => {
    choice.select(row);
    if (!row.path) return;
    choice.setDetail(true);
    requestAnimationFrame(() => detail.current?.focus({ preventScroll: true }));
  });
  const openPath = useStable((path) => { choice.goTo(path); choice.setDetail(true); });
  const openNode = useStable((node) => { const row = rows.find((one) => one.node === node); if (row?.path) openPath(row.path); });

  const can = {
    goOn: allowed?.includes("run.raise_limits") && !isMore && ["stopped", "paused", "failed"].includes(run.status),
    pause: allowed?.includes("run.control") && run.seq > 0 && !isMore && !isOver && !run.isPaused && ["running", "waiting"].includes(run.status) && !run.asked,
    fork: allowed?.includes("run.control") && run.seq > 0 && !isMore,
    cancel: allowed?.includes("run.control") && run.seq > 0 && !isMore && !isOver,
  };
  const widen = useStable(() => setWide(!isWide));
  const index = rows.findIndex((row) => row.key === choice.key);
  const beside = (move) => { const next = rows[index + move]; return index >= 0 && next ? () => choice.select(next) : null; };
  if (state === "missing") return <Missing />;
  return (
    <div className="rn" data-testid="run" data-status={run.status} data-steps={run.steps.size} data-ready={!isMore && run.seq > 0}>
      <Head run={run} version={version} isMore={isMore} book={book} now={now} state={state} canGoOn={can.goOn} canCancel={can.cancel} canPause={can.pause} onGoOn={orders.openLimits} onPause={orders.pause} onCancel={orders.openCancel} />
      <div className={`rn-grid${isWide ? " broad" : ""}`}>
        <Route run={run} book={book} version={version} dark={dark} node={step ? step.node.split(".")[0] : null} hot={hot} isWide={isWide} onWide={widen} onSelect={openNode} onHover={setHot} />
        <section className="rn-mid" aria-label="Steps over time">
          <div className="rn-above">
            {isMore ? null : <Banner run={run} book={book} now={now} can={can} trouble={orders.dialog ? null : orders.trouble} busy={orders.busy} onRaise={(value) => orders.goOn({ [run.limit.name]: value })}
              onGoOn={orders.goOn} onLimits={orders.openLimits} onCancel={orders.openCancel} onSelect={openPath} onHover={setHot} />}
            {isMore ? null : <Story run={run} version={version} book={book} onSelect={openPath} onHover={setHot} />}
            {run.seq ? <Spend run={run} version={version} scale={scale} now={now} /> : <Waiting />}
          </div>
          {run.seq ? <><Axis scale={scale} /><div className="rn-rows"><Grid scale={scale} /><List run={run} version={version} book={book} rows={rows} scale={scale} now={now} selected={choice.key} hot={hot} onSelect={choice.select} onOpen={openRow} onToggle={toggle} onHover={setHot} /></div><Legend /></> : null}
        </section>
        <aside ref={detail} className={`rn-detail${choice.isDetail ? " shown" : ""}`} aria-label="The step" tabIndex={-1} onKeyDown={(event) => { if (event.key === "Escape") choice.back(); }}>
          {step ? <Detail key={step.path} run={run} book={book} step={step} texts={texts} now={now} place={placeIn(rows, index)} onSelect={openPath} onPrevious={beside(-1)} onNext={beside(1)} onClose={choice.back} onFork={can.fork && step.tries.length ? () => orders.openFork(step.path) : null} /> : <p className="rn-none mut">{choice.key ? "The run did not come to this step, so there is nothing to see." : "Choose a step to see what it got and what came out."}</p>}
        </aside>
      </div>
      {orders.dialog === "limits" ? <GoOnDialog run={run} busy={orders.busy} trouble={orders.trouble} onSend={orders.goOn} onClose={orders.close} /> : null}
      {orders.dialog === "fork" ? <ForkDialog id={id} path={orders.forked} name={nameOf(book, run.steps.get(orders.forked)?.node ?? "")} isTest={run.mode === "test"} onClose={orders.close} /> : null}
      {orders.dialog === "cancel" ? <CancelDialog busy={orders.busy} trouble={orders.trouble} onSend={orders.cancel} onClose={orders.close} /> : null}
    </div>
  );
}

// The same function for the life of the page, with what it knows always the newest: what is handed down need not be painted anew.
function useStable(work) {
  const latest = useRef(work);
  latest.current = work;
  return useCallback((...given) => latest.current(...given), []);
}

// Which step is chosen: from the address first, else the one that somebody has to look at; kept in the address from then on.
function useChoice({ run, tree, rows, setOpen, isReady }) {
  const [chosen, setChosen] = useState({ key: "", path: new URLSearchParams(window.location.search).get("step") ?? "" });
  const [isDetail, setDetail] = useState(() => chosen.path !== "");
  const goTo = useCallback((path) => {
    const place = openFor(tree, path);
    setOpen((old) => new Set([...old, ...place]));
    setChosen({ key: path, path });
  }, [tree, setOpen]);
  useEffect(() => {
    if (!isReady || chosen.key) return;
    const path = run.steps.has(chosen.path) ? chosen.path : (failedStep(run) ?? doubtfulSteps(run)[0] ?? waitingSteps(run)[0] ?? pausedSteps(run)[0] ?? [...run.steps.values()].at(-1))?.path;
    if (path) goTo(path);
  }, [isReady, chosen, run, goTo]);
  useEffect(() => {
    if (!chosen.key || !chosen.path) return;
    const address = new URL(window.location.href);
    if (address.searchParams.get("step") === chosen.path) return;
    address.searchParams.set("step", chosen.path);
    window.history.replaceState(window.history.state, "", address);
  }, [chosen]);
  const key = useMemo(() => keyOf(rows, chosen), [rows, chosen]);
  const select = useCallback((row) => setChosen({ key: row.key, path: row.path }), []);
  const back = useCallback(() => { setDetail(false); window.document.querySelector(".rn-list")?.focus(); }, []);
  return useMemo(() => ({ key, path: chosen.path, isDetail, setDetail, select, goTo, back }), [key, chosen.path, isDetail, select, goTo, back]);
}

// The row of what was chosen; a step that has begun another round since stands under a row of its own.
function keyOf(rows, chosen) {
  if (rows.some((row) => row.key === chosen.key)) return chosen.key;
  const found = rows.find((row) => row.path && row.path === chosen.path) ?? rows.find((row) => row.steps.some((step) => step.path === chosen.path)) ?? rows.find((row) => row.also?.includes(chosen.path) || row.agent?.offer?.path === chosen.path);
  return found?.key ?? "";
}

function placeIn(rows, index) {
  if (index < 0) return "";
  const top = rows.filter((row) => row.level === 0);
  const at = rows.slice(0, index + 1).filter((row) => row.level === 0).length;
  return `Step ${at} of ${top.length}`;
}

// What a person orders: let it go on, or end it. One at a time; what the server refuses is told.
function useOrders(id, again) {
  const [dialog, setDialog] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState(null);
  const send = async (what, body) => {
    setBusy(true);
    const refused = await order(`/api/v1/runs/${encodeURIComponent(id)}/${what}`, body);
    setBusy(false);
    setTrouble(refused);
    if (refused) return;
    setDialog("");
    again();
  };
  const [forked, setForked] = useState("");
  const show = (name) => { setTrouble(null); setDialog(name); };
  const [close, openLimits, openCancel] = [useStable(() => show("")), useStable(() => show("limits")), useStable(() => show("cancel"))];
  return {
    dialog, busy, trouble, close, openLimits, openCancel, forked,
    openFork: useStable((path) => { setForked(path); show("fork"); }), pause: useStable(() => send("pause", {})),
    goOn: (limits) => send("resume", { limits: asAsked(limits) }), cancel: (reason) => send("cancel", { reason }),
  };
}

const Waiting = () => <div className="rn-loading" role="status" aria-label="Loading the steps">{[72, 48, 60, 40].map((width) => <span key={width} className="skeleton" style={{ width: `${width}%` }} />)}</div>;

function Missing() {
  return (
    <div className="empty" data-testid="no-run">
      <h1 className="t20">There is no such run</h1>
      <p>It may have been removed, or the link is cut short. Nothing was changed.</p>
      <Link className="btn pri" to="/runs">See all runs</Link>
    </div>
  );
}
