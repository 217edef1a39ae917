// The settings that every step has: what happens when it fails, how long it may take, and what it waits for.

import { useDesk, useForm } from "./desk.jsx";
import { Choice, DurationInput, Labelled, LongInput, NumberInput, Switch } from "./fields.jsx";
import { JsonInput } from "./form.jsx";
import { portRemoved } from "./changes.js";
import { Section } from "./section.jsx";

const ON_ERROR = [["stop", "Stop the run"], ["port", "Go on by “If it fails”"], ["default", "Go on with a fixed output"]];
const JOIN = [["all", "All ways that lead here are settled"], ["any", "The first way that leads here is taken"]];

function changedOf(node) {
  const names = { retry: "tries again", timeout_s: "has a time limit", on_error: "handles failures", disabled: "is off", note: "has a note" };
  return Object.entries(names).filter(([key]) => node[key] && node[key] !== "stop").map(([, words]) => words);
}

export function More() {
  const { node, document, change, title, kind } = useDesk();
  const form = useForm();
  const incoming = (document.edges ?? []).filter((edge) => edge.target === node.id).length;
  const calls = (kind?.uses ?? []).length > 0 && kind?.kind !== "approval";
  const retry = node.retry ?? {};
  const set = (patch, label) => form.setNode(patch, `${label} of ${title}`);
  const setRetry = (patch) => {
    const next = Object.fromEntries(Object.entries({ ...retry, ...patch }).filter(([, value]) => value !== undefined));
    set({ retry: Object.keys(next).length ? next : null }, "Tries");
  };
  const setOnError = (choice) => {
    const patch = { on_error: choice === "stop" ? null : choice, default_output: choice === "default" ? node.default_output ?? {} : null };
    const gone = node.on_error === "port" && choice !== "port" ? portRemoved(document, node.id, "error") : [];
    change([{ op: "update", target: "node", id: node.id, value: patch }, ...gone], `When ${title} fails`);
  };
  const told = changedOf(node);
  return (
    <Section title="More" count={told.join(", ")} isFolded testId="more">
      {calls ? (
        <div className="ins-two">
          <Labelled keys={["retry", "attempts"]} label="Tries in all">{({ id }) => <NumberInput id={id} value={retry.attempts} fallback={1} isWholeNumber commit={(attempts) => setRetry({ attempts })} label="Tries in all" testId="attempts" />}</Labelled>
          <Labelled keys={["retry", "backoff_s"]} label="Wait between">{({ id }) => <NumberInput id={id} value={retry.backoff_s} fallback={1} unit="s" commit={(backoff_s) => setRetry({ backoff_s })} label="Wait before the next try" />}</Labelled>
          <Labelled keys={["retry", "factor"]} label="Then longer by">{({ id }) => <NumberInput id={id} value={retry.factor} fallback={2} unit="×" commit={(factor) => setRetry({ factor })} label="How much longer each wait is" />}</Labelled>
        </div>
      ) : null}
      {calls ? <Labelled keys={["timeout_s"]} label="May take at most">{({ id }) => <DurationInput id={id} value={node.timeout_s} commit={(timeout_s) => set({ timeout_s: timeout_s ?? null }, "Time limit")} label="Time limit" none="As usual" />}</Labelled> : null}
      <Labelled keys={["on_error"]} label="When it fails">{({ id }) => <Choice id={id} value={node.on_error ?? "stop"} choices={ON_ERROR} commit={setOnError} label="When it fails" testId="on-error" />}</Labelled>
      {node.on_error === "port" ? <p className="ins-help ins-field">Connect “If it fails” on the canvas. Behind it, the reason can be read as a value of this step.</p> : null}
      {node.on_error === "default" ? <Labelled keys={["default_output"]} label="Output it has then" help="Named values, as later steps read them.">{(given) => <JsonInput {...given} value={node.default_output ?? {}} commit={(value) => set({ default_output: value ?? {} }, "Fixed output")} label="Output when it fails" />}</Labelled> : null}
      {incoming > 1 || node.join ? <Labelled keys={["join"]} label="It starts when">{({ id }) => <Choice id={id} value={node.join ?? "all"} choices={JOIN} commit={(join) => set({ join: join === "all" ? null : join }, "Start")} label="It starts when" />}</Labelled> : null}
      {node.kind === "start" ? null : <div className="ins-field"><Switch value={node.disabled} commit={(isOff) => set({ disabled: isOff || null }, isOff ? "Switched off" : "Switched on")} label="Switched off" help="Runs pass through it as if it were not there." testId="disabled" /></div>}
      <Labelled keys={["note"]} label="Note to whoever works on this">{({ id }) => <LongInput id={id} value={node.note ?? ""} commit={(note) => set({ note: note || null }, "Note")} label="Note" rows={2} testId="note" />}</Labelled>
    </Section>
  );
}
