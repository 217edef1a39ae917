// Publishing: what the server has must be what is seen; then the dialog of versions takes over.
import { useEffect, useState } from "react";
import { Versions } from "../versions/versions.jsx";
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

export function PublishDialog({ work, dialog, close }) {
  const { draft, state } = work, [isSaved, setSaved] = useState(null);
  useEffect(() => {
    let isOver = false;
    draft.save().then((done) => { if (!isOver) setSaved(done); });
    return () => { isOver = true; };
  }, [draft]);
  if (isSaved === null) return null;
  if (!isSaved) {
    return (
      <Dialog title="Not saved yet" onClose={close} testid="not-saved">
        <div className="body"><p>Your last changes are not saved yet, so nothing can be published. They stay here; try again when they are saved.</p></div>
        <div className="foot"><button type="button" className="btn pri" autoFocus onClick={close}>Close</button></div>
      </Dialog>
    );
  }
  return (
    <Versions workflow={{ id: draft.id, name: state.document.name || state.name, revision: state.revision }} document={state.document} problems={state.problems ?? []}
      theme={work.isDark ? "dark" : "light"} start={dialog.start} onPublished={draft.published} onClose={close} onRun={work.me.permissions.includes("run.start") ? () => { close(); work.startLive(); } : null} />
  );
}
