// Publishing: the draft becomes a version that no one can change any more, and it goes live.
import { useState } from "react";
import { Rocket } from "lucide-react";
import { ask, Away, inWords, Refused } from "./api.js";
import { Worst } from "./bar.jsx";
import { Dialog } from "./marks.jsx";

export function CannotPublish({ work, close }) {
  const errors = work.state.problems.filter((one) => one.severity === "error");
  return (
    <Dialog title="Not ready to publish" onClose={close} testid="cannot-publish">
      <div className="body"><p>{errors.length === 1 ? "One problem has" : `${errors.length} problems have`} to be solved first. What is live stays as it is.</p></div>
      <div className="foot"><button type="button" className="btn pri" autoFocus onClick={() => { close(); work.setPanel({ name: "problems" }); }}>Show {errors.length === 1 ? "the problem" : "the problems"}</button><button type="button" className="btn" onClick={close}>Close</button></div>
    </Dialog>
  );
}

export function PublishDialog({ work, close }) {
  const [note, setNote] = useState(""), [isBusy, setBusy] = useState(false), [trouble, setTrouble] = useState(""), [done, setDone] = useState(null);
  const publish = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      if (!(await work.draft.save())) { setTrouble("Your last changes are not saved yet. Nothing was published; try again when they are."); return; }
      const published = await ask("POST", `/api/v1/workflows/${work.draft.id}/publish`, { note });
      work.draft.published(published.version);
      setDone(published);
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Away)) throw error;
      setTrouble(`Nothing was published. ${inWords(error)}`);
    } finally {
      setBusy(false);
    }
  };
  if (done) return <Published done={done} close={close} />;
  return (
    <Dialog title={`Publish version ${work.state.last + 1}`} onClose={close} testid="publish-dialog">
      <form onSubmit={publish}>
        <div className="body">
          <p>From now on new runs use this version. Runs that are under way keep theirs.</p>
          <Worst worst={work.worst} />
          <label className="lab" htmlFor="publish-note" style={{ marginTop: 12 }}>What is different<span className="mut">can be left out</span></label>
          <textarea id="publish-note" className="inp area" rows={3} maxLength={2000} value={note} autoFocus onChange={(event) => setNote(event.target.value)} />
          {trouble ? <p className="st failed t12" role="alert">{trouble}</p> : null}
        </div>
        <div className="foot"><button type="submit" className="btn pri" disabled={isBusy} data-testid="publish-now"><Rocket size={16} aria-hidden="true" />{isBusy ? "Publishing" : "Publish"}</button><button type="button" className="btn" onClick={close}>Cancel</button></div>
      </form>
    </Dialog>
  );
}

function Published({ done, close }) {
  const hooks = (done.triggers ?? []).filter((trigger) => trigger.url || trigger.problem);
  return (
    <Dialog title={`Version ${done.version} is live`} onClose={close} testid="published">
      <div className="body">
        {hooks.length ? null : <p>New runs use it from now on.</p>}
        {hooks.map((hook) => (
          <div key={hook.path} className="field">{hook.problem ? <p className="st limit">{hook.problem}</p> : <><span className="lab">Address that others call</span><code className="inp">{hook.url}</code></>}
            {hook.secret ? <><span className="lab">Its secret: it is shown only now</span><code className="inp">{hook.secret}</code></> : null}</div>
        ))}
      </div>
      <div className="foot"><button type="button" className="btn pri" autoFocus onClick={close}>Close</button></div>
    </Dialog>
  );
}
