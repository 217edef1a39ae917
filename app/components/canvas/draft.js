// The draft that somebody edits: its document, what can be undone, and what the server has not confirmed yet.
// Nothing is lost: changes stay in a queue until they are confirmed, and in the tab's storage while nobody answers.
import { ask, Away, inWords, Refused } from "./api.js";
import { applyOps } from "./ops.js";
import { conflictsOf } from "./conflicts.js";

const WAIT_MS = 250, RETRY_MS = [1000, 2000, 4000, 8000];
const MOST_UNDO = 500, MOST_OPS = 4000;

const newKey = () => `${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;

const placeOf = (id) => `signalbox unsaved ${id}`;

// An earlier version of this page kept the operations alone.
function keptOf(id) {
  const kept = JSON.parse(sessionStorage.getItem(placeOf(id)) ?? "[]");
  return Array.isArray(kept) ? { batch: null, ops: kept } : kept;
}

function keep(id, { batch, ops }) {
  if (batch || ops.length) sessionStorage.setItem(placeOf(id), JSON.stringify({ batch, ops }));
  else sessionStorage.removeItem(placeOf(id));
}

// A batch that was on its way when the page went: asked again by its key it is done once. True when the server has it now.
export async function arrived(id) {
  const { batch, ops } = keptOf(id);
  if (!batch) return false;
  try {
    await ask("POST", `/api/v1/workflows/${id}/ops`, { revision: batch.revision, ops: batch.ops }, { key: batch.key });
  } catch (error) {
    // What the server does not take is put on top of what it has.
    if (error instanceof Refused) return false;
    throw error;
  }
  keep(id, { batch: null, ops });
  return true;
}

export class Draft {
  #told = new Set();
  #past = [];
  #future = [];
  #queue = [];
  #sending = null;
  #timer = 0;
  #tries = 0;
  #isOver = false;

  // `workflow` as GET tells it.
  constructor(workflow, tell) {
    this.id = workflow.id;
    this.tell = tell;
    this.state = { last: workflow.last };
    this.#took(workflow);
    this.state = { ...this.state, saving: "saved", savedAt: null, conflict: null };
    this.#restore();
  }

  #took(workflow) {
    this.confirmed = workflow.document;
    const { name, slug, revision, live_version: live, document, problems, updated_by: updatedBy, worst_case: worst, has_unpublished: hasUnpublished } = workflow;
    this.state = { ...this.state, document, revision, problems, name, slug, live, updatedBy, worst, hasUnpublished, structure: {} };
  }

  listen = (listener) => { this.#told.add(listener); return () => this.#told.delete(listener); };
  get = () => this.state;
  #set(changes) { this.state = { ...this.state, ...changes }; this.#told.forEach((listener) => listener()); }

  get canUndo() { return this.#past.at(-1)?.label ?? ""; }
  get canRedo() { return this.#future.at(-1)?.label ?? ""; }
  get hasUnsaved() { return this.#queue.length > 0 || this.#sending !== null; }

  // One step of undo. The same label on the same thing within a moment is one step: typing is not undone letter by letter.
  change = (ops, label, { joins = "", isQuiet = false } = {}) => {
    if (!ops.length) return;
    const { back } = this.#apply(ops);
    if (isQuiet) return;
    const last = this.#past.at(-1);
    if (joins && last?.joins === joins && Date.now() - last.at < 1500) {
      last.back = [...back, ...last.back];
      last.ops = [...last.ops, ...ops];
      last.at = Date.now();
    } else this.#past.push({ ops, back, label, joins, at: Date.now() });
    this.#future = [];
    if (this.#past.length > MOST_UNDO) this.#past.shift();
    this.#set({});
  };

  undo = () => this.#step(this.#past, this.#future, "back", "ops");
  redo = () => this.#step(this.#future, this.#past, "ops", "back");

  #step(from, to, forward, backward) {
    const entry = from.pop();
    if (!entry) return null;
    const { back } = this.#apply(entry[forward], () => this.tell({ tone: "waiting", text: "A part of this cannot be taken back: somebody else has removed it." }));
    to.push({ ...entry, [backward]: back });
    this.#set({});
    return entry.label;
  }

  #apply(ops, onMissing) {
    const left = new Set();
    const result = applyOps(this.state.document, ops, onMissing && ((op) => { left.add(op); onMissing(op); }));
    const kept = left.size ? ops.filter((op) => !left.has(op)) : ops;
    const isStructure = kept.some((op) => op.op !== "move" && op.target !== "note" && op.target !== "group");
    this.#set({ document: result.document, saving: this.state.saving === "away" ? "away" : "unsaved", ...(isStructure ? { structure: {} } : {}) });
    this.#queue.push(...kept);
    this.#keep();
    this.#later(WAIT_MS);
    return result;
  }

  #later(ms) {
    if (this.#isOver || this.#sending || this.state.conflict || this.state.saving === "refused") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), ms);
  }

  // Sends what is unsaved; resolves when everything is confirmed, or false when it cannot be now.
  save = async () => {
    clearTimeout(this.#timer);
    if (this.#sending) await this.#sending.done;
    if (this.state.conflict || this.state.saving === "refused") return false;
    if (!this.#queue.length && !this.batch) return true;
    const done = this.#send();
    this.#sending = { done };
    const isDone = await done;
    this.#sending = null;
    if (isDone && (this.#queue.length || this.batch)) return this.save();
    return isDone;
  };

  async #send() {
    // A batch whose answer never came keeps its key: sent again it is not done twice.
    this.batch ??= { key: newKey(), ops: this.#queue.splice(0, MOST_OPS), revision: this.state.revision };
    this.#keep();
    if (this.state.saving !== "away") this.#set({ saving: "saving" });
    try {
      const saved = await ask("POST", `/api/v1/workflows/${this.id}/ops`, { revision: this.batch.revision, ops: this.batch.ops }, { key: this.batch.key, outlivesPage: true });
      this.confirmed = applyOps(this.confirmed, this.batch.ops).document;
      if (this.state.saving === "away") this.tell({ tone: "done", text: "Connected again. Your changes are saved." });
      this.batch = null;
      this.#tries = 0;
      this.#set({ revision: saved.revision, problems: saved.problems, worst: saved.worst_case, hasUnpublished: saved.has_unpublished, saving: this.#queue.length ? "unsaved" : "saved", savedAt: new Date() });
      this.#keep();
      return true;
    } catch (error) {
      return this.#notSaved(error);
    }
  }

  async #notSaved(error) {
    if (error instanceof Away) {
      this.#set({ saving: "away" });
      this.#keep();
      clearTimeout(this.#timer);
      if (!this.#isOver) this.#timer = setTimeout(() => this.save(), RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)]);
      return false;
    }
    if (!(error instanceof Refused)) throw error;
    if (error.status === 409) return this.#rebase();
    if (error.status === 401) { window.location.assign("/login"); return false; }
    // With the next change all of it is sent again, perhaps without what was wrong with it.
    this.#queue.unshift(...this.batch.ops);
    this.batch = null;
    this.#set({ saving: "refused" });
    this.tell({ tone: "failed", text: `Not saved. ${inWords(error)} Your changes are still here; undo the last one and try again.`, stays: true });
    return false;
  }

  // Somebody else has saved: their version is the ground now, and what is unsaved here comes on top of it.
  async #rebase() {
    let theirs;
    try {
      theirs = await ask("GET", `/api/v1/workflows/${this.id}`);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) {
        this.#set({ saving: "refused" });
        this.tell({ tone: "failed", text: "This workflow was deleted meanwhile. Your changes are still here: select all steps and copy them to keep them.", stays: true });
        return false;
      }
      return this.#notSaved(error);
    }
    const mine = [...(this.batch?.ops ?? []), ...this.#queue];
    const conflicts = conflictsOf(this.confirmed, theirs.document, mine);
    if (conflicts.length) {
      this.#set({ saving: "stale", conflict: { theirs, mine, conflicts } });
      return false;
    }
    this.#putOnTop(theirs, mine);
    this.tell({ tone: "waiting", text: "Somebody else changed this workflow meanwhile. It was loaded again, and your changes are on top of theirs." });
    return true;
  }

  // The answer to a conflict: keep mine (on top of theirs), or take theirs and let mine go.
  settle = (keepsMine) => {
    const { theirs, mine } = this.state.conflict;
    this.#set({ conflict: null });
    if (!keepsMine) { this.#past = []; this.#future = []; }
    this.#putOnTop(theirs, keepsMine ? mine : []);
    this.#later(0);
  };

  #putOnTop(theirs, mine) {
    const left = [];
    const { document } = applyOps(theirs.document, mine, (op) => left.push(op));
    this.batch = null;
    this.#queue = mine.filter((op) => !left.includes(op));
    this.#took(theirs);
    this.#set({ document, saving: this.#queue.length ? "unsaved" : "saved" });
    this.#keep();
    if (left.length) this.tell({ tone: "waiting", text: `${left.length === 1 ? "One of your changes" : `${left.length} of your changes`} had nothing to be put on any more: the step is gone.`, stays: true });
  }

  // Looks whether somebody else has saved; only while nothing is unsaved here.
  refresh = async () => {
    if (this.hasUnsaved || this.batch || this.state.conflict) return;
    const theirs = await ask("GET", `/api/v1/workflows/${this.id}`).catch((error) => { if (error instanceof Away || error instanceof Refused) return null; throw error; });
    if (!theirs || this.hasUnsaved || this.batch) return;
    if (theirs.revision === this.state.revision) { if (theirs.live_version !== this.state.live) this.#set({ live: theirs.live_version, hasUnpublished: theirs.has_unpublished }); return; }
    this.#past = []; this.#future = [];
    this.#took(theirs);
    this.#set({ saving: "saved" });
    this.tell({ tone: "waiting", text: "Somebody else changed this workflow. You see their version now." });
  };

  // A new version is the draft as it is; one that was put live again may be anything.
  published = (version) => {
    const isNew = version > this.state.last;
    this.#set({ live: version, last: Math.max(version, this.state.last), hasUnpublished: isNew ? false : undefined });
    if (!isNew) ask("GET", `/api/v1/workflows/${this.id}`).then((now) => now.revision === this.state.revision && this.#set({ hasUnpublished: now.has_unpublished }), (error) => { if (!(error instanceof Away || error instanceof Refused)) throw error; });
  };

  #keep() {
    keep(this.id, { batch: this.batch ?? null, ops: this.#queue });
  }

  #restore() {
    const { batch, ops } = keptOf(this.id), kept = [...(batch?.ops ?? []), ...ops];
    if (!kept.length) return;
    const left = [];
    const { document } = applyOps(this.state.document, kept, (op) => left.push(op));
    this.#queue = kept.filter((op) => !left.includes(op));
    this.state = { ...this.state, document, saving: this.#queue.length ? "unsaved" : "saved" };
    this.#keep();
    if (!this.#queue.length) return;
    this.tell({ tone: "done", text: "Changes that were not saved before this page was closed are back." });
    this.#later(0);
  }

  close = () => { this.#isOver = true; clearTimeout(this.#timer); };
  open = () => { this.#isOver = false; if (this.#queue.length) this.#later(WAIT_MS); };
}
