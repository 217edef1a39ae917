// Which way an edge takes so that it does not run behind steps: where it turns, or a lane beside what is in the way.
const NEAR = 24, ASIDE = 20, MARGIN = 6, MOST = 300;

// `{edge id: {turn}}` or `{edge id: {turn, lane, back}}`: turns at a height, or runs down at `lane` and turns again at `back`.
export function routesOf(nodes, edges) {
  if (nodes.length > MOST) return {};
  const byId = new Map(nodes.map((node) => [node.id, node])), places = new Map();
  const placeOf = (node) => {
    if (!places.has(node.id)) {
      const outer = node.parentId && byId.get(node.parentId) ? placeOf(byId.get(node.parentId)) : { x: 0, y: 0 };
      places.set(node.id, { x: outer.x + node.position.x, y: outer.y + node.position.y, width: node.width, height: node.height });
    }
    return places.get(node.id);
  };
  const steps = nodes.filter((node) => node.type !== "note" && node.type !== "group-frame"), routes = {};
  for (const edge of edges) {
    const source = byId.get(edge.source), target = byId.get(edge.target);
    if (edge.data.isBack || target.parentId === source.id) continue;
    const handle = source.handles.find((one) => one.type === "source" && one.id === edge.sourceHandle);
    if (!handle) continue;
    const from = placeOf(source), to = placeOf(target);
    const start = { x: from.x + handle.x + handle.width / 2, y: from.y + handle.y + handle.height }, end = { x: to.x + to.width / 2, y: to.y };
    if (end.y - start.y < 2 * NEAR) continue;
    const walls = steps.filter((node) => node !== source && node !== target && node.parentId === source.parentId).map(placeOf);
    routes[edge.id] = route(start, end, walls);
  }
  return routes;
}

function route(start, end, walls) {
  const low = start.y, high = end.y, middle = (low + high) / 2;
  const turns = high - low < 120 ? [middle] : [high - NEAR, low + NEAR, middle];
  const open = turns.find((turn) => isFree([[start.x, low, start.x, turn], [start.x, turn, end.x, turn], [end.x, turn, end.x, high]], walls));
  if (open !== undefined) return { turn: open };
  const inBetween = walls.filter((wall) => wall.y < high && wall.y + wall.height > low);
  const lanes = inBetween.flatMap((wall) => [wall.x - ASIDE, wall.x + wall.width + ASIDE]).sort((a, b) => Math.abs(a - start.x) + Math.abs(a - end.x) - Math.abs(b - start.x) - Math.abs(b - end.x));
  const turn = low + NEAR, back = high - NEAR;
  const lane = lanes.find((x) => isFree([[start.x, low, start.x, turn], [start.x, turn, x, turn], [x, turn, x, back], [x, back, end.x, back], [end.x, back, end.x, high]], walls));
  return lane === undefined ? { turn: middle } : { turn, lane, back };
}

const isFree = (lines, walls) => !lines.some(([x1, y1, x2, y2]) => walls.some((wall) => {
  const left = Math.min(x1, x2), right = Math.max(x1, x2), top = Math.min(y1, y2), bottom = Math.max(y1, y2);
  return right > wall.x - MARGIN && left < wall.x + wall.width + MARGIN && bottom > wall.y - MARGIN && top < wall.y + wall.height + MARGIN;
}));
