// Everything that is asked in front of the canvas, one at a time.
import { useEffect, useRef, useState } from "react";
import { Minus, Plus } from "lucide-react";
import { portsOf, portWord } from "../drawing/drawing.jsx";
import { ImportDialog, TemplatesDialog } from "./bringing.jsx";
import { KEYS } from "./keys.js";
import { Dialog } from "./marks.jsx";
import { CannotPublish, PublishDialog } from "./publishing.jsx";
import { TryDialog } from "./trying.jsx";

const BY_NAME = {
  limit: LimitDialog, rename: RenameDialog, note: NoteDialog, group: GroupDialog, keys: KeysDialog, import: ImportDialog, templates: TemplatesDialog,
  publish: PublishDialog, "cannot-publish": CannotPublish,
};

export function Dialogs({ work }) {
  const Shown = work.dialog && BY_NAME[work.dialog.name];
  return <>{Shown ? <Shown work={work} dialog={work.dialog} close={() => work.setDialog(null)} /> : null}{work.question ? <TryDialog work={work} /> : null}</>;
}

// A way back must be bounded, or nobody could say what a run can cost.
function LimitDialog({ work, dialog, close }) {
  const { wanted } = dialog, source = work.nodeOf(wanted.source), target = work.nodeOf(wanted.target);
  const others = portsOf(source, work.kinds.get(source.kind)).filter((port) => port.id !== (wanted.port ?? "out"));
  const [most, setMost] = useState(3), [then, setThen] = useState("");
  const submit = (event) => { event.preventDefault(); close(); work.closeLoop(dialog, most, then); };
  return (
    <Dialog title="How many times at most?" onClose={close} testid="limit-dialog">
      <form onSubmit={submit}>
        <div className="body">
          <p>“{portWord(wanted.port ?? "out", source.kind)}” of “{work.name(source)}” leads back to “{work.name(target)}”. How often may this part run for one request, the first time included?</p>
          <div className="row stepper">
            <button type="button" className="btn ic" aria-label="Less" onClick={() => setMost(Math.max(1, most - 1))}><Minus size={16} /></button>
            <input className="inp num" type="number" min="1" max="1000" value={most} autoFocus onFocus={(event) => event.target.select()} onChange={(event) => setMost(Math.max(1, Math.min(1000, Number(event.target.value) || 1)))} aria-label="Times at most" />
            <button type="button" className="btn ic" aria-label="More" onClick={() => setMost(Math.min(1000, most + 1))}><Plus size={16} /></button><span className="mut">times</span>
          </div>
          <div className="field"><label className="lab" htmlFor="limit-then">When that is used up</label>
            <select id="limit-then" className="inp" value={then} onChange={(event) => setThen(event.target.value)}><option value="">stop the run at its limit</option>{others.map((port) => <option key={port.id} value={port.id}>go on by “{port.name}”</option>)}</select></div>
        </div>
        <div className="foot"><button type="submit" className="btn pri" data-testid="limit-ok">Lead back</button><button type="button" className="btn" onClick={close}>Cancel</button></div>
      </form>
    </Dialog>
  );
}

function TextDialog({ title, label, value, rows, save, close, more }) {
  const [text, setText] = useState(value), field = useRef(null);
  useEffect(() => field.current.select(), []);
  const submit = (event) => { event?.preventDefault(); close(); if (text !== value) save(text); };
  const onKeyDown = (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(); };
  return (
    <Dialog title={title} onClose={close}>
      <form onSubmit={submit}>
        <div className="body"><label className="lab" htmlFor="dialog-text">{label}</label>
          {rows ? <textarea id="dialog-text" ref={field} className="inp area" rows={rows} maxLength={4000} value={text} autoFocus onKeyDown={onKeyDown} onChange={(event) => setText(event.target.value)} /> : <input id="dialog-text" ref={field} className="inp" maxLength={200} value={text} autoFocus required onChange={(event) => setText(event.target.value)} />}</div>
        <div className="foot"><button type="submit" className="btn pri">Keep</button><button type="button" className="btn" onClick={close}>Cancel</button><span className="sp" />{more}</div>
      </form>
    </Dialog>
  );
}

function RenameDialog({ work, close }) {
  return <TextDialog title="Rename the workflow" label="Name" value={work.state.document.name ?? ""} close={close} save={(name) => work.change([{ op: "update", target: "document", value: { name } }], "Rename")} />;
}

function Delete({ work, ops, close }) {
  return <button type="button" className="btn danger" onClick={() => { close(); work.change(ops, "Delete"); }}>Delete</button>;
}

function NoteDialog({ work, dialog: { id }, close }) {
  const note = (work.state.document.notes ?? []).find((one) => one.id === id);
  if (!note) return null;
  return <TextDialog title="Note" label="What everybody who works on this should know" rows={6} value={note.text ?? ""} close={close} save={(text) => work.change([{ op: "update", target: "note", id, value: { text } }], "Write a note")} more={<Delete work={work} close={close} ops={[{ op: "remove", target: "note", id }]} />} />;
}

function GroupDialog({ work, dialog: { id }, close }) {
  const group = (work.state.document.groups ?? []).find((one) => one.id === id);
  if (!group) return null;
  return <TextDialog title="Name of the group" label="Name" value={group.title ?? ""} close={close} save={(title) => work.change([{ op: "update", target: "group", id, value: { title } }], "Name a group")} more={<Delete work={work} close={close} ops={[{ op: "remove", target: "group", id }]} />} />;
}

function KeysDialog({ close }) {
  return (
    <Dialog title="Keys" onClose={close} width={640}>
      <div className="body keys-list">{KEYS.map(([group, rows]) => <section key={group}><h3 className="t12 mut">{group}</h3><dl>{rows.map(([keys, does]) => <div key={keys} className="row"><dt>{keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{does}</dd></div>)}</dl></section>)}</div>
    </Dialog>
  );
}
