// Where a moment stands on the axis: time runs evenly while a step works, and long waits are shortened.

const SHORTENED = 0.18; // of the time worked: more than that a wait never takes
const USED = 0.985; // of the width: what has just begun must still be seen
const SAME = 0.003; // of the axis, about a pixel: bars that are no further apart are drawn as one
const LEAST_MS = 400; // a wait shorter than this is drawn as long as it was

// Runs of work from all steps, merged and in order: [[from, to], …].
export function worked(steps, now) {
  const spans = [];
  for (const step of steps) for (const span of step.spans) if (span.kind === "work") spans.push([span.from, span.to ?? now]);
  spans.sort((a, b) => a[0] - b[0]);
  const merged = [];
  for (const [from, to] of spans) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

// `at(moment)` is a place between 0 and 1; `cuts` are the shortened stretches, `ticks` the times to write on the axis.
export function scaleOf(work, start, end) {
  const pieces = [];
  let total = 0;
  const busy = work.reduce((sum, [from, to]) => sum + (to - from), 0);
  const most = Math.max(LEAST_MS, busy * SHORTENED);
  const add = (from, to, isCut) => {
    if (to <= from) return;
    const length = isCut ? most : to - from;
    pieces.push({ from, to, x: total, length, isCut });
    total += length;
  };
  let reached = start;
  for (const [from, to] of work) {
    add(reached, from, from - reached > most);
    add(Math.max(from, reached), to, false);
    reached = Math.max(reached, to);
  }
  add(reached, end, end - reached > most);
  if (!total) pieces.push({ from: start, to: start + 1, x: 0, length: (total = 1), isCut: false });
  const at = (moment) => {
    const piece = pieces[indexOf(pieces, moment)];
    const share = Math.min(1, Math.max(0, (moment - piece.from) / (piece.to - piece.from)));
    return ((piece.x + share * piece.length) / total) * USED;
  };
  const cuts = pieces.filter((piece) => piece.isCut).map((piece) => [(piece.x / total) * USED, ((piece.x + piece.length) / total) * USED]);
  return { at, cuts, ticks: ticksOf(pieces, total, start) };
}

function indexOf(pieces, moment) {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pieces[middle].from <= moment) low = middle;
    else high = middle - 1;
  }
  return low;
}

const STEPS_MS = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5];

// Round times where time runs evenly, and the end of each shortened stretch; never closer than an eighth of the axis.
function ticksOf(pieces, total, start) {
  const even = pieces.reduce((sum, piece) => sum + (piece.isCut ? 0 : piece.length), 0);
  const step = STEPS_MS.find((size) => even / size <= 4) ?? 864e5;
  const ticks = [];
  const add = (x, ms) => {
    if (x <= 0.91 && (!ticks.length || x - ticks.at(-1).x >= 0.125)) ticks.push({ x, ms });
  };
  let isBehindCut = false;
  for (const piece of pieces) {
    if (piece.isCut) {
      isBehindCut = true;
      continue;
    }
    if (isBehindCut) add((piece.x / total) * USED, piece.from - start);
    isBehindCut = false;
    for (let ms = Math.ceil((piece.from - start) / step) * step; ms < piece.to - start; ms += step) {
      add(((piece.x + ms + start - piece.from) / total) * USED, ms);
    }
  }
  return ticks;
}

// Bars as [left, width] in parts of the axis; what would be drawn over the same pixel is drawn once.
export function barsOf(spans, at, now) {
  const bars = [];
  for (const span of spans) {
    const left = at(span.from);
    const right = at(span.to ?? now);
    const last = bars.at(-1);
    if (last && last.kind === span.kind && left - (last.left + last.width) < SAME) last.width = Math.max(last.width, right - last.left);
    else bars.push({ left, width: right - left, kind: span.kind, isLive: span.to === null, ms: (span.to ?? now) - span.from });
  }
  return bars;
}
