import { createElement as h, useEffect, useRef, useState } from "react";

const ASK_EVERY_MS = 2000;
const SAY_AFTER_MS = 800;

// A connection that fails has one of two reasons: the server is away, or this browser's session has ended.
export function Connection({ lost }) {
  const [isSaid, setSaid] = useState(false);
  const [wasSaid, setWasSaid] = useState(false);
  useEffect(() => {
    if (!lost) {
      setSaid(false);
      return;
    }
    let isOver = false;
    const ask = async () => {
      try {
        const answer = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
        if (answer.status === 401 && !isOver) window.location.assign("/login");
      } catch {
        // Nobody answers: the server is away, and the banner says so.
      }
    };
    ask();
    const asking = setInterval(ask, ASK_EVERY_MS);
    // A short interruption is mended before anybody has to read about it.
    const saying = setTimeout(() => { setSaid(true); setWasSaid(true); }, SAY_AFTER_MS);
    return () => { isOver = true; clearInterval(asking); clearTimeout(saying); };
  }, [lost]);
  useEffect(() => {
    if (isSaid || !wasSaid) return;
    const done = setTimeout(() => setWasSaid(false), 4000);
    return () => clearTimeout(done);
  }, [isSaid, wasSaid]);
  const [text, more, tone] = isSaid
    ? ["Connection lost.", "Nothing is lost: runs go on where they were. This page comes back by itself.", "waiting"]
    : ["Connected again.", "", "done"];
  return h("div", { className: "lost", role: "status", "aria-live": "polite" },
    isSaid || wasSaid ? h("p", { className: `said ${tone}`, "data-testid": "connection" }, h("b", null, text), more ? ` ${more}` : "") : null);
}

export function Pulse({ seconds, onPulse }) {
  const latest = useRef(onPulse);
  latest.current = onPulse;
  useEffect(() => {
    const beat = () => { if (document.visibilityState === "visible") latest.current?.(); };
    const beating = setInterval(beat, seconds * 1000);
    document.addEventListener("visibilitychange", beat);
    return () => { clearInterval(beating); document.removeEventListener("visibilitychange", beat); };
  }, [seconds]);
  return null;
}
