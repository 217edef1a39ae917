// What the dialogs about tools are made of: a labelled field, a choice of a few, rows of names with values, what is wrong.

import { useId } from "react";
import { CircleX, Plus, X } from "lucide-react";

export function Wrong({ words, id }) {
  return words?.length ? <div id={id}>{words.map((text, i) => <p key={i} className="wrong failed" role="alert"><CircleX size={14} aria-hidden="true" /><span>{text}</span></p>)}</div> : null;
}

/** A label above a control; `children` is called with what the control needs. */
export function Field({ label, help, wrong = [], aside, children }) {
  const id = useId(), describedBy = [help ? `${id}h` : "", wrong.length ? `${id}w` : ""].filter(Boolean).join(" ") || undefined;
  return (
    <div className="col g4 field">
      <div className="row"><label className="lab tl-lab" htmlFor={id}>{label}</label>{aside}</div>
      {children({ id, "aria-describedby": describedBy, "aria-invalid": wrong.length ? true : undefined })}
      {help ? <span id={`${id}h`} className="mut t12">{help}</span> : null}
      <Wrong words={wrong} id={`${id}w`} />
    </div>
  );
}

/** One or several of a few, each with what it means. */
export function Choices({ legend, type, options, isOn, choose }) {
  const name = useId();
  return (
    <fieldset className="ticks-of">
      <legend className="lab">{legend}</legend>
      {options.map(([value, { word, told }]) => (
        <label className="tick-row" key={value}>
          <input type={type} name={name} checked={isOn(value)} onChange={(event) => choose(value, event.target.checked)} />
          <span className="col"><b className="md">{word}</b><span className="mut t12">{told}</span></span>
        </label>
      ))}
    </fieldset>
  );
}

/** Names with a text each: `[[name, text]]`. */
export function Pairs({ label, one, pairs, set, wrong, focus, help }) {
  const put = (i, pair) => set(pairs.map((old, at) => (at === i ? pair : old)));
  return (
    <div className="col g4" role="group" aria-label={label}>
      {pairs.length ? <div className="lab tl-lab">{label}</div> : null}
      {pairs.map(([name, text], i) => (
        <div className="row g6" key={i}>
          <input className="inp tl-short" value={name} aria-label={`Name of ${one} ${i + 1}`} placeholder="Name" spellCheck={false} autoComplete="off" onChange={(event) => put(i, [event.target.value, text])} />
          <input className="inp sp" value={text} aria-label={`Value of ${one} ${i + 1}`} placeholder="Value" spellCheck={false} autoComplete="off" {...focus((value) => put(i, [name, value]))} onChange={(event) => put(i, [name, event.target.value])} />
          <button type="button" className="btn sm ghost ic" aria-label={`Remove ${one} ${i + 1}`} onClick={() => set(pairs.filter((_, at) => at !== i))}><X size={14} aria-hidden="true" /></button>
        </div>
      ))}
      <Wrong words={wrong} />
      <span><button type="button" className="btn sm" onClick={() => set([...pairs, ["", ""]])}><Plus size={14} aria-hidden="true" />{`Add a ${one}`}</button></span>
      {help && pairs.length ? <span className="mut t12">{help}</span> : null}
    </div>
  );
}

/** The question before what was typed is thrown away, in the place of the buttons. */
export function Leaving({ stay, leave }) {
  return (
    <>
      <span className="sp" role="status">Close without saving what you typed?</span>
      <button type="button" className="btn" autoFocus onClick={stay}>Go on editing</button>
      <button type="button" className="btn danger" onClick={leave}>Close without saving</button>
    </>
  );
}
