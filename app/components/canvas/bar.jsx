// The bar on top: where one is, whether it is saved, what a run can need at most, what is wrong, and what can be done with the whole.
import { ArrowLeft, Check, ChevronDown, CircleCheck, CirclePlay, CloudOff, LoaderCircle, Play, Redo2, Rocket, ShieldCheck, TriangleAlert, Undo2 } from "lucide-react";
import { length, money } from "../drawing/drawing.jsx";
import { IconButton, Logo } from "./marks.jsx";
import { Menu } from "./menu.jsx";

const time = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

const SAVING = {
  saved: (state) => [Check, state.savedAt ? `Saved ${time(state.savedAt)}` : "Saved", "mut"],
  unsaved: () => [LoaderCircle, "Not saved yet", "mut"],
  saving: () => [LoaderCircle, "Saving", "mut"],
  away: () => [CloudOff, "No connection: changes are kept here", "waiting"],
  stale: () => [TriangleAlert, "Somebody else saved", "waiting"],
  refused: () => [TriangleAlert, "Not saved", "failed"],
};

function Saving({ state }) {
  const [Icon, word, tone] = SAVING[state.saving](state);
  return <span className={`st t12 wl ${tone}`} role="status" data-testid="saving"><Icon size={14} aria-hidden="true" />{word}</span>;
}

export function Worst({ worst, isShort }) {
  if (!worst) return null;
  const { bounds, seconds } = worst;
  if (!bounds) return <span className="worst wl" title="The worst case can be told when the problems are solved"><ShieldCheck size={16} aria-hidden="true" /><span>Worst case: not known yet</span></span>;
  return (
    <span className="worst" data-testid="worst" title="The most that one run can use, computed from the drawing and its limits. A run never goes beyond it.">
      <ShieldCheck size={16} aria-hidden="true" />
      <span>{isShort ? "" : "At most "}<b>{bounds.steps.toLocaleString("en-US")} {bounds.steps === 1 ? "step" : "steps"}</b> · <b>{money(bounds.cost_usd) || "$0"}</b> · <b>{length(seconds)}</b></span>
    </span>
  );
}

function Problems({ work }) {
  const problems = work.state.problems ?? [], errors = problems.filter((one) => one.severity === "error").length, hints = problems.length - errors;
  const words = errors ? `${errors} ${errors === 1 ? "problem" : "problems"}` : hints ? `${hints} ${hints === 1 ? "hint" : "hints"}` : "No problems";
  const tone = errors ? "failed" : hints ? "limit" : "done", Icon = errors || hints ? TriangleAlert : CircleCheck;
  const isOpen = work.panel?.name === "problems";
  return (
    <button type="button" className={`btn ghost problems ${tone}`} aria-expanded={isOpen} data-testid="problems" onClick={() => work.setPanel(isOpen ? null : { name: "problems" })}>
      <Icon size={14} aria-hidden="true" />{words}
    </button>
  );
}

// Nothing to publish: what is drawn here, saved and confirmed, is what is live.
const isLive = (state) => Boolean(state.live) && state.hasUnpublished === false && state.saving === "saved";

function Live({ work }) {
  const { state } = work, draft = state.last ? `Draft of version ${state.last + 1}` : "Draft";
  if (!state.last) return <span className="bd neutral wl">{draft}</span>;
  return (
    <button type="button" className="bd neutral wl versions-of" title="All versions" data-testid="standing" onClick={() => work.setDialog({ name: "publish", start: "versions" })}>
      {isLive(state) ? `Version ${state.live}, published` : <>{draft}{state.live ? <span className="mut">· version {state.live} is live</span> : null}</>}
    </button>
  );
}

// What can be done with the whole: try the draft, run what is live, put the draft live.
function Acts({ work, isEmpty }) {
  const { state, me } = work, may = (permission) => me.permissions.includes(permission);
  const errors = (state.problems ?? []).some((one) => one.severity === "error"), isSame = isLive(state);
  return (
    <>
      {may("run.test") ? <button type="button" className="btn" disabled={isEmpty} onClick={() => work.startTry({})} title="Try the draft (Ctrl+Enter)" data-testid="try"><Play size={16} aria-hidden="true" />Try</button> : null}
      {state.live && may("run.start") ? <button type="button" className="btn" onClick={work.startLive} title={`Run version ${state.live}, which is live`} data-testid="run-now"><CirclePlay size={16} aria-hidden="true" />Run</button> : null}
      {may("workflow.publish") && !work.isSmall ? (
        <button type="button" className="btn pri" disabled={isEmpty || isSame} title={isSame ? `Nothing has changed since version ${state.live}` : undefined} data-testid="publish" onClick={() => work.setDialog({ name: errors ? "cannot-publish" : "publish" })}>
          <Rocket size={16} aria-hidden="true" />Publish{isSame ? <span className="sr">. Nothing has changed since version {state.live}</span> : <span className="wl"> version {state.last + 1}</span>}
        </button>
      ) : null}
    </>
  );
}

export function Bar({ work }) {
  const { state, draft, canEdit } = work, isEmpty = state.document.nodes.length === 0;
  return (
    <header className="bt">
      <a href="/" aria-label="Home" className="wl"><Logo /></a>
      <a href="/workflows" className="mut back"><ArrowLeft size={16} className="narrow" aria-hidden="true" /><span className="wl">Workflows</span><span className="narrow sr">All workflows</span></a><span className="mut wl" aria-hidden="true">/</span>
      <button type="button" className="name t14 b" onClick={() => { work.select([]); work.setDialog(canEdit ? { name: "rename" } : null); }} title={state.name} disabled={!canEdit}><span className="el">{state.document.name || state.name}</span></button>
      {canEdit ? <Menu work={work} label="More for this workflow" icon={ChevronDown} /> : null}
      <Live work={work} />
      {canEdit ? <Saving state={state} /> : <span className="bd neutral">Read only</span>}
      <span className="sp" />
      <Worst worst={isEmpty ? null : work.worst} />
      {isEmpty ? <span className="st waiting">1 thing to do</span> : <Problems work={work} />}
      {canEdit ? <><span className="vr" />
        <IconButton icon={Undo2} label={draft.canUndo ? `Undo: ${draft.canUndo}` : "Undo"} keys="Ctrl+Z" disabled={!draft.canUndo} onClick={draft.undo} />
        <IconButton icon={Redo2} label={draft.canRedo ? `Redo: ${draft.canRedo}` : "Redo"} keys="Ctrl+Y" disabled={!draft.canRedo} onClick={draft.redo} /></> : null}
      <Acts work={work} isEmpty={isEmpty} />
      {work.isSmall && work.me.permissions.includes("workflow.edit") ? <p className="mut t12 why" data-testid="why-read-only">To edit, open it on a wider screen.</p> : null}
    </header>
  );
}
