// Moments as people read them, in the time of whoever looks.
export const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

export function moment(at, now = Date.now()) {
  const day = new Date(at);
  if (day.toDateString() === new Date(now).toDateString()) return clock(at);
  const year = day.getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" };
  return `${day.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...year })}, ${clock(at)}`;
}

// "Waiting until 5 Dec, 09:00", "Waiting for the event paid R-17".
export function pauseWord({ until, event, key, run, name }) {
  if (run) return `Waiting for ${name || "another workflow"}`;
  if (event) return `Waiting for the event ${[event, key].filter(Boolean).join(" ")}`;
  return until === null || until === undefined ? "Waiting" : `Waiting until ${moment(until)}`;
}
