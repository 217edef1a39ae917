// What one server offers: each tool is looked at and allowed by itself; a changed one shows what it was beside what it is.

import { useState } from "react";
import { CircleCheck, CircleMinus, CircleX, Hourglass } from "lucide-react";
import { Dialog } from "../dialog/dialog.jsx";
import { wordsDiff } from "../versions/words_diff.js";
import { Given } from "./look.jsx";
import { Choices, Field, Wrong } from "./parts.jsx";
import { CARRIES, EFFECTS, ORIGINS } from "./words.js";

const STATES = { allowed: ["done", "Allowed", CircleCheck], new: ["waiting", "Not looked at yet", Hourglass], changed: ["waiting", "Changed: off", Hourglass], gone: ["skipped", "No longer offered", CircleMinus] };
const ORDER = ["changed", "new", "allowed", "gone"];
const PAGE = 100;

export function ServerTools({ server, busy, allow, look, back, onClose, wrong }) {
  const [query, setQuery] = useState(""), [most, setMost] = useState(PAGE), [open, setOpen] = useState(null);
  const words = query.trim().toLowerCase(), all = [...server.tools].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.tool.localeCompare(b.tool));
  const found = words ? all.filter((tool) => `${tool.tool} ${tool.description}`.toLowerCase().includes(words)) : all;
  const footer = (
    <>
      <button type="button" className="btn" onClick={back}>Back to the servers</button>
      <button type="button" className="btn" disabled={busy} onClick={look}>{busy ? "Looking …" : "Look again"}</button>
    </>
  );
  return (
    <Dialog title={`Tools of ${server.name}`} size="wide" onClose={onClose} footer={footer}>
      <Wrong words={wrong} />
      {server.state === "unreachable" ? <div className="banner failed" role="alert"><CircleX size={16} aria-hidden="true" /><p className="sp">{server.message || "The server does not answer."}</p></div> : null}
      <p className="mut">What a tool says of itself was written by whoever runs the server. Say yourself what a call does: the words of the server are not believed.</p>
      {all.length > 8 ? <input type="search" className="inp" aria-label="Search these tools" placeholder="Search" value={query} onChange={(event) => { setQuery(event.target.value); setMost(PAGE); }} /> : null}
      {found.length ? (
        <ul className="tl-list" data-testid="server-tools">
          {found.slice(0, most).map((tool) => <Tool key={`${tool.tool} ${tool.digest}`} tool={tool} isOpen={open === tool.tool} toggle={() => setOpen(open === tool.tool ? null : tool.tool)} allow={allow} />)}
        </ul>
      ) : <p className="tl-none">{all.length ? "None of them has these words." : "It offers no tool."}</p>}
      {found.length > most ? <span><button type="button" className="btn sm" onClick={() => setMost(most + PAGE)}>Show more</button></span> : null}
    </Dialog>
  );
}

function Tool({ tool, isOpen, toggle, allow }) {
  const [tone, word, Icon] = STATES[tool.state] ?? STATES.new;
  return (
    <li className="tl-item" data-tool={tool.tool} data-state={tool.state}>
      <div className="col g4 sp">
        <div className="row g6"><b className="md mono">{tool.tool}</b><span className={`bd ${tone}`}><Icon size={14} aria-hidden="true" />{word}</span></div>
        {isOpen && tool.state === "changed" && tool.was ? null : <p className={isOpen ? "tl-told" : "tl-cut"}>{tool.description || "It says nothing of itself."}</p>}
        {tool.state === "allowed" ? <p className="mut t12">{EFFECTS[tool.effect].word} · agents name it {tool.name}</p> : null}
        {isOpen ? <Looked tool={tool} allow={allow} done={toggle} /> : null}
      </div>
      {tool.state === "gone" ? null : <button type="button" className="btn sm" aria-expanded={isOpen} aria-label={`${isOpen ? "Close" : "Look at"} ${tool.tool}`} onClick={toggle}>{isOpen ? "Close" : "Look at it"}</button>}
    </li>
  );
}

function Looked({ tool, allow, done }) {
  const [effect, setEffect] = useState(tool.effect), [origins, setOrigins] = useState(tool.origins), [carries, setCarries] = useState(tool.carries);
  const [wrong, setWrong] = useState([]), [busy, setBusy] = useState(false);
  // Nothing in the place of the settings keeps it off.
  const give = async (told) => {
    setBusy(true);
    const error = await allow({ [tool.tool]: told });
    setBusy(false);
    if (error) setWrong([`${error.message} ${error.hint}`]); else done();
  };
  const tick = (origin, isOn) => setOrigins(isOn ? [...origins, origin] : origins.filter((one) => one !== origin));
  const isChanged = tool.state === "changed";
  return (
    <div className="col g16 tl-looked">
      {isChanged && tool.was ? <Changed was={tool.was} is={tool} /> : <Given schema={tool.parameters} />}
      <Hints hints={tool.hints} />
      <Choices legend="To the world" type="radio" options={Object.entries(EFFECTS).filter(([name]) => name !== "pure" || tool.effect === "pure")} isOn={(name) => effect === name} choose={setEffect} />
      <Choices legend="Its results" type="checkbox" options={Object.entries(ORIGINS)} isOn={(origin) => origins.includes(origin)} choose={tick} />
      <Field label="Does a call tell others what it is given?" help="If it does, private data needs a person first.">
        {(told) => <select {...told} className="inp" value={String(carries)} onChange={(event) => setCarries(CARRIES.find(({ value }) => String(value) === event.target.value).value)}>{CARRIES.map(({ value, word }) => <option key={word} value={String(value)}>{word}</option>)}</select>}
      </Field>
      <Wrong words={wrong} />
      <div className="row">
        <button type="button" className="btn pri" disabled={busy} onClick={() => give({ digest: tool.digest, effect, origins, carries })}>{isChanged ? "Allow again" : tool.state === "allowed" ? "Save" : "Allow"}</button>
        {isChanged ? <button type="button" className="btn" disabled={busy} onClick={() => give(null)}>Keep it off</button> : <button type="button" className="btn" onClick={done}>Cancel</button>}
        {tool.state === "allowed" ? <button type="button" className="btn danger" disabled={busy} onClick={() => give(null)}>Turn it off</button> : null}
      </div>
    </div>
  );
}

function Hints({ hints }) {
  const said = [hints?.read_only ? "that it only reads" : "", hints?.destructive ? "that it may destroy something" : ""].filter(Boolean);
  return said.length ? <p className="mut t12">Its server says {said.join(" and ")}. Nobody has checked that.</p> : null;
}

// Word by word where that is possible; the removed words stand on the left, the added ones on the right.
function Changed({ was, is }) {
  const pairs = [["What it says", was.description, is.description], ["What it is given", JSON.stringify(was.parameters, null, 2), JSON.stringify(is.parameters, null, 2)]].filter(([, before, after]) => before !== after);
  return pairs.map(([what, before, after]) => {
    const parts = wordsDiff(before, after), side = (gone) => (parts ? parts.filter(({ mark }) => !mark || mark === gone) : [{ text: gone === "removed" ? before : after, mark: "" }]);
    return (
      <div className="col g6" key={what} role="group" aria-label={`${what}: what is different`}>
        <h3>{what}</h3>
        <div className="tl-sides">
          <Side title="When it was allowed" parts={side("removed")} isMono={what !== "What it says"} />
          <Side title="Now" parts={side("added")} isMono={what !== "What it says"} />
        </div>
      </div>
    );
  });
}

function Side({ title, parts, isMono }) {
  const drawn = parts.map(({ text, mark }, i) => (mark === "removed" ? <del key={i}>{text}</del> : mark === "added" ? <ins key={i}>{text}</ins> : <span key={i}>{text}</span>));
  return <div className="tl-side"><p className="mut t12">{title}</p>{isMono ? <pre className="mono">{drawn}</pre> : <p>{drawn}</p>}</div>;
}
