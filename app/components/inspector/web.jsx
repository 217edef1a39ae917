// Settings of a step that calls a web address: its headers, what is sent, and the secret that goes along.

import { Plus } from "lucide-react";
import { useDesk, useProblems, useSetting } from "./desk.jsx";
import { Labelled, Problems, RowButtons, TemplateField } from "./fields.jsx";
import { JsonInput } from "./form.jsx";
import { freeName } from "./changes.js";
import { NameInput, noWords } from "./names.jsx";
import { renamed } from "./places.js";
import { ValueText } from "./value_text.jsx";
import { said } from "./words.js";

const without = (object, key) => Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

/** Names with a text each. */
export function Headers({ keys, label, help, schema }) {
  const { readOnly } = useDesk();
  const [value, set] = useSetting(keys);
  const names = Object.keys(value ?? {});
  const put = (next, words) => set(Object.keys(next).length ? next : undefined, words);
  return (
    <Labelled keys={keys} label={label} help={help}>
      {() => (
        <div className="ins-texts" data-testid={keys.join(".")}>
          {names.map((name, i) => (
            <Header key={i} i={i} name={name} keys={[...keys, name]} value={String(value[name] ?? "")} others={names.filter((other) => other !== name)}
              rename={(to) => put(renamed(value, name, to.trim()), `Rename “${name}”`)} set={(text) => put({ ...value, [name]: text }, `${name} in ${label}`)} remove={() => put(without(value, name), `Remove “${name}” from ${label}`)} />
          ))}
          {readOnly ? (names.length ? null : <p className="ins-none">None.</p>) : (
            <button type="button" className="ins-link" onClick={() => put({ ...value, [freeName("X-Header", names)]: "" }, `Add a header to ${label}`)}><Plus size={14} aria-hidden="true" />{schema["x-add"] ?? "Header"}</button>
          )}
        </div>
      )}
    </Labelled>
  );
}

function Header({ i, name, keys, value, others, rename, set, remove }) {
  const { readOnly } = useDesk();
  const problems = useProblems(keys);
  return (
    <div>
      <div className="row g4">
        <span style={{ width: 128, flex: "none" }}><NameInput value={name} commit={rename} refuse={(text) => noWords(text, others, "header")} label={`Name of header ${i + 1}`} className="sm" testId={`header-${i}`} /></span>
        <span className="sp"><ValueText isLine value={value} commit={set} label={`Value of ${name}`} isInvalid={problems.length > 0} testId={`header-value-${i}`} /></span>
        {readOnly ? null : <RowButtons i={i} count={1} remove={remove} name={said(name)} hasOrder={false} />}
      </div>
      <Problems problems={problems} />
    </div>
  );
}

/** A text, or a JSON value where the document holds one. */
export function Body({ keys, label, help, schema }) {
  const [value, set] = useSetting(keys);
  const isText = value === undefined || value === null || typeof value === "string";
  return (
    <Labelled keys={keys} label={label} help={help} isWhole>
      {(told) => (isText
        ? <TemplateField {...told} value={value ?? ""} commit={(text) => set(text === "" ? undefined : text, label)} label={label} name={keys.join(".")} placeholder={schema["x-placeholder"]} />
        : <JsonInput {...told} value={value} commit={(next) => set(next, label)} label={label} />)}
    </Labelled>
  );
}

/** One of the stored secrets that have hosts, by its name. */
export function SecretPicker({ keys, label, help, schema }) {
  const { secrets, readOnly } = useDesk();
  const [value, set] = useSetting(keys);
  const chosen = value ?? "", usable = secrets.filter((secret) => secret.source === "stored" && secret.hosts.length), known = usable.find((secret) => secret.name === chosen);
  const told = known ? `Goes only to ${known.hosts.join(", ")}.` : usable.length ? help : "No secret is stored for a web address yet. Store one in Settings, with the hosts that it is for.";
  return (
    <Labelled keys={keys} label={label} help={told}>
      {({ id, isInvalid, describedBy }) => (
        <select id={id} className={`ins-sel wide ${isInvalid ? "is-bad" : ""}`} value={chosen} disabled={readOnly} aria-describedby={describedBy} data-testid={keys.join(".")} onChange={(event) => set(event.target.value || undefined, label)}>
          <option value="">{schema["x-none"] ?? "None"}</option>
          {chosen && !known ? <option value={chosen}>{`${chosen} (cannot be used here)`}</option> : null}
          {usable.map((secret) => <option key={secret.name} value={secret.name}>{secret.name}</option>)}
        </select>
      )}
    </Labelled>
  );
}
