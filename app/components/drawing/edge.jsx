// The track between two steps: a smooth step down, or a dotted way back up at the right with how often it may be taken.
import { memo, useContext } from "react";
import { EdgeLabelRenderer, getSmoothStepPath } from "@xyflow/react";
import { Plus, RotateCcw } from "lucide-react";
import { Drawn, useIsFar, useMark } from "./marks.js";

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
  const { sourceX, sourceY, targetX, targetY, data: { route } } = props, end = targetY - ARROW + 1;
  if (targetY - sourceY < 24) {
    const [path, labelX, labelY] = getSmoothStepPath({ ...props, targetY: end, borderRadius: CORNER, offset: 18 });
    return { path, labelX, labelY };
  }
  if (Math.abs(sourceX - targetX) < 6 && !route?.lane) return { path: `M${sourceX} ${sourceY}L${targetX} ${end}`, labelX: (sourceX + targetX) / 2, labelY: (sourceY + targetY) / 2 };
  const within = (y) => Math.min(Math.max(y, sourceY + 10), targetY - 12), turn = within(route?.turn ?? (sourceY + targetY) / 2);
  const points = route?.lane === undefined ? [[sourceX, turn], [targetX, turn]] : [[sourceX, turn], [route.lane, turn], [route.lane, within(route.back)], [targetX, within(route.back)]];
  const middle = points[Math.floor(points.length / 2) - 1], next = points[Math.floor(points.length / 2)];
  return { path: rounded([[sourceX, sourceY], ...points, [targetX, end]]), labelX: (middle[0] + next[0]) / 2, labelY: (middle[1] + next[1]) / 2 };
}

// A line along these points whose corners are round as far as there is room.
function rounded(points) {
  let path = `M${points[0]}`;
  for (let at = 1; at < points.length - 1; at++) {
    const [before, here, after] = [points[at - 1], points[at], points[at + 1]];
    const size = Math.min(CORNER, distance(before, here) / 2, distance(here, after) / 2);
    path += `L${toward(here, before, size)}Q${here} ${toward(here, after, size)}`;
  }
  return `${path}L${points.at(-1)}`;
}

const distance = (a, b) => Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);
const toward = ([x, y], [toX, toY], by) => [x + Math.sign(toX - x) * by, y + Math.sign(toY - y) * by];

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
  const far = useIsFar(), state = useMark("edges", data.key), used = useMark("edges", `${data.key} used`);
  const way = data.isBack ? wayBack(props) : wayOn(props);
  const name = `${state === "taken" || state === "live" ? ` ${state}` : ""}${data.isBack ? " back" : ""}${selected ? " is-selected" : ""}${state === "removed" || state === "added" ? ` ${state}` : ""}`;
  if (far) return <g className={`track${name}`} data-edge={data.key}><path className="rail" d={way.path} /></g>;
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
