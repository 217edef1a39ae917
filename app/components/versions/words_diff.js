// Which words of a text are new and which are gone: the longest common row of words stays.
const MOST = 500;

// `[{text, mark: ""|"added"|"removed"}]`, or null where the texts are too long to be compared word by word.
export function wordsDiff(before, after) {
  const old = before.match(/\s+|[^\s]+/g) ?? [], fresh = after.match(/\s+|[^\s]+/g) ?? [];
  if (old.length > MOST || fresh.length > MOST) return null;
  const common = table(old, fresh), parts = [];
  const add = (text, mark) => { const last = parts[parts.length - 1]; if (last?.mark === mark) last.text += text; else parts.push({ text, mark }); };
  let i = 0, j = 0;
  while (i < old.length && j < fresh.length) {
    if (old[i] === fresh[j]) { add(old[i], ""); i++; j++; }
    else if (common[i + 1][j] >= common[i][j + 1]) add(old[i++], "removed");
    else add(fresh[j++], "added");
  }
  while (i < old.length) add(old[i++], "removed");
  while (j < fresh.length) add(fresh[j++], "added");
  return parts;
}

function table(old, fresh) {
  const found = Array.from({ length: old.length + 1 }, () => new Uint16Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) found[i][j] = old[i] === fresh[j] ? found[i + 1][j + 1] + 1 : Math.max(found[i + 1][j], found[i][j + 1]);
  }
  return found;
}
