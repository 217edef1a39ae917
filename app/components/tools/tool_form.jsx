// Makes a web tool or changes one: what it is, what it is given, the request, what a call does; beside it, a call to try.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Dialog } from "../dialog/dialog.jsx";
import { rest, restAll } from "../rest/rest.js";
import { Arguments } from "./arguments.jsx";
import { draftOf, elsewhere, METHODS, mayGo, read, sendsBody, wrongWith } from "./draft.js";
import { Choices, Field, Leaving, Pairs, Wrong } from "./parts.jsx";
import { Trial } from "./trial.jsx";
import { CARRIES, EFFECTS, ORIGINS } from "./words.js";
import "./tools.css";

export function ToolForm({ name, onSaved, onClose }) {
  const loaded = useTool(name);
  if (!loaded.tools) {
    return <Dialog title={name ? `Change ${name}` : "New tool"} size="wide" onClose={onClose}>{loaded.error ? <Wrong words={[loaded.error.message, loaded.error.hint]} /> : <p className="mut">Loading …</p>}</Dialog>;
  }
  return <Form key={name} tool={loaded.tool} taken={name ? [] : loaded.names} secrets={loaded.secrets} onSaved={onSaved} onClose={onClose} />;
}

// The tool, the names that are taken, and the secrets that there are.
function useTool(name) {
  const [loaded, setLoaded] = useState({});
  useEffect(() => {
    let isOver = false;
    (async () => {
      const [tools, catalog, secrets] = await Promise.all([rest("GET", "/tools"), rest("GET", "/tools/catalog"), restAll("/secrets")]);
      if (isOver) return;
      const tool = tools.body?.items.find((one) => one.name === name), error = tools.error ?? catalog.error ?? secrets.error;
      if (error) setLoaded({ error });
      else if (name && !tool) setLoaded({ error: { message: `There is no tool ${name} any more.`, hint: "Somebody has removed it. Close this, and make another one." } });
      else setLoaded({ tools: true, tool, secrets: secrets.body, names: catalog.body.items.map((one) => one.name) });
    })();
    return () => { isOver = true; };
  }, [name]);
  return loaded;
}

function Form({ tool, taken, secrets, onSaved, onClose }) {
  const start = useMemo(() => draftOf(tool), [tool]);
  const [draft, setDraft] = useState(start), [problems, setProblems] = useState([]), [refusal, setRefusal] = useState(null), [busy, setBusy] = useState(false), [isLeaving, setLeaving] = useState(false);
  const body = useRef(null), wire = useWiring(), changes = useRef(0);
  const change = (patch) => { changes.current += 1; setDraft((old) => ({ ...old, ...patch })); };
  const wrong = (field) => wrongWith(problems, field);
  const leave = () => (changes.current ? setLeaving(true) : onClose?.());
  // The first thing that is wrong comes into sight.
  useEffect(() => { if (problems.length) body.current?.querySelector("[aria-invalid=true]")?.focus(); }, [problems]);
  const save = async () => {
    const { name, definition, problems: found } = read(draft, { taken });
    setProblems(found);
    setRefusal(null);
    if (found.length) return;
    setBusy(true);
    const { error } = await rest("PUT", `/tools/${encodeURIComponent(name)}`, definition);
    setBusy(false);
    if (!error) return onSaved?.();
    setProblems(error.problems ?? []);
    setRefusal(error.problems?.length && !elsewhere(error.problems).length ? null : error);
  };
  const footer = isLeaving ? <Leaving stay={() => setLeaving(false)} leave={() => onClose?.()} /> : (
    <>
      <button type="button" className="btn pri" disabled={busy} onClick={save}>Save</button>
      <button type="button" className="btn" onClick={leave}>Cancel</button>
      <span className="sp" role="status">{problems.length ? <span className="st failed">{problems.length === 1 ? "One thing is to be corrected." : `${problems.length} things are to be corrected.`}</span> : null}</span>
    </>
  );
  const trial = { ask: () => { const found = read(draft); return { ...found, problems: found.problems.filter(({ field }) => field !== "name" && field !== "description") }; }, schema: schemaShown(draft), secrets, tell: setProblems, stale: changes.current };
  return (
    <Dialog title={tool ? `Change ${tool.name}` : "New tool"} size="wide" onClose={leave} busy={busy} footer={footer}>
      <div className="tl-form" ref={body}>
        <div className="col tl-parts">
          <About draft={draft} change={change} wrong={wrong} isNew={!tool} />
          <Arguments draft={draft} change={change} problems={problems} />
          <Request draft={draft} change={change} wrong={wrong} wire={wire} secrets={secrets} />
          <Effects draft={draft} change={change} wrong={wrong} />
          {refusal ? <Wrong words={[`${refusal.message} ${refusal.hint ?? ""}`]} /> : null}
        </div>
        <Trial {...trial} />
      </div>
    </Dialog>
  );
}

const schemaShown = (draft) => { try { return read(draft).definition.parameters; } catch { return {}; } };

function About({ draft, change, wrong, isNew }) {
  return (
    <section className="col g12" aria-label="What it is">
      <Field label="Name" help={isNew ? "As agents and steps name it: letters, digits, _ and -." : "Agents and steps know it by this name, so it stays."} wrong={wrong("name")}>
        {(told) => <input {...told} className="inp mono" value={draft.name} readOnly={!isNew} placeholder="find_order" spellCheck={false} autoComplete="off" onChange={(event) => change({ name: event.target.value })} />}
      </Field>
      <Field label="What it does" help="A model reads this to decide when to call it. Say what comes back, and when not to use it." wrong={wrong("description")}>
        {(told) => <textarea {...told} className="inp" rows={3} value={draft.description} placeholder="Looks up an order by its number. Gives its state and its total." onChange={(event) => change({ description: event.target.value })} />}
      </Field>
    </section>
  );
}

function Request({ draft, change, wrong, wire, secrets }) {
  const names = (draft.fields ?? []).map((field) => field.name).filter(Boolean);
  return (
    <section className="col g12" aria-label="The request">
      <h3>The request</h3>
      <div className="tl-line">
        <Field label="Method" wrong={wrong("method")}>
          {(told) => <select {...told} className="inp" value={draft.method} onChange={(event) => change({ method: event.target.value })}>{METHODS.map((method) => <option key={method}>{method}</option>)}</select>}
        </Field>
        <Field label="Address" wrong={wrong("url")}>
          {(told) => <input {...told} className="inp mono" value={draft.url} placeholder="https://shop.example.com/orders/{{ arguments.order_id }}" spellCheck={false} autoComplete="off" inputMode="url" {...wire.focus((url) => change({ url }))} onChange={(event) => change({ url: event.target.value })} />}
        </Field>
      </div>
      {names.length ? (
        <div className="row g6 tl-chips" role="group" aria-label="Put an argument in">
          <span className="mut t12">Put in:</span>
          {names.map((name) => <button type="button" className="val" key={name} onMouseDown={(event) => event.preventDefault()} onClick={() => wire.insert(name, draft.url, (url) => change({ url }))}>{name}</button>)}
        </div>
      ) : null}
      <Pairs label="Behind the address (query)" one="query value" pairs={draft.query} set={(query) => change({ query })} wrong={wrong("query")} focus={wire.focus} help="What has no value is left out." />
      <Pairs label="Headers" one="header" pairs={draft.headers} set={(headers) => change({ headers })} wrong={wrong("headers")} focus={wire.focus} help="No key belongs here: choose a secret below." />
      {sendsBody(draft.method) || wrong("body").length ? (
        <Field label="Body" help={'JSON, such as {"id": "{{ arguments.order_id }}"}, or a text. An argument alone in a pair of quotes keeps its type.'} wrong={wrong("body")}>
          {(told) => <textarea {...told} className="inp mono" rows={4} value={draft.body} spellCheck={false} {...wire.focus((text) => change({ body: text }))} onChange={(event) => change({ body: event.target.value })} />}
        </Field>
      ) : null}
      <Secret draft={draft} change={change} wrong={wrong} secrets={secrets} />
    </section>
  );
}

function Secret({ draft, change, wrong, secrets }) {
  const usable = secrets.filter((one) => one.source === "stored" && one.hosts.length), known = usable.find((one) => one.name === draft.secret);
  const goes = known ? `It goes to ${known.hosts.join(", ")} only, as ${known.header || "Authorization: Bearer"}. Nobody reads it here.` : usable.length ? "A stored key that goes along; nobody reads it here." : "No secret is stored for a web address yet. Store one under Models and keys, with the hosts that it is for.";
  const told = [...wrong("secret"), ...(known && !mayGo(known.hosts, draft.url) ? [`${known.name} may not go to this address: it is for ${known.hosts.join(", ")}.`] : [])];
  return (
    <Field label="Secret" help={goes} wrong={told}>
      {(control) => (
        <select {...control} className="inp" value={draft.secret} onChange={(event) => change({ secret: event.target.value })}>
          <option value="">None</option>
          {draft.secret && !known ? <option value={draft.secret}>{`${draft.secret} (cannot be used here)`}</option> : null}
          {usable.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
        </select>
      )}
    </Field>
  );
}

function Effects({ draft, change, wrong }) {
  const effects = Object.entries(EFFECTS).filter(([name]) => name === draft.effect || name === "idempotent" || name === "unsafe");
  const tick = (origin, isOn) => change({ origins: isOn ? [...draft.origins, origin] : draft.origins.filter((one) => one !== origin) });
  return (
    <section className="col g12" aria-label="What a call does">
      <h3>What a call does</h3>
      <Choices legend="To the world" type="radio" options={effects} isOn={(effect) => draft.effect === effect} choose={(effect) => change({ effect })} />
      <Choices legend="Its results" type="checkbox" options={Object.entries(ORIGINS)} isOn={(origin) => draft.origins.includes(origin)} choose={tick} />
      <Wrong words={[...wrong("effect"), ...wrong("origins"), ...wrong("carries")]} />
      <div className="tl-line is-even">
        <Field label="Does a call tell others what it is given?" help="If it does, private data needs a person first.">
          {(told) => <select {...told} className="inp" value={String(draft.carries)} onChange={(event) => change({ carries: CARRIES.find(({ value }) => String(value) === event.target.value).value })}>{CARRIES.map(({ value, word }) => <option key={word} value={String(value)}>{word}</option>)}</select>}
        </Field>
        <Field label="What a call costs, US dollars" help="It counts towards the limits of a run." wrong={wrong("cost_usd")}>
          {(told) => <input {...told} className="inp" value={draft.cost} inputMode="decimal" placeholder="0" autoComplete="off" onChange={(event) => change({ cost: event.target.value })} />}
        </Field>
      </div>
    </section>
  );
}

// Which text an argument is put into: the one that had the focus last, at its caret.
function useWiring() {
  const last = useRef(null);
  const focus = useCallback((set) => {
    const keep = (event) => { last.current = { element: event.target, set }; };
    return { onFocus: keep, onSelect: keep };
  }, []);
  const insert = useCallback((name, fallback, setFallback) => {
    const written = `{{ arguments.${name} }}`, { element, set } = last.current ?? {};
    if (!element?.isConnected) return setFallback(fallback + written);
    const { selectionStart: from, selectionEnd: to, value } = element;
    set(value.slice(0, from) + written + value.slice(to));
    requestAnimationFrame(() => { element.focus(); element.setSelectionRange(from + written.length, from + written.length); });
  }, []);
  return { focus, insert };
}
