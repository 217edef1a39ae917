// A workflow as a small track diagram: stations from left to right, in the order of a run.
import { useMemo } from "react";
import { kindMap, toFlow } from "../drawing/flow.js";
import { layout } from "../drawing/layout.js";

const WIDTH = 176, HEIGHT = 72, EDGE = 10, RADIUS = 4;

export function Sketch({ document, kinds }) {
  const { places, ways, boxes } = useMemo(() => sketch(document, kinds), [document, kinds]);
  return (
    <svg className="sketch" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {boxes.map((box) => <rect key={box.id} x={box.x} y={box.y} width={box.width} height={box.height} rx="6" className="box" />)}
      {ways.map((way) => <path key={way.id} d={way.path} className={way.isBack ? "way back" : "way"} />)}
      {places.map((place) => <circle key={place.id} cx={place.x} cy={place.y} r={RADIUS} className={place.isAi ? "station ai" : "station"} />)}
    </svg>
  );
}

// The drawing runs from top to bottom; here its x and y change places.
function sketch(document, kinds) {
  const known = kindMap(kinds), flow = toFlow(document, known, { places: layout(document, known) });
  const nodes = new Map(flow.nodes.filter((node) => node.data.node).map((node) => [node.id, node]));
  const corner = (node) => {
    const parent = node.parentId && nodes.get(node.parentId), from = parent ? corner(parent) : { x: 0, y: 0 };
    return { x: from.x + node.position.x, y: from.y + node.position.y };
  };
  const raw = new Map([...nodes.values()].map((node) => { const at = corner(node); return [node.id, { along: at.y + node.height / 2, across: at.x + node.width / 2, node }]; }));
  const toX = scale([...raw.values()].map((one) => one.along), WIDTH), toY = scale([...raw.values()].map((one) => one.across), HEIGHT);
  const at = new Map([...raw].map(([id, one]) => [id, { id, x: toX(one.along), y: toY(one.across), isAi: one.node.data.isAi, isBox: one.node.type === "box" }]));
  const boxes = [...at.values()].filter((place) => place.isBox).map((place) => around(place, [...nodes.values()].filter((node) => node.parentId === place.id).map((node) => at.get(node.id))));
  const ways = flow.edges.map((edge) => ({ id: edge.id, isBack: edge.data.isBack, path: track(at.get(edge.source), at.get(edge.target), edge.data.isBack) }));
  return { places: [...at.values()].filter((place) => !place.isBox), ways, boxes };
}

function scale(values, room) {
  const least = Math.min(...values), most = Math.max(...values), inner = room - 2 * EDGE;
  return (value) => Math.round((most === least ? room / 2 : EDGE + ((value - least) / (most - least)) * inner) * 10) / 10;
}

function around(place, inside) {
  const xs = [place, ...inside].map((one) => one.x), ys = [place, ...inside].map((one) => one.y);
  const x = Math.min(...xs) - 9, y = Math.min(...ys) - 9;
  return { id: place.id, x, y, width: Math.max(...xs) + 9 - x, height: Math.max(...ys) + 9 - y };
}

function track(from, to, isBack) {
  if (isBack) {
    const low = Math.min(HEIGHT - 3, Math.max(from.y, to.y) + 14);
    return `M${from.x} ${from.y}C${from.x} ${low} ${from.x} ${low} ${(from.x + to.x) / 2} ${low}S${to.x} ${low} ${to.x} ${to.y}`;
  }
  const middle = (from.x + to.x) / 2;
  return `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`;
}
