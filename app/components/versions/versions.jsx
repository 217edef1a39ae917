/**
 * Publishing and versions, as a dialog.
 *   workflow     {id, name, revision}: what is published is the draft that the server has, so save before opening
 *   document     the draft;  problems: as the API tells them
 *   onPublished  hears the number of the version that is live now, after publishing and after putting another one live
 *   onRun        starts what is live; without it, or for whoever may not start runs, nothing offers that
 *   onClose, theme ("dark" or "light"), start ("publish" or "versions")
 */
import { useCallback, useEffect, useState } from "react";
import { Dialog } from "../dialog/dialog.jsx";
import { rest, restAll } from "../rest/rest.js";
import { Listing } from "./listing.jsx";
import { Published, Publishing } from "./publishing.jsx";
import "./versions.css";

export function Versions({ workflow, document, problems = [], onPublished, onClose, onRun = null, theme, start = "publish" }) {
  const [known, setKnown] = useState(null), [tab, setTab] = useState(start), [published, setPublished] = useState(null), [said, setSaid] = useState("");
  const load = useCallback(async () => {
    const [versions, me] = await Promise.all([restAll(`/workflows/${workflow.id}/versions`), rest("GET", "/me")]);
    setKnown(versions.error || me.error ? { error: versions.error ?? me.error } : { versions: versions.body, may: me.body.permissions.includes("workflow.publish") });
  }, [workflow.id]);
  useEffect(() => { load(); }, [load]);
  const isNow = (number, words) => { load(); onPublished?.(number); setSaid(words); };
  const dark = theme === "dark", shown = known?.may ? tab : "versions";
  const body = () => {
    if (!known) return <p className="mut" aria-busy="true">Looking …</p>;
    if (known.error) return <p role="alert">{known.error.message} {known.error.hint}</p>;
    if (published) return <Published published={published} onClose={() => onClose?.()} onRun={onRun} />;
    const shared = { workflow, document, dark };
    if (shown === "versions") return <Listing {...shared} versions={known.versions} mayPublish={known.may} onPromoted={(number) => isNow(number, `Version ${number} is live.`)} />;
    return <Publishing {...shared} problems={problems} live={known.versions.find((version) => version.is_live)} onPublished={(told) => { setPublished(told); isNow(told.version, ""); }} />;
  };
  return (
    <Dialog title={workflow.name} size="wide" onClose={onClose}>
      {known?.may && !published ? <Tabs tab={shown} onTab={setTab} /> : null}
      <p className={said ? "row" : "sr"} role="status">{said}</p>
      {body()}
    </Dialog>
  );
}

function Tabs({ tab, onTab }) {
  return (
    <div className="seg own" role="group" aria-label="What to do">
      <button type="button" aria-pressed={tab === "publish"} onClick={() => onTab("publish")}>Publish</button>
      <button type="button" aria-pressed={tab === "versions"} onClick={() => onTab("versions")}>Versions</button>
    </div>
  );
}

// For pages that know a workflow only by its id.
export function VersionsOf({ workflow, theme, onPublished, onClose }) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    let isOver = false;
    rest("GET", `/workflows/${workflow}`).then((answer) => { if (!isOver) setFound(answer); });
    return () => { isOver = true; };
  }, [workflow]);
  if (!found) return null;
  if (found.error) return <Dialog title="Versions" size="small" onClose={onClose}><p role="alert">{found.error.message} {found.error.hint}</p></Dialog>;
  const { id, name, revision, document, problems } = found.body;
  return <Versions workflow={{ id, name, revision }} document={document} problems={problems} theme={theme} onPublished={onPublished} onClose={onClose} />;
}
