// A workflow's drawing. `Drawing` shows a document that nobody changes here; `Surface` is what the builder stands on.
import { useEffect, useMemo, useRef, useState } from "react";
import { applyNodeChanges, Background, MiniMap, ReactFlow, ReactFlowProvider, useReactFlow, useStore } from "@xyflow/react";
import { Maximize, Minus, Plus } from "lucide-react";
import { GroupFrame, MapBox, Note } from "./box.jsx";
import { Track } from "./edge.jsx";
import { kindMap, toFlow } from "./flow.js";
import { layout, needsLayout } from "./layout.js";
import { ANY, Drawn, Marks, useIsFar } from "./marks.js";
import { Compact, Step } from "./step.jsx";
import { plainly } from "./plain.js";
import "@xyflow/react/dist/base.css";
import "./drawing.css";

export { Marks } from "./marks.js";
export { kindMap, toFlow } from "./flow.js";
export { plainly } from "./plain.js";
export { backEdges, layout, needsLayout, runOrder } from "./layout.js";
export { edgeKey, portsOf } from "./shape.js";
export { amounts, length, money, statusesOf, statusOf, takenEdges } from "./tell.js";
export { GROUPS, kindLine, kindWords, portWord, titleOf } from "./words.js";
export { KindIcon, Tile, ToneIcon } from "./icons.jsx";

const NODES = { step: Step, compact: Compact, box: MapBox, note: Note, "group-frame": GroupFrame };
const EDGES = { track: Track };
const SNAP = [8, 8];
// Above this many steps only what is in sight is drawn.
const MANY = 120, LARGE = 0.6;
const FIT = { padding: 0.08, maxZoom: 1, minZoom: 0.05 };

// A large drawing is opened where its runs begin, at a size that can be read; a small one as a whole.
// With `least` everything is shown only where it can be read then; else it begins at the start, that large.
export function openAt(flow, nodes, { least = 0 } = {}) {
  const first = nodes.find((node) => node.data?.node?.kind === "start") ?? nodes.find((node) => node.data?.node);
  const { clientHeight: height = 800, clientWidth: width = 1200 } = window.document.querySelector(".drawing") ?? {};
  if (least && first) {
    const left = Math.min(...nodes.map((node) => node.position.x)), right = Math.max(...nodes.map((node) => node.position.x + (node.width ?? 240)));
    if (width * 0.84 < (right - left) * least) { flow.setCenter(first.position.x + first.width / 2, first.position.y + (height / 2 - 24) / least, { zoom: least }); return; }
  }
  if (nodes.length <= MANY || !first) { flow.fitView(FIT); return; }
  flow.setCenter(first.position.x + first.width / 2, first.position.y + height / 2 / LARGE - 48, { zoom: LARGE });
}

export const useMarks = () => {
  const made = useRef(null);
  made.current ??= { statuses: new Marks(), edges: new Marks(), notices: new Marks(), diffs: new Marks() };
  return made.current;
};

// Taken edges also mark the ports that they leave.
export function markEdges(marks, taken) {
  const all = { ...taken };
  for (const key in taken) if (taken[key] === "taken" || taken[key] === "live") all[key.slice(0, key.indexOf("->"))] = "taken";
  marks.edges.replace(all);
}

export function Zoom() {
  const flow = useReactFlow();
  const percent = useStore((store) => Math.round(store.transform[2] * 100));
  return (
    <div className="zoom" role="group" aria-label="Zoom">
      <button type="button" onClick={() => flow.zoomOut()} aria-label="Smaller"><Minus size={16} /></button>
      <button type="button" className="w" onClick={() => flow.zoomTo(1)} aria-label={`${percent} percent; back to 100`}>{percent}%</button>
      <button type="button" onClick={() => flow.zoomIn()} aria-label="Larger"><Plus size={16} /></button>
      <button type="button" onClick={() => flow.fitView(FIT)} aria-label="Show everything"><Maximize size={16} /></button>
    </div>
  );
}

const MINI = { running: "running", waiting: "waiting", done: "done", failed: "failed", limit: "limit", doubt: "doubt" };

// The small map is painted anew at most so often: it has no place for haste.
const REPAINT_MS = 400;

function useAnyChange(marks) {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let timer = 0;
    const stop = marks.listen(ANY, () => { timer ||= setTimeout(() => { timer = 0; setTurn((before) => before + 1); }, REPAINT_MS); });
    return () => { stop(); clearTimeout(timer); };
  }, [marks]);
  return turn;
}

function Mini({ marks }) {
  useAnyChange(marks.statuses);
  const color = (node) => {
    if (node.type === "note") return "var(--note-line)";
    if (node.type === "box" || node.type === "group-frame") return "var(--hover)";
    const tone = MINI[marks.statuses.get(node.id)?.tone];
    return node.selected ? "var(--accent)" : tone ? `var(--${tone}-solid)` : "var(--line-strong)";
  };
  return <MiniMap nodeColor={color} nodeBorderRadius={8} pannable zoomable ariaLabel="Small map" style={{ width: 168, height: 112 }} />;
}

// React Flow with our steps, edges and tokens; everything else is passed on to it.
export function Surface({ nodes, edges, marks, shared, readOnly = false, dark = false, mini = true, children, ...more }) {
  const far = useIsFar();
  const drawn = useMemo(() => ({ ...marks, readOnly, ...shared }), [marks, readOnly, shared]);
  return (
    <Drawn.Provider value={drawn}>
      <ReactFlow
        className={`drawing${far ? " far" : ""}${readOnly ? " frozen" : ""}`}
        nodes={nodes} edges={edges} nodeTypes={NODES} edgeTypes={EDGES} colorMode={dark ? "dark" : "light"}
        minZoom={0.05} maxZoom={2} snapToGrid snapGrid={SNAP} nodeDragThreshold={3} onlyRenderVisibleElements={nodes.length > MANY}
        nodesDraggable={!readOnly} nodesConnectable={!readOnly} edgesFocusable={false} attributionPosition="bottom-center" disableKeyboardA11y deleteKeyCode={null} zoomOnDoubleClick={false}
        elevateNodesOnSelect={false} fitViewOptions={FIT} {...more}
      >
        <Background variant="dots" gap={16} size={1.6} color="var(--dot)" />
        {mini && nodes.length > 6 ? <Mini marks={marks} /> : null}
        <div className="react-flow__panel zoom-place"><Zoom /></div>
        {children}
      </ReactFlow>
    </Drawn.Provider>
  );
}

/**
 * A document that is only looked at.
 *   document   the workflow document
 *   kinds      items of GET /api/v1/kinds
 *   statuses   {step id: {tone, word, amount?, cells?, stale?}}; `statusesOf(steps)` makes them from a run's steps
 *   taken      {edge key: "taken"|"live"|"added"|"removed"}; `takenEdges(document, steps)` makes them
 *   diffs      {step id: {tone, word}}: a badge above a step, for comparisons
 *   problems   as the API tells them: steps with one say it in their row
 *   selected   step id or null;  onSelect(step id or null)
 *   marks      Marks of `useMarks()`, for whoever writes statuses himself, one by one (live runs); then `statuses` and `taken` are left out
 *   dark       whether the theme is dark;  mini: whether there is a small map
 */
export function Drawing(props) {
  return <ReactFlowProvider><Frozen {...props} /></ReactFlowProvider>;
}

function Frozen({ document, kinds, statuses, taken, diffs, problems, selected = null, onSelect, marks: given, dark, mini, children, label = "Workflow" }) {
  const own = useMarks(), marks = given ?? own, flow = useReactFlow();
  const known = useMemo(() => kindMap(kinds), [kinds]);
  const places = useMemo(() => (needsLayout(document, known) ? layout(document, known) : null), [document, known]);
  const drawn = useMemo(() => toFlow(document, known, { places }), [document, known, places]);
  const [nodes, setNodes] = useState(drawn.nodes);
  useEffect(() => { if (statuses) marks.statuses.replace(statuses); }, [marks, statuses]);
  useEffect(() => { if (taken) markEdges(marks, taken); }, [marks, taken]);
  useEffect(() => { marks.diffs.replace(diffs ?? {}); }, [marks, diffs]);
  useEffect(() => { marks.notices.replace(noticesOf(problems ?? [], document)); }, [marks, problems]);
  useEffect(() => { setNodes(drawn.nodes.map((node) => ({ ...node, selected: node.id === selected }))); }, [drawn, selected]);
  useEffect(() => { openAt(flow, drawn.nodes); }, [drawn, flow]);
  useEffect(() => {
    const node = selected && flow.getInternalNode(selected);
    if (node && !isInSight(flow, node)) flow.setCenter(node.internals.positionAbsolute.x + node.width / 2, node.internals.positionAbsolute.y + 40, { zoom: flow.getZoom(), duration: 200 });
  }, [selected, flow]);
  return (
    <Surface nodes={nodes} edges={drawn.edges} marks={marks} readOnly dark={dark} mini={mini} aria-label={label}
      onNodesChange={(changes) => setNodes((all) => applyNodeChanges(changes.filter((change) => change.type === "dimensions"), all))}
      onNodeClick={(_, node) => onSelect?.(node.type === "note" || node.type === "group-frame" ? null : node.id)} onPaneClick={() => onSelect?.(null)}
    >
      {children}
    </Surface>
  );
}

// `{step id: {problem?, hint?}}`: the first error and the first warning of each step.
export function noticesOf(problems, document) {
  const told = {}, nodes = new Map(document.nodes.map((node) => [node.id, node]));
  for (const problem of problems) {
    if (!problem.node) continue;
    const name = problem.severity === "error" ? "problem" : "hint";
    told[problem.node] = { ...told[problem.node], [name]: told[problem.node]?.[name] ?? plainly(problem.message, nodes.get(problem.node)) };
  }
  return told;
}

function isInSight(flow, node) {
  const at = flow.flowToScreenPosition(node.internals.positionAbsolute), frame = window.document.querySelector(".drawing")?.getBoundingClientRect();
  return !frame || (at.x >= frame.left && at.x < frame.right - 80 && at.y >= frame.top && at.y < frame.bottom - 40);
}
