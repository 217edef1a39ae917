// A form for what a run starts with, made from the start step's schema.
export const startOf = (document) => document.nodes.find((node) => node.kind === "start")?.config?.inputs ?? { type: "object", properties: {} };

export function inputsOf(schema) {
  return Object.fromEntries(Object.entries(schema?.properties ?? {}).map(([key, field]) => [key, field?.default ?? (field?.type === "boolean" ? false : "")]));
}

// Only what the schema names and somebody filled in.
export function clean(values, schema) {
  const known = schema?.properties ?? {};
  return Object.fromEntries(Object.entries(values).filter(([key, value]) => key in known && value !== "" && value !== undefined && value !== null));
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");

export function InputForm({ schema, values, onChange }) {
  const fields = Object.entries(schema?.properties ?? {});
  if (!fields.length) return <p className="t12 mut">This workflow starts without any input.</p>;
  return fields.map(([key, field]) => (
    <Field key={key} name={key} field={field ?? {}} isRequired={(schema.required ?? []).includes(key)} value={values[key]} onChange={(value) => onChange({ ...values, [key]: value })} />
  ));
}

function Field({ name, field, isRequired, value, onChange }) {
  const id = `input-${name}`, label = field.title || sentence(name);
  if (field.type === "boolean") {
    return (
      <div className="field">
        <label className="row"><input id={id} type="checkbox" checked={Boolean(value)} aria-describedby={field.description ? `${id}-means` : undefined} onChange={(event) => onChange(event.target.checked)} />{label}</label>
        {field.description ? <p className="mut t12" id={`${id}-means`}>{field.description}</p> : null}
      </div>
    );
  }
  return (
    <div className="field">
      <label className="lab" htmlFor={id}>{label}{isRequired ? null : <span className="mut">can be left out</span>}</label>
      <Control id={id} field={field} isRequired={isRequired} value={value} onChange={onChange} />
      {field.description ? <p className="mut t12">{field.description}</p> : null}
    </div>
  );
}

function Control({ id, field, isRequired, value, onChange }) {
  const common = { id, required: isRequired };
  if (Array.isArray(field.enum)) {
    return <select className="inp" {...common} value={value ?? ""} onChange={(event) => onChange(field.enum.find((one) => String(one) === event.target.value))}><option value="" />{field.enum.map((one) => <option key={String(one)} value={String(one)}>{String(one)}</option>)}</select>;
  }
  switch (field.type) {
    case "integer": case "number":
      return <input className="inp" type="number" step={field.type === "integer" ? 1 : "any"} min={field.minimum} max={field.maximum} {...common} value={value ?? ""} onChange={(event) => onChange(event.target.value === "" ? "" : Number(event.target.value))} />;
    case "string": return <textarea className="inp area" rows={(field.maxLength ?? 0) > 200 || !field.maxLength ? 3 : 1} maxLength={field.maxLength} {...common} value={value ?? ""} onChange={(event) => onChange(event.target.value)} />;
    default: return <Json id={id} value={value} onChange={onChange} />;
  }
}

// Lists and objects are written as JSON; until it can be read the field says so.
function Json({ id, value, onChange }) {
  const read = (event) => {
    const text = event.target.value;
    try { onChange(text.trim() ? JSON.parse(text) : ""); event.target.setCustomValidity(""); } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      event.target.setCustomValidity(`This cannot be read as JSON: ${error.message}`);
    }
  };
  return <textarea id={id} className="inp area mono" rows={4} defaultValue={value === "" || value === undefined ? "" : JSON.stringify(value, null, 2)} onChange={read} placeholder="[ ]" />;
}
