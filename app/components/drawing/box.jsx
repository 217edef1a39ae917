// What stands around or beside steps: the box that runs for every item of a list, sticky notes, and the frames of groups.
import { memo, useContext } from "react";
import { Diff, Flags, Source, Status, Targets } from "./step.jsx";
import { KindIcon } from "./icons.jsx";
import { Drawn, useMark } from "./marks.js";
import { BOX } from "./shape.js";

const MOST_CELLS = 24;

// One cell an item; a long list is one bar in proportion.
function Cells({ cells }) {
  if (!cells?.length) return <div className="cells"><i /></div>;
  if (cells.length <= MOST_CELLS) return <div className="cells">{cells.map((tone, index) => <i key={index} className={tone} />)}</div>;
  const count = (tone) => cells.filter((cell) => cell === tone).length;
  return <div className="cells bar">{["done", "failed", "running", "waiting", ""].map((tone) => (count(tone) ? <i key={tone} className={tone} style={{ flexGrow: count(tone) }} /> : null))}</div>;
}

export const MapBox = memo(function MapBox({ id, data, selected }) {
  const status = useMark("statuses", id), notice = useMark("notices", id);
  const told = notice?.problem ? { tone: "problem", word: notice.problem, isSentence: true } : status;
  const rest = data.ports.filter((port) => port.id !== "item");
  return (
    <div className={`mapbox${selected ? " is-selected" : ""}`} data-step={id} data-kind={data.node.kind} data-status={told?.tone ?? "rest"}>
      <Targets node={data.node} />
      <Diff id={id} />
      <div className="mh">
        <KindIcon name={data.icon} /><span className="b el" title={data.title}>{data.title}</span><span className="sp" />
        <Flags id={id} />
        {told ? <Status status={told} /> : <span className="mut t12">for each item</span>}
      </div>
      <Cells cells={status?.cells} />
      <Source id={id} port={{ id: "item", name: "Each item" }} style={{ top: BOX.top - 26, bottom: "auto" }} />
      {rest.map((port) => <Source key={port.id} id={id} port={port} style={port.id === "out" ? undefined : { left: "auto", right: 18 }} />)}
    </div>
  );
});

export const Note = memo(function Note({ data, selected }) {
  const { onNote, readOnly } = useContext(Drawn);
  const { note } = data;
  return (
    <div className={`note${selected ? " is-selected" : ""}`} onDoubleClick={readOnly ? undefined : () => onNote?.(note)} data-note={note.id}>
      {note.author ? <p className="b">{note.author}</p> : null}
      <p className="text">{note.text || (readOnly ? "" : "Double-click to write")}</p>
    </div>
  );
});

export const GroupFrame = memo(function GroupFrame({ data, selected }) {
  const { onGroup, readOnly } = useContext(Drawn);
  return (
    <div className={`frame${selected ? " is-selected" : ""}`}>
      <button type="button" className="b t12 nodrag" disabled={readOnly} onDoubleClick={() => onGroup?.(data.group)} title={data.group.description}>{data.group.title || "Group"}</button>
    </div>
  );
});
