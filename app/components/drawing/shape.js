// How large a step is and where its ports are: known from the document alone, so that nothing has to be measured before it is drawn.
import { portWord } from "./words.js";

export const COMPACT = new Set(["start", "end", "fail"]);
export const BOX = { top: 88, inset: 14, bottom: 28, width: 252, height: 168 };
const HANDLE = 10;
const HEAD = 48, ROW = 28, PORTS = 26;

export const edgeKey = (edge) => `${edge.source}.${edge.port ?? "out"}->${edge.target}`;

// `[{id, name}]` in the order they are drawn; `used` are the ports that edges leave by.
export function portsOf(node, kind, used) {
  const names = new Map(baseOf(node, kind).map((port) => [port.id, port.name]));
  if (node.on_error === "port") names.set("error", "");
  // Edges from ports that are gone stay in sight until somebody removes them.
  for (const port of used ?? []) if (!names.has(port)) names.set(port, "");
  return [...names].map(([id, name]) => ({ id, name: name || portWord(id, node.kind) }));
}

function baseOf(node, kind) {
  const config = node.config ?? {};
  switch (node.kind) {
    case "branch":
      return [...listOf(config.cases).filter((one) => one.port && one.port !== "error").map((one) => ({ id: String(one.port), name: one.label })), { id: "else" }];
    case "classify":
      return [...listOf(config.labels).filter((one) => one.port).map((one) => ({ id: String(one.port) })), { id: "unsure" }];
    case "llm":
      // An answer that is checked may not be good enough.
      return [{ id: "out" }, ...(config.checks?.length ? [{ id: "not_good" }] : [])];
    case "approval":
      // Without a deadline nothing leaves by `expired`, nor where silence counts as an answer; unless a loop that is used up does.
      return (kind?.ports ?? ["approved", "rejected"]).filter((port) => port !== "expired" || (config.expires_after_s && (config.on_expire ?? "expired") === "expired")).map((id) => ({ id }));
    case "form":
      return (kind?.ports ?? ["submitted"]).filter((port) => port !== "expired" || config.expires_after_s).map((id) => ({ id }));
    case "wait":
      // Only an event can be waited for in vain.
      return (kind?.ports ?? ["out"]).filter((port) => port !== "expired" || (config.event && config.expires_after_s)).map((id) => ({ id }));
    default:
      return (kind?.ports ?? (kind ? [] : ["out"])).map((id) => ({ id }));
  }
}

const listOf = (value) => (Array.isArray(value) ? value.filter((one) => one && typeof one === "object") : []);

export function sizeOf(node, ports) {
  if (COMPACT.has(node.kind)) return { width: node.kind === "start" ? 240 : 208, height: 46 };
  const named = ports.length > 1;
  const each = ports.length > 6 ? 80 : 94;
  const width = node.parent && ports.length < 3 ? 224 : Math.max(240, ports.length * each);
  return { width, height: HEAD + ROW + (named ? PORTS : 0) };
}

// Of a box: as large as what stands in it; children's positions count from its upper left corner.
export function boxSize(children) {
  const right = Math.max(0, ...children.map((child) => child.x + child.width));
  const bottom = Math.max(0, ...children.map((child) => child.y + child.height));
  return { width: Math.max(BOX.width, right + BOX.inset), height: Math.max(BOX.height, bottom + BOX.bottom) };
}

export function handlesOf(node, ports, size, isBox) {
  const half = HANDLE / 2;
  const at = (id, type, position, x, y) => ({ id, type, position, x: x - half, y: y - half, width: HANDLE, height: HANDLE });
  const handles = [];
  if (node.kind !== "start") {
    handles.push(at("in", "target", "top", size.width / 2, 0), at("back", "target", "right", size.width, isBox ? 20 : 26));
  }
  if (isBox) {
    handles.push(at("item", "source", "bottom", size.width / 2, BOX.top - 26), at("out", "source", "bottom", size.width / 2, size.height));
    ports.filter((port) => port.id !== "item" && port.id !== "out").forEach((port) => handles.push(at(port.id, "source", "bottom", size.width - 24, size.height)));
    return handles;
  }
  ports.forEach((port, index) => handles.push(at(port.id, "source", "bottom", (size.width * (index + 0.5)) / ports.length, size.height)));
  return handles;
}
