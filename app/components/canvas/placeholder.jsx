// Until the inspector is here: the name of what is selected.
export function Inspector({ document, selected, readOnly, change }) {
  const node = typeof selected === "string" ? document.nodes.find((one) => one.id === selected) : null;
  const [target, id, key, value] = node ? ["node", node.id, "title", node.title ?? ""] : ["document", undefined, "name", document.name ?? ""];
  return (
    <div style={{ padding: 16 }}>
      <label className="lab" htmlFor="inspector-name">{node ? "Name of the step" : "Name of the workflow"}</label>
      <input id="inspector-name" className="inp" style={{ width: "100%" }} value={value} disabled={readOnly} onChange={(event) => change([{ op: "update", target, ...(id ? { id } : {}), value: { [key]: event.target.value } }], "Rename")} />
    </div>
  );
}
