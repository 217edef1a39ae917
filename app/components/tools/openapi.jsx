// Tools out of an OpenAPI description: read, looked over, and only those kept that somebody chose.

import { useEffect, useRef, useState } from "react";
import { FileUp } from "lucide-react";
import { Dialog } from "../dialog/dialog.jsx";
import { counted } from "../dialog/problems.jsx";
import { rest, restAll } from "../rest/rest.js";
import { definitionOf, hindrance, linesOf } from "./chosen.js";
import { Field, Wrong } from "./parts.jsx";
import { EFFECTS } from "./words.js";
import "./tools.css";

const MOST_BYTES = 2_000_000;
const MANY = 12;

export function OpenApiImport({ onSaved, onClose }) {
  const [text, setText] = useState(""), [secret, setSecret] = useState(""), [found, setFound] = useState(null), [wrong, setWrong] = useState([]), [busy, setBusy] = useState(false);
  const readIt = async () => {
    setBusy(true);
    const [read, catalog] = await Promise.all([rest("POST", "/tools/openapi", { openapi: text, secret }), rest("GET", "/tools/catalog")]);
    setBusy(false);
    const error = read.error ?? catalog.error;
    if (error) return setWrong([error.problems?.[0]?.message ?? `${error.message} ${error.hint}`]);
    const kinds = Object.fromEntries(catalog.body.items.map((tool) => [tool.name, tool.kind]));
    setWrong([]);
    return setFound({ ...read.body, kinds });
  };
  if (found) return <Choosing found={found} back={() => setFound(null)} onSaved={onSaved} onClose={onClose} />;
  const footer = (
    <>
      <button type="button" className="btn pri" disabled={busy || !text.trim()} onClick={readIt}>{busy ? "Reading …" : "Read it"}</button>
      <button type="button" className="btn" onClick={() => onClose?.()}>Cancel</button>
      <span className="mut t12 sp">Nothing is kept and nothing is called by reading.</span>
    </>
  );
  return (
    <Dialog title="Import tools from OpenAPI" onClose={onClose} busy={busy} footer={footer}>
      <p className="mut">Many services describe what can be called in a file, often named openapi.json or openapi.yaml. Each call in it becomes a tool.</p>
      <Source text={text} setText={setText} refuse={(words) => setWrong([words])} wrong={wrong} />
      <SecretFor secret={secret} set={setSecret} />
    </Dialog>
  );
}

function Source({ text, setText, refuse, wrong }) {
  const picker = useRef(null);
  const take = async (file) => {
    if (!file) return;
    if (file.size > MOST_BYTES) return refuse(`${file.name} is larger than 2 MB. Cut it down to the calls that you need.`);
    setText(await file.text());
  };
  const drop = { onDragOver: (event) => event.preventDefault(), onDrop: (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); } };
  return (
    <div className="col g12" {...drop}>
      <div className="row">
        <button type="button" className="btn" onClick={() => picker.current.click()}><FileUp size={16} aria-hidden="true" />Choose a file</button>
        <span className="mut">or drop one here, or paste its text below.</span>
        <input ref={picker} type="file" accept=".json,.yaml,.yml" hidden data-testid="file" onChange={(event) => { take(event.target.files[0]); event.target.value = ""; }} />
      </div>
      <Field label="The description as text (JSON or YAML)" wrong={wrong}>
        {(told) => <textarea {...told} className="inp mono" rows={10} spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />}
      </Field>
    </div>
  );
}

function SecretFor({ secret, set }) {
  const [secrets, setSecrets] = useState([]);
  useEffect(() => {
    let isOver = false;
    restAll("/secrets").then(({ body }) => { if (!isOver && body) setSecrets(body.filter((one) => one.source === "stored" && one.hosts.length)); });
    return () => { isOver = true; };
  }, []);
  const known = secrets.find((one) => one.name === secret);
  return (
    <Field label="Secret that every call takes along" help={known ? `It goes to ${known.hosts.join(", ")} only.` : "It can also be chosen later, tool by tool."}>
      {(told) => <select {...told} className="inp" value={secret} onChange={(event) => set(event.target.value)}><option value="">None</option>{secrets.map((one) => <option key={one.name}>{one.name}</option>)}</select>}
    </Field>
  );
}

function Choosing({ found, back, onSaved, onClose }) {
  const [lines, setLines] = useState(() => linesOf(found.tools, found.kinds)), [query, setQuery] = useState(""), [busy, setBusy] = useState(false), [kept, setKept] = useState(0);
  const chosen = lines.filter((line) => line.isOn), hindered = chosen.filter((line) => hindrance(line, lines, found.kinds));
  const put = (line, patch) => setLines((old) => old.map((one) => (one.tool === line.tool ? { ...one, failed: "", ...patch } : one)));
  const words = query.trim().toLowerCase(), shown = words ? lines.filter(({ tool, name }) => `${name} ${tool.description} ${tool.url}`.toLowerCase().includes(words)) : lines;
  const chooseShown = (isOn) => { const those = new Set(shown.map(({ tool }) => tool)); setLines((old) => old.map((line) => (those.has(line.tool) ? { ...line, isOn } : line))); };
  const keep = async () => {
    setBusy(true);
    let count = 0;
    for (const line of chosen) {
      const { error } = await rest("PUT", `/tools/${encodeURIComponent(line.name)}`, definitionOf(line));
      if (error) put(line, { failed: `${error.message} ${error.hint}` });
      else { count += 1; setLines((old) => old.filter(({ tool }) => tool !== line.tool)); }
    }
    setBusy(false);
    setKept((old) => old + count);
    if (count === chosen.length) onSaved?.();
  };
  const leave = () => (kept ? onSaved?.() : onClose?.());
  const footer = (
    <>
      <button type="button" className="btn pri" disabled={busy || !chosen.length || hindered.length > 0} onClick={keep}>{busy ? "Keeping …" : `Keep ${counted(chosen.length, "tool", "tools")}`}</button>
      <button type="button" className="btn" disabled={busy} onClick={back}>Back</button>
      <span className="sp t12" role="status">{hindered.length ? <span className="st failed">{`${counted(hindered.length, "name is", "names are")} to be settled first.`}</span> : kept ? `${counted(kept, "tool is", "tools are")} kept.` : null}</span>
    </>
  );
  return (
    <Dialog title={found.tools.length ? `${counted(found.tools.length, "tool", "tools")} found` : "No tool found"} size="wide" onClose={leave} busy={busy} footer={footer}>
      <Troubles problems={found.problems} />
      {lines.length > MANY ? (
        <div className="row">
          <input type="search" className="inp sp" aria-label="Search the tools that were found" placeholder="Search" value={query} onChange={(event) => setQuery(event.target.value)} />
          <button type="button" className="btn sm" onClick={() => chooseShown(true)}>Choose all</button>
          <button type="button" className="btn sm" onClick={() => chooseShown(false)}>Choose none</button>
        </div>
      ) : null}
      {shown.length ? <ul className="tl-list" data-testid="found">{shown.map((line) => <Line key={line.tool.name} line={line} put={(patch) => put(line, patch)} why={line.isOn ? hindrance(line, lines, found.kinds) : ""} kind={found.kinds[line.name]} />)}</ul> : null}
      {lines.length && !shown.length ? <p className="mut">None of them has these words.</p> : null}
    </Dialog>
  );
}

function Troubles({ problems }) {
  if (!problems.length) return null;
  return (
    <details className="tl-troubles" open={problems.length < 4} data-testid="troubles">
      <summary>{counted(problems.length, "thing was", "things were")} left out</summary>
      <Wrong words={problems} />
    </details>
  );
}

function Line({ line, put, why, kind }) {
  const { tool, name, isOn, replaces, failed } = line;
  return (
    <li className="tl-item" data-tool={tool.name}>
      <input type="checkbox" checked={isOn} aria-label={`Keep ${tool.name}`} onChange={(event) => put({ isOn: event.target.checked })} />
      <div className="col g4 sp">
        <div className="row g6">
          {isOn ? <input className="inp sm mono" value={name} aria-label={`Name of ${tool.name}`} aria-invalid={why ? true : undefined} spellCheck={false} autoComplete="off" onChange={(event) => put({ name: event.target.value.trim(), replaces: false })} /> : <b className="md mono">{name}</b>}
          {kind && !isOn ? <span className="mut t12">There is one of this name already.</span> : null}
        </div>
        <p className="tl-cut">{tool.description}</p>
        <p className="mut t12 mono">{tool.method} {tool.url}</p>
        <p className="mut t12">{EFFECTS[tool.effect].word}. It can be changed afterwards.</p>
        {isOn && kind === "web" ? <label className="row g6 t12"><input type="checkbox" checked={replaces} onChange={(event) => put({ replaces: event.target.checked })} />Replace the one that is there</label> : null}
        <Wrong words={[why, failed].filter(Boolean)} />
      </div>
    </li>
  );
}
