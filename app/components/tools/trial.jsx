// A call to try: what would go out, and after a second look what comes back.

import { useState } from "react";
import { CircleCheck, CircleX, Lock, Send, TriangleAlert } from "lucide-react";
import { Dialog } from "../dialog/dialog.jsx";
import { rest } from "../rest/rest.js";
import { askedOf, givenOf, refusedIn } from "./given.js";
import { Field, Wrong } from "./parts.jsx";

/** `ask` gives `{definition, name, problems}` of the tool as it is typed at this moment. */
export function Trial({ ask, schema, secrets, tell, stale }) {
  const [typed, setTyped] = useState({}), [wrong, setWrong] = useState({}), [found, setFound] = useState(null), [busy, setBusy] = useState(false), [sure, setSure] = useState(false);
  const fields = askedOf(schema);
  const go = async (send) => {
    const { name, definition, problems } = ask(), { given, problems: odd } = givenOf(fields, typed);
    setWrong(odd);
    tell(problems);
    setSure(false);
    if (problems.length || Object.keys(odd).length) return setFound(null);
    setBusy(true);
    const { body, error } = await rest("POST", "/tools/try", { tool: { ...definition, name }, arguments: given, send });
    setBusy(false);
    if (!error) return setFound({ ...body, of: stale });
    const refused = refusedIn(error.problems), others = (error.problems ?? []).filter((problem) => !problem.field?.startsWith("arguments"));
    setWrong(refused);
    tell(others);
    setFound({ refusal: error.problems ? null : error });
  };
  const isOld = found?.of !== undefined && found.of !== stale;
  return (
    <aside className="tl-try" aria-label="Try it">
      <h3>Try it</h3>
      <p className="mut t12">See the request first. Nothing is sent before you say so, and nothing has to be saved.</p>
      {fields.map((field) => <Given key={field.name} field={field} value={typed[field.name] ?? ""} set={(text) => setTyped({ ...typed, [field.name]: text })} wrong={wrong[field.name] ? [wrong[field.name]] : []} />)}
      {fields.length ? null : <p className="mut t12">It is given nothing.</p>}
      <Wrong words={wrong[""] ? [wrong[""]] : []} />
      <button type="button" className="btn" disabled={busy} onClick={() => go(false)}>Show the request</button>
      <div className="col g12" aria-live="polite" data-testid="tried">
        {found?.refusal ? <Told tone="failed" title={found.refusal.message} text={found.refusal.hint} /> : null}
        {found?.request ? <Request request={found.request} secrets={secrets} /> : null}
        {isOld ? <p className="mut t12">The tool was changed since. Show the request again before you send it.</p> : null}
        {found?.request && !isOld ? <Sending found={found} busy={busy} send={() => (found.is_writing ? setSure(true) : go(true))} /> : null}
        {found?.is_sent && !isOld ? <Answer found={found} /> : null}
      </div>
      {sure ? <Sure request={found.request} send={() => go(true)} close={() => setSure(false)} /> : null}
    </aside>
  );
}

function Sending({ found, busy, send }) {
  return (
    <div className="col g6">
      {found.is_writing ? <p className="tl-warn"><TriangleAlert size={14} aria-hidden="true" /><span>This changes something for real. There is no rehearsal.</span></p> : null}
      <button type="button" className="btn" disabled={busy} onClick={send}><Send size={16} aria-hidden="true" />{busy ? "Sending …" : found.is_sent ? "Send it again" : "Send it"}</button>
    </div>
  );
}

function Sure({ request, send, close }) {
  const footer = (
    <>
      <button type="button" className="btn danger" onClick={send}>Send it for real</button>
      <button type="button" className="btn" autoFocus onClick={close}>Cancel</button>
    </>
  );
  return (
    <Dialog title="Send this for real?" size="small" onClose={close} footer={footer}>
      <p>The other side does what it is asked, as in a run, and Signalbox cannot take it back.</p>
      <p className="mono tl-url">{request.method} {request.url}</p>
      <p className="mut t12">That you sent it is kept in the audit log.</p>
    </Dialog>
  );
}

function Request({ request, secrets }) {
  const secret = secrets.find((one) => one.name === request.secret);
  return (
    <div className="tl-wire" role="group" aria-label="The request" data-testid="request">
      <p className="mono tl-url"><b>{request.method}</b> {request.url}</p>
      {Object.entries(request.headers).map(([name, value]) => <p className="mono" key={name}>{name}: {value}</p>)}
      {request.secret ? <p className="mono"><Lock size={12} aria-hidden="true" /> {secret?.header || "Authorization"}: •••••••• <span className="tl-note">the secret {request.secret}</span></p> : null}
      {request.body ? <pre className="mono">{request.body}</pre> : null}
    </div>
  );
}

function Answer({ found }) {
  const { answer } = found;
  return (
    <div className="col g6" data-testid="answer">
      {found.problem ? <Told tone="failed" title={found.problem} text={found.hint} /> : <p className="st done"><CircleCheck size={14} aria-hidden="true" />It answered</p>}
      {answer?.text ? <pre className="mono tl-answer" tabIndex={0} aria-label="The answer">{answer.text}</pre> : found.problem ? null : <p className="mut t12">The answer is empty.</p>}
      {answer?.is_cut ? <p className="mut t12">More came back than is shown here. An agent gets all of it.</p> : null}
    </div>
  );
}

function Told({ tone, title, text }) {
  return <div className={`banner ${tone}`} role="alert"><CircleX size={16} aria-hidden="true" /><div className="col g4 sp"><p className="md">{title}</p><p className="t12">{text}</p></div></div>;
}

function Given({ field, value, set, wrong }) {
  const label = field.isRequired ? field.name : `${field.name} (may be left out)`, onChange = (event) => set(event.target.value);
  const control = (told) => {
    if (field.type === "yesno") return <select {...told} className="inp" value={value} onChange={onChange}><option value="">Not given</option><option value="yes">Yes</option><option value="no">No</option></select>;
    if (field.type === "choice") return <select {...told} className="inp" value={value} onChange={onChange}><option value="">Not given</option>{field.choices.map((choice, i) => <option key={i} value={i}>{String(choice)}</option>)}</select>;
    if (["text", "number", "whole", "date"].includes(field.type)) return <input {...told} className="inp" value={value} inputMode={field.type === "number" || field.type === "whole" ? "decimal" : undefined} placeholder={field.type === "date" ? "2026-01-31" : undefined} spellCheck={false} autoComplete="off" onChange={onChange} />;
    return <textarea {...told} className={`inp ${field.type === "long" ? "" : "mono"}`} rows={3} value={value} spellCheck={false} onChange={onChange} />;
  };
  const help = field.type === "list" && (field.schema.items?.type ?? "string") === "string" ? "One a line." : ["object", "other", "list"].includes(field.type) ? "As JSON." : field.description;
  return <Field label={label} help={help} wrong={wrong}>{control}</Field>;
}
