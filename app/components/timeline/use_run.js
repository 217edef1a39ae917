// A run as React sees it: its events folded as they come, its document, and what its models are writing at the moment.
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { runOrder } from "../drawing/layout.js";
import { isReference } from "./bodies.js";
import { openFeed } from "./feed.js";
import { emptyRun, fold } from "./fold.js";
import { bookOf } from "./rows.js";

const LONG_MS = 700;
const MOVING = new Set(["running", "waiting", "queued"]);

export function useRun(id) {
  const kept = useRef(null);
  kept.current ??= { run: emptyRun(), texts: new Map(), isMore: true };
  const [version, tell] = useReducer((number) => number + 1, 0);
  const [state, setState] = useState("loading");
  const feed = useRef(null);
  useEffect(() => {
    const it = kept.current;
    let asked = 0;
    // Many events in one moment are painted once. A history is painted when it is whole, unless that takes long.
    const paint = () => {
      if (asked && it.isMore) return;
      clearTimeout(asked);
      asked = setTimeout(() => { asked = 0; tell(); }, it.isMore ? LONG_MS : 30);
    };
    feed.current = openFeed(id, {
      told(events, isMore) {
        fold(it.run, events);
        it.isMore = isMore;
        if (it.texts.size) for (const event of events) if (event.type.startsWith("step_")) it.texts.delete(event.path);
        if (it.run.seq) paint();
      },
      token(path, text) {
        it.texts.set(path, (it.texts.get(path) ?? "") + text);
        paint();
      },
      became(next) {
        if (next === "signed_out") window.location.assign("/login");
        else setState(next);
        if (next === "live" || next === "ended") it.isMore = false;
        // Model text has no place in the record: what was missed meanwhile comes with the step's end.
        if (next === "lost") it.texts.clear();
        if (it.run.seq) paint();
      },
    });
    return () => { clearTimeout(asked); feed.current.close(); };
  }, [id]);
  const again = useCallback(() => feed.current?.again(), []);
  return { ...kept.current, state, version, again };
}

// What the run runs: the document of its version, or of the draft that a test run took; only names and the drawing come from it.
export function useBook(id, run) {
  const [document, setDocument] = useState(null);
  const { workflow, version } = run;
  useEffect(() => {
    if (!workflow) return undefined;
    let isOver = false;
    const draft = `/api/v1/runs/${encodeURIComponent(id)}/document`;
    const read = async (address) => {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      return answer.ok ? (await answer.json()).document : null;
    };
    (async () => {
      try {
        const first = version === null ? null : await read(`/api/v1/workflows/${encodeURIComponent(workflow)}/versions/${version}`);
        const found = first ?? (await read(draft));
        if (!isOver) setDocument(found);
      } catch {
        // Without it steps go by their short names; the connection's own line says that the server is away.
      }
    })();
    return () => { isOver = true; };
  }, [id, workflow, version]);
  return useMemo(() => bookOf(document, document ? runOrder(document) : []), [document]);
}

// The present, once a second while the run moves and somebody looks; else the run's last moment.
export function useNow(run, isMore) {
  const isMoving = MOVING.has(run.status) && !isMore;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isMoving) return undefined;
    const beat = () => { if (window.document.visibilityState === "visible") setNow(Date.now()); };
    beat();
    const beating = setInterval(beat, 1000);
    window.document.addEventListener("visibilitychange", beat);
    return () => { clearInterval(beating); window.document.removeEventListener("visibilitychange", beat); };
  }, [isMoving]);
  return isMoving ? Math.max(now, run.at) : run.at;
}

export { isReference };

export function useBody(value) {
  const [loaded, setLoaded] = useState(null);
  const address = isReference(value) ? value.$ref : "";
  const field = address ? value.field : "";
  useEffect(() => {
    setLoaded(null);
    if (!address) return undefined;
    const stop = new AbortController();
    fetch(address, { signal: stop.signal, headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`answered ${answer.status}`))))
      .then((whole) => setLoaded({ value: field.split(".").reduce((at, name) => at?.[name], whole) }))
      .catch((error) => { if (error.name !== "AbortError") setLoaded({ error }); });
    return () => stop.abort();
  }, [address, field]);
  if (!address) return { value, isLoading: false, hasFailed: false };
  return { value: loaded?.value, isLoading: !loaded, hasFailed: Boolean(loaded?.error) };
}
