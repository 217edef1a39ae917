// All versions of a workflow: who, when, why, how often they ran; what differs; and putting one of them live.
import { useState } from "react";
import { CircleCheck } from "lucide-react";
import { counted } from "../dialog/problems.jsx";
import { rest } from "../rest/rest.js";
import { Difference } from "./difference.jsx";

const moment = (at) => (at ? new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "");

export function Listing({ workflow, versions, document, dark, mayPublish, onPromoted }) {
  const [open, setOpen] = useState(null);
  if (!versions.length) return <p className="mut">Nothing was published yet. The first version appears here when it goes live.</p>;
  const live = versions.find((version) => version.is_live);
  const show = (number, what) => setOpen((before) => (before?.number === number && before.what === what ? null : { number, what }));
  return (
    <ul className="versions" data-testid="versions">
      {versions.map((version, index) => (
        <li key={version.version} data-version={version.version}>
          <div className="row">
            <b className="num">Version {version.version}</b>
            {version.is_live ? <span className="bd done"><CircleCheck size={14} aria-hidden="true" />Live</span> : null}
            <span className="mut t12 sp el">{version.published_by_name}, {moment(version.published_at)} · {counted(version.runs, "run", "runs")}{version.active ? `, ${version.active} under way` : ""}</span>
            <button type="button" className="btn sm ghost" aria-expanded={isOpen(open, version, "diff")} onClick={() => show(version.version, "diff")}>{index < versions.length - 1 ? "What changed" : "What is in it"}</button>
            {version.is_live ? null : <button type="button" className="btn sm ghost" aria-expanded={isOpen(open, version, "against")} onClick={() => show(version.version, "against")}>Against live</button>}
            {version.is_live || !mayPublish ? null : <button type="button" className="btn sm" onClick={() => show(version.version, "promote")} aria-expanded={isOpen(open, version, "promote")}>Put live</button>}
          </div>
          {version.note ? <p className="note-text">{version.note}</p> : null}
          {isOpen(open, version, "promote") ? <Promote workflow={workflow} version={version} live={live} onPromoted={onPromoted} onCancel={() => setOpen(null)} /> : null}
          {isOpen(open, version, "diff") ? <Before workflow={workflow} version={version} before={versions[index + 1]} document={document} dark={dark} /> : null}
          {isOpen(open, version, "against") ? <Difference workflow={workflow.id} from="live" to={version.version} draft={document} dark={dark} /> : null}
        </li>
      ))}
    </ul>
  );
}

const isOpen = (open, version, what) => open?.number === version.version && open.what === what;

function Before({ workflow, version, before, document, dark }) {
  if (before) return <Difference workflow={workflow.id} from={before.version} to={version.version} draft={document} dark={dark} />;
  return <Difference workflow={workflow.id} from="nothing" to={version.version} draft={document} dark={dark} />;
}

function Promote({ workflow, version, live, onPromoted, onCancel }) {
  const [busy, setBusy] = useState(false), [refused, setRefused] = useState(null);
  const promote = async () => {
    setBusy(true);
    const { error } = await rest("POST", `/workflows/${workflow.id}/versions/${version.version}/promote`);
    setBusy(false);
    if (error) setRefused(error);
    else onPromoted(version.version);
  };
  return (
    <div className="banner accent" role="group" aria-label={`Put version ${version.version} live`}>
      <div className="col g4 sp">
        <p className="b">Put version {version.version} live?</p>
        <p>New runs start on it at once.{live?.active ? ` ${counted(live.active, "run", "runs")} under way ${live.active === 1 ? "stays" : "stay"} on version ${live.version}.` : ""} The draft stays as it is.</p>
        {refused ? <p role="alert">{refused.message} {refused.hint}</p> : null}
        <div className="row"><button type="button" className="btn pri sm" autoFocus disabled={busy} onClick={promote}>Put version {version.version} live</button><button type="button" className="btn sm" onClick={onCancel}>Cancel</button></div>
      </div>
    </div>
  );
}
