// Brings a run's events: first all that there are, then each as it happens; a lost connection comes back behind the last event seen.

import { Frames } from "./frames.js";

const PAGE = 1000;
const SILENCE_MS = 40_000; // the server says something every 15 s
const PAUSES_MS = [500, 1000, 2000, 3000, 5000];

// `told` is called with (events, isMore) and `token` with (path, text); `became` hears loading, live, lost, ended, missing, signed_out.
export function openFeed(run, { told, token, became }) {
  const address = `/api/v1/runs/${encodeURIComponent(run)}/events?bodies=reference`;
  let last = 0;
  let isOver = false;
  let isClosed = false;
  let failures = 0;
  const current = { stop: new AbortController() };
  let wake = null;

  const take = (events, isMore) => {
    if (!events.length) return;
    last = events.at(-1).seq;
    isOver = events.at(-1).type === "run_ended";
    told(events, isMore);
  };

  async function load() {
    const page = (after) => ask(`${address}&limit=${PAGE}&after=${after}`, { Accept: "application/json" }).then((answer) => answer.json());
    let after = last;
    let found = await page(after);
    for (;;) {
      // The numbers of events have no gaps: the next page is on its way while this one is folded.
      const ahead = found.next === null ? null : page((after += PAGE));
      take(found.items, ahead !== null);
      if (!ahead) return;
      found = await ahead;
    }
  }

  async function ask(url, headers) {
    const answer = await fetch(url, { headers, signal: current.stop.signal, cache: "no-store" });
    if (answer.ok) return answer;
    throw Object.assign(new Error(`answered ${answer.status}`), { status: answer.status });
  }

  async function follow() {
    const answer = await ask(address, { Accept: "text/event-stream", "Last-Event-ID": String(last) });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const frames = new Frames();
    failures = 0;
    became("live");
    let watch = 0;
    const listen = () => {
      clearTimeout(watch);
      watch = setTimeout(() => current.stop.abort(), SILENCE_MS);
    };
    try {
      for (listen(); ; listen()) {
        const { value, done } = await reader.read();
        if (done) return;
        read(frames.push(value));
      }
    } finally {
      clearTimeout(watch);
    }
  }

  function read(frames) {
    const events = [];
    for (const frame of frames) {
      const event = JSON.parse(frame.data);
      if (frame.event === "token") token(event.path, event.data.text);
      else events.push(event);
    }
    take(events, false);
  }

  async function run_() {
    became("loading");
    while (!isClosed) {
      current.stop = new AbortController();
      try {
        if (last === 0) await load();
        if (!isOver) await follow();
        if (isOver) return became("ended");
      } catch (error) {
        if (isClosed) return;
        if (error.status === 401) return became("signed_out");
        if (error.status === 403 || error.status === 404) return became("missing");
      }
      became("lost");
      const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)];
      failures += 1;
      await new Promise((resolve) => { wake = resolve; setTimeout(resolve, pause); });
    }
  }

  run_();
  return {
    close() { isClosed = true; current.stop.abort(); wake?.(); },
    // A run that had ended goes on: somebody resumed it.
    again() { if (isOver) { isOver = false; run_(); } },
  };
}
