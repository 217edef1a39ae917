// What is being typed and was not handed over yet: whoever lets the page go hands it over first.

const waiting = new Set();

/** `flush` hands over what one field holds; it is called once, unless the field says before that it has done so itself. */
export const isTyped = (flush) => waiting.add(flush);
export const isHandedOver = (flush) => waiting.delete(flush);

export function handOverAll() {
  for (const flush of [...waiting]) flush();
}
