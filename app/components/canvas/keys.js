// Everything by keyboard: which key does what, while no field and no question has the focus.
import { useEffect, useRef } from "react";
import { isMoving } from "./moving.js";
import { clean, startOf } from "./inputs.jsx";

export const KEYS = [
  ["Steps", [["N", "Add a step after the selected one"], ["/", "Find a step to add"], ["Tab", "Next step, in the order of a run"], ["↑ ↓", "Along the edges"], ["← →", "To the step beside"], ["Enter", "Settings of the step"], ["Escape", "Back to the canvas"]]],
  ["Edges", [["C", "Connect the selected step"], ["E", "Select its next edge"]]],
  ["Change", [["Delete", "Delete what is selected"], ["Ctrl+Z", "Undo"], ["Ctrl+Y", "Redo"], ["Ctrl+C Ctrl+V", "Copy and paste as text"], ["Ctrl+X", "Cut"], ["Ctrl+D", "Duplicate"], ["Ctrl+A", "Select everything"], ["Alt+↑ Alt+↓", "Move by 16"], ["D", "Switch the step off or on"], ["Ctrl+G", "Name a group"], ["Shift+N", "Add a note"]]],
  ["Look", [["T", "Tidy up"], ["1", "Show everything"], ["0", "Full size"], ["Ctrl+F", "Find and replace"], ["Shift", "Draw a frame to select"], ["Space", "Hold and drag to move the canvas"]]],
  ["Try", [["Ctrl+Enter", "Try, or stop the try"], ["?", "These keys"]]],
];

const FIELDS = "input,textarea,select,[contenteditable],dialog,[role=menu],[role=dialog]";

const ARROWS = { ArrowUp: ["up", 0, -16], ArrowDown: ["down", 0, 16], ArrowLeft: ["left", -16, 0], ArrowRight: ["right", 16, 0] };

function withControl(work, event) {
  const { draft } = work;
  const table = {
    z: () => (event.shiftKey ? draft.redo() : draft.undo()), y: draft.redo, a: work.selectAll, d: work.duplicate, f: () => work.setPanel({ name: "find" }), g: work.group,
    s: () => { draft.save(); }, enter: () => tryNow(work),
  };
  return table[event.key.toLowerCase()];
}

// The second time the same inputs are used without asking; while a try runs the same key stops it.
export function tryNow(work) {
  if (isMoving(work.run)) { work.cancelTry(); return; }
  const kept = localStorage.getItem(`signalbox inputs ${work.draft.id}`), schema = startOf(work.state.document);
  const values = kept && clean(JSON.parse(kept), schema), isComplete = values && (schema.required ?? []).every((key) => key in values);
  if (isComplete) work.beginTry(values, {}); else work.startTry({});
}

function alone(work, event) {
  const only = work.only(), arrow = ARROWS[event.key];
  if (arrow) return event.altKey ? () => work.nudge(arrow[1], arrow[2]) : () => work.walk(arrow[0]);
  const table = {
    n: () => (event.shiftKey ? work.addNote() : openPicker(work)), t: work.tidy, 1: work.fit, 0: () => work.flow.zoomTo(1), c: () => only && work.setPanel({ name: "connect", source: only.id }),
    e: work.walkEdges, d: work.toggleOff, delete: work.removeSelected, backspace: work.removeSelected, escape: () => { work.setPanel(null); work.select([]); },
    "/": () => window.document.querySelector("[data-palette]")?.focus(), "?": () => work.setDialog({ name: "keys" }), enter: () => openInspector(work, event),
  };
  return table[event.key.toLowerCase()];
}

const ONLY_EDITOR = new Set(["n", "t", "c", "d", "delete", "backspace", "/", "y", "z", "g"]);

// At the selected step, or in the middle.
function openPicker(work) {
  const only = work.only(), place = only && window.document.querySelector(`.react-flow__node[data-id="${CSS.escape(only.id)}"]`)?.getBoundingClientRect();
  const edge = !only && work.selected.edges.size === 1 ? work.state.document.edges.find((one) => `${one.source}.${one.port ?? "out"}->${one.target}` === [...work.selected.edges][0]) : null;
  if (only && ["end", "fail"].includes(only.kind)) { work.tell({ text: `Nothing can follow “${work.name(only)}”: it is where a run ends. Select another step first.` }); return; }
  work.setPanel({ name: "picker", at: place ? { x: place.right, y: place.top } : null, where: edge ? { edge } : {} });
}

function openInspector(work, event) {
  if (!work.only() && !work.selected.edges.size) return;
  if (!event.target.closest(".react-flow__node,.stage,body")) return;
  window.document.querySelector(".side")?.querySelector("input:not([disabled]),textarea,select,button,[tabindex='0']")?.focus();
}

export function useKeys(work) {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    const press = (event) => {
      const now = latest.current, target = event.target instanceof Element ? event.target : null;
      if (event.defaultPrevented || window.document.querySelector("dialog[open]")) return;
      const isCommand = event.ctrlKey || event.metaKey, isField = target?.closest(FIELDS);
      // In a field only the keys that no field knows.
      if (isField && !(isCommand && ["enter", "s"].includes(event.key.toLowerCase()))) return;
      // A focused button is pressed by its own keys; only steps are opened by Enter.
      if (["Enter", " "].includes(event.key) && !isCommand && target?.closest("button,a")) return;
      const act = isCommand ? withControl(now, event) : alone(now, event);
      if (!act || (!now.canEdit && ONLY_EDITOR.has(event.key.toLowerCase()))) return;
      event.preventDefault();
      act();
    };
    const isOurs = (event) => !(event.target instanceof Element && event.target.closest(FIELDS)) && !String(window.getSelection());
    const copy = (event) => {
      const now = latest.current;
      if (!isOurs(event) || !now.selected.nodes.size) return;
      event.clipboardData.setData("text/plain", now.copied());
      event.preventDefault();
      if (event.type === "cut" && now.canEdit) now.removeSelected();
    };
    const paste = (event) => {
      const now = latest.current, text = event.clipboardData?.getData("text/plain");
      if (!isOurs(event) || !now.canEdit || !text || window.document.querySelector("dialog[open]")) return;
      event.preventDefault();
      now.paste(text, now.desk.pointer ? now.flow.screenToFlowPosition(now.desk.pointer) : null);
    };
    window.addEventListener("keydown", press);
    for (const [name, handler] of [["copy", copy], ["cut", copy], ["paste", paste]]) window.document.addEventListener(name, handler);
    return () => {
      window.removeEventListener("keydown", press);
      for (const [name, handler] of [["copy", copy], ["cut", copy], ["paste", paste]]) window.document.removeEventListener(name, handler);
    };
  }, []);
}
