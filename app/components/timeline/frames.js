// Reads server-sent events out of pieces of text (html.spec.whatwg.org/multipage/server-sent-events.html).

export class Frames {
  #rest = "";

  // The frames that this piece completes: `{id, event, data}`; a comment, which only says that the server is there, is no frame.
  push(text) {
    const whole = (this.#rest + text).replace(/\r\n?/g, "\n");
    const parts = whole.split("\n\n");
    this.#rest = parts.pop();
    return parts.map(frameOf).filter((frame) => frame.data !== "");
  }
}

function frameOf(part) {
  const frame = { id: null, event: "message", data: "" };
  const data = [];
  for (const line of part.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    else if (name === "id" || name === "event") frame[name] = value;
  }
  frame.data = data.join("\n");
  return frame;
}
