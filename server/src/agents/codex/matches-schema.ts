import { objectOf, listField, type JsonObject } from '../../lib/json-fields.ts';
import { objectIn } from './fields.ts';

/**
 * Whether a value has the shape that a JSON Schema asks for: types, required and additional properties,
 * items, `enum`, `const` and their combinations. Lengths, patterns, formats and references are not looked
 * at: the model was bound to the schema already, and this only catches an answer that is no answer.
 */
export function matchesSchema(value: unknown, schema: unknown): boolean {
  if (typeof schema === 'boolean') return schema;
  const rules = objectOf(schema);
  if (rules === undefined) return true;
  return (
    hasType(value, rules['type']) &&
    isOneOf(value, rules) &&
    combines(value, rules) &&
    (objectOf(value) === undefined || propertiesMatch(objectOf(value) ?? {}, rules)) &&
    (!Array.isArray(value) || value.every((item) => matchesSchema(item, rules['items'])))
  );
}

function hasType(value: unknown, type: unknown): boolean {
  if (type === undefined) return true;
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  return types.some((name) => isA(value, name));
}

function isA(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return objectOf(value) !== undefined;
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function isOneOf(value: unknown, rules: JsonObject): boolean {
  const same = (other: unknown): boolean => JSON.stringify(other) === JSON.stringify(value);
  const listed = Array.isArray(rules['enum']) ? listField(rules, 'enum').some((item) => same(item)) : true;
  return listed && (!('const' in rules) || same(rules['const']));
}

function combines(value: unknown, rules: JsonObject): boolean {
  const fits = (schema: unknown): boolean => matchesSchema(value, schema);
  const some = (name: string): boolean => !Array.isArray(rules[name]) || listField(rules, name).some(fits);
  return listField(rules, 'allOf').every(fits) && some('anyOf') && some('oneOf');
}

function propertiesMatch(value: JsonObject, rules: JsonObject): boolean {
  const properties = objectIn(rules, 'properties') ?? {};
  const required = listField(rules, 'required');
  return (
    required.every((name) => typeof name !== 'string' || Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, item]) =>
      matchesSchema(
        item,
        Object.hasOwn(properties, name) ? properties[name] : (rules['additionalProperties'] ?? true),
      ),
    )
  );
}
