// Who decides: roles, people by name, how many of them, and whether it must be somebody else.

import { useState } from "react";
import { Check, Plus, X } from "lucide-react";
import { useDesk, useProblems, useSetting } from "./desk.jsx";
import { Labelled, NumberInput, Problems, Switch } from "./fields.jsx";

const ROLES = { approver: "Approvers", operator: "Operators", editor: "Editors", publisher: "Publishers", admin: "Administrators", auditor: "Auditors", viewer: "Viewers" };

const initialsOf = (name) => name.split(/\s+/).map((word) => word[0] ?? "").join("").slice(0, 2).toUpperCase();

function Roles({ value, set, does = "decide" }) {
  const { readOnly } = useDesk();
  const toggle = (role) => set(value.includes(role) ? value.filter((old) => old !== role) : [...value, role]);
  const others = value.filter((role) => !(role in ROLES));
  return (
    <div className="ins-chips" role="group" aria-label={`Roles that may ${does}`}>
      {["approver", "operator", "editor", "publisher", "admin"].concat(value.filter((role) => ["auditor", "viewer"].includes(role)), others).map((role) => (
        <button type="button" key={role} className="ins-pill" aria-pressed={value.includes(role)} disabled={readOnly} onClick={() => toggle(role)}>
          {value.includes(role) ? <Check size={12} aria-hidden="true" /> : null}{ROLES[role] ?? role}
        </button>
      ))}
    </div>
  );
}

function People({ value, set, does = "decide" }) {
  const { people, readOnly } = useDesk();
  const [text, setText] = useState("");
  const add = (email) => { const wanted = email.trim(); if (wanted && !value.includes(wanted)) set([...value, wanted]); setText(""); };
  const left = people.filter((person) => !person.disabled_at && !value.includes(person.email));
  const byEmail = new Map(people.map((person) => [person.email, person]));
  const enter = (event) => { if (event.key === "Enter") { event.preventDefault(); add(text); } };
  return (
    <div className="ins-chips">
      {value.map((email) => {
        const name = byEmail.get(email)?.name ?? email;
        return (
          <span className="ins-person" key={email} title={email}>
            <span className="person" aria-hidden="true">{initialsOf(name)}</span>{name}
            {readOnly ? null : <button type="button" aria-label={`Remove ${name}`} onClick={() => set(value.filter((old) => old !== email))}><X size={12} aria-hidden="true" /></button>}
          </span>
        );
      })}
      {readOnly ? null : left.length ? (
        <select className="ins-sel sm" value="" aria-label="Add a person" data-testid="add-person" onChange={(event) => add(event.target.value)}>
          <option value="" disabled>Add a person</option>
          {left.map((person) => <option key={person.email} value={person.email}>{person.name} ({person.email})</option>)}
        </select>
      ) : people.length ? null : (
        <span className="row g4">
          <input className="inp sm" type="email" value={text} placeholder="E-mail address" aria-label={`E-mail address of a person who may ${does}`} onChange={(event) => setText(event.target.value)} onKeyDown={enter} onBlur={() => add(text)} />
          <button type="button" className="ins-link" onClick={() => add(text)}><Plus size={14} aria-hidden="true" />Person</button>
        </span>
      )}
    </div>
  );
}

const FILLS = { does: "fill it in", testId: "fillers", nobody: "Nobody is named, so every approver may fill it in." };
const CONSENTS = { does: "consent", testId: "consenters", nobody: "Nobody is named, so every approver may consent." };

export const FillersPicker = (given) => <OneOfThem {...given} words={FILLS} />;
export const ConsentersPicker = (given) => <OneOfThem {...given} words={CONSENTS} />;

// Roles and people of whom one is enough, whoever it is.
function OneOfThem({ keys, label, help, words }) {
  const { people } = useDesk();
  const [value, set] = useSetting(keys);
  const given = value ?? {}, roles = given.roles ?? [], users = given.users ?? [];
  const problems = useProblems(keys, true), able = ableOf(people, roles, users);
  const change = (patch) => set({ ...given, ...patch }, label);
  return (
    <fieldset className="ins-set" data-testid={words.testId}>
      <legend>{label}</legend>
      {help ? <p className="ins-help">{help}</p> : null}
      <Labelled label="Roles">{() => <Roles value={roles} set={(next) => change({ roles: next })} does={words.does} />}</Labelled>
      <Labelled label="People">{() => <People value={users} set={(next) => change({ users: next })} does={words.does} />}</Labelled>
      <p className="ins-help ins-field">
        {roles.length || users.length ? "One of them is enough. " : `${words.nobody} `}
        {people.length ? `${able.length === 1 ? "1 person" : `${able.length} people`} could do it today.` : ""}
      </p>
      <Problems problems={problems} />
    </fieldset>
  );
}

const ableOf = (people, roles, users) => people.filter((person) => !person.disabled_at && (person.roles.some((role) => roles.includes(role)) || users.includes(person.email) || (!roles.length && !users.length && person.roles.includes("approver"))));

export function ApproversPicker({ keys, label, help }) {
  const { people } = useDesk();
  const [value, set] = useSetting(keys);
  const given = value ?? {}, roles = given.roles ?? [], users = given.users ?? [], quorum = given.quorum ?? 1;
  const problems = useProblems(keys, true);
  const change = (patch) => {
    const next = { ...given, ...patch };
    set(Object.fromEntries(Object.entries(next).filter(([, part]) => part !== undefined)), label);
  };
  const able = ableOf(people, roles, users);
  return (
    <fieldset className="ins-set" data-testid="approvers">
      <legend>{label}</legend>
      {help ? <p className="ins-help">{help}</p> : null}
      <Labelled label="Roles">{() => <Roles value={roles} set={(next) => change({ roles: next })} />}</Labelled>
      <Labelled label="People">{() => <People value={users} set={(next) => change({ users: next })} />}</Labelled>
      <p className="ins-help ins-field">
        {roles.length || users.length ? "" : "Nobody is named, so every approver may decide. "}
        {people.length ? `${able.length === 1 ? "1 person" : `${able.length} people`} could decide today.` : ""}
        {people.length && able.length < quorum ? " That is fewer than have to agree." : ""}
      </p>
      <Labelled label="How many must agree">{({ id }) => <NumberInput id={id} value={given.quorum} fallback={1} isWholeNumber unit={quorum === 1 ? "person" : "people"} commit={(next) => change({ quorum: next })} label="How many must agree" />}</Labelled>
      <Switch value={given.four_eyes} commit={(next) => change({ four_eyes: next || undefined })} label="Somebody else decides" help="Whoever started the run or last changed the workflow may not decide." />
      <Problems problems={problems} />
    </fieldset>
  );
}
