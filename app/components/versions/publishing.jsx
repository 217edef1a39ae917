// Puts the draft live: what stands in the way, what changes, a note, and afterwards the secrets of its webhooks, once.
import { useState } from "react";
import { CirclePlay, Rocket } from "lucide-react";
import { Copy } from "../dialog/dialog.jsx";
import { counted, Problems } from "../dialog/problems.jsx";
import { rest } from "../rest/rest.js";
import { Difference } from "./difference.jsx";

const MOST_NOTE = 2000;
const money = (usd) => (usd >= 0.1 || !usd ? `$${(usd ?? 0).toFixed(2)}` : `$${usd.toFixed(4)}`);

export function Publishing({ workflow, document, problems, live, dark, onPublished }) {
  const [note, setNote] = useState(""), [busy, setBusy] = useState(false), [refused, setRefused] = useState(null), [difference, setDifference] = useState(undefined);
  const errors = (refused?.problems ?? problems).filter((problem) => problem.severity !== "warning");
  const isSame = difference?.is_same === true;
  const publish = async () => {
    if (busy || errors.length || isSame) return;
    setBusy(true);
    const { body, error } = await rest("POST", `/workflows/${workflow.id}/publish`, { note });
    setBusy(false);
    if (error) setRefused(error);
    else onPublished(body);
  };
  return (
    <div className="col g16" onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) publish(); }}>
      {refused && !refused.problems ? <p role="alert" className="failed told">{refused.message} {refused.hint}</p> : null}
      {errors.length ? (
        <section aria-label="What stands in the way">
          <p className="b">{counted(errors.length, "problem", "problems")} must be mended before it can go live.</p>
          <p className="mut">Nothing was published{live ? `; version ${live.version} stays live` : ""}.</p>
          <Problems problems={errors} document={document} />
        </section>
      ) : null}
      <section aria-label="What changes" className="col g4">
        <h3>{live ? `What changes against version ${live.version}, which is live` : "Nothing is live yet: this is the first version"}</h3>
        <Difference workflow={workflow.id} from="live" to="draft" draft={document} dark={dark} tell={setDifference} />
      </section>
      {live?.active ? <p className="mut">{counted(live.active, "run is", "runs are")} under way on version {live.version} and {live.active === 1 ? "stays" : "stay"} on it to the end.</p> : null}
      <WorstCase document={document} isOff={errors.length > 0} />
      <label className="col">
        <span className="lab">What changed, for your colleagues <span className="mut">(optional)</span></span>
        <textarea className="inp" rows={2} maxLength={MOST_NOTE} value={note} onChange={(event) => setNote(event.target.value)} data-testid="note" />
      </label>
      <div className="row">
        <button type="button" className="btn pri" disabled={busy || errors.length > 0 || isSame || difference === undefined} onClick={publish}>
          <Rocket size={16} aria-hidden="true" />{busy ? "Publishing …" : "Publish and put live"}
        </button>
        <span className="mut t12">{isSame ? "The draft is what is live already." : <><kbd>Ctrl</kbd> <kbd>Enter</kbd></>}</span>
      </div>
    </div>
  );
}

function WorstCase({ document, isOff }) {
  const [told, setTold] = useState(null), [asked, setAsked] = useState(false);
  if (isOff) return null;
  if (!asked) {
    setAsked(true);
    rest("POST", "/workflows/validate", document).then(({ body }) => setTold(body?.worst_case ?? null));
  }
  if (!told) return null;
  return (
    <p data-testid="worst">
      A run of it uses at most <b className="num">{counted(told.steps, "step", "steps")}</b>, <b className="num">{money(told.cost_usd)}</b> and <b className="num">{counted(told.llm_calls, "model call", "model calls")}</b>.
    </p>
  );
}

export function Published({ published, onClose, onRun }) {
  const secrets = published.triggers.filter((trigger) => trigger.secret);
  return (
    <div className="col g16" data-testid="published">
      <div className="banner done" role="status"><div className="col g4 sp"><p className="t14 b">Version {published.version} is live.</p><p>New runs start on it. What is under way stays on its own version. {onRun ? "To start one by hand later, press Run in the builder." : ""}</p></div></div>
      {published.triggers.map((trigger) => <Trigger key={trigger.path} trigger={trigger} />)}
      <div className="row"><button type="button" className="btn pri" onClick={onClose} autoFocus={!secrets.length}>{secrets.length ? "I have copied it" : "Close"}</button>
        {onRun && !secrets.length ? <button type="button" className="btn" onClick={onRun} data-testid="run-it-now"><CirclePlay size={16} aria-hidden="true" />Run it now</button> : null}</div>
    </div>
  );
}

function Trigger({ trigger }) {
  if (!trigger.url) return <div className="banner limit" role="status"><div className="col g4 sp"><p className="b">The address /hooks/{trigger.path} does not listen.</p><p>{trigger.problem}</p></div></div>;
  return (
    <section className="col g12 secret" aria-label={`Webhook ${trigger.path}`}>
      <div><span className="lab">Another system starts it here</span><div className="row"><code className="sp el">{trigger.url}</code><Copy text={trigger.url} label="Copy address" /></div></div>
      {trigger.secret ? (
        <div>
          <span className="lab">Its callers sign with this secret</span>
          <div className="row"><code className="sp el" data-testid="secret">{trigger.secret}</code><Copy text={trigger.secret} label="Copy secret" /></div>
          <p className="mut t12">Copy it now: it is not shown again.</p>
        </div>
      ) : <p className="mut t12">Its secret is the one that it had before.</p>}
    </section>
  );
}
