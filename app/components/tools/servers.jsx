// Servers that offer tools (MCP): which there are, whether they answer, and the way to what they offer.

import { useCallback, useEffect, useState } from "react";
import { CircleCheck, CircleMinus, CircleX, Hourglass, Plus } from "lucide-react";
import { Confirm, Dialog } from "../dialog/dialog.jsx";
import { counted } from "../dialog/problems.jsx";
import { rest, restAll } from "../rest/rest.js";
import { wrongWith } from "./draft.js";
import { Field, Wrong } from "./parts.jsx";
import { ServerTools } from "./server_tools.jsx";
import "./tools.css";

const STATES = { ready: ["done", "Answers", CircleCheck], changed: ["waiting", "Waits for you", Hourglass], unreachable: ["failed", "Does not answer", CircleX] };
const UNASKED = ["skipped", "Not asked yet", CircleMinus];

export function ToolServers({ onChanged, onClose }) {
  const [servers, setServers] = useState(null), [wrong, setWrong] = useState([]), [at, setAt] = useState({ view: "list" }), [busy, setBusy] = useState("");
  const load = useCallback(async () => {
    const { body, error } = await rest("GET", "/mcp-servers");
    setServers(body?.items ?? []);
    setWrong(error ? [`${error.message} ${error.hint}`] : []);
  }, []);
  useEffect(() => { load(); }, [load]);
  /** Takes over what the server is now; the page behind asks again. */
  const take = (view) => { setServers((old) => [...(old ?? []).filter((one) => one.name !== view.name), view].sort((a, b) => a.name.localeCompare(b.name))); onChanged?.(); };
  const act = async (name, method, path, body) => {
    setBusy(name);
    const { body: view, error } = await rest(method, `/mcp-servers/${encodeURIComponent(name)}${path}`, body);
    setBusy("");
    if (error) return error;
    setWrong([]);
    if (view?.name) take(view); else { await load(); onChanged?.(); }
    return null;
  };
  const told = async (...asked) => { const error = await act(...asked); if (error) setWrong([`${error.message} ${error.hint}`]); };
  const server = servers?.find((one) => one.name === at.name), back = () => { setWrong([]); setAt({ view: "list" }); };
  if (at.view === "edit") return <Edit server={server} servers={servers ?? []} act={act} open={(name) => setAt({ view: "tools", name })} back={back} />;
  if (at.view === "tools" && server) {
    const allow = async (tools) => { const error = await act(server.name, "POST", "/allow", { tools }); if (error) await load(); return error; };
    return <ServerTools server={server} busy={busy === server.name} allow={allow} look={() => told(server.name, "POST", "/look")} back={back} onClose={onClose} wrong={wrong} />;
  }
  const footer = <><button type="button" className="btn" onClick={() => onClose?.()}>Close</button><span className="mut t12 sp">Nothing that a server offers is called before somebody has allowed it.</span></>;
  return (
    <Dialog title="Servers of tools" size="wide" onClose={onClose} footer={footer}>
      <p className="mut">A server that speaks MCP offers tools of its own. You choose which of them agents may use. If one changes what it says it does, it stays off until you have looked at it.</p>
      <Wrong words={wrong} />
      {servers === null ? <p className="mut">Loading …</p> : servers.length ? (
        <ul className="tl-list" data-testid="servers">
          {servers.map((one) => <Server key={one.name} server={one} busy={busy === one.name} look={() => told(one.name, "POST", "/look")} open={(view) => setAt({ view, name: one.name })} />)}
        </ul>
      ) : <p className="tl-none">There is no server yet.</p>}
      <span><button type="button" className="btn" onClick={() => setAt({ view: "edit" })}><Plus size={16} aria-hidden="true" />Add a server</button></span>
      {at.view === "remove" && server ? (
        <Confirm title={`Remove ${server.name}?`} confirm="Remove" danger onClose={back} onConfirm={() => { back(); told(server.name, "DELETE", ""); }}>
          <p>Its tools are no longer there for agents and steps. What you have allowed would have to be allowed again.</p>
        </Confirm>
      ) : null}
    </Dialog>
  );
}

/** In one line: what it offers and what of it waits. */
export function offered(tools) {
  const count = (state) => tools.filter((tool) => tool.state === state).length, parts = [];
  parts.push(`${counted(tools.filter((tool) => tool.state !== "gone").length, "tool", "tools")}, ${count("allowed")} allowed`);
  if (count("changed")) parts.push(`${count("changed")} changed`);
  if (count("new")) parts.push(`${count("new")} not looked at yet`);
  if (count("gone")) parts.push(`${count("gone")} no longer offered`);
  return parts.join(" · ");
}

function Server({ server, busy, look, open }) {
  const [tone, word, Icon] = server.looked_at ? (STATES[server.state] ?? STATES.unreachable) : UNASKED, isProgram = server.transport === "program";
  return (
    <li className="tl-item" data-server={server.name}>
      <div className="col g4 sp">
        <div className="row g6"><b className="md">{server.name}</b><span className={`bd ${tone}`}><Icon size={14} aria-hidden="true" />{word}</span></div>
        <p className="mut t12">{isProgram ? "A program from the operator's file: only whoever runs Signalbox can change or remove it." : <span className="mono">{server.url}</span>}{server.secret ? ` · with the secret ${server.secret}` : ""}</p>
        {server.message ? <p className={`t12 ${server.state === "unreachable" ? "st failed tl-wrap" : "mut"}`}>{server.message}</p> : null}
        {server.looked_at ? <p className="t12">{offered(server.tools)}</p> : null}
      </div>
      <div className="row">
        <button type="button" className="btn sm" aria-label={`Tools of ${server.name}`} onClick={() => open("tools")}>Tools</button>
        <button type="button" className="btn sm" disabled={busy} aria-label={`Look again at ${server.name}`} onClick={look}>{busy ? "Looking …" : "Look again"}</button>
        {isProgram ? null : <button type="button" className="btn sm" aria-label={`Change ${server.name}`} onClick={() => open("edit")}>Change</button>}
        {isProgram ? null : <button type="button" className="btn sm danger" aria-label={`Remove ${server.name}`} onClick={() => open("remove")}>Remove</button>}
      </div>
    </li>
  );
}

function Edit({ server, servers, act, open, back }) {
  const [name, setName] = useState(server?.name ?? ""), [url, setUrl] = useState(server?.url ?? ""), [secret, setSecret] = useState(server?.secret ?? "");
  const [problems, setProblems] = useState([]), [refusal, setRefusal] = useState([]), [busy, setBusy] = useState(false), [secrets, setSecrets] = useState([]);
  useEffect(() => { restAll("/secrets").then(({ body }) => setSecrets((body ?? []).filter((one) => one.source === "stored" && one.hosts.length))); }, []);
  const save = async () => {
    const found = [];
    if (!name.trim()) found.push({ field: "name", message: "A server needs a name: the names of its tools begin with it." });
    if (!server && servers.some((one) => one.name === name.trim())) found.push({ field: "name", message: "There is a server of this name already." });
    if (!url.trim()) found.push({ field: "url", message: "Enter the address of the server." });
    setProblems(found);
    setRefusal([]);
    if (found.length) return;
    setBusy(true);
    const error = await act(name.trim(), "PUT", "", { url: url.trim(), secret });
    setBusy(false);
    if (!error) return open(name.trim());
    setProblems(error.problems ?? []);
    setRefusal(error.problems?.length ? [] : [`${error.message} ${error.hint}`]);
  };
  const known = secrets.find((one) => one.name === secret), footer = (
    <>
      <button type="button" className="btn pri" disabled={busy} onClick={save}>{busy ? "Asking it …" : "Save and look at its tools"}</button>
      <button type="button" className="btn" disabled={busy} onClick={back}>Cancel</button>
    </>
  );
  return (
    <Dialog title={server ? `Change ${server.name}` : "Add a server of tools"} onClose={back} busy={busy} footer={footer}>
      <Field label="Name" help="Short, in small letters: the names of its tools begin with it." wrong={wrongWith(problems, "name")}>
        {(told) => <input {...told} className="inp mono" value={name} readOnly={Boolean(server)} placeholder="crm" spellCheck={false} autoComplete="off" onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label="Address" help="As its documentation names it, for Streamable HTTP." wrong={wrongWith(problems, "url")}>
        {(told) => <input {...told} className="inp mono" value={url} placeholder="https://crm.example.com/mcp" spellCheck={false} autoComplete="off" inputMode="url" onChange={(event) => setUrl(event.target.value)} />}
      </Field>
      <Field label="Secret" help={known ? `It goes to ${known.hosts.join(", ")} only.` : "A stored key that goes along, if the server wants one."} wrong={wrongWith(problems, "secret")}>
        {(told) => <select {...told} className="inp" value={secret} onChange={(event) => setSecret(event.target.value)}><option value="">None</option>{secret && !known ? <option value={secret}>{secret}</option> : null}{secrets.map((one) => <option key={one.name}>{one.name}</option>)}</select>}
      </Field>
      <Wrong words={refusal} />
    </Dialog>
  );
}
