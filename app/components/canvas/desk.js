// What the builder's parts share: the draft, what is selected, what is asked, and every action of the hand on them.
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useReactFlow } from "@xyflow/react";
import { kindMap, layout, needsLayout, useMarks } from "../drawing/drawing.jsx";
import { handOverAll } from "../inspector/pending.js";
import { actionsOf } from "./actions.js";

const TOAST_MS = 6000, MOST_TOASTS = 4;

export function useDesk({ loaded, newDraft, isSmall }) {
  const flow = useReactFlow(), marks = useMarks();
  const [toasts, setToasts] = useState([]);
  const tell = useCallback((toast) => {
    const id = crypto.getRandomValues(new Uint32Array(1))[0];
    setToasts((all) => [...all.slice(1 - MOST_TOASTS), { id, tone: "waiting", ...toast }]);
    // What went wrong stays until it was read.
    if (!toast.stays) setTimeout(() => setToasts((all) => all.filter((one) => one.id !== id)), TOAST_MS);
  }, []);
  const dismiss = useCallback((id) => setToasts((all) => all.filter((one) => one.id !== id)), []);
  const [draft] = useState(() => newDraft(tell));
  const state = useSyncExternalStore(draft.listen, draft.get, draft.get);
  const kinds = useMemo(() => kindMap(loaded.kinds), [loaded.kinds]);
  const [places, setPlaces] = useState(() => (needsLayout(draft.state.document, kinds) ? layout(draft.state.document, kinds) : null));
  const [selected, setSelected] = useState(NOTHING);
  const [dialog, setDialog] = useState(null), [panel, setPanel] = useState(null);
  const canEdit = loaded.me.permissions.includes("workflow.edit") && !isSmall;
  const desk = useRef(null);
  desk.current ??= {};
  Object.assign(desk.current, {
    draft, document: state.document, kinds, kindList: loaded.kinds, places, setPlaces, selected, setSelected, dialog, setDialog, panel, setPanel, flow, marks, tell, canEdit, me: loaded.me,
  });
  const actions = useMemo(() => actionsOf(desk.current), []);
  useUnsavedGuard(draft);
  // For measurements from outside, which write statuses without a run.
  useEffect(() => { window.__canvas = { marks }; return () => { delete window.__canvas; }; }, [marks]);
  // Whatever is selected may have gone by undo or by somebody else's change.
  useEffect(() => setSelected((before) => stillThere(before, state.document)), [state.document]);
  return { ...desk.current, ...actions, state, toasts, dismiss, desk: desk.current };
}

export const NOTHING = { nodes: new Set(), edges: new Set() };

function stillThere(selected, document) {
  const nodes = new Set([...document.nodes.map((node) => node.id), ...(document.notes ?? []).map((note) => `note:${note.id}`), ...(document.groups ?? []).map((group) => `group:${group.id}`)]);
  const kept = [...selected.nodes].filter((id) => nodes.has(id));
  return kept.length === selected.nodes.size ? selected : { ...selected, nodes: new Set(kept) };
}

function useUnsavedGuard(draft) {
  useEffect(() => {
    draft.open();
    // What is being typed is sent at once; asking gives it the time to arrive.
    const send = () => { handOverAll(); draft.save(); };
    const leave = (event) => { send(); if (draft.hasUnsaved || draft.batch) event.preventDefault(); };
    const back = () => { if (window.document.visibilityState === "visible") draft.refresh(); else send(); };
    const online = () => draft.save();
    window.addEventListener("beforeunload", leave);
    window.addEventListener("pagehide", send);
    window.addEventListener("online", online);
    window.document.addEventListener("visibilitychange", back);
    return () => {
      draft.close();
      window.removeEventListener("beforeunload", leave);
      window.removeEventListener("pagehide", send);
      window.removeEventListener("online", online);
      window.document.removeEventListener("visibilitychange", back);
    };
  }, [draft]);
}
