// The track between two steps: a smooth step down, or a dotted way back up at the right with how often it may be taken.
import { memo, useContext } from "react";
import { EdgeLabelRenderer, getSmoothStepPath } from "@xyflow/react";
import { Plus, RotateCcw } from "lucide-react";
import { Drawn, useMark } from "./marks.js";

const ARROW = 7, CORNER = 12, LANE = 20, OUT = 44;

const arrowDown = (x, y) => `M${x - 4.5} ${y - ARROW}L${x + 4.5} ${y - ARROW}L${x} ${y}z`;
const arrowLeft = (x, y) => `M${x + ARROW} ${y - 4.5}L${x + ARROW} ${y + 4.5}L${x} ${y}z`;

// Down from the port, out to the right of both steps, up, and in from the side.
function wayBack({ sourceX: x, sourceY: y, targetX, targetY, data }) {
  const lane = Math.max(x + data.room, targetX) + OUT + data.lane * LANE, down = y + 18 + data.lane * 6;
  const c = Math.min(CORNER, Math.abs(down - targetY) / 2), start = Math.min(9, c);
  return {
    path: `M${x} ${y}V${down - start}Q${x} ${down} ${x + start} ${down}H${lane - c}Q${lane} ${down} ${lane} ${down - c}V${targetY + c}Q${lane} ${targetY} ${lane - c} ${targetY}H${targetX + ARROW - 1}`,
    // The label begins beside the steps and covers the track.
    labelX: lane - 32, labelY: (down + targetY) / 2,
  };
}

function wayOn(props) {
  const { sourceX, sourceY, targetX, targetY } = props;
  if (Math.abs(sourceX - targetX) < 6 && targetY > sourceY) {
    return { path: `M${sourceX} ${sourceY}L${targetX} ${targetY - ARROW + 1}`, labelX: (sourceX + targetX) / 2, labelY: (sourceY + targetY) / 2 };
  }
  const [path, labelX, labelY] = getSmoothStepPath({ ...props, targetY: props.targetY - ARROW + 1, borderRadius: CORNER, offset: 18 });
  return { path, labelX, labelY };
}

function Add({ x, y, data }) {
  const { onEdgeAdd } = useContext(Drawn);
  if (!onEdgeAdd) return null;
  return (
    <g className="plus nodrag" transform={`translate(${x} ${y})`} role="button" aria-label="Add a step here" onClick={(event) => { event.stopPropagation(); onEdgeAdd(data.edge, { x: event.clientX, y: event.clientY }); }}>
      <circle r="10" /><Plus x={-7} y={-7} size={14} />
    </g>
  );
}

export const Track = memo(function Track(props) {
  const { data, selected, targetX, targetY } = props;
  const state = useMark("edges", data.key), used = useMark("edges", `${data.key} used`);
  const way = data.isBack ? wayBack(props) : wayOn(props);
  const name = `${state === "taken" || state === "live" ? ` ${state}` : ""}${data.isBack ? " back" : ""}${selected ? " is-selected" : ""}${state === "removed" || state === "added" ? ` ${state}` : ""}`;
  return (
    <g className={`track${name}`} data-edge={data.key}>
      <path className="wide" d={way.path} />
      <path className="rail" d={way.path} />
      <path className="arr" d={data.isBack ? arrowLeft(targetX, targetY) : arrowDown(targetX, targetY)} />
      {data.isBack ? null : <Add x={way.labelX} y={way.labelY} data={data} />}
      {data.label ? (
        <EdgeLabelRenderer>
          <div className={`elab${state ? " tk" : ""}`} style={{ transform: `translate(0,-50%) translate(${way.labelX}px,${way.labelY}px)` }}>
            <RotateCcw size={12} aria-hidden="true" />{data.label}{used ? <span className="mut">{used}</span> : null}
          </div>
        </EdgeLabelRenderer>
      ) : null}
    </g>
  );
});
