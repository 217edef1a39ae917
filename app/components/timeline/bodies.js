// A body that an event only names: `{$ref, field, bytes}` stands for what is at that address in that field.
export const isReference = (value) => Boolean(value && typeof value === "object" && typeof value.$ref === "string" && typeof value.bytes === "number");
