// Reads and changes a value deep inside a JSON value, without changing what was given.

/** `config.labels[0].port` as keys; `start` is what stands in front and is left out. */
export function keysOf(field, start = "config") {
  const keys = [];
  for (const [, name, index] of field.matchAll(/(?:^|\.)([^.[\]]+)|\[(\d+)\]/g)) keys.push(index === undefined ? name : Number(index));
  return keys[0] === start ? keys.slice(1) : keys;
}

export function at(value, keys) {
  return keys.reduce((inner, key) => inner?.[key], value);
}

/** The same with another value at the place; undefined takes the key away. */
export function put(value, keys, wanted) {
  if (!keys.length) return wanted;
  const [key, ...rest] = keys;
  const holder = value ?? (typeof key === "number" ? [] : {});
  const inner = put(holder[key], rest, wanted);
  if (Array.isArray(holder)) return holder.map((item, i) => (i === key ? inner : item)).concat(key >= holder.length ? [inner] : []);
  const { [key]: _, ...others } = holder;
  if (inner === undefined) return others;
  return { ...holder, [key]: inner };
}

export function moved(list, from, to) {
  if (to < 0 || to >= list.length) return list;
  const rest = list.filter((_, i) => i !== from);
  return [...rest.slice(0, to), list[from], ...rest.slice(to)];
}

/** An object with one key called otherwise, at the same place. */
export function renamed(object, from, to) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key === from ? to : key, value]));
}

export function same(a, b) {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
