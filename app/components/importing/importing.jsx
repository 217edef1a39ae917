// Takes a workflow in. Whatever is wrong with it is told before anything is kept, and what was pasted stays where it is.
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { FileUp } from "lucide-react";
import { Dialog } from "../dialog/dialog.jsx";
import { Problems, counted } from "../dialog/problems.jsx";
import { rest } from "../rest/rest.js";

const WAIT_MS = 350;
const MOST_BYTES = 10 * 1024 * 1024;
const NOTHING = { state: "empty" };

export function Import({ onClose }) {
  const [text, setText] = useState(""), [found, setFound] = useState(NOTHING), [busy, setBusy] = useState(false);
  const picker = useRef(null), navigate = useNavigate();
  useCheck(text, setFound);
  const take = async (file) => {
    if (!file) return;
    if (file.size > MOST_BYTES) return setFound({ state: "refused", error: { message: `${file.name} is larger than 10 MB.`, hint: "A workflow is a text of some kB. Choose another file." } });
    setText(await file.text());
  };
  const keep = async () => {
    setBusy(true);
    const { body, error } = await rest("POST", "/workflows", text);
    setBusy(false);
    if (error) setFound({ state: "refused", error });
    else navigate(`/workflows/${body.id}`);
  };
  const footer = (
    <>
      <button type="button" className="btn pri" disabled={busy || found.state !== "checked"} onClick={keep}>{found.errors ? "Import as a draft" : "Import"}</button>
      <button type="button" className="btn" onClick={() => onClose?.()}>Cancel</button>
      <span className="mut t12 sp">Nothing runs by importing.</span>
    </>
  );
  const drop = { onDragOver: (event) => event.preventDefault(), onDrop: (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); } };
  return (
    <Dialog title="Import a workflow" onClose={onClose} footer={footer} busy={busy}>
      <div className="col g12" {...drop}>
        <div className="row">
          <button type="button" className="btn" onClick={() => picker.current.click()}><FileUp size={16} aria-hidden="true" />Choose a file</button>
          <span className="mut">or drop one here, or paste its text below.</span>
          <input ref={picker} type="file" accept=".json,application/json" hidden data-testid="file" onChange={(event) => { take(event.target.files[0]); event.target.value = ""; }} />
        </div>
        <label className="col">
          <span className="lab">The workflow as text (JSON)</span>
          <textarea className="inp mono" rows={8} spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} data-testid="document" />
        </label>
      </div>
      <div aria-live="polite" data-testid="verdict" data-state={found.state}><Verdict found={found} /></div>
    </Dialog>
  );
}

// Checked by the server as somebody writes; only the answer to the latest text counts.
function useCheck(text, tell) {
  useEffect(() => {
    if (!text.trim()) return tell(NOTHING);
    const error = unreadable(text);
    if (error) return tell({ state: "refused", error });
    let isOver = false;
    tell((before) => ({ ...before, state: "checking" }));
    const soon = setTimeout(async () => {
      const { body, error } = await rest("POST", "/workflows/validate", text);
      if (!isOver) tell(error ? { state: "refused", error } : checked(text, body));
    }, WAIT_MS);
    return () => { isOver = true; clearTimeout(soon); };
  }, [text, tell]);
}

// What the server would refuse at once is told without asking it.
function unreadable(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return { message: "This is not JSON yet.", hint: `${error.message}.` };
  }
  if (Array.isArray(document?.nodes) && Array.isArray(document?.edges)) return null;
  return { message: "This is JSON, but no workflow.", hint: "A workflow is an object with the lists nodes and edges." };
}

function checked(text, { problems }) {
  const document = JSON.parse(text);
  const errors = problems.filter((problem) => problem.severity === "error").length;
  return { state: "checked", name: document.name, steps: document.nodes.length, problems, errors, document };
}

function Verdict({ found }) {
  switch (found.state) {
    case "checking":
      return <p className="mut">Looking at it …</p>;
    case "refused":
      return (
        <div className="banner failed" role="alert">
          <div className="col g4 sp"><p className="b">{found.error.message}</p><p>{found.error.hint} Nothing was imported, and your text is still here.</p></div>
        </div>
      );
    case "checked":
      return (
        <div className="col g12">
          <p><b>{found.name || "A workflow without a name"}</b>, {counted(found.steps, "step", "steps")}. {found.errors ? `It can be kept as a draft; ${counted(found.errors, "problem", "problems")} must be mended before it can go live.` : found.problems.length ? "It can go live as it is; have a look at what was noticed." : "Nothing is wrong with it."}</p>
          <Problems problems={found.problems} document={found.document} />
        </div>
      );
    default:
      return null;
  }
}
