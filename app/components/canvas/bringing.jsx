// Bringing steps in from elsewhere: a file, a text, or a template.
import { useEffect, useState } from "react";
import { all, Away, inWords, Refused } from "./api.js";
import { readCopied } from "./make.js";
import { Dialog } from "./marks.jsx";

const MOST_BYTES = 10 * 1024 * 1024;

// Takes the place of an empty draft whole; beside steps that are there already it is pasted.
function bring(work, value) {
  if (work.state.document.nodes.length) { work.paste(JSON.stringify(value)); return; }
  const ops = [];
  for (const node of value.nodes) ops.push({ op: "add", target: "node", id: node.id, value: node });
  for (const edge of value.edges) ops.push({ op: "add", target: "edge", value: edge });
  for (const [target, items] of [["note", value.notes], ["group", value.groups]]) for (const item of items ?? []) if (item?.id) ops.push({ op: "add", target, id: item.id, value: item });
  const kept = Object.fromEntries(["name", "description", "limits", "on_limit", "triggers", "vars"].filter((key) => value[key] !== undefined).map((key) => [key, value[key]]));
  if (Object.keys(kept).length) ops.push({ op: "update", target: "document", value: kept });
  work.change(ops, "Import");
  requestAnimationFrame(() => { work.showLayout(); work.fit(); });
}

export function ImportDialog({ work, close }) {
  const [text, setText] = useState(""), [trouble, setTrouble] = useState("");
  const take = (content) => {
    const value = readCopied(content);
    if (!value) { setTrouble("This is no workflow of Signalbox: it needs “format”, “nodes” and “edges”. Nothing was changed."); return; }
    close();
    bring(work, value);
  };
  const onFile = async (event) => {
    const file = event.target.files[0];
    if (!file) return;
    if (file.size > MOST_BYTES) setTrouble("The file is larger than 10 MB. Nothing was changed."); else take(await file.text());
  };
  return (
    <Dialog title="Import" onClose={close} width={560} testid="import-dialog">
      <form onSubmit={(event) => { event.preventDefault(); take(text); }}>
        <div className="body">
          <label className="lab" htmlFor="import-file">A file</label><input id="import-file" type="file" accept=".json,application/json" onChange={onFile} />
          <label className="lab" htmlFor="import-text" style={{ marginTop: 12 }}>Or a text that was copied</label>
          <textarea id="import-text" className="inp area mono" rows={8} value={text} onChange={(event) => { setText(event.target.value); setTrouble(""); }} aria-invalid={Boolean(trouble)} />
          {trouble ? <p className="st failed t12" role="alert">{trouble}</p> : null}
        </div>
        <div className="foot"><button type="submit" className="btn pri" disabled={!text.trim()}>Import</button><button type="button" className="btn" onClick={close}>Cancel</button></div>
      </form>
    </Dialog>
  );
}

export function TemplatesDialog({ work, close }) {
  const [templates, setTemplates] = useState(null), [trouble, setTrouble] = useState("");
  useEffect(() => {
    all("/api/v1/templates").then(setTemplates, (error) => { if (error instanceof Refused || error instanceof Away) setTrouble(inWords(error)); else throw error; });
  }, []);
  const isEmpty = !work.state.document.nodes.length;
  return (
    <Dialog title="Start from a template" onClose={close} width={560} testid="templates-dialog">
      <div className="body">
        <p className="mut">{isEmpty ? "It becomes your draft. Nothing runs and nothing costs money until somebody starts it." : "Its steps are put beside the ones that are here."}</p>
        {trouble ? <p className="st failed" role="alert">{trouble}</p> : null}
        {templates === null && !trouble ? <p className="skeleton" role="status" aria-label="Loading" /> : null}
        <div className="options">{(templates ?? []).map((one) => <button key={one.slug} type="button" className="opt" onClick={() => { close(); bring(work, one.document); }}><span className="sp"><span className="b">{one.name}</span><span className="mut t12">{one.description}</span></span></button>)}</div>
      </div>
    </Dialog>
  );
}
