// One step on the drawing: header, status row, ports; start and finish in one line.
import { memo, useContext } from "react";
import { Handle, Position } from "@xyflow/react";
import { Pin } from "lucide-react";
import { Tile, ToneIcon } from "./icons.jsx";
import { Drawn, useMark } from "./marks.js";

const AT_REST = { tone: "rest", word: "Not tried yet", amount: "" };

// What the row says: a problem first, then a run's status, then that nothing has run.
function useStatus(id, node) {
  const status = useMark("statuses", id), notice = useMark("notices", id), { readOnly } = useContext(Drawn);
  if (notice?.problem) return { tone: "problem", word: notice.problem, amount: "", isSentence: true };
  if (status) return status;
  if (node.disabled) return { tone: "off", word: "Switched off", amount: "" };
  if (notice?.hint) return { tone: "hint", word: notice.hint, amount: "", isSentence: true };
  return readOnly ? { tone: "rest", word: "Not reached", amount: "" } : AT_REST;
}

const toneClass = (tone) => (tone === "problem" ? "failed" : tone === "hint" ? "limit" : ["next", "rest", "off"].includes(tone) ? "mut" : tone);
const frameClass = (tone) => (["running", "waiting", "limit", "failed", "doubt"].includes(tone) ? ` is-${tone}` : tone === "skipped" || tone === "off" ? " is-skipped" : "");

export function Status({ status }) {
  return <span className={`st ${toneClass(status.tone)}`} title={status.isSentence ? status.word : undefined}><ToneIcon tone={status.tone} /><span className="el">{status.word}</span></span>;
}

export function Row({ status }) {
  const isTinted = ["running", "waiting", "limit", "failed", "doubt", "problem"].includes(status.tone);
  return (
    <div className={`state ${toneClass(status.tone)}${isTinted ? " tinted" : ""}`} data-tone={status.tone}>
      <Status status={status} />
      {status.amount ? <span className="mono">{status.amount}</span> : null}
    </div>
  );
}

export function Targets({ node }) {
  const { readOnly } = useContext(Drawn);
  if (node.kind === "start") return null;
  return (
    <>
      <Handle type="target" id="in" position={Position.Top} isConnectable={!readOnly} />
      <Handle type="target" id="back" position={Position.Right} isConnectable={!readOnly} className="side" />
    </>
  );
}

export function Source({ id, port, style }) {
  const { readOnly } = useContext(Drawn);
  const leaves = useMark("edges", `${id}.${port.id}`);
  return <Handle type="source" id={port.id} position={Position.Bottom} isConnectable={!readOnly} className={leaves ? "on" : ""} style={style} title={port.name} data-port={port.id} />;
}

function Port({ id, port }) {
  const leaves = useMark("edges", `${id}.${port.id}`);
  return <span className={leaves === "taken" ? "tk" : ""} title={port.name}><span className="el">{port.name}</span><Source id={id} port={port} /></span>;
}

// What came or went between two versions, in a badge above the step.
export function Diff({ id }) {
  const diff = useMark("diffs", id);
  return diff ? <span className={`bd diff ${diff.tone}`}>{diff.word}</span> : null;
}

export function Flags({ id }) {
  const notice = useMark("notices", id);
  return notice?.pinned ? <span className="pin" title="Its output is pinned for tries; live runs do not use it"><Pin size={12} aria-label="Output pinned" /></span> : null;
}

function Header({ id, data, children }) {
  return (
    <div className="hd">
      <Tile icon={data.icon} isAi={data.isAi} />
      <div className="sp"><div className="nm el" title={data.title}>{data.title}</div><div className="kd el">{data.line}</div></div>
      <Flags id={id} />
      {children}
    </div>
  );
}

const outer = (id, data, selected, status) => ({
  className: `node${selected ? " is-selected" : ""}${frameClass(status.tone)}${status.stale ? " is-stale" : ""}`,
  "data-step": id, "data-kind": data.node.kind, "data-status": status.tone, title: status.stale || undefined,
});

export const Step = memo(function Step({ id, data, selected }) {
  const status = useStatus(id, data.node);
  return (
    <div {...outer(id, data, selected, status)}>
      <Targets node={data.node} />
      <Diff id={id} />
      <Header id={id} data={data} />
      <Row status={status} />
      {data.ports.length > 1 ? <div className="pts">{data.ports.map((port) => <Port key={port.id} id={id} port={port} />)}</div> : null}
      {data.ports.length === 1 ? <Source id={id} port={data.ports[0]} /> : null}
    </div>
  );
});

export const Compact = memo(function Compact({ id, data, selected }) {
  const status = useStatus(id, data.node);
  const isQuiet = status.tone === "rest" || status.isSentence;
  return (
    <div {...outer(id, data, selected, status)}>
      <Targets node={data.node} />
      <Diff id={id} />
      <Header id={id} data={data}>
        {isQuiet ? (status.isSentence ? <span className={`st ${toneClass(status.tone)}`} title={status.word}><ToneIcon tone={status.tone} size={16} /><span className="sr">{status.word}</span></span> : null) : <Status status={status} />}
      </Header>
      {data.ports.map((port) => <Source key={port.id} id={id} port={port} />)}
    </div>
  );
});
